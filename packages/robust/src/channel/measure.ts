import { LEVELS } from './constellation.ts'
import type { Histogram, Line } from './line.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotOf } from './pilots.ts'
import type { Received } from './received.ts'
import { refinedLine } from './refine.ts'

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

/** Smaller steps are those of pixels: nothing was quantised by them. */
const QUANTISED = 1
/** Pilots of other coefficients count as so many of one's own: pictures may be small. */
const PRIOR = 12
const RELUCTANCES = [0, 0.06, 0.12, 0.18, 0.25, 0.33, 0.42]
const GAINS = [0.94, 0.97, 1.03, 1.06]
const NOISES = [0.4, 0.7, 1, 1.5, 2, 2.7, 3.5, 4.5, 6, 8, 10, 13, 17, 22, 28, 36, 46, 60, 80]

/**
 * What became of each carrying coefficient: the gain from the pilots, then what makes all that blocks hold likeliest.
 */
export function measureLines(received: Received, mode: Mode): Line[] {
  const { places, bits } = carriedBy(mode)
  const power = mode.amplitude ** 2
  const sent = new Float64Array(64)
  const both = new Float64Array(64)
  const found = new Float64Array(64)
  const pilots = new Float64Array(64)
  const { wide, high, stride, coefficients, steps, shift } = received
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const { place, value } = pilotOf(x + (shift?.x ?? 0), y + (shift?.y ?? 0), mode)
      const arrived = coefficients[64 * (y * stride + x) + place]! * steps[place]!
      both[place]! += value * arrived
      sent[place]! += value * value
      found[place]! += arrived * arrived
      pilots[place]!++
    }
  const common = Math.max(0, sum(both)) / Math.max(1, sum(sent))
  return Array.from(places, (place, index) => {
    const levels = LEVELS[bits[index]!]!.map(level => level * mode.amplitude)
    const counts = histogram(received, place)
    const step = steps[place]!
    const piloted = Math.max(0, (both[place]! + PRIOR * power * common) / (sent[place]! + PRIOR * power))
    if (step < QUANTISED) {
      const sums = { both: both[place]!, sent: sent[place]!, found: found[place]!, count: pilots[place]! }
      return refinedLine(counts, step, levels, sums, piloted)
    }
    const likelihood = (line: Line) => logLikelihood(counts, levels, step, line)
    const best = (lines: readonly Line[]) =>
      lines.map(line => ({ line, of: likelihood(line) })).reduce((a, b) => (b.of > a.of ? b : a)).line
    let line = best(NOISES.map(noise => ({ gain: piloted, noise, reluctance: 0 })))
    for (let round = 0; round < 2; round++) {
      line = best(RELUCTANCES.flatMap(reluctance => [line.gain, common].map(gain => ({ ...line, gain, reluctance }))))
      line = best([line, ...GAINS.map(factor => ({ ...line, gain: line.gain * factor }))])
      line = best([line, ...NOISES.map(noise => ({ ...line, noise }))])
    }
    return line
  })
}

const sum = (numbers: Float64Array) => numbers.reduce((sum, number) => sum + number, 0)

const ZERO = 32768
const counts = new Uint32Array(2 * ZERO)

/** Blocks beyond some thousand tell nothing new. */
function histogram({ wide, high, stride, coefficients }: Received, place: number): Histogram {
  const every = Math.max(1, Math.floor((wide * high) / 8192))
  let [least, most] = [0, 0]
  for (let index = 0; index < wide * high; index += every) {
    const value = coefficients[64 * (Math.floor(index / wide) * stride + (index % wide)) + place]!
    counts[value + ZERO]!++
    if (value < least) least = value
    if (value > most) most = value
  }
  const found: [number, number][] = []
  for (let value = least; value <= most; value++) {
    const count = counts[value + ZERO]!
    if (count > 0) found.push([value, count])
  }
  counts.fill(0, least + ZERO, most + ZERO + 1)
  return found
}

function logLikelihood(counts: Histogram, levels: readonly number[], step: number, line: Line): number {
  let total = 0
  for (const [value, count] of counts) {
    let likelihood = 0
    for (const level of levels) likelihood += arrival(value, step, level, line)
    total += count * Math.log(likelihood / levels.length + 1e-9)
  }
  return total
}

/** How likely a level arrives as `value` steps: it is multiplied, meets normal noise, and is rounded. */
export function arrival(value: number, step: number, level: number, { gain, noise, reluctance }: Line): number {
  const from = value > 0 ? value - 0.5 + reluctance : value - 0.5 - reluctance
  const to = value < 0 ? value + 0.5 - reluctance : value + 0.5 + reluctance
  const at = gain * level
  return Math.max(0, normal((to * step - at) / noise) - normal((from * step - at) / noise))
}

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
