import type { Histogram, Line } from './line.ts'

/** What the pilots of a coefficient say: sums of what was sent times what was found, and of the squares of either. */
export interface PilotSums {
  readonly both: number
  readonly sent: number
  readonly found: number
  readonly count: number
}

const ROUNDS = 10
/**
 * A pilot counts as so many other values: what was sent is known of it. Noise that is no normal one makes the others
 * look cleaner than they are.
 */
const PILOT_WEIGHT = 6
const LEAST_NOISE = 0.4

/**
 * Gain and noise of a coefficient that nothing has quantised, from what pilots say of them: in turn, what was sent is
 * guessed of every value, and gain and noise are taken that fit these guesses and the pilots best (Dempster, Laird and
 * Rubin, 1977).
 */
export function refinedLine(
  counts: Histogram,
  step: number,
  levels: readonly number[],
  pilots: PilotSums,
  first: number,
): Line {
  let gain = first
  const residue = (pilots.found - 2 * gain * pilots.both + gain * gain * pilots.sent) / Math.max(1, pilots.count)
  let noise = Math.max(LEAST_NOISE, Math.sqrt(Math.max(0, residue)))
  const likelihoods = new Float64Array(levels.length)
  for (let round = 0; round < ROUNDS; round++) {
    let both = PILOT_WEIGHT * pilots.both
    let sent = PILOT_WEIGHT * pilots.sent
    let found = PILOT_WEIGHT * pilots.found
    let total = PILOT_WEIGHT * pilots.count
    for (const [steps, count] of counts) {
      const value = steps * step
      let sum = 0
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < levels.length; i++) {
        likelihoods[i] = ((value - gain * levels[i]!) / noise) ** 2
        least = Math.min(least, likelihoods[i]!)
      }
      let [mean, square] = [0, 0]
      for (let i = 0; i < levels.length; i++) {
        const likelihood = Math.exp((least - likelihoods[i]!) / 2)
        sum += likelihood
        mean += likelihood * levels[i]!
        square += likelihood * levels[i]! ** 2
      }
      both += (count * value * mean) / sum
      sent += (count * square) / sum
      found += count * value * value
      total += count
    }
    gain = Math.max(0, both / sent)
    noise = Math.max(LEAST_NOISE, Math.sqrt(Math.max(0, found - 2 * gain * both + gain * gain * sent) / total))
  }
  return { gain, noise, reluctance: 0 }
}
