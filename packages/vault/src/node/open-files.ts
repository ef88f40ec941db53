import { LatentError, release, toHex } from '@latent/core'
import { ioError, readFileParts, removeStale } from '@latent/core/node'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { openSealed } from '../open.ts'
import type { Metadata } from '../payload.ts'
import { placeInNote } from '../place.ts'
import { releasing } from '../streams.ts'
import { discover, type Found } from './discover.ts'
import { type Expectation, expectedFiles } from './expected-files.ts'
import { OpenedJournal } from './opened-journal.ts'
import type { OpenRun } from './open-run.ts'
import type { OpenedWhole } from './open-whole.ts'
import { type Content, Output, TakenError } from './output.ts'
import { counted, failure, type FileResult, runAll, stopIfAborted } from './run.ts'
import { salvageFile } from './salvage-file.ts'
import { WHOLE_BYTES } from './seal-whole.ts'
import { plainFolder } from './sealed-names.ts'

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
  const journal = run.memory === undefined ? undefined : await OpenedJournal.open(run.memory, run.output, run.keyring)
  try {
    yield* openInto(run, new Output(run.output, run.force ?? false), journal)
  } finally {
    await journal?.close()
  }
}

async function* openInto(run: OpenRun, output: Output, journal: OpenedJournal | undefined): AsyncGenerator<FileResult> {
  const contested: { file: Found; error: TakenError }[] = []
  const work = async (file: Found) => {
    try {
      return (
        (journal && (await openedBefore(run, output, journal, file))) ?? (await openOne(run, output, journal, file))
      )
    } catch (error) {
      if (!(error instanceof TakenError)) throw error
      contested.push({ file, error })
      return undefined
    }
  }
  let missing = 0
  yield* overFiles(run, work, async files => {
    for (const { source, info } of files) output.destination.protect(source, info)
    const expected = await expectedFiles(run.inputs, files, run.listedBeside)
    missing = expected.missing.length + expected.unread.length
  })
  // What stood in the way may have turned out to be another file of this run.
  for (const { file, error } of contested)
    yield await attempt(run, file, async () =>
      output.hasGiven(error.target) ? openOne(run, output, journal, file) : Promise.reject(error),
    )
  await output.destination.flush()
  if (missing > 0)
    run.watcher?.notice?.(
      `of the sealed files that the journal lists, ${missing} ${missing === 1 ? 'is' : 'are'} not here: ` +
        'latent verify names what is missing',
    )
}

/** Opens sealed files to the last byte and writes nothing; what journals list and is not there is missing. */
export async function* verifyFiles(run: Omit<OpenRun, 'output' | 'force' | 'salvage'>): AsyncGenerator<FileResult> {
  let expectation: Expectation | undefined
  const work = async (file: Found): Promise<FileResult> => {
    const started = performance.now()
    const opened = (await openByThread(run, file, false)) ?? (await readToTheEnd(run, file))
    const last = expectation?.nonces.get(file.source)
    const note =
      last === undefined || last === toHex(opened.nonce)
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
    expectation = await expectedFiles(run.inputs, files, run.listedBeside)
    const { listed, unlisted } = expectation
    if (listed > 0 || unlisted.length > 0) run.watcher?.expected?.(listed === 0 ? undefined : listed)
    for (const folder of unlisted)
      run.watcher?.notice?.(
        `there is no journal in ${folder} or above it: whether sealed files are missing there cannot be known`,
      )
  })
  for (const path of expectation?.missing ?? []) yield { ...failure(path, MISSING), status: 'missing' }
  for (const path of expectation?.unread ?? []) yield { ...failure(path, UNREAD), status: 'missing' }
}

async function readToTheEnd(run: Opening, file: Found): Promise<Pick<OpenedWhole, 'nonce' | 'metadata'>> {
  const { bytes, header, metadata } = await openSealed(watched(run, file), run.keyring, run.flows)
  for await (const part of bytes) release(part)
  return { nonce: header.nonce, metadata }
}

const MISSING = new LatentError('E_IO', 'an earlier run sealed it here, and it is gone', {
  hint: 'get it back from another copy, or seal its source again',
})

const UNREAD = new LatentError('E_IO', 'an earlier run sealed it here, and now it is no file, or lies behind a link', {
  hint: 'get it back from another copy, or name the folder that the link leads to',
})

async function* overFiles(
  run: Pick<OpenRun, 'inputs' | 'output' | 'except' | 'jobs' | 'watcher' | 'signal'>,
  work: (file: Found) => Promise<FileResult | undefined>,
  plan: (files: readonly Found[]) => void | Promise<void> = () => undefined,
): AsyncGenerator<FileResult> {
  const named = new Set(run.inputs.map(input => resolve(input)))
  const { files: found, passedOver } = await discover(run.inputs, run.output || '.latent-nowhere')
  const files = found.filter(({ source }) => !run.except?.has(source))
  for (const { source, error, failed } of passedOver)
    yield failed ? failure(source, error) : { ...failure(source, error), status: 'skipped' }
  await plan(found)
  run.watcher?.planned?.(
    files.length,
    files.reduce((sum, file) => sum + file.size, 0),
  )
  const results = runAll(
    files,
    run.jobs,
    file => attempt(run, file, () => work(file)),
    ({ size }) => size,
  )
  for await (const result of results) {
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
  counted(releasing(readFileParts(source)), bytes => watcher?.progress?.(source, bytes), signal)

/** What a file that is opened with damage may still be salvaged from. */
const DAMAGE: ReadonlySet<string> = new Set(['E_HEADER', 'E_CHUNK', 'E_TRUNCATED', 'E_HASH'])

/** Where the file of a sealed one goes whose name tells it. */
const namesAsSealed = ({ relative }: Found) => ({
  folder: plainFolder(dirname(relative)),
  name: basename(relative).replace(/\.png$/, ''),
})

/**
 * A file that was opened to where its name says, and has not changed since, nor has what it was opened to; and that the
 * keys of this run would open.
 */
async function openedBefore(
  run: OpenRun,
  output: Output,
  journal: OpenedJournal,
  file: Found,
): Promise<FileResult | undefined> {
  const { folder, name } = namesAsSealed(file)
  if (run.force || run.reread || !(await journal.isOurs(file))) return undefined
  const found = await output.recognise(folder, name, (target, info) => journal.knows(file, target, info))
  if (!found) return undefined
  run.watcher?.progress?.(file.source, file.size)
  if (!isAskedFor(run, folder, name)) return notAskedFor(file)
  const { target, info } = found
  return {
    source: file.source,
    target,
    status: 'skipped',
    reason: SKIPPED.there,
    plainBytes: Number(info.size),
    sealedBytes: file.size,
  }
}

const isAskedFor = ({ only }: OpenRun, folder: string, name: string) =>
  only?.has(join(folder, name).split(sep).join('/')) !== false

const notAskedFor = ({ source }: Found): FileResult => ({ source, status: 'skipped', reason: 'not asked for' })

async function openOne(
  run: OpenRun,
  output: Output,
  journal: OpenedJournal | undefined,
  file: Found,
): Promise<FileResult> {
  try {
    return await openWhole(run, output, journal, file)
  } catch (error) {
    if (!run.salvage || !(error instanceof LatentError) || !DAMAGE.has(error.code)) throw error
    return salvageFile(run, output, file, error)
  }
}

/** What opening takes, wherever the files go. */
type Opening = Pick<OpenRun, 'keyring' | 'flows' | 'fileThreads' | 'watcher' | 'signal'>

const SKIPPED = {
  there: 'opened before and unchanged',
  twice: 'copies of other sealed files, of the same content',
} as const

async function openWhole(
  run: OpenRun,
  output: Output,
  journal: OpenedJournal | undefined,
  file: Found,
): Promise<FileResult> {
  const started = performance.now()
  const { content, envelope, note: noted, close } = (await contentByThread(run, file)) ?? (await contentOf(run, file))
  try {
    const { metadata } = content
    const place = placeInNote(noted)
    const folder = place === undefined ? plainFolder(dirname(file.relative)) : dirname(place)
    if (!isAskedFor(run, folder, metadata.name)) return notAskedFor(file)
    const { target, info, there, note } = await output.deliver(folder, metadata.name, content)
    const named = namesAsSealed(file)
    if (folder === named.folder && metadata.name === named.name && there !== 'twice')
      await journal?.opened(file, envelope, target, info)
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
    await close()
  }
}

/** A sealed file whose metadata are known. */
interface Readable {
  readonly content: Content & { readonly metadata: Metadata }
  readonly envelope: Uint8Array
  readonly note: Uint8Array | undefined
  readonly close: () => Promise<void>
}

async function contentOf(run: OpenRun, file: Found): Promise<Readable> {
  let ready = [await openSealed(watched(run, file), run.keyring, run.flows)]
  const { metadata, note, header } = ready[0]!
  // The hash and the bytes both take a reading of their own.
  const reading = async () => {
    const opened =
      ready.pop() ??
      (await openSealed(
        counted(releasing(readFileParts(file.source)), () => undefined, run.signal),
        run.keyring,
        run.flows,
      ))
    ready = []
    return opened
  }
  const content = {
    size: metadata.size,
    metadata,
    sha256: async () => (await reading()).sha256(),
    async *bytes() {
      yield* (await reading()).bytes
    },
  }
  return { content, envelope: header.envelope, note, close: async () => ready.pop()?.close() }
}

async function contentByThread(run: OpenRun, file: Found): Promise<Readable | undefined> {
  const opened = await openByThread(run, file, true)
  if (!opened?.bytes) return undefined
  const { metadata, envelope, note, sha256, bytes } = opened
  const content = { size: metadata.size, metadata, sha256: () => Promise.resolve(sha256), bytes: () => [bytes] }
  return { content, envelope, note, close: () => Promise.resolve() }
}

/**
 * @param wanted whether the bytes are asked for
 * @returns `undefined` where no thread opens it: it is large, damaged or another file, or there is too little to do
 */
async function openByThread(run: Opening, { source, size }: Found, wanted: boolean): Promise<OpenedWhole | undefined> {
  if (!run.fileThreads || size > WHOLE_BYTES) return undefined
  const task = { source, size, wanted }
  let opened = await run.fileThreads.open(task)
  if (opened && 'locked' in opened) {
    const envelope = opened.locked
    opened = await run.fileThreads.open({ ...task, album: { envelope, key: await run.keyring.albumKey(envelope) } })
  }
  stopIfAborted(run.signal)
  if (!opened || 'locked' in opened) return undefined
  run.watcher?.progress?.(source, size)
  return opened
}
