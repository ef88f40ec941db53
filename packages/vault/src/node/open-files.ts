import { equalConstantTime, LatentError, sha256, toHex } from '@latent/core'
import { Destination, ioError, publish, readFileParts, removeStale, systemCode } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { FlowProvider } from '../bodies/index.ts'
import type { Keyring } from '../envelope.ts'
import { openSealed } from '../open.ts'
import type { Metadata } from '../payload.ts'
import { discover, type Found } from './discover.ts'
import { type Expectation, expectedFiles } from './expected-files.ts'
import { GivenNames, portableName, safeName } from './opened-names.ts'
import { counted, failure, type FileResult, runAll, type RunWatcher, stopIfAborted } from './run.ts'
import { salvageFile } from './salvage-file.ts'
import { plainFolder } from './sealed-names.ts'

export interface OpenRun {
  readonly inputs: readonly string[]
  readonly output: string
  readonly keyring: Keyring
  readonly flows: FlowProvider
  readonly force?: boolean
  /** Write what is intact of damaged files, with zeros for what is missing. */
  readonly salvage?: boolean
  readonly jobs?: number
  readonly watcher?: RunWatcher
  /** When it aborts, files under way are given up, no other is begun, and all of them are results: `interrupted`. */
  readonly signal?: AbortSignal
}

/**
 * Opens sealed files and folders into a folder, keeping its structure, each file under its own name. What
 * an earlier run opened, and is still that file to the last bit, is skipped.
 * @throws E_IO if the output folder cannot be written; failures of single files are results
 */
export async function* openFiles(run: OpenRun): AsyncGenerator<FileResult> {
  const info = await stat(run.output).catch(() => undefined)
  if (info && !info.isDirectory())
    throw new LatentError('E_IO', `the output ${run.output} is not a folder`, { hint: 'give a folder with -o' })
  await removeStale(run.output)
  const output = new Output(run.output, run.force ?? false)
  const contested: { file: Found; error: TakenError }[] = []
  const work = async (file: Found) => {
    try {
      return await openOne(run, output, file)
    } catch (error) {
      if (!(error instanceof TakenError)) throw error
      contested.push({ file, error })
      return undefined
    }
  }
  yield* overFiles(run, work, files => {
    for (const { source } of files) output.destination.protect(source)
  })
  // What stood in the way may have turned out to be another file of this run.
  for (const { file, error } of contested)
    yield await attempt(run, file, async () =>
      output.hasGiven(error.target) ? openOne(run, output, file) : Promise.reject(error),
    )
  await output.destination.flush()
}

/** Opens sealed files to the last byte and writes nothing; what journals list and is not there is missing. */
export async function* verifyFiles(run: Omit<OpenRun, 'output' | 'force' | 'salvage'>): AsyncGenerator<FileResult> {
  let expectation: Expectation | undefined
  const work = async (file: Found): Promise<FileResult> => {
    const started = performance.now()
    const opened = await openSealed(watched(run, file), run.keyring, run.flows)
    for await (const part of opened.bytes) void part
    const last = expectation?.nonces.get(file.source)
    const note =
      last === undefined || last === toHex(opened.header.nonce)
        ? {}
        : { note: 'intact, but another one than was sealed last: an older copy, or one that another machine sealed' }
    return {
      source: file.source,
      status: 'done',
      ...note,
      plainBytes: opened.metadata.size,
      sealedBytes: file.size,
      seconds: (performance.now() - started) / 1000,
    }
  }
  yield* overFiles({ ...run, output: '' }, work, async files => {
    expectation = await expectedFiles(
      run.inputs,
      files.map(({ source }) => source),
    )
    const { listed, unlisted } = expectation
    if (listed > 0 || unlisted.length > 0) run.watcher?.expected?.(listed === 0 ? undefined : listed)
    for (const folder of unlisted)
      run.watcher?.notice?.(
        `there is no journal in ${folder} or above it: whether sealed files are missing there cannot be known`,
      )
  })
  for (const path of expectation?.missing ?? []) yield { ...failure(path, MISSING), status: 'missing' }
}

const MISSING = new LatentError('E_IO', 'an earlier run sealed it here, and it is gone', {
  hint: 'get it back from another copy, or seal its source again',
})

async function* overFiles(
  run: Pick<OpenRun, 'inputs' | 'output' | 'jobs' | 'watcher' | 'signal'>,
  work: (file: Found) => Promise<FileResult | undefined>,
  plan: (files: readonly Found[]) => void | Promise<void> = () => undefined,
): AsyncGenerator<FileResult> {
  const named = new Set(run.inputs.map(input => resolve(input)))
  const { files, passedOver } = await discover(run.inputs, run.output || '.latent-nowhere')
  for (const { source, error, failed } of passedOver)
    yield failed ? failure(source, error) : { ...failure(source, error), status: 'skipped' }
  await plan(files)
  run.watcher?.planned?.(
    files.length,
    files.reduce((sum, file) => sum + file.size, 0),
  )
  for await (const result of runAll(files, run.jobs ?? 4, file => attempt(run, file, () => work(file)))) {
    // A folder may hold other things than sealed files; what the user names, or is called like one, must be one.
    if (result?.code === 'E_NOT_SEALED' && !named.has(result.source) && !/\.png$/i.test(result.source))
      yield { ...result, status: 'skipped' }
    else if (result) yield result
  }
}

/** A failure of one file is a result. */
async function attempt<T>(
  { signal }: Pick<OpenRun, 'signal'>,
  file: Found,
  work: () => Promise<T>,
): Promise<T | FileResult> {
  try {
    stopIfAborted(signal)
    return await work()
  } catch (error) {
    return failure(file.source, ioError(error, `cannot open ${basename(file.source)}`), { sealedBytes: file.size })
  }
}

const watched = ({ watcher, signal }: Pick<OpenRun, 'watcher' | 'signal'>, { source }: Found) =>
  counted(readFileParts(source), bytes => watcher?.progress?.(source, bytes), signal)

/** What a file that is opened with damage may still be salvaged from. */
const DAMAGE: ReadonlySet<string> = new Set(['E_HEADER', 'E_CHUNK', 'E_TRUNCATED', 'E_HASH'])

async function openOne(run: OpenRun, output: Output, file: Found): Promise<FileResult> {
  try {
    return await openWhole(run, output, file)
  } catch (error) {
    if (!run.salvage || !(error instanceof LatentError) || !DAMAGE.has(error.code)) throw error
    return salvageFile(run, output, file, error)
  }
}

const SKIPPED = {
  there: 'opened before and unchanged',
  twice: 'copies of other sealed files, of the same content',
} as const

async function openWhole(run: OpenRun, output: Output, file: Found): Promise<FileResult> {
  const started = performance.now()
  let ready = [await openSealed(watched(run, file), run.keyring, run.flows)]
  const { metadata } = ready[0]!
  // The hash and the bytes both take a reading of their own.
  const reading = async () => {
    const opened =
      ready.pop() ??
      (await openSealed(
        counted(readFileParts(file.source), () => undefined, run.signal),
        run.keyring,
        run.flows,
      ))
    ready = []
    return opened
  }
  try {
    const { target, there, note } = await output.deliver(plainFolder(dirname(file.relative)), metadata.name, {
      size: metadata.size,
      metadata,
      sha256: async () => (await reading()).sha256(),
      async *bytes() {
        yield* (await reading()).bytes
      },
    })
    const result = {
      source: file.source,
      target,
      plainBytes: metadata.size,
      sealedBytes: file.size,
      ...(note === undefined ? {} : { note }),
    }
    if (there !== undefined) return { ...result, status: 'skipped', reason: SKIPPED[there] }
    return { ...result, status: 'done', seconds: (performance.now() - started) / 1000 }
  } finally {
    await ready.pop()?.close()
  }
}

/** A file to be put into the output. */
export interface Content {
  readonly size: number
  readonly metadata?: Metadata | undefined
  sha256(): Promise<Uint8Array>
  bytes(): AsyncIterable<Uint8Array>
}

export interface Delivered {
  readonly target: string
  /** The very file was there already: since an earlier run, or from another sealed file of this one. */
  readonly there?: 'there' | 'twice'
  /** What is not as it was when it was sealed. */
  readonly note?: string | undefined
}

/** Something else stands where a file was to go. */
class TakenError extends LatentError {
  readonly target: string

  constructor(target: string) {
    super('E_EXISTS', `${basename(target)} already exists`, {
      hint: 'it differs from what was sealed: choose another folder, or --force to replace it',
    })
    this.target = target
  }
}

/** What file systems say about names that they cannot hold; exFAT's says that there is no such file. */
const REFUSED_NAMES: ReadonlySet<string | undefined> = new Set(['EINVAL', 'EILSEQ', 'ENAMETOOLONG', 'ENOENT'])

/** Opened before anyone knew of modes, or on Windows: what was sealed is nobody else's business. */
const PRIVATE = 0o600

/** The folder that a run opens into. */
export class Output {
  readonly destination: Destination
  readonly #root: string
  readonly #force: boolean
  readonly #names = new GivenNames()

  constructor(root: string, force: boolean) {
    this.#root = root
    this.#force = force
    this.destination = new Destination(root)
  }

  /**
   * Puts a file into a folder below the output, under its own name or the nearest that can be had.
   * @throws E_EXISTS; E_IO; whatever reading the content throws
   */
  async deliver(folder: string, name: string, content: Content): Promise<Delivered> {
    const safeFolder = folder
      .split(sep)
      .map(part => (part === '.' ? part : safeName(part)))
      .join(sep)
    const own = join(safeFolder, safeName(name))
    let path = own
    let delivered: Delivered
    try {
      delivered = await this.#put(path, content)
    } catch (error) {
      path = own
        .split(sep)
        .map(part => (part === '.' ? part : portableName(part)))
        .join(sep)
      if (!(error instanceof LatentError) || !REFUSED_NAMES.has(systemCode(error.cause)) || path === own) throw error
      delivered = await this.#put(path, content)
    }
    const notes = [
      ...(basename(path) === name ? [] : [`the name ${JSON.stringify(name)} cannot be used here`]),
      ...(dirname(path) === join(folder) ? [] : ['a folder has another name']),
      ...(delivered.note === undefined ? [] : [delivered.note]),
    ]
    return {
      ...delivered,
      note:
        notes.length === 0 || delivered.there !== undefined
          ? undefined
          : `written as ${delivered.target}: ${notes.join('; ')}`,
    }
  }

  /** Did this run put a file there, or find it there? */
  hasGiven(target: string): boolean {
    return this.#names.has(target)
  }

  async #put(path: string, content: Content): Promise<Delivered> {
    const { size, metadata } = content
    const [folder, name] = [join(this.#root, dirname(path)), basename(path)]
    await this.destination.ensure(folder).catch((error: unknown) => {
      throw ioError(error, `cannot write to the folder ${folder}`)
    })
    return this.#names.inTurn(folder, name, async () => {
      const isSame = async (there: string, info: BigIntStats) =>
        info.isFile() && Number(info.size) === size && equalConstantTime(await hashOf(there), await content.sha256())
      const { target, state, info: there } = await this.#names.place(folder, name, isSame)
      if (state === 'taken' && !this.#force) throw new TakenError(target)
      if (there && (state === 'twice' || (state === 'there' && !this.#force))) {
        this.#names.give(target, there)
        return { target, there: state === 'twice' ? state : 'there' }
      }
      const { timeKept, info } = await publish(target, content.bytes(), {
        mode: metadata?.mode ?? PRIVATE,
        destination: this.destination,
        replace: this.#force ? () => true : undefined,
        ...(metadata === undefined ? {} : { modified: metadata.modified }),
      })
      this.#names.give(target, info)
      return { target, note: timeKept ? undefined : 'the file system cannot hold its time' }
    })
  }
}

async function hashOf(path: string): Promise<Uint8Array> {
  const hash = sha256()
  for await (const part of readFileParts(path)) hash.update(part)
  return hash.digest()
}
