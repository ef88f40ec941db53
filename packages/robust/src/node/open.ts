import { type FileResult, openFiles, type OpenRun, type RunWatcher, verifyFiles } from '@latent/vault/node'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPool } from './pool.ts'
import { recover, sortInputs } from './recover.ts'

/** A run that opens what it is given, robust carriers among it. */
export interface RobustOpenRun extends OpenRun {
  readonly threads?: number
}

/** As `openFiles`, for PNGs of noise and robust carriers alike, in whatever form these came back. */
export function openAll(run: RobustOpenRun): AsyncGenerator<FileResult> {
  return overAll(run, run.output, (inputs, watcher) => openFiles({ ...run, inputs, ...watcher }))
}

/** As `verifyFiles`, for both kinds. */
export function verifyAll(run: Omit<RobustOpenRun, 'output' | 'force' | 'salvage'>): AsyncGenerator<FileResult> {
  return overAll(run, '.latent-nowhere', (inputs, watcher) => verifyFiles({ ...run, inputs, ...watcher }))
}

async function* overAll(
  run: Pick<RobustOpenRun, 'inputs' | 'threads' | 'watcher' | 'signal'>,
  leaveOut: string,
  work: (inputs: readonly string[], watcher: { readonly watcher?: RunWatcher }) => AsyncGenerator<FileResult>,
): AsyncGenerator<FileResult> {
  const { pictures, others } = await sortInputs(run.inputs, leaveOut)
  const watcher = run.watcher ? { watcher: run.watcher } : {}
  if (pictures.length === 0) {
    yield* work(run.inputs, watcher)
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'latent-robust-'))
  const pool = openPool(run.threads ?? Math.min(4, availableParallelism()), run.signal)
  try {
    const { recovered, results } = await recover(pictures, folder, pool, run.watcher)
    yield* results
    if (recovered.length > 0) {
      const sources = new Map(recovered.map(({ path, from, remark }) => [path, { from, remark }]))
      for await (const result of work([join(folder, 'sealed')], { watcher: {} })) {
        const { from, remark } = sources.get(result.source) ?? { from: result.source, remark: undefined }
        yield { ...result, source: from, ...told(result, remark) }
      }
    }
  } finally {
    await pool.close()
    await rm(folder, { recursive: true, force: true })
  }
  const rest = others.map(({ source }) => source)
  if (rest.length > 0) yield* work(rest, watcher)
}

/** What happened to the pictures belongs to what is said of the file. */
function told({ reason, note, status }: FileResult, remark: string | undefined): Partial<FileResult> {
  if (remark === undefined) return {}
  if (status === 'failed' && reason !== undefined) return { reason: `${remark}; ${reason}` }
  return { note: note === undefined ? remark : `${note}; ${remark}` }
}
