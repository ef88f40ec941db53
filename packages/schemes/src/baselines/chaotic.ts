import { type ByteTransform, xorInto } from '../contract/bytewise.ts'
import {
  type ChaoticMap,
  chaoticSeeds,
  chaoticStart,
  chaoticStream,
  logisticMap,
  piecewiseLinearMap,
  type Quantiser,
  skewTentMap,
} from '../chaos/index.ts'

/**
 * Chaotic key streams as the image-encryption literature usually publishes them: iterate a map of the
 * unit interval from secret initial value and parameter, discard a transient, turn every iterate into
 * one byte, XOR. No nonce, no dependence on the plain image. These are baselines, not recommendations.
 *
 * The secret is two doubles, both drawn from the 32-byte key.
 */

/** @param id names the scheme in the derivation of its secret */
function chaoticCipher(id: string, map: ChaoticMap, quantiser: Quantiser): ByteTransform {
  const apply = async (bytes: Uint8Array, { key }: { key: Uint8Array }) => {
    const [u, v] = await chaoticSeeds(key, id, 2)
    return xorInto(bytes, chaoticStream(map, ...chaoticStart(map, u!, v!), quantiser, bytes.length))
  }
  return { encrypt: apply, decrypt: apply }
}

/** Key stream of a logistic map, of which each state gives a trailing byte, as is usual; XOR. */
export const logistic = chaoticCipher('logistic-xor', logisticMap, 'trailing')
/** The same with the leading byte of each state, which follows the map's density and is no noise. */
export const logisticLeading = chaoticCipher('logistic-leading-xor', logisticMap, 'leading')
/** Key stream of a skew tent map; XOR. */
export const skewTent = chaoticCipher('skew-tent-xor', skewTentMap, 'trailing')
/** Key stream of a piecewise linear chaotic map (PWLCM); XOR. */
export const piecewiseLinear = chaoticCipher('pwlcm-xor', piecewiseLinearMap, 'trailing')
