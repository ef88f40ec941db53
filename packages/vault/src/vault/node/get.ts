import { LatentError, sha256, toHex } from '@latent/core'
import { ioError, removeStale } from '@latent/core/node'
import { dirname, join } from 'node:path'
import type { FlowProvider } from '../../bodies/index.ts'
import { safeName } from '../../node/opened-names.ts'
import { Output } from '../../node/output.ts'
import { counted, failure, type FileResult, runAll, type RunWatcher, stopIfAborted } from '../../node/run.ts'
import { openObject } from '../objects.ts'
import type { Kept } from '../key-state.ts'
import type { Vault } from '../vault.ts'

/** What is to be given back. */
export interface GetRun {
  readonly vault: Vault
  readonly photos: readonly Kept[]
  readonly output: string
  readonly flows: FlowProvider
  /** A folder for each album; otherwise the paths of albums are put together. */
  readonly byAlbum?: boolean
  readonly force?: boolean
  readonly jobs?: number
  readonly watcher?: RunWatcher
  readonly signal?: AbortSignal
}

/**
 * Gives photos back into a folder, with their times and modes. What is there, and is that file to the last bit, is
 * skipped.
 * @throws E_IO if the folder cannot be written; failures of single files are results
 */
export async function* getFiles(run: GetRun): AsyncGenerator<FileResult> {
  await removeStale(run.output)
  const output = new Output(run.output, run.force ?? false)
  run.watcher?.planned?.(
    run.photos.length,
    run.photos.reduce((sum, { size }) => sum + size, 0),
  )
  yield* runAll(run.photos, run.jobs ?? 4, photo => getOne(run, output, photo))
  await output.destination.flush()
}

/** The name of an album is chosen by whoever shares it: one folder, below the output, whatever it says. */
export const albumFolder = ({ name }: { readonly name: string }): string =>
  safeName(name.replaceAll(/[/\\]/g, '_')) || '_'

async function getOne(run: GetRun, output: Output, photo: Kept): Promise<FileResult> {
  const { vault, flows, watcher, signal, byAlbum } = run
  const started = performance.now()
  const common = { source: photo.path, plainBytes: photo.size, sealedBytes: photo.sealed }
  try {
    stopIfAborted(signal)
    const opened = await openObject(vault, photo, photo.key, flows)
    try {
      const { metadata } = opened
      const folder = join(...(byAlbum ? [albumFolder(vault.albumOf(photo))] : []), dirname(photo.path))
      const delivered = await output.deliver(folder, metadata.name, {
        size: metadata.size,
        metadata,
        // The index has it, and what is written is held against what the object says.
        sha256: async () => Buffer.from(photo.sha256, 'hex'),
        bytes: () => counted(opened.bytes, bytes => watcher?.progress?.(photo.path, bytes), signal),
      })
      const { target, there, note } = delivered
      return {
        ...common,
        target,
        ...(note === undefined ? {} : { note }),
        ...(there === undefined
          ? { status: 'done' as const, seconds: (performance.now() - started) / 1000 }
          : { status: 'skipped' as const, reason: 'there already' }),
      }
    } finally {
      await opened.close()
    }
  } catch (error) {
    return failure(photo.path, ioError(error, `cannot get ${photo.path}`), common)
  }
}

/** What is verified, and how much of it. */
export type VerifyRun = Pick<GetRun, 'vault' | 'photos' | 'flows' | 'jobs' | 'watcher' | 'signal'>

/** Opens objects to the last byte, and compares what comes out with the index; writes nothing. */
export async function* verifyVault({
  vault,
  photos,
  flows,
  jobs,
  watcher,
  signal,
}: VerifyRun): AsyncGenerator<FileResult> {
  watcher?.planned?.(
    photos.length,
    photos.reduce((sum, { size }) => sum + size, 0),
  )
  yield* runAll(photos, jobs ?? 4, async photo => {
    const started = performance.now()
    const common = { source: photo.path, target: photo.object, plainBytes: photo.size, sealedBytes: photo.sealed }
    try {
      stopIfAborted(signal)
      const opened = await openObject(vault, photo, photo.key, flows)
      const digest = await hashOf(counted(opened.bytes, bytes => watcher?.progress?.(photo.path, bytes), signal))
      if (digest !== photo.sha256)
        throw new LatentError('E_HASH', 'the object holds another file than the index says', {
          hint: 'latent vault rebuild reads what the objects themselves say',
        })
      return { ...common, status: 'done' as const, seconds: (performance.now() - started) / 1000 }
    } catch (error) {
      const failed = failure(photo.path, ioError(error, `cannot verify ${photo.path}`), common)
      return error instanceof LatentError && error.code === 'E_VAULT'
        ? { ...failed, status: 'missing' as const }
        : failed
    }
  })
}

async function hashOf(parts: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = sha256()
  for await (const part of parts) hash.update(part)
  return toHex(hash.digest())
}
