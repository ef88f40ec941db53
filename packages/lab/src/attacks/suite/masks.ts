import type { Image } from '@latent/core'
import { defineAttack, type Oracles } from '../contract.ts'
import { asPicture } from '../score.ts'

/** Cipher images of the plain shape and of bytes: what a mask can be taken off. */
const bytesOf = (cipher: Image, { width, height, channels }: Oracles['shape']): Uint8Array | undefined =>
  cipher.format === 'u8' && cipher.width === width && cipher.height === height && cipher.channels === channels
    ? (cipher.data as Uint8Array)
    : undefined

const xorWith =
  (mask: Uint8Array, shape: Oracles['shape']) =>
  (targets: readonly Image[]): Image<'u8'>[] =>
    targets.map(target => {
      const picture = asPicture(target, shape)
      return { ...picture, data: picture.data.map((value, i) => value ^ mask[i]!) }
    })

/** A black picture comes back as the mask or key stream. One query. */
export const chosenMask = defineAttack({
  id: 'chosen-mask',
  title: 'a black picture comes back as the mask',
  threat: 'chosen-plaintext',
  returns: 'key',
  source: 'standard',
  positiveControl: { scheme: 'xor-reused-mask', expects: 'opened' },
  async run({ shape, encrypt }) {
    const { width, height, channels } = shape
    const black = new Uint8Array(width * height * channels)
    const mask = bytesOf(await encrypt({ width, height, channels, format: 'u8', data: black }), shape)
    return mask && { open: xorWith(mask, shape) }
  },
})

/** Plain XOR cipher is the mask or key stream. One pair. */
export const knownMask = defineAttack({
  id: 'known-mask',
  title: 'one known picture XORed with its cipher image is the mask',
  threat: 'known-pairs',
  returns: 'key',
  source: 'standard',
  positiveControl: { scheme: 'xor-reused-mask', expects: 'opened' },
  async run({ shape, pairs }) {
    const [pair] = await pairs(1)
    const bytes = bytesOf(pair!.cipher, shape)
    return (
      bytes && {
        open: xorWith(
          bytes.map((value, i) => value ^ pair!.plain.data[i]!),
          shape,
        ),
      }
    )
  },
})

/**
 * The cipher image of black, decrypted, is the mask; the annotations of the target go with it, so that its nonce is
 * used.
 */
export const chosenCipherMask = defineAttack({
  id: 'chosen-cipher-mask',
  title: "a black cipher image under the target's nonce decrypts to the mask",
  threat: 'chosen-ciphertext',
  source: 'standard',
  budget: 16,
  positiveControl: { scheme: 'aes-256-ctr', expects: 'opened' },
  async run({ shape, decrypt }) {
    return {
      async open(targets) {
        const found: Image<'u8'>[] = []
        for (const target of targets) {
          const data = new (target.data.constructor as Uint8ArrayConstructor)(target.data.length)
          const mask = asPicture(await decrypt({ ...target, data }), shape)
          found.push(...xorWith(mask.data, shape)([target]))
        }
        return found
      },
    }
  },
})

/**
 * Asks for the decryption of the target with one sample of its lower right corner changed. A cipher without
 * authentication whose decryption does not carry the change everywhere answers with the picture.
 */
export const touchedCipher = defineAttack({
  id: 'touched-cipher',
  title: 'the target itself, changed in one sample, is decrypted',
  threat: 'chosen-ciphertext',
  source: 'standard',
  budget: 16,
  positiveControl: { scheme: 'aes-256-cbc', expects: 'opened' },
  async run({ shape, decrypt }) {
    return {
      async open(targets) {
        const found: Image<'u8'>[] = []
        for (const target of targets) {
          const data = target.data.slice()
          const last = data.length - 1
          data[last] = target.format === 'f32' ? 1 - data[last]! : data[last]! ^ 1
          found.push(asPicture(await decrypt({ ...target, data }), shape))
        }
        return found
      },
    }
  },
})

/**
 * Two cipher images under one mask, XORed, are their two plain pictures XORed: both show through. Each target with one
 * other.
 */
export const twoTimePad = defineAttack({
  id: 'two-time-pad',
  title: 'two cipher images XORed',
  threat: 'ciphertext-only',
  source: 'standard',
  positiveControl: { scheme: 'xor-reused-mask', expects: 'leaks' },
  async run({ shape, ciphers }) {
    const [other] = await ciphers(1)
    const bytes = bytesOf(other!, shape)
    return bytes && { open: xorWith(bytes, shape) }
  },
})

const LEVELS = 256

/**
 * The mask as what is likeliest at each place, given many cipher images under it and how often each value stands at
 * that place in public pictures. Nothing is known of any one picture.
 */
export const manyTimePad = defineAttack({
  id: 'many-time-pad',
  title: 'many cipher images under one mask: the likeliest mask at each place',
  threat: 'ciphertext-only',
  returns: 'key',
  budget: 64,
  positiveControl: { scheme: 'xor-reused-mask', expects: 'leaks' },
  async run({ shape, ciphers, kin }, budget) {
    const seen = (await ciphers(Math.min(budget, 256))).map(cipher => bytesOf(cipher, shape))
    if (!seen.every(bytes => bytes !== undefined)) return undefined
    const likely = logFrequencies(await kin(256), shape.channels)
    const mask = new Uint8Array(seen[0]!.length)
    const counts = new Uint16Array(LEVELS)
    for (let i = 0; i < mask.length; i++) {
      counts.fill(0)
      for (const bytes of seen) counts[bytes[i]!]!++
      let best = -Infinity
      for (let guess = 0; guess < LEVELS; guess++) {
        let score = 0
        for (let value = 0; value < LEVELS; value++)
          if (counts[value]! > 0) score += counts[value]! * likely[i]![value ^ guess]!
        if (score > best) [best, mask[i]] = [score, guess]
      }
    }
    return { open: xorWith(mask, shape) }
  },
})

/**
 * Logarithms of how often each value stands at each place, a little of all values mixed in; bands of 16 rows share one
 * count.
 */
function logFrequencies(pictures: readonly Image<'u8'>[], channels: number): Float64Array[] {
  const { width, data } = pictures[0]!
  const bandOf = (i: number) => Math.floor(Math.floor(i / channels / width) / 16) * channels + (i % channels)
  const bands = Array.from({ length: bandOf(data.length - 1) + 1 }, () => new Float64Array(LEVELS).fill(0.5))
  for (const picture of pictures) for (let i = 0; i < data.length; i++) bands[bandOf(i)]![picture.data[i]!]! += 1
  const logs = bands.map(counts => {
    const all = counts.reduce((sum, count) => sum + count, 0)
    return counts.map(count => Math.log(count / all))
  })
  return Array.from({ length: data.length }, (_, i) => logs[bandOf(i)]!)
}

/** The most frequent byte at each place. */
export function modeOf(all: readonly Uint8Array[]): Uint8Array {
  const counts = new Uint16Array(LEVELS)
  return Uint8Array.from({ length: all[0]!.length }, (_, i) => {
    counts.fill(0)
    let best = 0
    for (const bytes of all) if (++counts[bytes[i]!]! > counts[best]!) best = bytes[i]!
    return best
  })
}

/** Where most pictures are black, the most frequent byte of their cipher images is the mask. Digits on black. */
export const backgroundMode = defineAttack({
  id: 'background-mode',
  title: 'pictures on black: the most frequent byte of each place is the mask',
  threat: 'ciphertext-only',
  returns: 'key',
  budget: 40,
  pictures: 'digits',
  positiveControl: { scheme: 'xor-reused-mask', expects: 'leaks' },
  async run({ shape, ciphers }, budget) {
    const seen = (await ciphers(Math.min(budget, 256))).map(cipher => bytesOf(cipher, shape))
    return seen.every(bytes => bytes !== undefined) ? { open: xorWith(modeOf(seen), shape) } : undefined
  },
})

/**
 * Where a cipher image differs from what is most frequent there, there is ink. Also of latents, which no mask comes
 * off.
 */
export const silhouettes = defineAttack({
  id: 'silhouettes',
  title: 'pictures on black: where a cipher image differs from the usual one',
  threat: 'ciphertext-only',
  budget: 40,
  pictures: 'digits',
  positiveControl: { scheme: 'xor-reused-mask', expects: 'leaks' },
  async run({ shape, ciphers }, budget) {
    const usual = modeOf((await ciphers(Math.min(budget, 1024))).map(cipher => asPicture(cipher, shape).data))
    return {
      open: targets =>
        targets.map(target => {
          const picture = asPicture(target, shape)
          return { ...picture, data: picture.data.map((value, i) => Math.abs(value - usual[i]!)) }
        }),
    }
  },
})
