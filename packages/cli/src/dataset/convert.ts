import { type ErrorCode, LatentError, sha256Of, toHex } from '@latent/core'
import { CIFAR_RECORD } from '@latent/lab'
import { openWorkers, type Workers } from '@latent/lab/node'
import { findScheme } from '@latent/schemes'
import { streamOf } from '@latent/vault'
import { writeWhole } from '@latent/vault/node'
import { availableParallelism } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { DataSetFolder, type Direction, type Entry, headerFor, readEncrypted } from './manifest.ts'
import { type DataSetSource, type Part, readSource, readUnpacked } from './source.ts'
import { convertOne, isThere, type PictureOutcome, type PicturePart, type PictureTask, type RawTask, requireListed, type RunContext, sourceTag, sourceTagKey } from './worker.ts'

export interface ConvertOptions {
  /** 32 bytes, or the text of the scheme's own key file. */
  readonly key: Uint8Array
  readonly workers?: number
  readonly onTotal?: (images: number) => void
  readonly onImages?: (images: number) => void
  readonly onFailure?: (line: string) => void
}

export interface ConvertedDataSet {
  readonly scheme: string
  readonly images: number
  /** Of those, made in this run. */
  readonly made: number
  readonly files: number
  readonly layout: string
  readonly exact: boolean
  /** Nothing decrypts what was made. */
  readonly oneWay: boolean
  /** When encrypting: share of the first image's samples that its cipher image has at the same place. */
  readonly unchanged?: number
}

type Pool = Workers<RawTask | PictureTask, Uint8Array | PictureOutcome[]>

const IMAGES_A_TASK = 1000
const PICTURES_A_TASK = 64

/**
 * Encrypts every image of a data set under one key into a folder that loaders read as they read the
 * plain one. A run that is killed, or that met a damaged picture, goes on when it is started again.
 * @throws E_ARGUMENT; E_KEY; E_DATA; E_IMAGE; E_EXISTS; E_CHANGED; E_IO; E_PARTIAL when some pictures failed: the others are done
 */
export async function encryptDataSet(input: string, output: string, options: ConvertOptions & { readonly scheme: string }): Promise<ConvertedDataSet> {
  const [from, out] = separate(input, output)
  return convert('encrypt', await readSource(from), out, { ...options, listed: new Map() })
}

/**
 * Undoes {@link encryptDataSet}: exactly for exact schemes, as well as the scheme can for others. The manifest
 * says scheme, nonces and what every file must be. What was not PNG before comes back as PNG, with its pixels.
 * @throws as `encryptDataSet`; E_DATA for a folder that was not encrypted to its end; E_NO_MATCH for another key; E_HASH for altered files
 */
export async function decryptDataSet(input: string, output: string, options: ConvertOptions): Promise<ConvertedDataSet> {
  const [from, out] = separate(input, output)
  const { scheme, salt, files } = await readEncrypted(from, options.key)
  const source = await readSource(from)
  const listed = new Map(files.map(({ file, sha256 }) => [file, sha256]))
  const present = new Set([...source.parts, ...source.copied].map(({ target }) => target))
  const missing = files.find(({ file }) => !present.has(file))
  const foreign = Array.from(present).find(target => !listed.has(target))
  if (missing) throw new LatentError('E_DATA', `${missing.file} is not there, and the manifest lists it`, { hint: 'bring the file back from a copy' })
  if (foreign !== undefined) throw new LatentError('E_DATA', `${foreign} is not in the manifest: it was not encrypted with the others`, { hint: 'take it out of the folder' })
  return convert('decrypt', source, out, { ...options, scheme, salt, listed })
}

function separate(input: string, output: string): [from: string, out: string] {
  const [from, out] = [resolve(input), resolve(output)]
  if (isWithin(from, out) || isWithin(out, from)) throw new LatentError('E_ARGUMENT', 'one of the two folders lies in the other', { hint: 'give an output folder beside the input' })
  return [from, out]
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep)

interface Job extends ConvertOptions {
  readonly scheme: string
  readonly salt?: string
  /** Hashes that source files must have, by name. */
  readonly listed: ReadonlyMap<string, string>
}

async function convert(direction: Direction, source: DataSetSource, out: string, job: Job): Promise<ConvertedDataSet> {
  const { scheme, key, workers = availableParallelism() } = job
  const rehearsal = await rehearse(direction, source, job)
  const folder = await DataSetFolder.open(out, await headerFor(direction, { ...job, layout: source.layout, first: source.first }))
  requireNoneLost(source, folder)
  const { width, height, channels, format } = source.first
  const context: RunContext = { direction, scheme, key, salt: folder.header.salt, layout: source.layout, shape: { width, height, channels, format }, out }
  const total = source.parts.reduce((sum, { images }) => sum + images, 0)
  job.onTotal?.(total)
  const pool: Pool = openWorkers(import.meta, './worker', workers)
  let made: number
  try {
    made = source.layout === 'folders' ? await pictureFiles(source.parts, context, folder, pool, job) : await rawFiles(source, context, folder, pool, job)
  } finally {
    await pool.close()
  }
  const labels: Record<string, number> = {}
  for (const part of source.parts) for (const [label, count] of Object.entries(part.labels)) labels[label] = (labels[label] ?? 0) + count
  await folder.complete(labels)
  return { scheme, images: total, made, files: folder.entries.size, layout: source.layout, ...rehearsal }
}

/** @throws E_CHANGED if an image was converted whose source is gone: the manifest would count what the source does not hold */
function requireNoneLost({ parts, copied }: DataSetSource, folder: DataSetFolder): void {
  const targets = new Set([...parts, ...copied].map(({ target }) => target))
  const lost = Array.from(folder.entries.keys()).find(file => !targets.has(file))
  if (lost !== undefined) throw new LatentError('E_CHANGED', `the source of ${lost} is gone since it was read first`, { hint: 'write the changed data set into a new folder' })
}

/** Encrypts the first image for nothing: a key or a scheme that does not fit fails before anything is written. For decryption the manifest has told. */
async function rehearse(direction: Direction, { first, layout }: DataSetSource, { scheme, key }: Job): Promise<Pick<ConvertedDataSet, 'exact' | 'oneWay' | 'unchanged'>> {
  const found = findScheme(scheme)
  const oneWay = found.oneWay ?? false
  if (oneWay && direction === 'decrypt') throw new LatentError('E_UNSUPPORTED', `nothing decrypts the pictures of ${scheme}`, { hint: 'the plain ones must have been kept elsewhere' })
  const { cipher, close } = await found.open()
  try {
    const { exact } = cipher.traits
    if (direction === 'decrypt') return { exact, oneWay }
    const { data } = await convertOne(cipher, first, { direction, key, salt: '', layout }, '', 0)
    let equal = 0
    for (let i = 0; i < data.length; i++) if (data[i] === first.data[i]) equal++
    return { exact, oneWay, unchanged: equal / data.length }
  } finally {
    await close()
  }
}

async function rawFiles({ layout, parts, copied, first }: DataSetSource, context: RunContext, folder: DataSetFolder, pool: Pool, { onImages, listed }: Job): Promise<number> {
  const tagKey = await sourceTagKey(context)
  const headerBytes = layout === 'idx' ? 16 : 0
  const imageBytes = layout === 'cifar' ? CIFAR_RECORD : first.width * first.height * first.channels
  let made = 0
  const make = async ({ source, target, images }: Part, contents: (bytes: Uint8Array) => Promise<Uint8Array[]>): Promise<void> => {
    const bytes = await readUnpacked(source)
    requireListed(target, bytes, listed.get(target))
    if (await isThere(context.out, folder.entries.get(target), bytes, tagKey)) return onImages?.(images)
    const result = Buffer.concat(await contents(bytes))
    await writeWhole(join(context.out, target), streamOf(result), { overwrite: true })
    await folder.add([{ file: target, images, sha256: toHex(sha256Of(result)), source: await sourceTag(tagKey, bytes) }])
    made += images
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
  return made
}

async function pictureFiles(parts: readonly Part[], context: RunContext, folder: DataSetFolder, pool: Pool, { onImages, onFailure, listed }: Job): Promise<number> {
  const failures: { readonly name: string; readonly code: string; readonly message: string }[] = []
  let made = 0
  const groups = Array.from({ length: Math.ceil(parts.length / PICTURES_A_TASK) }, (_, i) => parts.slice(i * PICTURES_A_TASK, (i + 1) * PICTURES_A_TASK))
  await Promise.all(
    groups.map(async group => {
      const pictures = group.map(({ source, target }): PicturePart => ({ source, target, entry: folder.entries.get(target), sha256: listed.get(target) }))
      const outcomes = (await pool.run({ context, pictures } satisfies PictureTask)) as PictureOutcome[]
      const entries = outcomes.flatMap(({ made }): Entry[] => (made ? [made] : []))
      for (const { source, failure } of outcomes) {
        if (!failure) continue
        failures.push({ name: relative(process.cwd(), source), ...failure })
        onFailure?.(`${relative(process.cwd(), source)}: ${failure.message} [${failure.code}]`)
      }
      await folder.add(entries)
      made += entries.length
      onImages?.(outcomes.length)
    }),
  )
  if (failures.length > 0) throw partial(failures, parts.length, context.direction)
  return made
}

function partial(failures: readonly { readonly name: string; readonly code: string; readonly message: string }[], total: number, direction: Direction): LatentError {
  const [first] = failures
  const codes = new Set(failures.map(({ code }) => code))
  const code = codes.size === 1 ? (first!.code as ErrorCode) : 'E_PARTIAL'
  const hint = code === 'E_CHANGED' ? 'write the changed data set into a new folder' : 'the others are done; mend or remove these, and start the same command again'
  return new LatentError(code, `${failures.length} of ${total} pictures could not be ${direction}ed, the first is ${first!.name}: ${first!.message}`, { hint })
}
