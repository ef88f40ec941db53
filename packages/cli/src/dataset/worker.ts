import { deriveKey, fromHex, hmacSha256, type Image, type ImageCipher, LatentError, NONCE_ANNOTATION, sha256, sha256Of, toHex } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { cifarLabels, encodeCifarBatch } from '@latent/lab'
import { decodeImage } from '@latent/lab/node'
import { findScheme } from '@latent/schemes'
import { ioError, writeWholeNow } from '@latent/vault/node'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Direction, Entry } from './manifest.ts'
import { type ImageShape, type Layout, MAX_FILE_BYTES, rawImages, requireShape } from './source.ts'

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

export interface PicturePart {
  readonly source: string
  readonly target: string
  /** What an earlier run made. */
  readonly entry: Entry | undefined
  /** The hash that the source must have, where it is known. */
  readonly sha256: string | undefined
}

export interface PictureOutcome {
  readonly source: string
  /** Absent where an earlier run made the file. */
  readonly made?: Entry
  readonly failure?: { readonly code: string; readonly message: string }
}

const opened = new Map<string, Promise<ImageCipher>>()

async function cipherOf(id: string): Promise<ImageCipher> {
  const known = opened.get(id) ?? findScheme(id).open().then(({ cipher }) => cipher)
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
export async function convertOne(cipher: ImageCipher, source: Image<'u8' | 'u16'>, { direction, key, salt, layout }: Pick<RunContext, 'direction' | 'key' | 'salt' | 'layout'>, target: string, number: number): Promise<Image<'u8' | 'u16'>> {
  const nonce = cipher.traits.randomised ? { nonce: nonceOf(salt, target, number) } : {}
  const { annotations, ...result } = await cipher[direction](source, key, nonce)
  const extra = Object.keys(annotations ?? {}).filter(name => name !== NONCE_ANNOTATION)
  if (direction === 'encrypt' && layout !== 'folders' && extra.length > 0) throw new LatentError('E_UNSUPPORTED', `${cipher.id} carries ${extra.join(', ')} beside every image, and ${layout} files have no place for it`, { hint: 'encrypt folders of pictures instead' })
  if (result.format !== source.format || result.width !== source.width || result.height !== source.height || result.channels !== source.channels) {
    throw new LatentError('E_UNSUPPORTED', `${cipher.id} makes images of another shape or format, which a data set of this kind cannot hold`)
  }
  return (direction === 'encrypt' && annotations ? { ...result, annotations } : result) as Image<'u8' | 'u16'>
}

function nonceOf(salt: string, target: string, number: number): Uint8Array {
  const hash = sha256()
  hash.update(fromHex(salt))
  hash.update(new TextEncoder().encode(`${target}\0${number}`))
  return hash.digest().subarray(0, 16)
}

async function convertRaw({ context, target, start, bytes }: RawTask): Promise<Uint8Array> {
  const cipher = await cipherOf(context.scheme)
  const images: Image<'u8'>[] = []
  for (const [i, source] of rawImages(context.layout, bytes, context.shape).entries()) images.push((await convertOne(cipher, source, context, target, start + i)) as Image<'u8'>)
  if (context.layout === 'cifar') return encodeCifarBatch(images, cifarLabels(bytes))
  const out = new Uint8Array(bytes.length)
  for (const [i, { data }] of images.entries()) out.set(data, i * data.length)
  return out
}

async function convertPictures({ context, pictures }: PictureTask): Promise<PictureOutcome[]> {
  const tagKey = await sourceTagKey(context)
  const outcomes: PictureOutcome[] = []
  for (const picture of pictures) outcomes.push(await pictureOutcome(context, picture, tagKey))
  return outcomes
}

async function pictureOutcome(context: RunContext, { source, target, entry, sha256 }: PicturePart, tagKey: Uint8Array): Promise<PictureOutcome> {
  try {
    const bytes = readNow(source)
    requireListed(target, bytes, sha256)
    return (await isThere(context.out, entry, bytes, tagKey)) ? { source } : { source, made: await convertPicture(context, source, target, bytes, tagKey) }
  } catch (error) {
    const { code, message } = error instanceof LatentError ? error : { code: 'E_INTERNAL', message: String(error) }
    return { source, failure: { code, message } }
  }
}

/** A worker has nothing to do meanwhile, and a promise costs more than reading a small file does. */
function readNow(path: string): Uint8Array {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new LatentError('E_LIMIT', `${path} is larger than 2 GiB`)
    return readFileSync(path)
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}

/** @throws E_HASH if a file is not the one that the manifest lists */
export function requireListed(file: string, bytes: Uint8Array, listed: string | undefined): void {
  if (listed !== undefined && toHex(sha256Of(bytes)) !== listed) throw new LatentError('E_HASH', `${file} is not as it was encrypted: its hash is not the manifest's`, { hint: 'bring the file back from a copy, or encrypt the data set again' })
}

const folders = new Set<string>()

async function convertPicture(context: RunContext, source: string, target: string, bytes: Uint8Array, tagKey: Uint8Array): Promise<Entry> {
  const cipher = await cipherOf(context.scheme)
  const picture = await decodeImage(bytes)
  requireShape(context.shape, picture, source)
  // What a network can learn from still compresses; noise does not.
  const packed = context.direction === 'decrypt' || cipher.traits.learnable
  const png = encodePng(await convertOne(cipher, picture, context, target, 0), packed ? PACKED : 0)
  writeWholeNow(join(context.out, target), png, folders)
  return { file: target, images: 1, sha256: toHex(sha256Of(png)), source: await sourceTag(tagKey, bytes) }
}

/** Of a picture of 32x32 pixels, tighter packing saves less than the file system rounds up. */
const PACKED = 1

export const sourceTagKey = ({ key, salt }: Pick<RunContext, 'key' | 'salt'>): Promise<Uint8Array> => deriveKey(key, 'latent/v1/dataset/source', fromHex(salt))

export const sourceTag = async (tagKey: Uint8Array, bytes: Uint8Array): Promise<string> => toHex(await hmacSha256(tagKey, [bytes]))

/**
 * Whether an earlier run made the file, and it is whole. A file that was cut or altered is made again, to
 * the same bytes; but another plain image under the name would get the nonce of the first.
 * @throws E_CHANGED if the source is not what was converted
 */
export async function isThere(out: string, entry: Entry | undefined, sourceBytes: Uint8Array, tagKey: Uint8Array): Promise<boolean> {
  if (!entry) return false
  if (entry.source !== (await sourceTag(tagKey, sourceBytes))) throw new LatentError('E_CHANGED', `the source of ${entry.file} changed since it was read first`, { hint: 'write the changed data set into a new folder' })
  return hashOf(join(out, entry.file)) === entry.sha256
}

function hashOf(path: string): string | undefined {
  try {
    return toHex(sha256Of(readFileSync(path)))
  } catch {
    return undefined
  }
}
