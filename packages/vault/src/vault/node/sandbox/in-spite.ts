import { LatentError } from '@latent/core'
import { failure, type FileResult } from '../../../node/run.ts'
import type { Batch, BatchOutcome, Task } from '../batch.ts'
import { SandboxEnded } from './sandbox.ts'

/** How often a batch is begun whose sandbox ends before any file is under way. */
const BEGINNINGS = 3
/** How often a file is tried alone that was under way when a sandbox ended. */
const ALONE = 2

/**
 * Does a batch in spite of files that end whoever works on them: what was under way is tried alone, so often, and then
 * counts as failed; everything else goes on. What was sealed and not recorded before an end is found again.
 * @param work does a batch in a sandbox
 * @param told why a sandbox ended, and which files were under way
 */
export async function inSpite(
  batch: Batch,
  work: (batch: Batch) => Promise<BatchOutcome>,
  told: (why: string, underWay: readonly string[]) => void = () => undefined,
): Promise<BatchOutcome> {
  const results: FileResult[] = []
  const segments: string[] = []
  /** @returns why its sandbox ended, if it did */
  const attempt = async (files: readonly Task[]): Promise<SandboxEnded | LatentError | undefined> => {
    try {
      const outcome = await work({ ...batch, files })
      results.push(...outcome.results)
      segments.push(...outcome.segments)
      return outcome.error
    } catch (error) {
      if (!(error instanceof SandboxEnded)) throw error
      told(error.message, Array.from(error.underWay))
      return error
    }
  }
  const giveUp = (files: readonly Task[], why: SandboxEnded) => {
    for (const { file, path, size } of files)
      results.push(failure(file, endedBy(why), { target: path, plainBytes: size }))
  }
  const alone: Task[] = []
  let [together, beginnings] = [batch.files, 0]
  while (together.length > 0) {
    const ended = await attempt(together)
    if (ended instanceof LatentError) return { results, segments, error: ended }
    if (!ended) break
    alone.push(...together.filter(({ file }) => ended.underWay.has(file)))
    if (ended.underWay.size === 0 && ++beginnings === BEGINNINGS) {
      giveUp(together, ended)
      break
    }
    together = together.filter(({ file }) => !ended.underWay.has(file))
  }
  for (const task of alone)
    for (let tries = 1; ; tries++) {
      const ended = await attempt([task])
      if (ended instanceof LatentError) return { results, segments, error: ended }
      if (!ended) break
      if (tries < ALONE) continue
      giveUp([task], ended)
      break
    }
  return { results, segments }
}

const endedBy = ({ message }: Error) =>
  new LatentError('E_INTERNAL', `whoever worked on it ended each time: ${message}`, {
    hint: 'the other files are not touched by that; --exclude leaves this one out',
  })
