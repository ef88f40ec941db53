import { type ErrorCode, type Image, LatentError } from '@latent/core'
import { Destination, holdLock, onDisk } from '@latent/core/node'
import { openWorkers } from '@latent/core/workers'
import { findScheme, openScheme, requireKeyKind } from '@latent/schemes'
import { realpath, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { DataSetFolder, type Direction, type Entry, headerFor, LOCK, readEncrypted, requireOurs } from './manifest.ts'
import { type DataSetSource, isPicture, type Part, readSource } from './source.ts'
import { convertOne, type RunContext } from './worker.ts'
import { fail, pictureFiles, type Pool, rawContents, type Run, wholeFile } from './convert-files.ts'
import type { ConvertedDataSet, ConvertOptions, EncryptOptions, Failure, Job } from './conversion.ts'

/**
 * Encrypts every image of a data set under one key into a folder that loaders read as they read the
 * plain one. A run that is killed, or that met a damaged picture, goes on when it is started again.
 * @throws E_ARGUMENT; E_KEY; E_DATA; E_IMAGE; E_EXISTS; E_CHANGED; E_IO; E_PARTIAL when some pictures failed: the
 * others are done
 */
export async function encryptDataSet(
  input: string,
  output: string,
  options: EncryptOptions,
): Promise<ConvertedDataSet> {
  const [from, out] = await separate(input, output)
  return convert('encrypt', await readSource(from), out, { ...options, listed: new Map(), emptyFolders: [] })
}

/**
 * Undoes {@link encryptDataSet}: exactly for exact schemes, as well as the scheme can for others. The manifest
 * says scheme, nonces and what every file must be. What was not PNG before comes back as PNG, with its pixels.
 * @throws as `encryptDataSet`; E_DATA for a folder that was not encrypted to its end; E_NO_MATCH for another key;
 * E_HASH for altered files
 */
export async function decryptDataSet(
  input: string,
  output: string,
  options: ConvertOptions,
): Promise<ConvertedDataSet> {
  const [from, out] = await separate(input, output)
  const { scheme, salt, files, emptyFolders = [] } = await readEncrypted(from, options.key)
  const source = await readSource(from)
  const listed = new Map(files.map(entry => [entry.file, entry]))
  const converted = [...source.parts, ...source.copied].map(({ target }) => target)
  const present = new Set([...converted, ...source.others])
  const missing = files.map(({ file }) => file).filter(file => !present.has(file))
  const foreign = converted.find(target => !listed.has(target))
  if (foreign !== undefined)
    throw new LatentError('E_DATA', `${foreign} is not in the manifest: it was not encrypted with the others`, {
      hint: 'take it out of the folder',
    })
  return convert('decrypt', source, out, { ...options, scheme, salt, listed, emptyFolders, missing })
}

async function separate(input: string, output: string): Promise<[from: string, out: string]> {
  const [from, out] = [resolve(input), resolve(output)]
  const [realFrom, realOut] = [await realPlace(from), await realPlace(out)]
  if (isWithin(realFrom, realOut) || isWithin(realOut, realFrom))
    throw new LatentError('E_ARGUMENT', 'one of the two folders lies in the other', {
      hint: 'give an output folder beside the input',
    })
  return [from, out]
}

/** Where a path leads, links followed, whether or not it is there yet. */
async function realPlace(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined || dirname(path) === path) return real ?? path
  return join(await realPlace(dirname(path)), basename(path))
}

const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

async function convert(direction: Direction, source: DataSetSource, out: string, job: Job): Promise<ConvertedDataSet> {
  const rehearsal = await rehearse(direction, source, job)
  await requireOurs(out)
  const lock = await holdLock(join(out, LOCK), `is writing to ${out}`)
  try {
    return await convertInto(
      await DataSetFolder.open(out, await headerFor(direction, { ...job, layout: source.layout, first: source.first })),
      { direction, source, out, job, rehearsal },
    )
  } finally {
    await lock.release()
  }
}

interface Work {
  readonly direction: Direction
  readonly source: DataSetSource
  readonly out: string
  readonly job: Job
  readonly rehearsal: Rehearsal
}

async function convertInto(
  folder: DataSetFolder,
  { direction, source, out, job, rehearsal }: Work,
): Promise<ConvertedDataSet> {
  const { scheme, key, workers = usualWorkers(source.first), listed, missing = [] } = job
  const [others, leftOut] = split(
    source.others,
    place => !isPicture(place) && (job.copyOthers === true || listed.has(place) || folder.entries.has(place)),
  )
  const copies = [
    ...source.copied,
    ...others.map((place): Part => ({ source: join(source.root, place), target: place, images: 0, labels: {} })),
  ]
  requireNoneLost([...[...source.parts, ...copies].map(({ target }) => target), ...missing], folder)
  const destination = new Destination(out)
  await makeFolders(out, [...source.folders, ...job.emptyFolders], destination)
  const { width, height, channels, format } = source.first
  const context: RunContext = {
    direction,
    scheme,
    key,
    salt: folder.header.salt,
    layout: source.layout,
    shape: { width, height, channels, format },
    out,
  }
  const total = source.parts.reduce((sum, { images }) => sum + images, 0)
  job.onTotal?.(total)
  const pool: Pool = openWorkers(new URL('./worker.ts', import.meta.url), { threads: workers, signal: job.signal })
  const run: Run = { context, folder, pool, job, destination, exact: rehearsal.exact, failures: [] }
  for (const file of missing)
    fail(run, join(source.root, file), { code: 'E_DATA', message: 'it is not there, and the manifest lists it' })
  let made = 0
  try {
    for (const part of copies) made += await wholeFile(part, run, async bytes => [bytes])
    if (source.layout === 'folders') made += await pictureFiles(source.parts, run)
    else for (const part of source.parts) made += await wholeFile(part, run, bytes => rawContents(part, bytes, run))
  } finally {
    await pool.close()
  }
  const { failures } = run
  if (failures.length === 0)
    await folder.complete(labelCounts(source), emptyFolders(source, [...source.parts, ...copies], job.emptyFolders))
  const { leavings, layout, emptyClasses } = source
  const result: ConvertedDataSet = {
    scheme,
    images: total,
    made,
    failed: failures.length,
    files: folder.entries.size,
    layout,
    leftOut,
    leavings,
    copied: others.length,
    emptyClasses: emptyClasses.length,
    ...rehearsal,
    ...(direction === 'decrypt' ? comparison(folder) : {}),
  }
  job.onEnd?.(result)
  if (failures.length > 0) throw partial(failures, source.parts.length + copies.length + missing.length, direction)
  return result
}

/** Samples that all threads together hold of plain pictures; ciphers take several times that for each. */
const SAMPLES_AT_ONCE = 2 ** 26

/** Every core, unless the pictures are so large that one beside another would fill the memory. */
function usualWorkers({ data }: Image): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(SAMPLES_AT_ONCE / data.length)))
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(one => isFirst(one)), all.filter(one => !isFirst(one))]
}

/**
 * @throws E_IO for a link among them; E_DATA for two that the file system holds for one, so that two classes would
 * become one
 */
async function makeFolders(out: string, places: readonly string[], destination: Destination): Promise<void> {
  const byFold = new Map<string, string>()
  for (const place of new Set(places)) {
    await destination.ensure(join(out, place))
    const fold = place.normalize('NFKC').toLowerCase().normalize('NFKC')
    const twin = byFold.get(fold)
    if (twin !== undefined && (await isOneFolder(join(out, place), join(out, twin))))
      throw new LatentError('E_DATA', `${place} and ${twin} are one folder in the file system of ${out}`, {
        hint: 'rename one of them, or choose an output on another file system',
      })
    byFold.set(fold, place)
  }
}

async function isOneFolder(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(onDisk(a), { bigint: true }), stat(onDisk(b), { bigint: true })])
  return one.dev === other.dev && one.ino === other.ino
}

/** In a map, since a class may be called `__proto__`. */
function labelCounts({ parts, emptyClasses }: DataSetSource): Map<string, number> {
  const counts = new Map(emptyClasses.map(place => [place, 0]))
  for (const part of parts)
    for (const [label, count] of Object.entries(part.labels)) counts.set(label, (counts.get(label) ?? 0) + count)
  return counts
}

/** Folders in which the output has neither a file nor a folder. */
function emptyFolders({ folders }: DataSetSource, parts: readonly Part[], known: readonly string[]): string[] {
  const all = Array.from(new Set([...folders, ...known])).sort()
  const parents = new Set(
    [...parts.map(({ target }) => target), ...all].map(place => place.slice(0, Math.max(0, place.lastIndexOf('/')))),
  )
  return all.filter(place => !parents.has(place))
}

function comparison({ entries }: DataSetFolder): Pick<ConvertedDataSet, 'compared' | 'equal'> {
  const images = (chosen: (entry: Entry) => boolean) =>
    Array.from(entries.values()).reduce((sum, entry) => sum + (chosen(entry) ? entry.images : 0), 0)
  return { compared: images(({ exact }) => exact !== undefined), equal: images(({ exact }) => exact === true) }
}

/**
 * @throws E_CHANGED if an image was converted whose source is gone: the manifest would count what the source does not
 * hold
 */
function requireNoneLost(known: readonly string[], folder: DataSetFolder): void {
  const targets = new Set(known)
  const lost = Array.from(folder.entries.keys()).find(file => !targets.has(file))
  if (lost !== undefined)
    throw new LatentError('E_CHANGED', `the source of ${lost} is gone since it was read first`, {
      hint: 'write the changed data set into a new folder',
    })
}

type Rehearsal = Pick<ConvertedDataSet, 'exact' | 'oneWay' | 'unchanged'>

/**
 * Encrypts the first image for nothing: a key or a scheme that does not fit fails before anything is written. For
 * decryption the manifest has told.
 */
async function rehearse(
  direction: Direction,
  { first, layout }: DataSetSource,
  { scheme, key }: Job,
): Promise<Rehearsal> {
  const found = findScheme(scheme)
  requireKeyKind(key, found)
  const oneWay = !found.reversible
  if (oneWay && direction === 'decrypt')
    throw new LatentError('E_UNSUPPORTED', `nothing decrypts the pictures of ${scheme}`, {
      hint: 'the plain ones must have been kept elsewhere',
    })
  const { cipher, close } = await openScheme(found)
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

function partial(failures: readonly Failure[], total: number, direction: Direction): LatentError {
  const [first] = failures
  const codes = new Set(failures.map(({ code }) => code))
  const code = codes.size === 1 ? (first!.code as ErrorCode) : 'E_PARTIAL'
  const hint =
    code === 'E_CHANGED'
      ? 'write the changed data set into a new folder'
      : 'the others are done; mend these, bring them back or remove them, and start the same command again'
  return new LatentError(
    code,
    `${failures.length} of ${total} files could not be ${direction}ed, the first is ${first!.file}: ${first!.message}`,
    { hint },
  )
}
