import { argumentError, LatentError } from '@latent/core'
import { openWorkers } from '@latent/core/workers'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { requireControls } from '../run/controls.ts'
import { LEAST_SEQUENCES, type PValues, type SuiteVerdict, suiteVerdict } from '../sp80022/index.ts'
import { asciiBits, type SequenceTask } from './randomness-worker.ts'

/** What is tested, and how much of it. */
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
 * @throws E_ARGUMENT, also for so few sequences that nothing could fail; E_DATA for a file that is too short, or whose
 * bits
 * are written as the letters 0 and 1
 */
export async function randomness({
  source,
  sequences,
  bits,
  workers = availableParallelism(),
  signal,
  onProgress,
}: RandomnessOptions): Promise<{ readonly pValues: readonly PValues[]; readonly verdict: SuiteVerdict }> {
  requireSequences({ source, sequences, bits })
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
  const sequences = Math.max(LEAST_SEQUENCES, Math.min(options.sequences, CONTROL_SEQUENCES))
  const judge = async (scheme: string) =>
    (await randomness({ ...options, sequences, source: { scheme, plain: 'black' } })).verdict.consistent
  const deviations = [
    ...((await judge('random-bytes')) ? [] : ['the suite rejects noise']),
    ...((await judge('identity')) ? ['the suite accepts an unencrypted black image'] : []),
  ]
  requireControls(deviations, 'suite', 'sequences of 1,000,000 bits are what its tests are made for')
}

/** @throws E_ARGUMENT, E_DATA, E_IO as {@link randomness} */
export function requireSequences({
  source,
  sequences,
  bits,
}: Pick<RandomnessOptions, 'sequences' | 'bits'> & { readonly source: RandomnessOptions['source'] | undefined }): void {
  if (!Number.isSafeInteger(sequences) || sequences < LEAST_SEQUENCES)
    throw argumentError(
      'sequences',
      `at least ${LEAST_SEQUENCES}, since a verdict rests on how many of them pass`,
      sequences,
      'the standard takes 100, and tests p-values for uniformity from 55 on; shorter sequences make more of them',
    )
  if (!Number.isSafeInteger(bits) || bits < 1000) throw argumentError('bits', 'at least 1000', bits)
  if (source && 'file' in source) requireBits(source, sequences, bits)
}

/** @throws E_IO; E_DATA unless the file holds so many sequences as bits, or as letters where those are asked for */
function requireBits(
  { file, ascii = false }: { readonly file: string; readonly ascii?: boolean },
  sequences: number,
  bits: number,
): void {
  const length = fileLength(file)
  if (ascii) {
    const found = asciiBits(file).length
    if (found < sequences * bits)
      throw new LatentError('E_DATA', `${file} holds ${found} bits as letters, fewer than ${sequences} times ${bits}`)
    return
  }
  if (looksLikeLetters(file))
    throw new LatentError('E_DATA', `${file} holds its bits as the letters 0 and 1, not as bytes`, {
      hint: 'give --ascii to read them as bits: every letter as a byte of its own is rejected whatever it says',
    })
  if (length < sequences * Math.ceil(bits / 8))
    throw new LatentError('E_DATA', `${file} holds fewer than ${sequences} sequences of ${bits} bits`, {
      hint: `it has ${8 * length} bits: fewer, or shorter, sequences would fit`,
    })
}

const LOOKED_AT = 4096

/** The beginning of the file is nothing but 0, 1 and white space, with at least one of each figure. */
function looksLikeLetters(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const start = new Uint8Array(LOOKED_AT)
    const text = new TextDecoder('latin1').decode(start.subarray(0, readSync(file, start)))
    return /^[01\s]+$/.test(text) && text.includes('0') && text.includes('1')
  } finally {
    closeSync(file)
  }
}

function fileLength(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isFile()) throw new LatentError('E_IO', `cannot read ${path}`, { hint: 'give a file of bytes' })
  return stats.size
}
