import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { basename, join, sep } from 'node:path'
import type { FlowProvider } from '../../bodies/index.ts'
import { failure, type FileResult, runAll, type RunWatcher, stopIfAborted } from '../../node/run.ts'
import type { SealOptions } from '../../seal.ts'
import type { KeyState } from '../key-state.ts'
import { storeObject } from '../objects.ts'
import { photoFacts } from '../photo-facts.ts'
import type { Photo } from '../record.ts'
import { ThumbPacks, type Thumbnailer } from '../thumbs.ts'
import type { Vault } from '../vault.ts'
import { readContent } from './content.ts'

/** A file that is to be added, with all that the index had to say about it. */
export interface Task {
  /** Where it lies below the source folder, with `/`. */
  readonly file: string
  /** Folders and name in the album, with `/`. */
  readonly path: string
  /** Bytes, when it was found. */
  readonly size: number
  /** What its record will say: settled once, so that a batch that is done twice says one thing. */
  readonly added: number
  /** SHA-256 of what the path holds now: the same bytes need no second object. */
  readonly last?: string
  /** Objects of this path that were removed: never taken up again. */
  readonly avoid?: readonly string[]
}

/**
 * What is done in one go, on whatever machine: everything but keys and the files themselves. Doing it twice, or on
 * two machines at once, comes to the same as once: names of objects say what they hold.
 */
export interface Batch {
  /** Hash of what it is made of: the same files give the same name. */
  readonly id: string
  /** The id of the key that it is sealed under. */
  readonly key: string
  readonly body: SealOptions['body']
  readonly thumbnails: boolean
  /** Empty where the store refuses to replace an object. */
  readonly salt: string
  /** Segments that the planner knew and nobody had named. */
  readonly parents: readonly string[]
  readonly files: readonly Task[]
}

/** What a batch is done with. */
export interface Workplace {
  /** Open with the keys; of the index nothing is needed. */
  readonly vault: Vault
  /** The folder that the files of a batch lie below. */
  readonly source: string
  readonly flows: FlowProvider
  readonly thumbnailer?: Thumbnailer | undefined
  /** Files under way at once. */
  readonly lanes: number
  readonly watcher?: Pick<RunWatcher, 'progress'> | undefined
  readonly signal?: AbortSignal | undefined
  /** Told of every file when it is begun, and when it is done or has failed. */
  began?(file: string): void
  ended?(file: string): void
  /** Told of every segment that was written. */
  recorded?(key: KeyState, written: Awaited<ReturnType<Vault['writeSegment']>>, photos: readonly Photo[]): void
}

/** What is sealed is in the index after so long, at the latest. */
const FLUSH_MS = 20_000

/** What became of a batch. */
export interface BatchOutcome {
  /** Of each file; sources are relative, as in the batch. */
  readonly results: readonly FileResult[]
  /** Segments of the index that were written. */
  readonly segments: readonly string[]
  /** What ended it before its end: the store failed for good. What was sealed until then is recorded. */
  readonly error?: LatentError
}

/**
 * The one job of adding: seals the files of a batch and records them. A file counts as added when the index has it.
 * @throws E_NO_MATCH if the vault was opened without the key; E_STORE, E_CREDENTIALS if nothing can be recorded;
 *   failures of single files are results
 */
export async function addBatch(batch: Batch, place: Workplace): Promise<BatchOutcome> {
  const key = place.vault.keys.get(batch.key)
  if (!key)
    throw new LatentError('E_NO_MATCH', 'no key that was given opens the album of this batch', {
      hint: 'share the album with this key: latent vault share',
    })
  return new Adding(batch, place, key).all()
}

/** Something that was sealed, and is not in the index yet. */
interface Sealed {
  readonly photo: Photo
  readonly result: FileResult
}

/** Does the store fail, for every file that comes? */
const isRefusal = (error: unknown): error is LatentError =>
  error instanceof LatentError && (error.code === 'E_STORE' || error.code === 'E_CREDENTIALS')

class Adding {
  readonly #batch: Batch
  readonly #place: Workplace
  readonly #key: KeyState
  readonly #packs: ThumbPacks | undefined
  readonly #results: FileResult[] = []
  readonly #segments: string[] = []
  #waiting: Sealed[] = []
  #flushed = Date.now()

  constructor(batch: Batch, place: Workplace, key: KeyState) {
    this.#batch = batch
    this.#place = place
    this.#key = key
    if (place.thumbnailer && batch.thumbnails) this.#packs = new ThumbPacks(place.vault, key)
  }

  async all(): Promise<BatchOutcome> {
    let failed: LatentError | undefined
    const work = async (task: Task) => {
      if (!failed) failed = (await this.#one(task)) ?? failed
    }
    // Others may fail while this waits: the first refusal stays.
    const flush = async () => {
      const refused = await this.#flush()
      failed ??= refused
    }
    for await (const _ of runAll(this.#batch.files, this.#place.lanes, work))
      if (this.#waiting.length > 0 && Date.now() - this.#flushed > FLUSH_MS && !failed) await flush()
    // What was sealed before the store failed may still find its place in the index.
    await flush()
    return { results: this.#results, segments: this.#segments, ...(failed ? { error: failed } : {}) }
  }

  /**
   * What is waiting goes into the index: only then is it added.
   * @returns the store's refusal, as of objects: nobody is told that what waited was added
   */
  async #flush(): Promise<LatentError | undefined> {
    try {
      await this.#record()
      return undefined
    } catch (error) {
      if (isRefusal(error)) return error
      throw error
    }
  }

  async #record(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    this.#flushed = Date.now()
    const packs = (await this.#packs?.flush()) ?? []
    const photos = waiting.map(({ photo }) => photo)
    const records = [...photos.map(photo => ({ t: 'photo' as const, ...photo })), ...packs]
    if (records.length === 0) return
    const last = this.#segments.at(-1)
    const written = await this.#place.vault.writeSegment(
      this.#key,
      records,
      last === undefined ? this.#batch.parents : [last],
    )
    this.#segments.push(written.name)
    this.#place.recorded?.(this.#key, written, photos)
    this.#results.push(...waiting.map(({ result }) => result))
  }

  /** @returns what fails for every file: the store's refusals */
  async #one(task: Task): Promise<LatentError | undefined> {
    const { watcher, signal } = this.#place
    const common = { target: task.path, plainBytes: task.size }
    this.#place.began?.(task.file)
    try {
      stopIfAborted(signal)
      const sealed = await this.#add(task)
      if (sealed) this.#waiting.push(sealed)
      else this.#results.push({ source: task.file, status: 'skipped', reason: 'added and unchanged', ...common })
      watcher?.progress?.(task.file, task.size)
    } catch (error) {
      if (isRefusal(error)) return error
      this.#results.push(failure(task.file, ioError(error, `cannot add ${basename(task.file)}`), common))
    } finally {
      this.#place.ended?.(task.file)
    }
    return undefined
  }

  /** @returns nothing if the path holds these very bytes */
  async #add({ file, path, size, added, last, avoid = [] }: Task): Promise<Sealed | undefined> {
    const { vault, source, thumbnailer, flows } = this.#place
    const { salt, body } = this.#batch
    const content = await readContent(join(source, ...file.split('/')))
    if (last === content.sha256) return undefined
    const facts = await photoFacts(content.start)
    const started = performance.now()
    const incoming = {
      note: { path, size: content.size, modified: content.modified, sha256: content.sha256, added, ...facts },
      name: basename(path),
      salt,
      avoid: new Set(avoid),
      parts: () => content.parts(),
      ...(content.mode === undefined ? {} : { mode: content.mode }),
    }
    const { photo, there } = await storeObject(vault, this.#key, incoming, body, flows)
    if (this.#packs && thumbnailer && content.bytes) {
      const thumbnail = await thumbnailer(content.bytes, facts.type)
      if (thumbnail) await this.#packs.add(photo.object, thumbnail)
    }
    const result: FileResult = {
      source: file,
      target: path,
      status: 'done',
      ...(last === undefined
        ? {}
        : { note: 'there was another file at this path, which is kept as an earlier version' }),
      ...(there ? { reason: 'its object was there' } : {}),
      plainBytes: size,
      sealedBytes: photo.sealed,
      seconds: (performance.now() - started) / 1000,
    }
    return { photo, result }
  }
}

/** A path below a folder, as batches have it. */
export const asSlashes = (path: string): string => path.split(sep).join('/')
