import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { basename, sep } from 'node:path'
import type { FlowProvider } from '../../bodies/index.ts'
import { discover, type Found } from '../../node/discover.ts'
import { failure, type FileResult, type RunWatcher, stopIfAborted } from '../../node/run.ts'
import type { SealOptions } from '../../seal.ts'
import type { AlbumView } from '../album-view.ts'
import type { KeyState } from '../key-state.ts'
import { type Incoming, storeObject } from '../objects.ts'
import { photoFacts } from '../photo-facts.ts'
import { pathFault } from '../../place.ts'
import type { Photo, PhotoNote } from '../record.ts'
import { ThumbPacks, type Thumbnailer } from '../thumbs.ts'
import type { Vault } from '../vault.ts'
import { readContent } from './content.ts'
import { Presence } from '../presence.ts'

/** What is to be added. */
export interface AddRun {
  readonly inputs: readonly string[]
  readonly vault: Vault
  readonly album: AlbumView
  /** A folder in the album that the paths begin with. */
  readonly into?: string
  readonly flows: FlowProvider
  readonly body: SealOptions['body']
  readonly exclude?: readonly string[]
  /** Compare contents where size and time say that nothing changed. */
  readonly reread?: boolean
  readonly jobs?: number
  readonly thumbnailer?: Thumbnailer
  /** Photos in a segment of the index at most; default 500. */
  readonly segment?: number
  readonly watcher?: RunWatcher
  readonly signal?: AbortSignal
}

/** What is sealed is in the index after so long, at the latest. */
const FLUSH_MS = 20_000

/**
 * Adds files and folders to an album. Runs can be stopped at any moment and repeated; any number of machines may
 * add at once. A file counts as added when the index has it.
 * @throws E_STORE, E_CREDENTIALS if the store fails for good; failures of single files are results
 */
export async function* addFiles(run: AddRun): AsyncGenerator<FileResult> {
  const presence = await Presence.begin(run.vault)
  try {
    const { files, passedOver, excluded, own } = await discover(run.inputs, '.latent-nowhere', run.exclude)
    for (const { source, error, failed } of passedOver)
      yield failed ? failure(source, error) : { ...failure(source, error), status: 'skipped' }
    for (const source of excluded) yield { source, status: 'skipped', reason: 'excluded' }
    for (const source of own)
      yield { source, status: 'skipped', reason: 'a journal or temporary file of Latent itself' }
    run.watcher?.planned?.(
      files.length,
      files.reduce((sum, { size }) => sum + size, 0),
    )
    yield* new Adding(run).all(files)
    await run.vault.store.sync()
  } finally {
    await presence.end()
  }
}

/** The state of one run. */
class Adding {
  readonly #run: AddRun
  readonly #key: KeyState
  readonly #packs: ThumbPacks | undefined
  #waiting: { photo: Photo; result: FileResult }[] = []
  #flushed = Date.now()

  constructor(run: AddRun) {
    this.#run = run
    this.#key = run.album.newest
    if (run.thumbnailer) this.#packs = new ThumbPacks(run.vault, this.#key)
  }

  async *all(files: readonly Found[]): AsyncGenerator<FileResult> {
    const { jobs = 4, segment = 500 } = this.#run
    const underWay = new Set<Promise<void>>()
    const done: FileResult[] = []
    let failed: { error: unknown } | undefined
    for (const file of files) {
      const one: Promise<void> = this.#one(file)
        .then(result => {
          if (result) done.push(result)
        })
        .catch((error: unknown) => void (failed ??= { error }))
        .finally(() => underWay.delete(one))
      underWay.add(one)
      if (underWay.size >= jobs) await Promise.race(underWay)
      if (failed) break
      if (this.#waiting.length >= segment || (this.#waiting.length > 0 && Date.now() - this.#flushed > FLUSH_MS))
        yield* await this.#flush()
      yield* done.splice(0)
    }
    await Promise.all(underWay)
    yield* done
    yield* await this.#flush()
    if (failed) throw failed.error
  }

  /** What is waiting goes into the index: only then is it added. */
  async #flush(): Promise<FileResult[]> {
    const waiting = this.#waiting
    this.#waiting = []
    this.#flushed = Date.now()
    const packs = (await this.#packs?.flush()) ?? []
    await this.#run.vault.append(this.#key, [
      ...waiting.map(({ photo }) => ({ t: 'photo' as const, ...photo })),
      ...packs,
    ])
    return waiting.map(({ result }) => result)
  }

  /** @throws what fails for every file: the store's refusals */
  async #one(file: Found): Promise<FileResult | undefined> {
    const { watcher, signal } = this.#run
    try {
      stopIfAborted(signal)
      const result = await this.#add(file)
      watcher?.progress?.(file.source, file.size)
      return result
    } catch (error) {
      if (error instanceof LatentError && (error.code === 'E_STORE' || error.code === 'E_CREDENTIALS')) throw error
      return failure(file.source, ioError(error, `cannot add ${basename(file.source)}`), { plainBytes: file.size })
    }
  }

  async #add(file: Found): Promise<FileResult | undefined> {
    const { album, vault, into = '', reread, thumbnailer } = this.#run
    const path = [...into.split('/'), ...file.relative.split(sep)].filter(part => part !== '').join('/')
    const fault = path.isWellFormed() ? pathFault(path) : 'its name is no text'
    if (fault !== undefined)
      throw new LatentError('E_ARGUMENT', `a vault cannot hold ${path}: ${fault}`, { hint: 'rename it, or seal it' })
    const modified = Number(file.modifiedNs / 1_000_000n)
    const last = album.latest().get(path)
    const skipped = (reason: string): FileResult => ({
      source: file.source,
      target: path,
      status: 'skipped',
      reason,
      plainBytes: file.size,
    })
    if (last && last.size === file.size && last.modified === modified && !reread) return skipped('added and unchanged')
    const content = await readContent(file)
    if (last && last.sha256 === content.sha256) return skipped('added and unchanged')
    const facts = await photoFacts(content.start)
    const before = album.last(path)
    const note: PhotoNote = {
      path,
      size: content.size,
      modified: content.modified,
      sha256: content.sha256,
      added: Math.max(vault.now(), before ? Math.max(before.added, before.key.gone.get(before.object) ?? 0) + 1 : 0),
      ...facts,
    }
    const started = performance.now()
    const incoming: Incoming = {
      note,
      name: basename(path),
      parts: () => content.parts(),
      ...(content.mode === undefined ? {} : { mode: content.mode }),
    }
    const { photo, there } = await storeObject(vault, this.#key, incoming, this.#run.body, this.#run.flows)
    album.noticed(photo, this.#key)
    if (thumbnailer && content.bytes) {
      const thumbnail = await thumbnailer(content.bytes, facts.type)
      if (thumbnail) await this.#packs!.add(photo.object, thumbnail)
    }
    const result: FileResult = {
      source: file.source,
      target: path,
      status: 'done',
      ...(last ? { note: 'there was another file at this path, which is kept as an earlier version' } : {}),
      ...(there ? { reason: 'its object was there' } : {}),
      plainBytes: file.size,
      sealedBytes: photo.sealed,
      seconds: (performance.now() - started) / 1000,
    }
    this.#waiting.push({ photo, result })
    return undefined
  }
}
