import { LEVELS } from './constellation.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotOf } from './pilots.ts'
import type { Received } from './received.ts'

/** What became of one coefficient on its way. */
export interface Line {
  /** What a level of 1 has become. */
  readonly gain: number
  /** Standard deviation, in levels, of what was added before the last quantisation. */
  readonly noise: number
}

/** How well the pilots of a mode are found: 1 if nothing happened to them, about 0 if they are not there. */
export function pilotAgreement(received: Received, mode: Mode, mostBlocks = 4096): number {
  const { wide, high, stride, coefficients, steps, shift } = received
  const every = Math.max(1, Math.floor((wide * high) / mostBlocks))
  let [both, sent, got] = [0, 0, 0]
  for (let index = 0; index < wide * high; index += every) {
    const [x, y] = [index % wide, Math.floor(index / wide)]
    const { place, value } = pilotOf(x + (shift?.x ?? 0), y + (shift?.y ?? 0), mode)
    const found = coefficients[64 * (y * stride + x) + place]! * steps[place]!
    both += value * found
    sent += value * value
    got += found * found
  }
  return got === 0 ? 0 : both / Math.sqrt(sent * got)
}

/** Pilots of other coefficients count as so many of one's own: pictures may be small. */
const PRIOR = 12
const NOISES = [0.4, 0.7, 1, 1.5, 2, 2.7, 3.5, 4.5, 6, 8, 10, 13, 17, 22, 28, 36, 46, 60, 80]

/**
 * What became of each carrying coefficient: the gain from the pilots, and the noise that makes what all blocks
 * hold likeliest.
 */
export function measureLines(received: Received, mode: Mode): Line[] {
  const { places, bits } = carriedBy(mode)
  const power = mode.amplitude ** 2
  const sent = new Float64Array(64)
  const both = new Float64Array(64)
  const { wide, high, stride, coefficients, steps, shift } = received
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const { place, value } = pilotOf(x + (shift?.x ?? 0), y + (shift?.y ?? 0), mode)
      both[place]! += value * coefficients[64 * (y * stride + x) + place]! * steps[place]!
      sent[place]! += value * value
    }
  const common = Math.max(0, sum(both)) / Math.max(1, sum(sent))
  return Array.from(places, (place, index) => {
    const gain = Math.max(0, (both[place]! + PRIOR * power * common) / (sent[place]! + PRIOR * power))
    const levels = LEVELS[bits[index]!]!.map(level => level * mode.amplitude * gain)
    const counts = histogram(received, place)
    const noise = NOISES.map(noise => ({ noise, likelihood: logLikelihood(counts, levels, steps[place]!, noise) }))
    return { gain, noise: noise.reduce((a, b) => (b.likelihood > a.likelihood ? b : a)).noise }
  })
}

const sum = (numbers: Float64Array) => numbers.reduce((sum, number) => sum + number, 0)

/** How often a coefficient has which value, in steps; blocks beyond some thousand tell nothing new. */
function histogram({ wide, high, stride, coefficients }: Received, place: number): Map<number, number> {
  const counts = new Map<number, number>()
  const every = Math.max(1, Math.floor((wide * high) / 8192))
  for (let index = 0; index < wide * high; index += every) {
    const value = coefficients[64 * (Math.floor(index / wide) * stride + (index % wide)) + place]!
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}

function logLikelihood(
  counts: ReadonlyMap<number, number>,
  levels: readonly number[],
  step: number,
  noise: number,
): number {
  let total = 0
  for (const [value, count] of counts) {
    let likelihood = 0
    for (const level of levels) likelihood += arrival(value, step, level, noise)
    total += count * Math.log(likelihood / levels.length + 1e-9)
  }
  return total
}

/** How likely a level arrives as `value` steps: it meets normal noise, and is rounded. */
export const arrival = (value: number, step: number, level: number, noise: number): number =>
  Math.max(0, normal(((value + 0.5) * step - level) / noise) - normal(((value - 0.5) * step - level) / noise))

/** The normal distribution up to `x`, to six digits. */
function normal(x: number): number {
  const at = (x + NORMAL_REACH) * NORMAL_STEPS
  if (at <= 0) return 0
  const below = Math.floor(at)
  if (below >= NORMAL.length - 1) return 1
  return NORMAL[below]! + (at - below) * (NORMAL[below + 1]! - NORMAL[below]!)
}

const NORMAL_REACH = 8
const NORMAL_STEPS = 256
const NORMAL = integrated()

/** The density summed up from -8 by Simpson's rule. */
function integrated(): Float64Array {
  const density = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)
  const step = 1 / NORMAL_STEPS
  const table = new Float64Array(2 * NORMAL_REACH * NORMAL_STEPS + 1)
  for (let i = 1; i < table.length; i++) {
    const x = -NORMAL_REACH + i * step
    table[i] = table[i - 1]! + (step / 6) * (density(x - step) + 4 * density(x - step / 2) + density(x))
  }
  return table
}
