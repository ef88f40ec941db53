import { type Image, LatentError } from '@latent/core'
import { Destination, onDisk, publish } from '@latent/core/node'
import { isPng, type PngChunk, pngParts, readPngChunks, readPngTexts } from '@latent/core/png'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { decodePicture, type PictureFile, readPicture } from '../node/index.ts'

/** A file, or bytes that come as a stream, which are taken into memory. */
export type PictureSource = string | AsyncIterable<Uint8Array>
/** A file, or whatever takes the bytes of a PNG part by part. */
export type PictureSink = string | ((part: Uint8Array) => Promise<void>)

const MAX_STREAM_BYTES = 2 ** 31

/** @throws E_LIMIT for a stream of 2 GiB or more, and for more pixels than these; E_IMAGE; E_IO */
export async function readSource(source: PictureSource, maxPixels: number): Promise<PictureFile> {
  if (typeof source === 'string') return readPicture(source, { maxPixels })
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of source) {
    size += part.length
    if (size >= MAX_STREAM_BYTES)
      throw new LatentError('E_LIMIT', 'standard input holds more than 2 GiB', {
        hint: 'latent seal takes files of any size',
      })
    parts.push(part)
  }
  return decodePicture(new Uint8Array(Buffer.concat(parts)), { maxPixels })
}

/** An empty chunk by which a decrypted picture is known; private and safe to copy, as its letters say. */
export const DECRYPTED = 'laTd'

/** Which pictures of earlier runs may be replaced. */
export type Replaceable = 'cipher pictures' | 'decrypted pictures' | 'none'

/** What is to be written, and what it must not take the place of. */
export interface Writing {
  readonly picture: Image
  /** Of deflate: 0 stores, which noise does not suffer by. */
  readonly level: 0 | 6
  readonly chunks: readonly PngChunk[]
  /** Its permissions are those of the result, less what makes a file a program. */
  readonly source: PictureSource
  /** Inputs. */
  readonly protect: readonly (string | undefined)[]
  readonly replace: Replaceable
}

/** Writes a picture whole or not at all. @throws E_EXISTS; E_IO */
export async function write(
  target: PictureSink,
  { picture, level, chunks, source, protect, replace }: Writing,
): Promise<void> {
  const parts = pngParts(picture, level, chunks)
  if (typeof target !== 'string') {
    for (const part of parts) await target(part)
    return
  }
  const destination = new Destination()
  for (const input of [source, ...protect]) if (typeof input === 'string') destination.protect(input)
  await publish(target, parts, {
    mode: await modeLike(source),
    destination,
    ...(replace === 'none' ? {} : { replace: replace === 'cipher pictures' ? isCipherPicture : isDecryptedPicture }),
  })
}

/** A picture that others may not read stays so. */
async function modeLike(source: PictureSource): Promise<number> {
  return typeof source === 'string' ? (await stat(onDisk(source))).mode & 0o666 : 0o666
}

/**
 * Programs and clouds that go by such a name convert what it holds, and a cipher picture that was converted is lost.
 */
const OTHER_KIND = /\.(?:jpe?g|jfif|jxl|webp|avif|hei[cf]|tiff?|gif|bmp)$/i

/**
 * Before minutes are spent on a picture that has no place to go; the step in which it appears looks again.
 * @throws E_ARGUMENT for a name of another kind of picture; E_EXISTS
 */
export async function requirePlace(source: PictureSource, target: PictureSink, force: boolean): Promise<void> {
  if (typeof target !== 'string') return
  if (OTHER_KIND.test(target))
    throw new LatentError('E_ARGUMENT', `${target} would be a PNG under the name of another kind of picture`, {
      hint: 'what is written is a PNG: let the name end in .png',
    })
  if (typeof source === 'string' && resolve(source) === resolve(target))
    throw new LatentError('E_EXISTS', 'input and output are the same file', { hint: 'give another output name' })
  const there = await stat(onDisk(target)).catch(() => undefined)
  if (there && !force)
    throw new LatentError('E_EXISTS', `${target} already exists`, {
      hint: '--force replaces a picture that an earlier run of this command wrote',
    })
}

const isCipherPicture = (path: string): Promise<boolean> =>
  holds(path, bytes => Object.keys(readPngTexts(bytes)).some(name => name.startsWith('latent:')))
const isDecryptedPicture = (path: string): Promise<boolean> =>
  holds(path, bytes => readPngChunks(bytes).some(({ type }) => type === DECRYPTED))

async function holds(path: string, mark: (bytes: Uint8Array) => boolean): Promise<boolean> {
  const bytes = new Uint8Array(await readFile(onDisk(path)))
  try {
    return isPng(bytes) && mark(bytes)
  } catch {
    return false
  }
}
