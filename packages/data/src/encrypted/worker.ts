import {
  deriveKey,
  fromHex,
  hmacSha256,
  type Image,
  type ImageCipher,
  LatentError,
  NONCE_ANNOTATION,
  sha256,
  sha256Of,
  toHex,
  repeatably,
} from '@latent/core'
import { encodePng } from '@latent/core/png'
import { cifarLabels, encodeCifarBatch } from '../raster-sets.ts'
import { decodeImage } from '../node/decode.ts'
import { openScheme } from '@latent/schemes'
import { Destination, ioError, onDisk, publishNow } from '@latent/core/node'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Direction, Entry, Layout } from './manifest.ts'
import { type ImageShape, MAX_FILE_BYTES, rawImages, requireShape } from './source.ts'

/** What every task of a run has in common. */
export interface RunContext {
  readonly direction: Direction
  readonly scheme: string
  readonly key: Uint8Array
  readonly salt: string
  readonly layout: Layout
  readonly shape: ImageShape
  readonly out: string
}

/** Images of one CIFAR or idx file, from number `start` on. */
export interface RawTask {
  readonly context: RunContext
  readonly target: string
  readonly start: number
  readonly bytes: Uint8Array
}

/** Picture files, each into a file of its own. */
export interface PictureTask {
  readonly context: RunContext
  readonly pictures: readonly PicturePart[]
}

/** One picture that a thread is to convert. */
export interface PicturePart {
  readonly source: string
  readonly target: string
  /** What an earlier run made. */
  readonly entry: Entry | undefined
  /** What the manifest of an encrypted data set says of the source. */
  readonly listed: Entry | undefined
}

/** What became of one picture; at most one of `made` and `failure` is there. */
export interface PictureOutcome {
  readonly source: string
  /** Absent where an earlier run made the file. */
  readonly made?: Entry
  readonly failure?: { readonly code: string; readonly message: string }
}

const opened = new Map<string, Promise<ImageCipher>>()

async function cipherOf(id: string): Promise<ImageCipher> {
  const known = opened.get(id) ?? openScheme(id).then(({ cipher }) => cipher)
  opened.set(id, known)
  return known
}

export default async function work(task: RawTask | PictureTask): Promise<Uint8Array | PictureOutcome[]> {
  return 'bytes' in task ? convertRaw(task) : convertPictures(task)
}

/**
 * Encrypts or decrypts one image of a data set. Nonces follow from the public salt, so that a run that
 * is resumed makes the same bytes, and files without room for a nonce can be decrypted.
 * @throws E_UNSUPPORTED if the cipher image does not fit where the plain one was
 */
export async function convertOne(
  cipher: ImageCipher,
  source: Image<'u8' | 'u16'>,
  { direction, key, salt, layout }: Pick<RunContext, 'direction' | 'key' | 'salt' | 'layout'>,
  target: string,
  number: number,
): Promise<Image<'u8' | 'u16'>> {
  const nonce = repeatably(cipher, nonceOf(salt, target, number))
  const { annotations, ...result } = await cipher[direction](source, key, nonce)
  const extra = Object.keys(annotations ?? {}).filter(name => name !== NONCE_ANNOTATION)
  if (direction === 'encrypt' && layout !== 'folders' && extra.length > 0)
    throw new LatentError(
      'E_UNSUPPORTED',
      `${cipher.id} carries ${extra.join(', ')} beside every image, and ${layout} files have no place for it`,
      { hint: 'encrypt folders of pictures instead' },
    )
  if (
    result.format !== source.format ||
    result.width !== source.width ||
    result.height !== source.height ||
    result.channels !== source.channels
  ) {
    throw new LatentError(
      'E_UNSUPPORTED',
      `${cipher.id} makes images of another shape or format, which a data set of this kind cannot hold`,
      { hint: 'choose a cipher that keeps the shape, such as tanaka-le or etc' },
    )
  }
  return (direction === 'encrypt' && annotations ? { ...result, annotations } : result) as Image<'u8' | 'u16'>
}

function nonceOf(salt: string, target: string, number: number): Uint8Array {
  const hash = sha256()
  hash.update(fromHex(salt))
  // Bytes of the name, so that two names that are no text do not come to one nonce.
  const place = onDisk(target)
  hash.update(typeof place === 'string' ? new TextEncoder().encode(place) : place)
  hash.update(new TextEncoder().encode(`\0${number}`))
  return hash.digest().subarray(0, 16)
}

async function convertRaw({ context, target, start, bytes }: RawTask): Promise<Uint8Array> {
  const cipher = await cipherOf(context.scheme)
  const images: Image<'u8'>[] = []
  for (const [i, source] of rawImages(context.layout, bytes, context.shape).entries())
    images.push((await convertOne(cipher, source, context, target, start + i)) as Image<'u8'>)
  if (context.layout === 'cifar') return encodeCifarBatch(images, cifarLabels(bytes))
  const out = new Uint8Array(bytes.length)
  for (const [i, { data }] of images.entries()) out.set(data, i * data.length)
  return out
}

async function convertPictures({ context, pictures }: PictureTask): Promise<PictureOutcome[]> {
  const tagKeys: TagKeys = {
    source: await sourceTagKey(context),
    pixels: await deriveKey(context.key, 'latent/v1/dataset/pixels', fromHex(context.salt)),
  }
  const outcomes: PictureOutcome[] = []
  for (const picture of pictures) outcomes.push(await pictureOutcome(context, picture, tagKeys))
  return outcomes
}

interface TagKeys {
  readonly source: Uint8Array
  readonly pixels: Uint8Array
}

async function pictureOutcome(context: RunContext, picture: PicturePart, tagKeys: TagKeys): Promise<PictureOutcome> {
  const { source, target, entry, listed } = picture
  try {
    const bytes = readNow(source)
    requireListed(target, bytes, listed?.sha256)
    return (await isThere(context.out, entry, bytes, tagKeys.source))
      ? { source }
      : { source, made: await convertPicture(context, picture, bytes, tagKeys) }
  } catch (error) {
    const { code, message } = error instanceof LatentError ? error : { code: 'E_INTERNAL', message: String(error) }
    return { source, failure: { code, message } }
  }
}

/** A worker has nothing to do meanwhile, and a promise costs more than reading a small file does. */
function readNow(path: string): Uint8Array {
  try {
    if (statSync(onDisk(path)).size > MAX_FILE_BYTES)
      throw new LatentError('E_LIMIT', `${path} is larger than 2 GiB`, { hint: 'cut it into smaller files first' })
    return readFileSync(onDisk(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}

/** @throws E_HASH if a file is not the one that the manifest lists */
export function requireListed(file: string, bytes: Uint8Array, listed: string | undefined): void {
  if (listed !== undefined && toHex(sha256Of(bytes)) !== listed)
    throw new LatentError('E_HASH', `${file} is not as it was encrypted: its hash is not the manifest's`, {
      hint: 'bring the file back from a copy, or encrypt the data set again',
    })
}

async function convertPicture(
  context: RunContext,
  { source, target, entry, listed }: PicturePart,
  bytes: Uint8Array,
  tagKeys: TagKeys,
): Promise<Entry> {
  const { direction, out } = context
  const cipher = await cipherOf(context.scheme)
  const picture = await decodeImage(bytes)
  requireShape(context.shape, picture, source)
  const result = await convertOne(cipher, picture, context, target, 0)
  const plain = await pixelTag(tagKeys.pixels, direction === 'encrypt' ? picture : result)
  const exact = direction === 'encrypt' || listed?.pixels === undefined ? undefined : listed.pixels === plain
  requireExact(cipher, target, exact)
  // What a network can learn from still compresses; noise does not.
  const packed = direction === 'decrypt' || cipher.traits.learnable
  const png = encodePng(result, packed ? PACKED : 0)
  place(out, target, png, entry)
  return {
    file: target,
    images: 1,
    sha256: toHex(sha256Of(png)),
    source: await sourceTag(tagKeys.source, bytes),
    ...(direction === 'encrypt' ? { pixels: plain } : exact === undefined ? {} : { exact }),
  }
}

/** @throws E_HASH if an exact cipher did not give back what was encrypted */
export function requireExact({ id, traits }: ImageCipher, target: string, exact: boolean | undefined): void {
  if (traits.exact && exact === false)
    throw new LatentError('E_HASH', `${target} does not decrypt to what was encrypted, though ${id} is exact`, {
      hint: 'the manifest was altered, or this is another release: report it',
    })
}

const destinations = new Map<string, Destination>()

/**
 * Puts a file where it belongs. One of that name is replaced if an earlier run made it, and left if it is
 * the same: a run was killed before it could say so.
 * @throws E_EXISTS for anything else of that name, such as a file whose name differs in case alone, where the file
 * system holds them for one
 */
function place(out: string, target: string, bytes: Uint8Array, entry: Entry | undefined): void {
  const path = join(out, target)
  const destination = destinations.get(out) ?? new Destination()
  destinations.set(out, destination)
  try {
    publishNow(path, bytes, { destination, replace: entry && (() => true) })
  } catch (error) {
    if (error instanceof LatentError && error.code === 'E_EXISTS' && isSame(path, bytes)) return
    throw error
  }
}

function isSame(path: string, bytes: Uint8Array): boolean {
  try {
    const name = Buffer.from(onDisk(basename(path)))
    return (
      readdirSync(onDisk(dirname(path)), { encoding: 'buffer' }).some(found => found.equals(name)) &&
      Buffer.from(bytes).equals(readFileSync(onDisk(path)))
    )
  } catch {
    return false
  }
}

/** Of a picture of 32x32 pixels, tighter packing saves less than the file system rounds up. */
const PACKED = 1

/** The key of {@link sourceTag}, from that of the cipher and the salt of the data set. */
export const sourceTagKey = ({ key, salt }: Pick<RunContext, 'key' | 'salt'>): Promise<Uint8Array> =>
  deriveKey(key, 'latent/v1/dataset/source', fromHex(salt))

/** Tells equal pixels, to who holds the key. */
async function pixelTag(tagKey: Uint8Array, { width, height, channels, format, data }: Image): Promise<string> {
  const shape = new TextEncoder().encode(`${width}x${height}x${channels} ${format}\0`)
  return toHex(await hmacSha256(tagKey, [shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]))
}

/** HMAC-SHA-256 in hexadecimal: tells whoever has the key whether two contents are equal, and nobody else. */
export const sourceTag = async (tagKey: Uint8Array, bytes: Uint8Array): Promise<string> =>
  toHex(await hmacSha256(tagKey, [bytes]))

/**
 * Whether an earlier run made the file, and it is whole. A file that was cut or altered is made again, to
 * the same bytes; but another plain image under the name would get the nonce of the first.
 * @throws E_CHANGED if the source is not what was converted
 */
export async function isThere(
  out: string,
  entry: Entry | undefined,
  sourceBytes: Uint8Array,
  tagKey: Uint8Array,
): Promise<boolean> {
  if (!entry) return false
  if (entry.source !== (await sourceTag(tagKey, sourceBytes)))
    throw new LatentError('E_CHANGED', `the source of ${entry.file} changed since it was read first`, {
      hint: 'write the changed data set into a new folder',
    })
  return hashOf(join(out, entry.file)) === entry.sha256
}

/** SHA-256 of a file in hexadecimal; nothing where it cannot be read. */
export function hashOf(path: string): string | undefined {
  try {
    return toHex(sha256Of(readFileSync(onDisk(path))))
  } catch {
    return undefined
  }
}
