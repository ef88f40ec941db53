import { argumentError, LatentError } from '@latent/core'
import { openWorkers } from '@latent/core/workers'
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { requireControls } from '../run/controls.ts'
import { type PValues, type SuiteVerdict, suiteVerdict } from '../sp80022/index.ts'
import type { SequenceTask } from './randomness-worker.ts'

export interface RandomnessOptions {
  readonly source: SequenceTask['source']
  /** 100 in the standard's examples; from 55 on p-values are tested for uniformity. */
  readonly sequences: number
  /** Bits a sequence, 1,000,000 for all 15 tests. */
  readonly bits: number
  readonly workers?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * SP 800-22 over many sequences, on all processors.
 * @throws E_ARGUMENT; E_DATA for a file that is too short
 */
export async function randomness({
  source,
  sequences,
  bits,
  workers = availableParallelism(),
  signal,
  onProgress,
}: RandomnessOptions): Promise<{ readonly pValues: readonly PValues[]; readonly verdict: SuiteVerdict }> {
  if (!Number.isSafeInteger(sequences) || sequences < 1)
    throw argumentError('sequences', 'a positive integer', sequences)
  if (!Number.isSafeInteger(bits) || bits < 1000) throw argumentError('bits', 'at least 1000', bits)
  if ('file' in source && fileLength(source.file) < sequences * Math.ceil(bits / 8))
    throw new LatentError('E_DATA', `${source.file} holds fewer than ${sequences} sequences of ${bits} bits`)
  const pool = openWorkers<SequenceTask, PValues>(new URL('./randomness-worker.ts', import.meta.url), {
    threads: Math.min(workers, sequences),
    signal,
  })
  try {
    let done = 0
    const pValues: PValues[] = []
    await pool.each(
      Array.from({ length: sequences }, (_, index) => ({ source, index, bits })),
      (values, { index }) => {
        pValues[index] = values
        onProgress?.(++done, sequences)
      },
    )
    return { pValues, verdict: suiteVerdict(pValues) }
  } finally {
    await pool.close()
  }
}

/** Few sequences tell noise from a picture. */
const CONTROL_SEQUENCES = 20

/**
 * Runs the suite on noise, which must be consistent, and on a black image sent as it is, which must not.
 * @throws E_CONTROLS: then nothing that the suite says on this machine may be reported
 */
export async function randomnessControls(
  options: Pick<RandomnessOptions, 'sequences' | 'bits' | 'workers' | 'signal'>,
): Promise<void> {
  const sequences = Math.min(options.sequences, CONTROL_SEQUENCES)
  const judge = async (scheme: string) =>
    (await randomness({ ...options, sequences, source: { scheme, plain: 'black' } })).verdict.consistent
  const deviations = [
    ...((await judge('random-bytes')) ? [] : ['the suite rejects noise']),
    ...((await judge('identity')) ? ['the suite accepts an unencrypted black image'] : []),
  ]
  requireControls(deviations, 'suite', 'sequences of 1,000,000 bits are what its tests are made for')
}

function fileLength(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isFile()) throw new LatentError('E_IO', `cannot read ${path}`, { hint: 'give a file of bytes' })
  return stats.size
}
