import { makeScratch } from '@latent/core/node'
import {
  type FileResult,
  type Found,
  type Listed,
  listFiles,
  type ListRun,
  openFiles,
  type OpenRun,
  verifyFiles,
} from '@latent/vault/node'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { findPictures } from './find-pictures.ts'
import { listedPictures } from './listed-pictures.ts'

/** A run that opens what it is given, robust carriers among it. */
export interface RobustOpenRun extends OpenRun {
  readonly threads?: number
}

/** As `openFiles`, for PNGs of noise and robust carriers alike, in whatever form these came back. */
export function openAll(run: RobustOpenRun): AsyncGenerator<FileResult> {
  return overAll(run, run.output, changed => openFiles({ listedBeside: listedPictures, ...run, ...changed }))
}

/** As `verifyFiles`, for both kinds. */
export function verifyAll(run: Omit<RobustOpenRun, 'output' | 'force' | 'salvage'>): AsyncGenerator<FileResult> {
  return overAll(run, '.latent-nowhere', changed => verifyFiles({ listedBeside: listedPictures, ...run, ...changed }))
}

/** As `listFiles`, for both kinds. Carriers are read whole: nothing less tells what they hold. */
export function listAll(run: ListRun & Pick<RobustOpenRun, 'threads' | 'signal'>): AsyncGenerator<Listed | FileResult> {
  return overAll(run, '.latent-nowhere', changed => listFiles({ ...run, ...changed }))
}

type Work<R> = (changed: Pick<OpenRun, 'inputs' | 'except' | 'watcher' | 'memory'>) => AsyncGenerator<R | FileResult>

async function* overAll<R extends { readonly source: string }>(
  run: Pick<RobustOpenRun, 'inputs' | 'threads' | 'watcher' | 'signal'>,
  leaveOut: string,
  work: Work<R>,
): AsyncGenerator<R | FileResult> {
  const pictures = await findPictures(run.inputs, leaveOut)
  if (pictures.length > 0) yield* overPictures(run, pictures, work)
  // In the same inputs, so that folders stay what they are and what journals list is missed.
  yield* work({ inputs: run.inputs, except: new Set(pictures.map(({ source }) => source)) })
}

async function* overPictures<R extends { readonly source: string }>(
  run: Pick<RobustOpenRun, 'threads' | 'watcher' | 'signal'>,
  pictures: readonly Found[],
  work: Work<R>,
): AsyncGenerator<R | FileResult> {
  // Decoders and their workers are loaded where there are pictures: PNGs of noise open without them.
  const [{ openPool }, { recover }] = await Promise.all([import('./pool.ts'), import('./recover.ts')])
  const scratch = await makeScratch('robust')
  const pool = openPool(run.threads ?? Math.min(4, availableParallelism()), run.signal)
  try {
    const { recovered, results } = await recover(pictures, scratch.path, pool, run.watcher)
    yield* results
    if (recovered.length > 0) {
      const sources = new Map(recovered.map(({ path, from, remark }) => [path, { from, remark }]))
      for await (const result of work({ inputs: [join(scratch.path, 'sealed')], watcher: {}, memory: undefined })) {
        const { from, remark } = sources.get(result.source) ?? { from: result.source, remark: undefined }
        yield { ...result, source: from, ...('status' in result ? told(result, remark) : {}) }
      }
    }
  } finally {
    await pool.close()
    await scratch.remove()
  }
}

/** What happened to the pictures belongs to what is said of the file. */
function told({ reason, note, status }: FileResult, remark: string | undefined): Partial<FileResult> {
  if (remark === undefined) return {}
  if (status === 'failed' && reason !== undefined) return { reason: `${remark}; ${reason}` }
  return { note: note === undefined ? remark : `${note}; ${remark}` }
}
