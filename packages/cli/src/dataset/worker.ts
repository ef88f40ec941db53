import { deriveKey, fromHex, hmacSha256, type Image, type ImageCipher, LatentError, NONCE_ANNOTATION, sha256, sha256Of, toHex } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { cifarLabels, encodeCifarBatch } from '@latent/lab'
import { decodeImage } from '@latent/lab/node'
import { findScheme } from '@latent/schemes'
import { streamOf } from '@latent/vault'
import { writeWhole } from '@latent/vault/node'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry } from './manifest.ts'
import { type ImageShape, type Layout, rawImages, readWhole, requireShape } from './source.ts'

/** What every task of a run has in common. */
export interface RunContext {
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
  readonly pictures: readonly { readonly source: string; readonly target: string; readonly entry: Entry | undefined }[]
}

export interface PictureOutcome {
  readonly source: string
  readonly entry?: Entry
  readonly failure?: { readonly code: string; readonly message: string }
}

const opened = new Map<string, Promise<ImageCipher>>()

async function cipherOf(id: string): Promise<ImageCipher> {
  const known = opened.get(id) ?? findScheme(id).open().then(({ cipher }) => cipher)
  opened.set(id, known)
  return known
}

export default async function work(task: RawTask | PictureTask): Promise<Uint8Array | PictureOutcome[]> {
  return 'bytes' in task ? encryptRaw(task) : encryptPictures(task)
}

/**
 * Encrypts one image of a data set. Nonces follow from the public salt, so that a run that is resumed
 * makes the same bytes.
 * @throws E_UNSUPPORTED if the cipher image does not fit where the plain one was
 */
export async function encryptOne(cipher: ImageCipher, plain: Image<'u8' | 'u16'>, { key, salt, layout }: Pick<RunContext, 'key' | 'salt' | 'layout'>, target: string, number: number): Promise<Image<'u8' | 'u16'>> {
  const encrypted = await cipher.encrypt(plain, key, cipher.traits.randomised ? { nonce: nonceOf(salt, target, number) } : {})
  const extra = Object.keys(encrypted.annotations ?? {}).filter(name => name !== NONCE_ANNOTATION)
  if (layout !== 'folders' && extra.length > 0) throw new LatentError('E_UNSUPPORTED', `${cipher.id} carries ${extra.join(', ')} beside every image, and ${layout} files have no place for it`, { hint: 'encrypt folders of pictures instead' })
  if (encrypted.format !== plain.format || encrypted.width !== plain.width || encrypted.height !== plain.height || encrypted.channels !== plain.channels) {
    throw new LatentError('E_UNSUPPORTED', `${cipher.id} makes images of another shape or format, which a data set of this kind cannot hold`)
  }
  return encrypted as Image<'u8' | 'u16'>
}

function nonceOf(salt: string, target: string, number: number): Uint8Array {
  const hash = sha256()
  hash.update(fromHex(salt))
  hash.update(new TextEncoder().encode(`${target}\0${number}`))
  return hash.digest().subarray(0, 16)
}

async function encryptRaw({ context, target, start, bytes }: RawTask): Promise<Uint8Array> {
  const cipher = await cipherOf(context.scheme)
  const images: Image<'u8'>[] = []
  for (const [i, plain] of rawImages(context.layout, bytes, context.shape).entries()) images.push((await encryptOne(cipher, plain, context, target, start + i)) as Image<'u8'>)
  if (context.layout === 'cifar') return encodeCifarBatch(images, cifarLabels(bytes))
  const out = new Uint8Array(bytes.length)
  for (const [i, { data }] of images.entries()) out.set(data, i * data.length)
  return out
}

async function encryptPictures({ context, pictures }: PictureTask): Promise<PictureOutcome[]> {
  const tagKey = await sourceTagKey(context)
  const outcomes: PictureOutcome[] = []
  for (let at = 0; at < pictures.length; at += FILES_AT_ONCE) outcomes.push(...(await Promise.all(pictures.slice(at, at + FILES_AT_ONCE).map(picture => pictureOutcome(context, picture, tagKey)))))
  return outcomes
}

/** One file is read or written while another is computed. */
const FILES_AT_ONCE = 8

async function pictureOutcome(context: RunContext, { source, target, entry }: PictureTask['pictures'][number], tagKey: Uint8Array): Promise<PictureOutcome> {
  try {
    const bytes = await readWhole(source)
    return { source, entry: (await alreadyThere(context.out, entry, bytes, tagKey)) ?? (await encryptPicture(context, source, target, bytes, tagKey)) }
  } catch (error) {
    const { code, message } = error instanceof LatentError ? error : { code: 'E_INTERNAL', message: String(error) }
    return { source, failure: { code, message } }
  }
}

async function encryptPicture(context: RunContext, source: string, target: string, bytes: Uint8Array, tagKey: Uint8Array): Promise<Entry> {
  const cipher = await cipherOf(context.scheme)
  const plain = await decodeImage(bytes)
  requireShape(context.shape, plain, source)
  // What a network can learn from still compresses; noise does not.
  const png = encodePng(await encryptOne(cipher, plain, context, target, 0), cipher.traits.learnable ? 6 : 0)
  await writeWhole(join(context.out, target), streamOf(png), { overwrite: true, durable: false })
  return { file: target, images: 1, sha256: toHex(sha256Of(png)), source: await sourceTag(tagKey, bytes) }
}

export const sourceTagKey = ({ key, salt }: Pick<RunContext, 'key' | 'salt'>): Promise<Uint8Array> => deriveKey(key, 'latent/v1/dataset/source', fromHex(salt))

export const sourceTag = async (tagKey: Uint8Array, bytes: Uint8Array): Promise<string> => toHex(await hmacSha256(tagKey, [bytes]))

/**
 * The entry of an earlier run, if its file is whole. A file that was cut or altered is made again, to
 * the same bytes; but another plain image under the name would get the nonce of the first.
 * @throws E_CHANGED if the source is not what was encrypted
 */
export async function alreadyThere(out: string, entry: Entry | undefined, sourceBytes: Uint8Array, tagKey: Uint8Array): Promise<Entry | undefined> {
  if (!entry) return undefined
  if (entry.source !== (await sourceTag(tagKey, sourceBytes))) throw new LatentError('E_CHANGED', `the source of ${entry.file} changed since it was encrypted`, { hint: 'encrypt the changed data set into a new folder' })
  const bytes = await readFile(join(out, entry.file)).catch(() => undefined)
  return bytes && toHex(sha256Of(bytes)) === entry.sha256 ? entry : undefined
}
