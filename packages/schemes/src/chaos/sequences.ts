import { deriveKey } from '@latent/core'
import type { ChaoticMap, ChaoticSystem } from './maps.ts'

/** How an iterate becomes a byte. */
export type Quantiser = 'leading' | 'trailing'

const DISCARDED = 1000

/** `count` states of a map after a transient of 1000. */
export function orbit(map: ChaoticMap, start: number, parameter: number, count: number): Float64Array {
  const out = new Float64Array(count)
  let x = start
  for (let i = -DISCARDED; i < count; i++) {
    x = map.step(x, parameter)
    // Binary floating point can fall on the fixed points 0 and 1 and would stay there.
    if (!(x > 0 && x < 1)) x = 0.123456789 + 0.5 * parameter - Math.floor(0.123456789 + 0.5 * parameter)
    if (i >= 0) out[i] = x
  }
  return out
}

/** `count` states of a system after a transient of 1000, coordinate by coordinate. */
export function trajectory(system: ChaoticSystem, seeds: ArrayLike<number>, count: number): Float64Array[] {
  const out = Array.from({ length: system.dimensions }, () => new Float64Array(count))
  const state = system.start(seeds)
  for (let i = -DISCARDED; i < count; i++) {
    system.step(state)
    if (i >= 0) for (const [d, values] of out.entries()) values[i] = state[d]!
  }
  return out
}

/** floor(|x| * 10^14) mod 256 of each state: the usual choice. Of states in [0, 1), or somewhat beyond. */
export const trailingBytes = (states: Float64Array): Uint8Array =>
  Uint8Array.from(states, x => {
    const scaled = Math.floor(Math.abs(x) * 1e14)
    return scaled - 256 * Math.floor(scaled / 256)
  })

/**
 * The permutation that sorts the states: entry i is the place of the i-th smallest. The usual way of scrambling by
 * chaos; equal states keep their order.
 */
export function chaoticOrder(states: Float64Array): Uint32Array {
  const order = Uint32Array.from({ length: states.length }, (_, i) => i)
  return order.sort((a, b) => states[a]! - states[b]! || a - b)
}

/**
 * `length` bytes from the map. `trailing` is floor(x * 10^14) mod 256, the usual choice; `leading` is
 * floor(256 x), the simplest one, which shows the map's density and its correlation.
 */
export function chaoticStream(
  map: ChaoticMap,
  start: number,
  parameter: number,
  quantiser: Quantiser,
  length: number,
): Uint8Array {
  const states = orbit(map, start, parameter, length)
  return quantiser === 'leading' ? Uint8Array.from(states, x => Math.floor(x * 256)) : trailingBytes(states)
}

/** `count` uniform numbers in [0, 1) of 53 bits, the precision of a double, drawn from a key for one scheme. */
export async function chaoticSeeds(key: Uint8Array, scheme: string, count: number): Promise<Float64Array> {
  const seed = await deriveKey(key, 'latent/v1/baseline/chaotic', new TextEncoder().encode(scheme), 8 * count)
  const view = new DataView(seed.buffer, seed.byteOffset, seed.length)
  return Float64Array.from(
    { length: count },
    (_, i) => ((view.getUint32(8 * i) >>> 5) * 2 ** 26 + (view.getUint32(8 * i + 4) >>> 6)) / 2 ** 53,
  )
}

/** Start and parameter of a map from two uniform numbers; the start keeps away from the ends of the interval. */
export const chaoticStart = (map: ChaoticMap, u: number, v: number): [start: number, parameter: number] => [
  0.05 + 0.9 * u,
  map.parameter(v),
]
