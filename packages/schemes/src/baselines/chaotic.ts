import { deriveKey } from '@latent/core'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'

/**
 * Chaotic key streams as the image-encryption literature usually publishes them: iterate a map of the
 * unit interval from secret initial value and parameter, discard a transient, turn every iterate into
 * one byte, XOR. No nonce, no dependence on the plain image. These are baselines, not recommendations.
 *
 * The secret is two doubles, both drawn from the 32-byte key.
 */

/** One map of the unit interval, its parameter drawn by `parameter(u)` from a uniform `u` in [0, 1). */
export interface ChaoticMap {
  readonly parameter: (u: number) => number
  readonly step: (x: number, parameter: number) => number
}

/**
 * Logistic map x -> mu x (1 - x), mu in (3.57, 4], here from [3.9, 4) as usually advised. Periodic windows
 * lie there all the same: about one key in fifty gives a short cycle, and a cipher that shows it.
 */
export const logisticMap: ChaoticMap = { parameter: u => 3.9 + 0.1 * u, step: (x, mu) => mu * x * (1 - x) }

/** Skew tent map with its peak at p in (0.1, 0.9); its invariant density is uniform. */
export const skewTentMap: ChaoticMap = {
  parameter: u => 0.1 + 0.8 * u,
  step: (x, p) => (x < p ? x / p : (1 - x) / (1 - p)),
}

/** Piecewise linear chaotic map (Zhou and Ling 1997) with control p in (0.05, 0.45), symmetric about 1/2. */
export const piecewiseLinearMap: ChaoticMap = {
  parameter: u => 0.05 + 0.4 * u,
  step: (x, p) => {
    const y = x < 0.5 ? x : 1 - x
    return y < p ? y / p : (y - p) / (0.5 - p)
  },
}

/** How an iterate becomes a byte. */
export type Quantiser = 'leading' | 'trailing'

const DISCARDED = 1000

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
  const out = new Uint8Array(length)
  let x = start
  const step = (): number => {
    x = map.step(x, parameter)
    // Binary floating point can fall on the fixed points 0 and 1 and would stay there.
    if (!(x > 0 && x < 1)) x = 0.123456789 + 0.5 * parameter - Math.floor(0.123456789 + 0.5 * parameter)
    return x
  }
  for (let i = 0; i < DISCARDED; i++) step()
  if (quantiser === 'leading') {
    for (let i = 0; i < length; i++) out[i] = Math.floor(step() * 256)
  } else {
    for (let i = 0; i < length; i++) out[i] = Math.floor(step() * 1e14) % 256
  }
  return out
}

/** @param id names the scheme in the derivation of its secret */
function chaoticCipher(id: string, map: ChaoticMap, quantiser: Quantiser): ByteTransform {
  const apply = async (bytes: Uint8Array, { key }: { key: Uint8Array }) => {
    const seed = await deriveKey(key, 'latent/v1/baseline/chaotic', new TextEncoder().encode(id), 16)
    const view = new DataView(seed.buffer, seed.byteOffset, 16)
    return xorInto(
      bytes,
      chaoticStream(map, 0.05 + 0.9 * uniform(view, 0), map.parameter(uniform(view, 8)), quantiser, bytes.length),
    )
  }
  return { encrypt: apply, decrypt: apply }
}

// 53 bits, the precision of a double.
const uniform = (view: DataView, at: number) =>
  ((view.getUint32(at) >>> 5) * 2 ** 26 + (view.getUint32(at + 4) >>> 6)) / 2 ** 53

/** Key stream of a logistic map, of which each state gives a trailing byte, as is usual; XOR. */
export const logistic = chaoticCipher('logistic-xor', logisticMap, 'trailing')
/** The same with the leading byte of each state, which follows the map's density and is no noise. */
export const logisticLeading = chaoticCipher('logistic-leading-xor', logisticMap, 'leading')
/** Key stream of a skew tent map; XOR. */
export const skewTent = chaoticCipher('skew-tent-xor', skewTentMap, 'trailing')
/** Key stream of a piecewise linear chaotic map (PWLCM); XOR. */
export const piecewiseLinear = chaoticCipher('pwlcm-xor', piecewiseLinearMap, 'trailing')
