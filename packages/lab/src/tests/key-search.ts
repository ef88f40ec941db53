import {
  deriveKey,
  type Image,
  type ImageCipher,
  image,
  KeyStream,
  LatentError,
  repeatably,
  sha256Of,
} from '@latent/core'
import { byteView } from '../metrics/index.ts'
import { longestShared, oneBitChanged } from './trial.ts'

/** What one small picture of noise under many keys and one nonce shows: numbers, no keys and no ciphers. */
export interface KeySearch {
  /** Keys drawn at random, each of whose bits was compared with each bit of its cipher. */
  readonly keys: number
  /** Bytes of each cipher. */
  readonly cipherBytes: number
  /** Keys in which the pair of a key bit and a cipher bit that agrees, or disagrees, most often does so. */
  readonly agreements: number
  /** Pairs that were compared. */
  readonly cells: number
  /** The longest run of bytes of a key, forwards or backwards, in its cipher. */
  readonly longestRun: number
  /** Share of cipher bits that change with each bit of a key, the lowest of the first byte first. */
  readonly flips: readonly number[]
  /** Changes of a whole key that left the cipher as it was: its complement, its halves swapped, ... */
  readonly equivalents: readonly string[]
  /** Many random keys, and how many pairs of them gave equal ciphers. */
  readonly tried: number
  readonly equalPairs: number
}

/** Keys whose bits are looked for in the cipher. */
export const KEYS = 64
const KEY_BYTES = 32
/** Keys among which equal ciphers are looked for: 24 bits would show about eight pairs. */
export const KEYS_TRIED = 2 ** 14
/** A learned cipher is tried with fewer, so that all of them take about this many multiply-accumulates. */
const MACS = 4e10
/** Bytes of a cipher in which bits of the key are looked for. */
const LOOKED_AT = 4096
const SIDES = [16, 32, 64] as const

/** Changes of a key as a whole under which a cipher may turn out to be the same. */
const CHANGES: readonly (readonly [name: string, change: (key: Uint8Array) => Uint8Array])[] = [
  ['its complement', key => key.map(byte => byte ^ 255)],
  ['its bytes backwards', key => key.toReversed()],
  ['its halves swapped', key => Uint8Array.of(...key.subarray(key.length / 2), ...key.subarray(0, key.length / 2))],
  ['its bytes moved on by one', key => Uint8Array.of(key.at(-1)!, ...key.subarray(0, -1))],
  ['1 added to its number', key => key.map((byte, i) => (key.subarray(0, i).every(b => b === 255) ? byte + 1 : byte))],
]

/**
 * Encrypts a picture of noise in the channels and format of `like` under many keys. Everything follows from the
 * scheme's id and the seed.
 * @param tried keys among which equal ciphers are looked for
 * @returns undefined where ciphers under one key and nonce differ, so that keys cannot be told by them
 * @throws whatever the cipher throws
 */
export async function searchKeys(
  cipher: ImageCipher,
  like: Image,
  tried?: number,
  seed = 0,
): Promise<KeySearch | undefined> {
  const root = sha256Of(new TextEncoder().encode(JSON.stringify([cipher.id, 'keys', seed])))
  const stream = await KeyStream.create(await deriveKey(root, 'latent/v1/lab/keys'), 'latent/v1/lab/keys')
  const nonce = repeatably(cipher, await deriveKey(root, 'latent/v1/lab/keys/nonce', undefined, 16))
  const draw = () => stream.bytes(KEY_BYTES)
  const keys = await Promise.all(Array.from({ length: KEYS }, draw))
  const plain = await smallest(like, stream, picture => cipher.encrypt(picture, keys[0]!, nonce))
  const bytesUnder = async (key: Uint8Array) => byteView(await cipher.encrypt(plain, key, nonce))

  const ciphers: Uint8Array[] = []
  for (const key of keys) ciphers.push((await bytesUnder(key)).slice())
  if (differing(ciphers[0]!, await bytesUnder(keys[0]!)) > 0) return undefined
  const cipherBytes = ciphers[0]!.length
  const flips: number[] = []
  for (let bit = 0; bit < 8 * KEY_BYTES; bit++)
    flips.push(differing(ciphers[0]!, await bytesUnder(oneBitChanged(keys[0]!, bit))) / (8 * cipherBytes))
  const equivalents: string[] = []
  for (const [name, change] of CHANGES) {
    if (differing(ciphers[0]!, await bytesUnder(change(keys[0]!))) === 0) equivalents.push(name)
  }
  const count = tried ?? keysFor(cipher, plain)
  return {
    keys: KEYS,
    cipherBytes,
    ...mostAgreeing(keys, ciphers),
    longestRun: Math.max(
      ...keys.flatMap((key, i) => [longestShared(key, ciphers[i]!), longestShared(key.toReversed(), ciphers[i]!)]),
    ),
    flips,
    equivalents,
    tried: count,
    equalPairs: await equalPairs(count, async () => bytesUnder(await draw())),
  }
}

/** The pair of a key bit and a cipher bit that have most in common over all keys, as counts of agreements. */
export function mostAgreeing(
  keys: readonly Uint8Array[],
  ciphers: readonly Uint8Array[],
): Pick<KeySearch, 'agreements' | 'cells'> {
  // A word holds one bit of 32 keys.
  const columns = (rows: readonly Uint8Array[], bits: number) =>
    Array.from({ length: bits }, (_, bit) => {
      const words = new Uint32Array(Math.ceil(rows.length / 32))
      rows.forEach((row, i) => (words[i >> 5]! |= ((row[bit >> 3]! >> (bit & 7)) & 1) << (i & 31)))
      return words
    })
  const length = 8 * Math.min(LOOKED_AT, ...ciphers.map(cipher => cipher.length))
  const ofKeys = columns(keys, 8 * keys[0]!.length)
  let agreements = 0
  for (const cipher of columns(ciphers, length)) {
    for (const key of ofKeys) {
      let different = 0
      for (let word = 0; word < key.length; word++) different += ones(cipher[word]! ^ key[word]!)
      agreements = Math.max(agreements, different, keys.length - different)
    }
  }
  return { agreements, cells: length * ofKeys.length }
}

function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** A power of two, the same on every machine. */
function keysFor(cipher: ImageCipher, plain: Image): number {
  const macs = cipher.cost?.(plain).macs ?? 0
  return macs === 0 ? KEYS_TRIED : Math.max(256, Math.min(KEYS_TRIED, 2 ** Math.floor(Math.log2(MACS / macs))))
}

/** Noise of the smallest size that the cipher takes. */
async function smallest(like: Image, stream: KeyStream, takes: (picture: Image) => Promise<unknown>): Promise<Image> {
  for (const side of SIDES) {
    const samples = side * side * like.channels
    const shape = { width: side, height: side, channels: like.channels }
    const picture: Image =
      like.format === 'f32'
        ? image({ ...shape, format: 'f32', data: Float32Array.from(await stream.uniforms(samples)) })
        : like.format === 'u16'
          ? image({ ...shape, format: 'u16', data: Uint16Array.from(await stream.integers(samples, 2 ** 16)) })
          : image({ ...shape, format: 'u8', data: await stream.bytes(samples) })
    try {
      await takes(picture)
      return picture
    } catch (error) {
      if (side === SIDES.at(-1) || !(error instanceof LatentError)) throw error
    }
  }
  throw new LatentError('E_INTERNAL', 'no size was tried')
}

/** Bits in which two ciphers differ; those that only the longer one has count as different. */
function differing(a: Uint8Array, b: Uint8Array): number {
  let bits = 8 * Math.abs(a.length - b.length)
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    let x = a[i]! ^ b[i]!
    for (; x !== 0; x &= x - 1) bits++
  }
  return bits
}

async function equalPairs(count: number, draw: () => Promise<Uint8Array>): Promise<number> {
  const seen = new Map<string, number>()
  let pairs = 0
  for (let i = 0; i < count; i++) {
    const name = String.fromCharCode(...sha256Of(await draw()).subarray(0, 16))
    const before = seen.get(name) ?? 0
    pairs += before
    seen.set(name, before + 1)
  }
  return pairs
}
