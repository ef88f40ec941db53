import { LatentError } from '@latent/core'
import { Destination, ioError, makeScratch, publish, readFileParts } from '@latent/core/node'
import { type Geometry, readCarrier } from '@latent/vault'
import {
  discover,
  type Discovery,
  failure,
  type FileResult,
  type Found,
  inTurn,
  nothingThere,
  sealFiles,
  type SealRun,
} from '@latent/vault/node'
import { readdir, realpath, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { directoryOf, leading, MOST_ENTRIES, trailing } from '../directory.ts'
import { partTasks } from '../make.ts'
import { GROUP_PARTS, groupBytes, planGroup } from '../plan.ts'
import type { Preset } from '../presets.ts'
import { openPool, type Pool } from './pool.ts'
import { leftSets, pruneSets } from './prune.ts'
import { firstPart } from './set-entries.ts'
import { type LeftSets, SetJournal, type SetPlan } from './set-journal.ts'

/** A run that seals into robust carriers. */
export interface RobustSealRun extends SealRun {
  readonly preset: Preset
  readonly threads?: number
}

/** A sealed file that waits to be carried. */
interface Waiting {
  readonly result: FileResult
  readonly path: string
  /** Below the output, without the ending that a PNG of noise has. */
  readonly name: string
  readonly geometry: Geometry
}

const bytesOf = ({ geometry: { width, height } }: Waiting) => 3 * width * height

/**
 * Seals files into pictures that survive being encoded anew: each into parts of its own, small ones of a folder
 * together into albums. What is sealed is first written, as a PNG of noise, to a private folder for temporary files.
 * Runs can be stopped and repeated: what is sealed and unchanged is skipped, and a set of which a source has changed is
 * made anew. Two runs into one folder take turns.
 * @throws as `sealFiles`; E_ARGUMENT if a folder of the inputs lies in the output
 */
export async function* sealRobust(run: RobustSealRun): AsyncGenerator<FileResult> {
  const { preset, inputs, output, exclude, force = false } = run
  for (const input of inputs) await requireElsewhere(input, output)
  if (await nothingThere(inputs, output)) {
    yield* sealFiles(run)
    return
  }
  await new Destination().ensure(output)
  const lock = await inTurn(run)
  try {
    const how = [
      run.lockName,
      run.body.type,
      run.padding ?? 'none',
      String(run.hideNames ?? false),
      JSON.stringify(preset),
    ]
    const journal = await SetJournal.open(output, how)
    try {
      const found = await discover(inputs, output, exclude)
      await journal.mend()
      const left = await leftSets(run, journal, found)
      const without = left.isGivenUp ? left.shared.map(({ entry }) => entry) : []
      const plan = await journal.plan(found, { reread: run.reread ?? false, anew: force, without })
      yield* settled(plan, found.files, left)
      yield* sealRest(run, journal, found, plan)
      if (!run.signal?.aborted) yield* pruneSets(journal, left)
    } finally {
      await journal.close()
    }
  } finally {
    await lock.release()
  }
}

/** What needs no sealing, or cannot be sealed in this run. */
function* settled({ unchanged, bound }: SetPlan, files: readonly Found[], { shared }: LeftSets): Generator<FileResult> {
  for (const { source, size } of files) {
    const [target, holder] = [unchanged.get(source), bound.get(source)]
    if (target !== undefined)
      yield { source, target, status: 'skipped', reason: 'sealed and unchanged', plainBytes: size }
    if (holder !== undefined) {
      const [what, hint] = shared.some(({ entry }) => entry === holder)
        ? ['files whose sources are gone', 'latent seal --prune seals it anew without those']
        : ['files that this run did not meet', 'seal all of them in one run, or into a new folder']
      const message = `${basename(firstPart(holder))} holds it as it was, with ${what}`
      yield failure(source, new LatentError('E_EXISTS', message, { hint }), { plainBytes: size })
    }
  }
}

async function* sealRest(
  run: RobustSealRun,
  journal: SetJournal,
  { base, files }: Discovery,
  plan: SetPlan,
): AsyncGenerator<FileResult> {
  const { preset, output, threads = Math.min(4, availableParallelism()), signal } = run
  const scratch = await makeScratch('robust')
  const staging = scratch.path
  const pool = openPool(threads, signal)
  const writer = new Writer(pool, { output, preset, force: run.force ?? false, threads, journal, base, files, plan })
  const album = new Albums(groupBytes(preset) / GROUP_PARTS)
  try {
    const except = new Set([...plan.unchanged.keys(), ...plan.bound.keys()])
    for await (const result of sealFiles({ ...run, output: staging, leaveOut: output, except })) {
      writer.protect(result.source)
      if (result.status !== 'done' || result.target === undefined) {
        yield result
        continue
      }
      const file = await waiting(result, staging, result.target)
      for (const files of album.add(file)) yield* writer.write(files)
    }
    for (const files of album.rest()) yield* writer.write(files)
    await writer.removeOutdated()
  } finally {
    await pool.close()
    await scratch.remove()
  }
}

/** Whatever lies in the output may be a carrier: a second run would seal those of the first. @throws E_ARGUMENT */
async function requireElsewhere(input: string, output: string): Promise<void> {
  const [from, to] = await Promise.all([input, output].map(path => realpath(path).catch(() => resolve(path))))
  const isFolder = await stat(from!).then(
    info => info.isDirectory(),
    () => false,
  )
  const way = relative(to!, from!)
  if (!isFolder || way.startsWith('..') || isAbsolute(way)) return
  throw new LatentError('E_ARGUMENT', `the output holds the input ${input}`, {
    hint: 'robust carriers need a folder of their own: give another one with -o',
  })
}

async function waiting(result: FileResult, staging: string, path: string): Promise<Waiting> {
  const carrier = await readCarrier(readFileParts(path))
  await carrier.close()
  return { result, path, name: relative(staging, path).replace(/\.png$/, ''), geometry: carrier.geometry }
}

/** Puts small files of one folder together. */
class Albums {
  readonly #partBytes: number
  readonly #open = new Map<string, Waiting[]>()

  constructor(partBytes: number) {
    this.#partBytes = partBytes
  }

  /** @returns the sets that are ready with this file */
  add(file: Waiting): Waiting[][] {
    // Half a picture and more is a picture's worth.
    if (bytesOf(file) > this.#partBytes / 2) return [[file]]
    const folder = dirname(file.name)
    const files = this.#open.get(folder) ?? []
    const bytes = files.reduce((sum, other) => sum + bytesOf(other), 0)
    if (files.length < MOST_ENTRIES && bytes + bytesOf(file) + 8 * (2 * files.length + 3) <= this.#partBytes) {
      this.#open.set(folder, [...files, file])
      return []
    }
    this.#open.set(folder, [file])
    return [files]
  }

  rest(): Waiting[][] {
    return [...this.#open.values()]
  }
}

interface WriterOptions {
  readonly output: string
  readonly preset: Preset
  readonly force: boolean
  readonly threads: number
  readonly journal: SetJournal
  readonly base: string
  readonly files: readonly Found[]
  readonly plan: SetPlan
}

class Writer {
  readonly #pool: Pool
  readonly #output: string
  readonly #preset: Preset
  readonly #force: boolean
  readonly #threads: number
  readonly #destination: Destination
  readonly #journal: SetJournal
  readonly #base: string
  readonly #files: ReadonlyMap<string, Found>
  readonly #plan: SetPlan
  readonly #albums = new Set<string>()
  /** What this run has made: pictures below the output, and sources that are in them. */
  readonly #made = new Set<string>()
  readonly #sealed = new Set<string>()

  constructor(pool: Pool, { output, preset, force, threads, journal, base, files, plan }: WriterOptions) {
    this.#pool = pool
    this.#output = output
    this.#preset = preset
    this.#force = force
    this.#threads = threads
    this.#destination = new Destination(output)
    this.#journal = journal
    this.#base = base
    this.#files = new Map(files.map(file => [file.source, file]))
    this.#plan = plan
  }

  /** What is read is not replaced. */
  protect(source: string): void {
    this.#destination.protect(source)
  }

  /** Carries some sealed files in one set, and removes them. */
  async *write(files: readonly Waiting[]): AsyncGenerator<FileResult> {
    const started = performance.now()
    const name = files.length === 1 ? files[0]!.name : await this.#albumName(dirname(files[0]!.name))
    try {
      const { bytes, parts } = await this.#parts(files, name)
      for (const { result } of files) this.#sealed.add(result.source)
      const carried = files.reduce((sum, file) => sum + bytesOf(file), 0)
      for (const { result, geometry } of files)
        yield {
          ...result,
          target: parts[0]!,
          sealedBytes: Math.round((bytes * 3 * geometry.width * geometry.height) / carried),
          seconds: (result.seconds ?? 0) + (performance.now() - started) / 1000 / files.length,
        }
    } catch (error) {
      const coded = ioError(error, `cannot write ${basename(name)}`)
      for (const { result } of files) yield failure(result.source, coded, { target: join(this.#output, name) })
    } finally {
      for (const { path } of files) await rm(path, { force: true })
    }
  }

  /** Removes pictures of sets whose sources are all in others now. */
  async removeOutdated(): Promise<void> {
    for (const entry of this.#plan.outdated) {
      const sources = this.#plan.sourcesOf(entry)
      if (sources.every(source => this.#sealed.has(source))) await this.#journal.remove(entry, this.#made)
    }
    await this.#destination.flush()
  }

  /** The first name of its kind that nothing has but what is to be replaced. */
  async #albumName(folder: string): Promise<string> {
    const there = await readdir(join(this.#output, folder)).catch(() => [])
    for (let number = 1; ; number++) {
      const name = join(folder, `album-${number}`)
      const parts = there.filter(each => each.startsWith(`album-${number}.`)).map(each => join(folder, each))
      if (this.#albums.has(name) || !parts.every(part => this.#mayGo(part))) continue
      this.#albums.add(name)
      return name
    }
  }

  #mayGo(part: string): boolean {
    const { outdated, kept } = this.#plan
    return outdated.some(({ parts }) => parts.has(part)) || (this.#force && !kept.has(part))
  }

  #isCarrier(standing: string): Promise<boolean> {
    return this.#pool.read(standing).then(
      ({ descriptor }) => descriptor !== undefined,
      () => false,
    )
  }

  async #parts(files: readonly Waiting[], name: string): Promise<{ bytes: number; parts: string[] }> {
    const directory = directoryOf(files.map(({ geometry }) => geometry))
    await this.#destination.ensure(join(this.#output, dirname(name)))
    const set = await this.#journal.begin(
      this.#base,
      files.map(({ result }) => this.#files.get(result.source)!),
    )
    const mayReplace = async (part: string, standing: string) =>
      (await this.#journal.isOf(this.#plan.outdated, part)) ||
      (this.#force && !this.#plan.kept.has(part) && (await this.#isCarrier(standing)))
    const written: string[] = []
    const underWay: Promise<number>[] = []
    let bytes = 0
    let count = 0
    try {
      const total = partCount(directory.size, this.#preset)
      for await (const part of partTasks(setBytes(files, directory), directory.size, this.#preset)) {
        const picture = `${name}.${String(++count).padStart(String(total).length, '0')}-of-${total}.png`
        const path = join(this.#output, picture)
        const done = this.#pool.make(part).then(async png => {
          await this.#journal.promise(set, picture, png)
          const { bytes } = await publish(path, [png], {
            destination: this.#destination,
            replace: standing => mayReplace(picture, standing),
          })
          this.#made.add(picture)
          written.push(path)
          return bytes
        })
        done.catch(() => undefined)
        underWay.push(done)
        if (underWay.length > this.#threads) bytes += await underWay.shift()!
      }
      for (const done of underWay) bytes += await done
    } catch (error) {
      await Promise.allSettled(underWay)
      // Parts without the others are of no use.
      await this.#journal.abandon(set)
      throw error
    }
    await this.#journal.finish(set)
    return { bytes, parts: written.toSorted() }
  }
}

/** How many pictures a set becomes. */
function partCount(size: number, preset: Preset): number {
  const full = groupBytes(preset)
  const groups = Math.max(1, Math.ceil(size / full))
  const countOf = (bytes: number) => {
    const { data, spare } = planGroup(bytes, preset)
    return data + spare
  }
  return (groups - 1) * (groups > 1 ? countOf(full) : 0) + countOf(size - (groups - 1) * full)
}

async function* setBytes(
  files: readonly Waiting[],
  directory: ReturnType<typeof directoryOf>,
): AsyncGenerator<Uint8Array> {
  yield* leading(directory)
  for (const { path } of files) {
    const carrier = await readCarrier(readFileParts(path))
    try {
      yield* carrier.pixels
    } finally {
      await carrier.close()
    }
  }
  yield* trailing(directory)
}
