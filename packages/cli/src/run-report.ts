import { LatentError } from '@latent/core'
import type { FileResult, RunWatcher } from '@latent/vault/node'
import { formatBytes, formatSeconds } from './format.ts'
import { type Progress, progressBar } from './progress.ts'

export interface RunDisplay {
  readonly progress: Progress
  readonly watcher: RunWatcher
  readonly json: boolean
}

/** A progress line on a terminal, or nothing beside JSON lines. */
export function runDisplay(label: string, json = false): RunDisplay {
  const progress = progressBar(label, !json)
  return { json, progress, watcher: { planned: (_, bytes) => progress.total(bytes), progress: (_, bytes) => progress.add(bytes) } }
}

/**
 * Consumes a run: failures are named as they happen, and at the end the exact count of everything.
 * @throws E_PARTIAL if a file failed
 */
export async function reportRun(results: AsyncIterable<FileResult>, { progress, json }: RunDisplay, { done, output }: { done: string; output?: string }): Promise<void> {
  const started = performance.now()
  const counts = { done: 0, skipped: 0, failed: 0 }
  const skippedFor = new Map<string, number>()
  let [plainBytes, sealedBytes] = [0, 0]
  for await (const result of results) {
    counts[result.status]++
    if (result.status === 'done') {
      plainBytes += result.plainBytes ?? 0
      sealedBytes += result.sealedBytes ?? 0
    }
    if (result.status === 'skipped') skippedFor.set(result.reason ?? '', (skippedFor.get(result.reason ?? '') ?? 0) + 1)
    if (json) process.stdout.write(`${JSON.stringify({ ...result, status: result.status === 'done' ? done : result.status })}\n`)
    else if (result.status === 'failed') progress.note(`failed: ${result.source}: ${result.reason} [${result.code}]${result.hint ? `\n  hint: ${result.hint}` : ''}`)
  }
  progress.end()
  const seconds = (performance.now() - started) / 1000
  if (json) process.stdout.write(`${JSON.stringify({ summary: { [done]: counts.done, skipped: counts.skipped, failed: counts.failed, plainBytes, sealedBytes, seconds: Number(seconds.toFixed(3)) } })}\n`)
  else process.stdout.write(summary(counts, skippedFor, plainBytes, sealedBytes, seconds, done, output))
  if (counts.failed > 0) throw new LatentError('E_PARTIAL', `${counts.failed} of ${counts.done + counts.skipped + counts.failed} files failed`, { hint: 'they are named above; everything else is done, and a second run goes on with them' })
}

function summary(counts: Record<FileResult['status'], number>, skippedFor: ReadonlyMap<string, number>, plainBytes: number, sealedBytes: number, seconds: number, done: string, output: string | undefined): string {
  const rate = counts.done > 0 ? `, ${formatBytes(plainBytes / Math.max(seconds, 0.001))}/s` : ''
  const sizes = counts.done > 0 && sealedBytes > 0 ? ` (${formatBytes(plainBytes)} plain, ${formatBytes(sealedBytes)} sealed)` : ''
  const skipped = Array.from(skippedFor, ([reason, count]) => `${count} ${reason}`).join('; ')
  return [
    `${done}   ${counts.done}${sizes}`,
    `skipped  ${counts.skipped}${skipped ? ` (${skipped})` : ''}`,
    `failed   ${counts.failed}`,
    `time     ${formatSeconds(seconds)}${rate}`,
    ...(output === undefined ? [] : [`folder   ${output}`]),
    '',
  ].join('\n')
}
