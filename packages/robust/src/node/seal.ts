import { LatentError } from '@latent/core'
import { Destination, ioError, makeScratch, publish, readFileParts } from '@latent/core/node'
import { type Geometry, readCarrier } from '@latent/vault'
import { failure, type FileResult, sealFiles, type SealRun } from '@latent/vault/node'
import { realpath, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { directoryOf, leading, MOST_ENTRIES, trailing } from '../directory.ts'
import { partTasks } from '../make.ts'
import { GROUP_PARTS, groupBytes, planGroup } from '../plan.ts'
import type { Preset } from '../presets.ts'
import { openPool, type Pool } from './pool.ts'

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
 * together
 * into albums. What is sealed is first written, as a PNG of noise, to a private folder for temporary files.
 * @throws as `sealFiles`; E_ARGUMENT if a folder of the inputs lies in the output
 */
export async function* sealRobust(run: RobustSealRun): AsyncGenerator<FileResult> {
  const { preset, inputs, output, threads = Math.min(4, availableParallelism()), signal } = run
  for (const input of inputs) await requireElsewhere(input, output)
  const scratch = await makeScratch('robust')
  const staging = scratch.path
  const pool = openPool(threads, signal)
  const writer = new Writer(pool, output, preset, run.force ?? false, threads)
  const album = new Albums(groupBytes(preset) / GROUP_PARTS)
  try {
    for await (const result of sealFiles({ ...run, output: staging, leaveOut: output })) {
      writer.protect(result.source)
      if (result.status !== 'done' || result.target === undefined) {
        yield result
        continue
      }
      const file = await waiting(result, staging, result.target)
      for (const files of album.add(file)) yield* writer.write(files)
    }
    for (const files of album.rest()) yield* writer.write(files)
  } finally {
    await pool.close()
    await scratch.remove()
  }
}

/** No journal says which pictures are carriers: a second run would seal those of the first. @throws E_ARGUMENT */
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

class Writer {
  readonly #pool: Pool
  readonly #output: string
  readonly #preset: Preset
  readonly #force: boolean
  readonly #threads: number
  readonly #destination: Destination
  readonly #albums = new Map<string, number>()

  constructor(pool: Pool, output: string, preset: Preset, force: boolean, threads: number) {
    this.#pool = pool
    this.#output = output
    this.#preset = preset
    this.#force = force
    this.#threads = threads
    this.#destination = new Destination(output)
  }

  /** What is read is not replaced. */
  protect(source: string): void {
    this.#destination.protect(source)
  }

  /** Carries some sealed files in one set, and removes them. */
  async *write(files: readonly Waiting[]): AsyncGenerator<FileResult> {
    const started = performance.now()
    const name = files.length === 1 ? files[0]!.name : this.#albumName(dirname(files[0]!.name))
    try {
      const { bytes, parts } = await this.#parts(files, name)
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

  /** The first name of its kind that nothing has. */
  #albumName(folder: string): string {
    const number = (this.#albums.get(folder) ?? 0) + 1
    this.#albums.set(folder, number)
    return join(folder, `album-${number}`)
  }

  async #parts(files: readonly Waiting[], name: string): Promise<{ bytes: number; parts: string[] }> {
    const directory = directoryOf(files.map(({ geometry }) => geometry))
    await this.#destination.ensure(join(this.#output, dirname(name)))
    const isCarrier = (standing: string) =>
      this.#pool.read(standing).then(
        ({ descriptor }) => descriptor !== undefined,
        () => false,
      )
    const written: string[] = []
    const underWay: Promise<number>[] = []
    let bytes = 0
    let count = 0
    try {
      const total = partCount(directory.size, this.#preset)
      for await (const part of partTasks(setBytes(files, directory), directory.size, this.#preset)) {
        const path = join(
          this.#output,
          `${name}.${String(++count).padStart(String(total).length, '0')}-of-${total}.png`,
        )
        const done = this.#pool.make(part).then(async png => {
          const { bytes } = await publish(path, [png], {
            destination: this.#destination,
            replace: this.#force ? isCarrier : undefined,
          })
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
      for (const path of written) await rm(path, { force: true })
      throw error
    }
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
