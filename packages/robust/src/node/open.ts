import { type FileResult, type Found, openFiles, type OpenRun, verifyFiles } from '@latent/vault/node'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPool } from './pool.ts'
import { findPictures, recover } from './recover.ts'

/** A run that opens what it is given, robust carriers among it. */
export interface RobustOpenRun extends OpenRun {
  readonly threads?: number
}

/** As `openFiles`, for PNGs of noise and robust carriers alike, in whatever form these came back. */
export function openAll(run: RobustOpenRun): AsyncGenerator<FileResult> {
  return overAll(run, run.output, changed => openFiles({ ...run, ...changed }))
}

/** As `verifyFiles`, for both kinds. */
export function verifyAll(run: Omit<RobustOpenRun, 'output' | 'force' | 'salvage'>): AsyncGenerator<FileResult> {
  return overAll(run, '.latent-nowhere', changed => verifyFiles({ ...run, ...changed }))
}

type Work = (changed: Pick<OpenRun, 'inputs' | 'except' | 'watcher'>) => AsyncGenerator<FileResult>

async function* overAll(
  run: Pick<RobustOpenRun, 'inputs' | 'threads' | 'watcher' | 'signal'>,
  leaveOut: string,
  work: Work,
): AsyncGenerator<FileResult> {
  const pictures = await findPictures(run.inputs, leaveOut)
  if (pictures.length > 0) yield* overPictures(run, pictures, work)
  // In the same inputs, so that folders stay what they are and what journals list is missed.
  yield* work({ inputs: run.inputs, except: new Set(pictures.map(({ source }) => source)) })
}

async function* overPictures(
  run: Pick<RobustOpenRun, 'threads' | 'watcher' | 'signal'>,
  pictures: readonly Found[],
  work: Work,
): AsyncGenerator<FileResult> {
  const folder = await mkdtemp(join(tmpdir(), 'latent-robust-'))
  const pool = openPool(run.threads ?? Math.min(4, availableParallelism()), run.signal)
  try {
    const { recovered, results } = await recover(pictures, folder, pool, run.watcher)
    yield* results
    if (recovered.length > 0) {
      const sources = new Map(recovered.map(({ path, from, remark }) => [path, { from, remark }]))
      for await (const result of work({ inputs: [join(folder, 'sealed')], watcher: {} })) {
        const { from, remark } = sources.get(result.source) ?? { from: result.source, remark: undefined }
        yield { ...result, source: from, ...told(result, remark) }
      }
    }
  } finally {
    await pool.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What happened to the pictures belongs to what is said of the file. */
function told({ reason, note, status }: FileResult, remark: string | undefined): Partial<FileResult> {
  if (remark === undefined) return {}
  if (status === 'failed' && reason !== undefined) return { reason: `${remark}; ${reason}` }
  return { note: note === undefined ? remark : `${note}; ${remark}` }
}
