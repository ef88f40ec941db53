import {
  discardBuffer,
  floatsToPixels,
  type Image,
  LatentError,
  NONCE_ANNOTATION,
  pixelsToFloats,
  type SampleFormat,
} from '@latent/core'
import { Destination, ioError, onDisk, publish } from '@latent/core/node'
import { isPng, type PngChunk, pngParts, readPngChunks, readPngTexts } from '@latent/core/png'
import { decodePicture, type PictureFile, readPicture, USUAL_MAX_PIXELS } from '@latent/data/node'
import {
  decryptPicture,
  encryptPicture,
  findScheme,
  openScheme,
  type OpenScheme,
  requireKeyKind,
  type Scheme,
  schemeOf,
  schemes,
} from '@latent/schemes'
import { readFile, stat } from 'node:fs/promises'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { parseNonce, readCipherKey } from './keys/index.ts'

export interface CryptOptions {
  readonly scheme?: string
  readonly keyFile: string
  readonly nonce?: string
  readonly force?: boolean
  readonly weights?: string
  readonly maxPixels?: number
  readonly json?: boolean
}

export interface EncryptOptions extends CryptOptions {
  readonly wire?: SampleFormat
  readonly deterministic?: boolean
  readonly check?: boolean
}

export interface DecryptOptions extends CryptOptions {
  readonly altered?: boolean
}

/** What is told of a picture, in JSON as it is here. */
interface Facts {
  readonly picture: string
  readonly out: string
  readonly scheme: string
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly sampleBits: number
  /** Names of PNG chunks that came along. */
  readonly carried: readonly string[]
}

export interface EncryptFacts extends Facts {
  readonly format: string
  /** In hexadecimal. */
  readonly nonce: string | null
  readonly checked: boolean
  readonly exact: boolean
  readonly oneWay: boolean
  readonly turned: boolean
  /** What the file held and the cipher picture does not. */
  readonly lost: readonly string[]
  readonly secret: 'key' | 'mask' | 'weights' | 'none'
}

export interface DecryptFacts extends Facts {
  readonly schemeNamed: boolean
  readonly key: 'right' | 'unknown'
  readonly cipherPicture: 'as written' | 'altered' | 'unknown'
  readonly besideLost: boolean
  /** The format that the cipher picture was written in, where it arrived in another one. */
  readonly writtenAs: string | null
}

export const DEFAULT_SCHEME = 'exact-flow'
const MAX_WEIGHT_BYTES = 2 ** 28
/** An empty chunk by which `--force` knows a decrypted picture; private and safe to copy, as its letters say. */
const DECRYPTED = 'laTd'

export async function encryptFile(source: string, target: string, options: EncryptOptions): Promise<EncryptFacts> {
  const { wire, deterministic = false, check = true, force = false, maxPixels = USUAL_MAX_PIXELS } = options
  await refuseTarget(source, target, force)
  const key = await readCipherKey(options.keyFile, { encrypting: true, json: options.json })
  const nonce = parseNonce(options.nonce)
  if (nonce && deterministic) throw new LatentError('E_ARGUMENT', '--nonce and --deterministic exclude each other')
  const scheme = findScheme(options.scheme ?? DEFAULT_SCHEME)
  requireKeyKind(key, scheme)
  const opened = await openWith(scheme, options)
  try {
    const { exact, wire: wires, secret } = opened.cipher.traits
    if (wire !== undefined && !wires.includes(wire))
      throw new LatentError(
        'E_ARGUMENT',
        `${scheme.id} writes cipher images as ${wires.join(' or ')}, not as ${wire}`,
        { hint: wires.length > 1 ? `give one of --wire ${wires.join(', ')}` : 'leave --wire away' },
      )
    const { image, beside, lost, format, turned } = await readSource(source, maxPixels)
    const travelling = beside.filter(({ type }) => type !== DECRYPTED)
    const facts = factsOf(source, target, scheme, image, travelling)
    const made = await encryptPicture(opened, image, key, {
      ...(nonce ? { nonce } : {}),
      ...(wire ? { wire } : {}),
      deterministic,
      check,
      beside: travelling,
    })
    discard(image, made.image)
    await write(target, asPixels(made.image), 0, made.chunks, { source, options, replace: isCipherPicture })
    return {
      ...facts,
      format,
      nonce: made.image.annotations?.[NONCE_ANNOTATION] ?? null,
      checked: check,
      exact,
      oneWay: !scheme.reversible,
      turned,
      lost,
      secret,
    }
  } finally {
    await opened.close()
  }
}

export async function decryptFile(source: string, target: string, options: DecryptOptions): Promise<DecryptFacts> {
  const { altered = false, force = false, maxPixels = USUAL_MAX_PIXELS } = options
  await refuseTarget(source, target, force)
  const key = await readCipherKey(options.keyFile, { json: options.json })
  const nonce = parseNonce(options.nonce)
  if (options.scheme !== undefined) findScheme(options.scheme)
  const { image, beside: chunks, format } = await readSource(source, maxPixels)
  if (format !== 'PNG')
    throw new LatentError('E_IMAGE', `this is a ${format} file, and cipher pictures are PNGs`, {
      hint: 'a service converted it, or it was never encrypted: take the file that was written',
    })
  const input = pixelsToFloats(image)
  const scheme = chooseScheme(schemeOf(input), options.scheme)
  requireKeyKind(key, scheme)
  const opened = await openWith(scheme, options)
  try {
    const back = await decryptPicture(opened, input, key, { ...(nonce ? { nonce } : {}), altered, chunks })
    const beside = [...back.beside, { type: DECRYPTED, data: new Uint8Array(0) }]
    discard(image, back.image)
    await write(target, asPixels(back.image), 6, beside, { source, options, replace: isDecryptedPicture })
    const written = input.annotations?.['latent:wire']
    return {
      ...factsOf(source, target, scheme, back.image, back.beside),
      schemeNamed: schemeOf(input) !== undefined,
      key: back.key,
      cipherPicture: back.picture,
      besideLost: back.besideLost,
      writtenAs: written !== undefined && written !== input.format ? written : null,
    }
  } finally {
    await opened.close()
  }
}

/**
 * A picture never chooses by itself the cipher that it meets the key with: whoever sends one could name a weak
 * one. It names its own, and another one is not tried on it.
 */
function chooseScheme(named: string | undefined, asked: string | undefined): Scheme {
  const scheme = findScheme(asked ?? DEFAULT_SCHEME)
  if (named === undefined || named === scheme.id) return scheme
  if (!schemes.some(({ id }) => id === named)) {
    throw new LatentError(
      'E_UNSUPPORTED',
      `this picture was encrypted with ${JSON.stringify(named.slice(0, 60))}, a cipher that this release does not know`,
      { hint: 'install the Latent that made it, or a newer one' },
    )
  }
  throw new LatentError(
    'E_ARGUMENT',
    `this picture was encrypted with ${named}, and ` +
      (asked === undefined ? `without --scheme it is taken for one of ${scheme.id}` : `--scheme ${asked} was given`),
    { hint: `give --scheme ${named}` },
  )
}

async function openWith(scheme: Scheme, { weights }: CryptOptions): Promise<OpenScheme> {
  if (weights === undefined) return openScheme(scheme)
  try {
    if ((await stat(onDisk(weights))).size > MAX_WEIGHT_BYTES)
      throw new LatentError('E_LIMIT', `${weights} is too large for a file of weights`, {
        hint: 'give a weights.safetensors that latent train wrote',
      })
    return await openScheme(scheme, { weights: new Uint8Array(await readFile(onDisk(weights))) })
  } catch (error) {
    throw ioError(error, `cannot read ${weights}`)
  }
}

async function readSource(path: string, maxPixels: number): Promise<PictureFile> {
  if (path !== '-') return readPicture(path, { maxPixels })
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of process.stdin) {
    size += (part as Buffer).length
    if (size >= 2 ** 31)
      throw new LatentError('E_LIMIT', 'standard input holds more than 2 GiB', {
        hint: 'latent seal takes files of any size',
      })
    parts.push(part as Buffer)
  }
  return decodePicture(new Uint8Array(Buffer.concat(parts)), { maxPixels })
}

interface Writing {
  readonly source: string
  readonly options: CryptOptions
  readonly replace: (target: string) => Promise<boolean>
}

async function write(
  target: string,
  picture: Image,
  level: 0 | 6,
  chunks: readonly PngChunk[],
  { source, options, replace }: Writing,
): Promise<void> {
  const parts = pngParts(picture, level, chunks)
  if (target === '-') {
    for (const part of parts) if (!process.stdout.write(part)) await once(process.stdout, 'drain')
    return
  }
  const destination = new Destination()
  for (const input of [source, options.keyFile, options.weights])
    if (input !== undefined && input !== '-') destination.protect(input)
  await publish(target, parts, { mode: await modeLike(source), destination, ...(options.force ? { replace } : {}) })
}

/** A picture that others may not read stays so. */
async function modeLike(source: string): Promise<number> {
  return source === '-' ? 0o666 : (await stat(onDisk(source))).mode & 0o666
}

/**
 * Programs and clouds that go by such a name convert what it holds, and a cipher picture that was converted is lost.
 */
const OTHER_KIND = /\.(?:jpe?g|jfif|jxl|webp|avif|hei[cf]|tiff?|gif|bmp)$/i

/** Before minutes are spent on a picture that has no place to go; the step in which it appears looks again. */
async function refuseTarget(source: string, target: string, force: boolean): Promise<void> {
  if (target === '-') return
  if (OTHER_KIND.test(target))
    throw new LatentError('E_ARGUMENT', `${target} would be a PNG under the name of another kind of picture`, {
      hint: 'what is written is a PNG: let the name end in .png',
    })
  if (source !== '-' && resolve(source) === resolve(target))
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

/**
 * Gives back the memory of a picture that is no longer needed; the collector would count it late. Small arrays may
 * share theirs.
 */
function discard({ data: { buffer } }: Image, made: Image): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LARGE && buffer !== made.data.buffer) discardBuffer(buffer)
}

const LARGE = 1 << 20

const asPixels = (result: Image): Image => (result.format === 'f32' ? floatsToPixels(result as Image<'f32'>) : result)

const BITS: Readonly<Record<SampleFormat, number>> = { u8: 8, u16: 16, f32: 32 }

const factsOf = (
  picture: string,
  out: string,
  { id }: Scheme,
  { width, height, channels, format }: Image,
  carried: readonly PngChunk[],
): Facts => ({
  picture,
  out,
  scheme: id,
  width,
  height,
  channels,
  sampleBits: BITS[format],
  carried: [...new Set(carried.map(({ type }) => type))],
})
