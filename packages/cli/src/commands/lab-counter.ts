import { argumentError } from '@latent/core'
import { withCount } from '../ending.ts'
import { progressBar } from '../progress.ts'

/** A parser of an option: a whole number that is positive, or not below `least`. @throws E_ARGUMENT */
export const whole =
  (name: string, least: 0 | 1 = 1) =>
  (text: string) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least || text.trim() === '')
      throw argumentError(name, least === 0 ? 'a whole number' : 'a positive whole number', text)
    return value
  }

/** An amount of work that is counted, for a progress bar. */
export const trials = (count: number): string => `${Math.round(count)}`

/** A bar on a terminal; elsewhere a line of JSON at most every ten seconds. */
export function counter(title: string, what = 'parts') {
  const bar = progressBar(title, true, trials)
  const started = performance.now()
  let [last, told] = [0, started]
  // What a resumed run has already took no time, and says nothing about the rest.
  let first: number | undefined
  let all = 0
  return {
    step: (done: number, total: number): void => {
      all = total
      bar.total(total)
      bar.add(done - last)
      last = done
      first ??= done
      const now = performance.now()
      if (process.stderr.isTTY || now - told < 10_000) return
      told = now
      const seconds = (now - started) / 1000
      const elapsedSeconds = Math.round(seconds)
      const left = done > first ? { remainingSeconds: Math.round(((total - done) * seconds) / (done - first)) } : {}
      process.stderr.write(`${JSON.stringify({ event: title, done, total, elapsedSeconds, ...left })}\n`)
    },
    end: (): void => bar.end(),
    /** As `withCount`. */
    failed: (error: unknown): never => {
      throw withCount(error, last, all, what)
    },
  }
}

/** What `--test` says of itself, wherever it is taken. */
export const OWN_TEST = 'scripts (.ts, .js, .mjs) that export a test of your own, beside those of the lab'
