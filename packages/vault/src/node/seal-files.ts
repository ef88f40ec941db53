import { LatentError, sha256Of, toHex } from '@latent/core'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FlowProvider } from '../body.ts'
import { type Album, Keyring } from '../envelope.ts'
import { inspectSealed, openSealed } from '../open.ts'
import { mediaType } from '../payload.ts'
import { looksSealed } from '../salvage.ts'
import { prepareSeal, type SealOptions } from '../seal.ts'
import { alongside } from '../streams.ts'
import { discover, type Found } from './discover.ts'
import { Folders, ioError, readFileParts, removeStale, writeWhole } from './files.ts'
import { Journal, stampOf } from './journal.ts'
import { counted, failure, type FileResult, runAll, type RunWatcher } from './run.ts'

export interface SealRun {
  readonly inputs: readonly string[]
  readonly output: string
  readonly album: Album
  /** Names the recipients (any text that differs when they do), so that sealing for others seals anew. */
  readonly lockName: string
  readonly flows: FlowProvider
  readonly body: SealOptions['body']
  readonly padding?: SealOptions['padding']
  /** Open every sealed file again, to the last byte, before it appears. Default true. */
  readonly check?: boolean
  readonly force?: boolean
  /** Files worked on at once. */
  readonly jobs?: number
  readonly watcher?: RunWatcher
}

/**
 * Seals files and folders into a folder, keeping its structure. Runs can be stopped at any moment and
 * repeated: what is sealed and unchanged is skipped, nothing partial is left, no source is touched.
 * @throws E_IO if the output folder cannot be written at all; failures of single files are results
 */
export async function* sealFiles(run: SealRun): AsyncGenerator<FileResult> {
  const { watcher } = run
  await mustBeFolder(run.output)
  const journal = await Journal.open(run.output)
  try {
    await removeStale(run.output)
    const { files, passedOver } = await discover(run.inputs, run.output)
    for (const { source, error, failed } of passedOver) {
      yield failed ? failure(source, error) : { ...failure(source, error), status: 'skipped' }
    }
    watcher?.planned?.(files.length, files.reduce((sum, file) => sum + file.size, 0))
    const folders = new Folders()
    yield* runAll(files, run.jobs ?? 4, file => sealOne(run, journal, folders, file))
    await folders.flush()
  } finally {
    await journal.close()
  }
}

async function mustBeFolder(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (info && !info.isDirectory()) throw new LatentError('E_IO', `the output ${path} is not a folder`, { hint: 'give a folder with -o' })
}

async function sealOne(run: SealRun, journal: Journal, folders: Folders, file: Found): Promise<FileResult> {
  const { source, size } = file
  const started = performance.now()
  const relative = sealedName(file.relative)
  const target = join(run.output, relative)
  try {
    const stamp = stampOf(file.relative, size, file.modifiedNs, run.lockName, run.body.type, run.padding ?? 'none')
    const state = await targetState(journal, relative, target, stamp)
    if (state === 'current') return skip(run, file, target, 'sealed and unchanged')
    if (state === 'foreign' && !run.force) {
      throw new LatentError('E_EXISTS', `${basename(target)} exists and was not sealed by an earlier run into this folder`, { hint: 'choose another folder, or --force to replace it' })
    }
    const parts = readFileParts(source)
    try {
      const first = (await parts.next()).value ?? new Uint8Array(0)
      if (looksSealed(first)) return skip(run, file, target, 'it is a sealed file already')
      const metadata = { name: basename(source), type: mediaType(first), size, modified: Number(file.modifiedNs / 1_000_000n) }
      const sealing = await prepareSeal({ ...run, metadata, padding: run.padding ?? 'none' })
      const png = sealing.png(counted(joined(first, parts), bytes => run.watcher?.progress?.(source, bytes)))
      const written = await writeWhole(target, run.check === false ? png : alongside(png, copy => checkSealed(run, copy)), {
        folders,
        overwrite: state !== 'absent',
        beforePublish: () => journal.add(relative, toHex(sealing.nonce), stamp),
      })
      return { source, target, status: 'done', plainBytes: size, sealedBytes: written, seconds: (performance.now() - started) / 1000 }
    } finally {
      await parts.return(undefined)
    }
  } catch (error) {
    return failure(source, ioError(error, `cannot seal ${basename(source)}`), { plainBytes: size })
  }
}

function skip({ watcher }: SealRun, { source, size }: Found, target: string, reason: string): FileResult {
  watcher?.progress?.(source, size)
  return { source, target, status: 'skipped', reason, plainBytes: size }
}

/** Opens what is being written, to the end; its hash comparison is the check. */
async function checkSealed({ album, flows }: SealRun, png: AsyncIterable<Uint8Array>): Promise<void> {
  const { bytes } = await openSealed(png, new Keyring().remember(album), flows)
  for await (const part of bytes) void part
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  yield* rest
}

async function targetState(journal: Journal, relative: string, target: string, stamp: string): Promise<'absent' | 'current' | 'stale' | 'foreign'> {
  if (!(await stat(target).catch(() => undefined))) return 'absent'
  const nonce = await inspectSealed(readFileParts(target)).then(({ header }) => toHex(header.nonce), () => undefined)
  const matches = nonce === undefined ? undefined : journal.matches(relative, nonce, stamp)
  return matches === undefined ? 'foreign' : matches ? 'current' : 'stale'
}

const MAX_NAME = 255

/** `a/b.jpg` becomes `a/b.jpg.png`; names that would grow too long are cut and told apart by a hash. */
export function sealedName(relative: string): string {
  const name = basename(relative)
  const full = `${name}.png`
  if (Buffer.byteLength(full) <= MAX_NAME) return join(dirname(relative), full)
  const suffix = `~${toHex(sha256Of(new TextEncoder().encode(relative))).slice(0, 8)}.png`
  let cut = name
  while (Buffer.byteLength(cut) + suffix.length > MAX_NAME) cut = Array.from(cut).slice(0, -1).join('')
  return join(dirname(relative), cut + suffix)
}
