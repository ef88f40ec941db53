import { LatentError, toHex } from '@latent/core'
import { Destination, holdLock, ioError, type Lock as FolderLock, onDisk, removeStale } from '@latent/core/node'
import { rm, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { wrapAlbum } from '../envelope.ts'
import { discover, nothingThere } from './discover.ts'
import { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import { machineSecret } from './machine-secret.ts'
import { LOCK } from './own-files.ts'
import { noticeEmpty, noticeIdle, remarksOn } from './remarks.ts'
import { type FileResult, runAll } from './run.ts'
import { sealOne } from './seal-one.ts'
import type { SealContext, SealRun } from './seal-run.ts'
import { leftover, notOurs, pruneStale } from './stale.ts'
import { lookAt } from './target-state.ts'
import { Targets } from './targets.ts'

/** What holds files and no folders. */
const HOLDERS = 'sealed files'

/**
 * Seals files and folders into a folder, keeping its structure. Runs can be stopped at any moment and
 * repeated: what is sealed and unchanged is skipped, nothing partial is left, no source is touched.
 * Two runs into one folder take turns. Where no input is there, no output is made.
 * @throws E_IO if the output folder cannot be written at all; failures of single files are results
 */
export async function* sealFiles(run: SealRun): AsyncGenerator<FileResult> {
  if (await nothingThere(run.inputs, run.output)) {
    yield* remarksOn(await discover(run.inputs, run.output), HOLDERS)
    return
  }
  await makeFolder(run.output)
  const lock = await inTurn(run)
  try {
    const journal = await Journal.open(run.output, await machineSecret())
    try {
      await removeStale(run.output)
      yield* sealAll(run, journal)
    } finally {
      await journal.close()
    }
    await journal.tidy(run.output)
  } finally {
    await lock.release()
  }
}

async function* sealAll(run: SealRun, journal: Journal): AsyncGenerator<FileResult> {
  const { watcher, output } = run
  const found = await discover(run.inputs, run.leaveOut ?? output, run.exclude)
  yield* remarksOn(found, HOLDERS)
  const inputs = found.files.filter(({ source }) => !journal.mentions(below(output, source) ?? ''))
  const targets = new Targets(
    found.files,
    journal,
    inputs.flatMap(({ source }) => below(output, source) ?? []),
    run.hideNames,
  )
  const destination = new Destination(output)
  for (const { source, info } of inputs) destination.protect(source, info)
  const counts = { rewrapped: 0, resealedForLock: 0, adopted: 0, keyShared: 0, damaged: 0, unmarked: 0 }
  const marks = { base: journal.mark('base', found.base), lock: journal.mark('lock', run.lockName) }
  const context: SealContext = {
    run,
    journal,
    targets,
    destination,
    marks,
    mayWrap: wrappable(run, journal, targets),
    wrap: wrapper(run),
    counts,
  }
  const leftOut = await recipientsLeftOut(run, journal, targets, marks.lock)
  const files = found.files.filter(({ source }) => !run.except?.has(source))
  watcher?.planned?.(
    files.length,
    files.reduce((sum, file) => sum + file.size, 0),
  )
  yield* runAll(
    files,
    run.jobs,
    file => sealOne(context, file),
    ({ size }) => size,
  )
  await destination.flush()
  if (run.signal?.aborted) return
  const { stale, unplaced, untold } = leftover(journal, targets, found, marks.base, run.hideNames)
  yield* prune(context, stale)
  for (const { target } of unplaced) {
    const path = join(output, target)
    yield {
      source: path,
      target: path,
      status: 'skipped',
      reason: 'sealed by version 0.1.0 from what this run did not meet: look whether they are still wanted',
    }
  }
  if (untold.length > 0)
    watcher?.notice?.(
      `sealed files whose names tell nothing belong to nothing that was met (${untold.length}), and stay: ` +
        `what they are of may be where this run did not look, such as ${found.closed[0]}`,
    )
  for (const notice of notices(context, leftOut)) watcher?.notice?.(notice)
  noticeEmpty(found, journal.expected().length, watcher)
  noticeIdle(found, watcher)
}

/** @throws E_IO */
async function makeFolder(path: string): Promise<void> {
  const info = await stat(onDisk(path)).catch(() => undefined)
  if (info && !info.isDirectory())
    throw new LatentError('E_IO', `the output ${path} is not a folder`, { hint: 'give a folder with -o' })
  await new Destination().ensure(path).catch((error: unknown) => {
    throw ioError(error, `cannot write to the folder ${path}`)
  })
}

const PATIENCE_MS = 500

/** Waits while another process seals into the folder. @throws E_IO */
export async function inTurn({ output, watcher }: Pick<SealRun, 'output' | 'watcher'>): Promise<FolderLock> {
  for (let told = false; ; told = true) {
    try {
      return await holdLock(join(output, LOCK), 'is sealing into this folder')
    } catch (error) {
      if (!(error instanceof LatentError) || error.code !== 'E_EXISTS')
        throw ioError(error, `cannot write to the folder ${output}`)
      if (!told) watcher?.notice?.(`${error.message}; waiting until it is done`)
    }
    await new Promise(resolve => setTimeout(resolve, PATIENCE_MS))
  }
}

/** The path of an input that lies in the output: there sealed files are met on the way. */
function below(output: string, source: string): string | undefined {
  const path = relative(resolve(output), source)
  return path.startsWith('..') || isAbsolute(path) ? undefined : path
}

function wrapper({ lock, album }: SealRun): SealContext['wrap'] {
  if (!lock) return undefined
  const wrapped = new Map([[toHex(album.key), Promise.resolve(album)]])
  return key => {
    const name = toHex(key)
    const known = wrapped.get(name) ?? wrapAlbum(key, lock)
    wrapped.set(name, known)
    return known
  }
}

/**
 * Files that were sealed in one run share a key. It is given to new recipients where all of them are files of
 * this run, and so are meant for them; those who are left out gain nothing by a new envelope.
 */
function wrappable(run: SealRun, journal: Journal, targets: Targets): SealContext['mayWrap'] {
  const elsewhere = new Set(
    journal
      .expected()
      .flatMap(({ target, by, album }) => (targets.isOfThisRun(target) ? [] : [by === journal.by ? album : undefined])),
  )
  const members = recipientMarks(run, journal)
  return ({ album, lock }) => {
    const before = journal.locks.get(lock ?? '') ?? []
    if (members.every(member => before.includes(member))) return true
    return album !== undefined && !elsewhere.has(album) && !elsewhere.has(undefined)
  }
}

const recipientMarks = ({ lock }: SealRun, journal: Journal): string[] =>
  (lock === undefined ? [] : 'recipients' in lock ? lock.recipients : ['passphrase']).map(recipient =>
    journal.mark('recipient', recipient),
  )

/** How many of those that these files were sealed for so far are not among the recipients of this run. */
async function recipientsLeftOut(run: SealRun, journal: Journal, targets: Targets, mark: string): Promise<number> {
  if (!run.lock) return 0
  const members = recipientMarks(run, journal)
  const before = new Set(
    journal
      .expected()
      .flatMap(entry =>
        entry.lock === undefined || entry.lock === mark || !targets.isOfThisRun(entry.target)
          ? []
          : (journal.locks.get(entry.lock) ?? []),
      ),
  )
  await journal.knowLock(mark, members)
  return Array.from(before).filter(member => !members.includes(member)).length
}

async function* prune(
  { run, journal, destination }: SealContext,
  entries: readonly Entry[],
): AsyncGenerator<FileResult> {
  const stale = entries.map(entry => ({
    path: join(run.output, entry.target),
    async remove() {
      const state = await lookAt(run.output, entry.target, journal, false)
      if (state.kind === 'foreign') throw notOurs()
      await rm(onDisk(this.path), { force: true })
      await journal.removed(entry)
    },
  }))
  const isWanted = stale.length > 0 && run.prune !== undefined && (await run.prune(stale.map(({ path }) => path)))
  yield* pruneStale(stale, isWanted)
  if (isWanted) await destination.flush()
}

function resealedBecause({ keyShared }: SealContext['counts'], { keyring }: SealRun): string {
  if (keyShared > 0) return 'other files in the output, which this run was not asked to seal, share their key'
  return keyring ? 'no key that was given opens the old ones' : 'no key was given that opens the old ones (-i IDENTITY)'
}

function* notices({ counts, destination, run }: SealContext, leftOut: number): Generator<string> {
  const were = (count: number) => (count === 1 ? 'was' : 'were')
  const files = (count: number) => (count === 1 ? '1 file' : `${count} files`)
  if (counts.rewrapped > 0)
    yield `the recipients changed: ${files(counts.rewrapped)} got a new envelope, and the content was not sealed anew`
  if (counts.resealedForLock > 0)
    yield (
      `the recipients changed: ${files(counts.resealedForLock)} sealed anew, ` +
      `because ${resealedBecause(counts, run)}`
    )
  if (leftOut > 0 && counts.rewrapped + counts.resealedForLock > 0)
    yield (
      `${leftOut} who could open the files before ${leftOut === 1 ? 'is' : 'are'} left out from now on; ` +
      'this takes nothing back from them: copies that they have, older versions that a service keeps, ' +
      'and keys that they kept open what they opened before'
    )
  if (counts.adopted > 0)
    yield `the journal did not know ${files(counts.adopted)}; the key opens them and they hold what is to be sealed`
  if (counts.unmarked > 0)
    yield (
      `the journal was written on another machine, so ${files(counts.unmarked)} could not be told unchanged ` +
      `and ${were(counts.unmarked)} sealed anew${run.keyring ? '' : ' (with -i IDENTITY they can be compared)'}`
    )
  if (counts.damaged > 0)
    yield (
      `${files(counts.damaged)} in the output ${were(counts.damaged)} cut or altered ` +
      `since ${counts.damaged === 1 ? 'it was' : 'they were'} sealed, and sealed anew`
    )
  if (destination.unflushed !== undefined)
    yield (
      `the file system of the output cannot flush to the disk (${destination.unflushed}): ` +
      'after a loss of power, verify what is there'
    )
}
