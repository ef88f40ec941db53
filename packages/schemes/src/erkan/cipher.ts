import { fromHex, LatentError, toHex } from '@latent/core'
import {
  chaoticOrder,
  chaoticSeeds,
  chaoticStart,
  DNA_RULES,
  dnaDecoding,
  dnaEncoding,
  logarithmicMap,
  orbit,
  scrambled,
  trailingBytes,
  unscrambled,
} from '../chaos/index.ts'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'
import { networkKey, PUBLIC_KEY_BYTES } from './network-key.ts'

const PUBLIC_KEY_ANNOTATION = 'latent:public-key'

/**
 * Erkan et al.'s cipher, reconstructed: a network makes a public key of the picture, which is XORed with the secret
 * one; the main key starts a chaotic map, by which bytes are permuted, recoded by DNA rules, chained, and their bits
 * reversed. The public key must travel: whoever decrypts has no picture to make it of.
 */
export const erkan: ByteTransform = {
  async encrypt(bytes, { key }) {
    const shared = await networkKey(bytes)
    const { order, stream, rules } = await drawn(xorInto(shared.slice(), key), bytes.length)
    const recoded = scrambled(bytes, order).map(
      (byte, i) => dnaDecoding[outer(rules[i]!)]![dnaEncoding[inner(rules[i]!)]![byte]!]!,
    )
    const out = chained(chained(recoded, stream).toReversed(), stream).map(byte => REVERSED[byte]!)
    return { bytes: out, annotations: { [PUBLIC_KEY_ANNOTATION]: toHex(shared) } }
  },
  async decrypt(bytes, { key }, annotations) {
    const { order, stream, rules } = await drawn(xorInto(publicKey(annotations), key), bytes.length)
    const recoded = unchained(
      unchained(
        bytes.map(byte => REVERSED[byte]!),
        stream,
      ).toReversed(),
      stream,
    )
    const moved = recoded.map((byte, i) => dnaDecoding[inner(rules[i]!)]![dnaEncoding[outer(rules[i]!)]![byte]!]!)
    return unscrambled(moved, order)
  },
}

const inner = (rule: number): number => rule % DNA_RULES
const outer = (rule: number): number => Math.floor(rule / DNA_RULES) % DNA_RULES

/** The bits of each byte from the other end. */
const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) =>
  [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, i) => sum | (((byte >> i) & 1) << (7 - i)), 0),
)

/** c[i] = p[i] XOR s[i] XOR c[i - 1]. */
function chained(bytes: Uint8Array, stream: Uint8Array): Uint8Array {
  let last = 0
  return bytes.map((byte, i) => (last = byte ^ stream[i]! ^ last))
}

const unchained = (bytes: Uint8Array, stream: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => byte ^ stream[i]! ^ (i === 0 ? 0 : bytes[i - 1]!))

function publicKey(annotations: Readonly<Record<string, string>>): Uint8Array {
  const text = annotations[PUBLIC_KEY_ANNOTATION] ?? ''
  if (text.length === 2 * PUBLIC_KEY_BYTES && /^[0-9a-f]*$/.test(text)) return fromHex(text)
  throw new LatentError('E_IMAGE', 'this picture lacks the public key that a cipher image of erkan-2022 travels with', {
    hint: 'it is no cipher image, or a service re-encoded it: take the file that was written',
  })
}

async function drawn(main: Uint8Array, length: number) {
  const [u, v] = await chaoticSeeds(main, 'erkan-2022', 2)
  const states = orbit(logarithmicMap, ...chaoticStart(logarithmicMap, u!, v!), 3 * length)
  return {
    order: chaoticOrder(states.subarray(0, length)),
    stream: trailingBytes(states.subarray(length, 2 * length)),
    rules: trailingBytes(states.subarray(2 * length)),
  }
}
