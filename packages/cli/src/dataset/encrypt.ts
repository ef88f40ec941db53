import { type ErrorCode, LatentError, sha256Of, toHex } from '@latent/core'
import { CIFAR_RECORD } from '@latent/lab'
import { findScheme } from '@latent/schemes'
import { streamOf } from '@latent/vault'
import { writeWhole } from '@latent/vault/node'
import { Piscina } from 'piscina'
import { availableParallelism } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { DataSetFolder, type Entry } from './manifest.ts'
import { type DataSetSource, type Part, readSource, readUnpacked } from './source.ts'
import { alreadyThere, encryptOne, type PictureOutcome, type PictureTask, type RawTask, type RunContext, sourceTag, sourceTagKey } from './worker.ts'

export interface EncryptDataSetOptions {
  readonly scheme: string
  /** 32 bytes, or the text of the scheme's own key file. */
  readonly key: Uint8Array
  readonly workers?: number
  readonly onTotal?: (images: number) => void
  readonly onImages?: (images: number) => void
  readonly onFailure?: (line: string) => void
}

export interface EncryptedDataSet {
  readonly images: number
  /** Of those, made in this run. */
  readonly encrypted: number
  readonly files: number
  readonly layout: string
  readonly exact: boolean
  /** Share of the first image's samples that its cipher image has at the same place. */
  readonly unchanged: number
}

const IMAGES_A_TASK = 1000
const PICTURES_A_TASK = 64

/**
 * Encrypts every image of a data set under one key into a folder that loaders read as they read the
 * plain one. A run that is killed, or that met a damaged picture, goes on when it is started again.
 * @throws E_ARGUMENT; E_KEY; E_DATA; E_IMAGE; E_EXISTS; E_CHANGED; E_IO; E_PARTIAL when some pictures failed: the others are done
 */
export async function encryptDataSet(input: string, output: string, options: EncryptDataSetOptions): Promise<EncryptedDataSet> {
  const { scheme, key, workers = availableParallelism() } = options
  const [from, out] = [resolve(input), resolve(output)]
  if (isWithin(from, out) || isWithin(out, from)) throw new LatentError('E_ARGUMENT', 'one of the two folders lies in the other', { hint: 'give an output folder beside the input' })
  const source = await readSource(from)
  const rehearsal = await rehearse(source, scheme, key)
  const folder = await DataSetFolder.open(out, scheme, key, source.layout, source.first)
  requireNoneLost(source, folder)
  const { width, height, channels, format } = source.first
  const context: RunContext = { scheme, key, salt: folder.header.salt, layout: source.layout, shape: { width, height, channels, format }, out }
  const total = source.parts.reduce((sum, { images }) => sum + images, 0)
  options.onTotal?.(total)
  // Published packages hold JavaScript, a checkout TypeScript: the worker is whichever we are.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = new Piscina({ filename: new URL(`./worker.${extension}`, import.meta.url).href, minThreads: 1, maxThreads: workers })
  let encrypted: number
  try {
    encrypted = source.layout === 'folders' ? await pictureFiles(source.parts, context, folder, pool, options) : await rawFiles(source, context, folder, pool, options)
  } finally {
    await pool.destroy()
  }
  const labels: Record<string, number> = {}
  for (const part of source.parts) for (const [label, count] of Object.entries(part.labels)) labels[label] = (labels[label] ?? 0) + count
  await folder.complete(labels)
  return { images: total, encrypted, files: folder.entries.size, layout: source.layout, ...rehearsal }
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep)

/** @throws E_CHANGED if an image was encrypted whose source is gone: the manifest would count what the source does not hold */
function requireNoneLost({ parts, copied }: DataSetSource, folder: DataSetFolder): void {
  const targets = new Set([...parts, ...copied].map(({ target }) => target))
  const lost = Array.from(folder.entries.keys()).find(file => !targets.has(file))
  if (lost !== undefined) throw new LatentError('E_CHANGED', `the source of ${lost} is gone since it was encrypted`, { hint: 'encrypt the changed data set into a new folder' })
}

/** Encrypts the first image for nothing: a key or a scheme that does not fit fails before anything is written. */
async function rehearse({ first, layout }: DataSetSource, scheme: string, key: Uint8Array): Promise<Pick<EncryptedDataSet, 'exact' | 'unchanged'>> {
  const { cipher, close } = await findScheme(scheme).open()
  try {
    const { data } = await encryptOne(cipher, first, { key, salt: '', layout }, '', 0)
    let equal = 0
    for (let i = 0; i < data.length; i++) if (data[i] === first.data[i]) equal++
    return { exact: cipher.traits.exact, unchanged: equal / data.length }
  } finally {
    await close()
  }
}

async function rawFiles({ layout, parts, copied, first }: DataSetSource, context: RunContext, folder: DataSetFolder, pool: Piscina, { onImages }: EncryptDataSetOptions): Promise<number> {
  const tagKey = await sourceTagKey(context)
  const headerBytes = layout === 'idx' ? 16 : 0
  const imageBytes = layout === 'cifar' ? CIFAR_RECORD : first.width * first.height * first.channels
  let encrypted = 0
  const make = async ({ source, target, images }: Part, contents: (bytes: Uint8Array) => Promise<Uint8Array[]>): Promise<void> => {
    const bytes = await readUnpacked(source)
    if (await alreadyThere(context.out, folder.entries.get(target), bytes, tagKey)) return onImages?.(images)
    const made = Buffer.concat(await contents(bytes))
    await writeWhole(join(context.out, target), streamOf(made), { overwrite: true })
    await folder.add([{ file: target, images, sha256: toHex(sha256Of(made)), source: await sourceTag(tagKey, bytes) }])
    encrypted += images
  }
  for (const label of copied) await make(label, async bytes => [bytes])
  for (const part of parts) {
    await make(part, bytes =>
      Promise.all([
        Promise.resolve(bytes.subarray(0, headerBytes)),
        ...Array.from({ length: Math.ceil(part.images / IMAGES_A_TASK) }, async (_, i) => {
          const start = i * IMAGES_A_TASK
          const piece = bytes.slice(headerBytes + start * imageBytes, headerBytes + (start + IMAGES_A_TASK) * imageBytes)
          const done = (await pool.run({ context, target: part.target, start, bytes: piece } satisfies RawTask)) as Uint8Array
          onImages?.(piece.length / imageBytes)
          return done
        }),
      ]),
    )
  }
  return encrypted
}

async function pictureFiles(parts: readonly Part[], context: RunContext, folder: DataSetFolder, pool: Piscina, { onImages, onFailure }: EncryptDataSetOptions): Promise<number> {
  const failures: { readonly name: string; readonly code: string; readonly message: string }[] = []
  let encrypted = 0
  const groups = Array.from({ length: Math.ceil(parts.length / PICTURES_A_TASK) }, (_, i) => parts.slice(i * PICTURES_A_TASK, (i + 1) * PICTURES_A_TASK))
  await Promise.all(
    groups.map(async group => {
      const pictures = group.map(({ source, target }) => ({ source, target, entry: folder.entries.get(target) }))
      const outcomes = (await pool.run({ context, pictures } satisfies PictureTask)) as PictureOutcome[]
      const made: Entry[] = []
      for (const [i, { source, entry, failure }] of outcomes.entries()) {
        if (failure) {
          failures.push({ name: relative(process.cwd(), source), ...failure })
          onFailure?.(`${relative(process.cwd(), source)}: ${failure.message} [${failure.code}]`)
        } else if (entry && entry.sha256 !== pictures[i]!.entry?.sha256) made.push(entry)
      }
      await folder.add(made)
      encrypted += made.length
      onImages?.(outcomes.length)
    }),
  )
  if (failures.length > 0) throw partial(failures, parts.length)
  return encrypted
}

function partial(failures: readonly { readonly name: string; readonly code: string; readonly message: string }[], total: number): LatentError {
  const [first] = failures
  const codes = new Set(failures.map(({ code }) => code))
  const code = codes.size === 1 ? (first!.code as ErrorCode) : 'E_PARTIAL'
  return new LatentError(code, `${failures.length} of ${total} pictures could not be encrypted, the first is ${first!.name}: ${first!.message}`, { hint: 'the others are done; mend or remove these, and start the same command again' })
}

