import {
  type CipherOptions,
  deriveKey,
  type Image,
  type ImageCipher,
  KeyStream,
  repeatably,
  sha256Of,
} from '@latent/core'
import { type Evidence, gatherEvidence, type PlainPeriods } from '../evidence/index.ts'
import { byteView, type Differential, differential, sameShape } from '../metrics/index.ts'

/** A cipher image beside the first one, and how their bytes differ. */
export interface Neighbour {
  readonly cipher: Image
  readonly difference: Differential
}

/** One image under one key: all that a test of the lab may look at. */
export interface Trial {
  readonly plain: Image
  readonly cipher: Image
  /** What decryption under the right key gave. */
  readonly decrypted: Image
  /** The bytes of the cipher image, as every statistic takes them. */
  readonly bytes: Uint8Array
  /** The cipher image has the plain one's dimensions, channels and format. */
  readonly alike: boolean
  /** One sample of the plain image changed by a level, under the same key and another fresh nonce. */
  readonly onePixel: Neighbour
  /** The same plain image and nonce, under a key that differs in one bit. */
  readonly oneKeyBit: Neighbour
  /** The cipher image decrypted under that key; undefined where it refused. */
  readonly wrongKey: Image | undefined
  /** A picture of noise and its cipher under the same key: what somebody may know. */
  readonly known: { readonly plain: Image; readonly cipher: Image }
  /** What of this image is added up over all of them. */
  readonly evidence: Evidence
  /** Plain bits in the cipher by their place in blocks of every length; undefined where the shapes differ. */
  readonly periods: PlainPeriods | undefined
  /** The longest run of bytes of the key, forwards or backwards, in the cipher. */
  readonly keyRun: number
  /** Encrypts another image under the same key; what draws a nonce draws one that follows from `use`. */
  readonly encrypt: (image: Image, use: string) => Promise<Image>
  /** Random bytes that follow from scheme, image, seed and purpose, so that a run can be repeated. */
  readonly draw: (purpose: string, length: number) => Promise<Uint8Array>
}

/** What the measurement needs beside: the key and the options of the first encryption. */
export interface OpenTrial extends Trial {
  readonly key: Uint8Array
  readonly options: CipherOptions
}

/**
 * Key, nonces and choices follow from scheme, image and seed; keys differ from image to image, so that trials are
 * independent replicates.
 * @throws whatever the cipher throws on its own key
 */
export async function runTrial(cipher: ImageCipher, plain: Image, imageId: string, seed: number): Promise<OpenTrial> {
  const root = sha256Of(new TextEncoder().encode(JSON.stringify([cipher.id, imageId, seed])))
  const draw = (purpose: string, length: number) => deriveKey(root, `latent/v1/lab/${purpose}`, undefined, length)
  // A randomised cipher draws a fresh nonce each time; here the fresh nonces come from the seed.
  const fresh = async (use: string): Promise<CipherOptions> => repeatably(cipher, await draw(`nonce/${use}`, 16))
  const key = await draw('key', 32)
  const encrypt = async (image: Image, use: string) => cipher.encrypt(image, key, await fresh(use))

  const options = await fresh('first')
  const encrypted = await cipher.encrypt(plain, key, options)
  const decrypted = await cipher.decrypt(encrypted, key)
  const bytes = byteView(encrypted)
  const neighbour = (other: Image): Neighbour => ({ cipher: other, difference: differential(bytes, byteView(other)) })

  const choice = new DataView((await draw('choice', 16)).buffer)
  const onePixel = neighbour(await encrypt(oneSampleChanged(plain, choice.getUint32(0)), 'pixel'))
  const otherKey = oneBitChanged(key, choice.getUint32(4))
  // Same nonce: what changes must change because of the key.
  const oneKeyBit = neighbour(await cipher.encrypt(plain, otherKey, options))
  const wrongKey = await attempt(() => cipher.decrypt(encrypted, otherKey))
  const known = await noise(plain, await draw('known-picture', 32))
  const black = await encrypt(
    { ...plain, data: new (plain.data.constructor as Uint8ArrayConstructor)(plain.data.length) },
    'black',
  )
  const alike = sameShape(plain, encrypted)
  return {
    ...gatherEvidence(encrypted, alike ? plain : undefined, black),
    keyRun: Math.max(longestShared(key, bytes), longestShared(key.toReversed(), bytes)),
    plain,
    cipher: encrypted,
    decrypted,
    bytes,
    alike,
    onePixel,
    oneKeyBit,
    wrongKey,
    known: { plain: known, cipher: await encrypt(known, 'known') },
    encrypt,
    draw,
    key,
    options,
  }
}

/** The result, or undefined where the cipher refuses, as an authenticated one should. */
export async function attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch {
    return undefined
  }
}

/** The image with one sample of one pixel raised by a level, modulo the format. */
export function oneSampleChanged<I extends Image>(source: I, choice: number): I {
  const data = source.data.slice()
  const at = choice % data.length
  if (source.format === 'f32') data[at] = data[at]! + (data[at]! > 0.5 ? -1 : 1) / 255
  else data[at] = data[at]! + 1
  return { ...source, data }
}

/** The key with one bit flipped. */
export function oneBitChanged(key: Uint8Array, choice: number): Uint8Array {
  const bit = choice % (8 * key.length)
  return key.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
}

/**
 * A picture of noise in the shape of the first: the known one of a known pair. It shares nothing with any
 * picture, whereas the first one mirrored, say, is the first one itself if that is blank or symmetric, and a
 * pair of equal pictures "opens" each other under every deterministic cipher.
 */
async function noise(source: Image, seed: Uint8Array): Promise<Image> {
  const stream = await KeyStream.create(seed, 'latent/v1/lab/known')
  const { format, data } = source
  if (format === 'f32') return { ...source, data: Float32Array.from(await stream.uniforms(data.length)) }
  if (format === 'u16') return { ...source, data: Uint16Array.from(await stream.integers(data.length, 2 ** 16)) }
  return { ...source, data: await stream.bytes(data.length) }
}

/** The length of the longest run of bytes of `key`, of any beginning, that occurs in `bytes`. */
export function longestShared(key: Uint8Array, bytes: Uint8Array): number {
  const places: number[][] = Array.from({ length: 256 }, () => [])
  key.forEach((byte, at) => places[byte]!.push(at))
  let longest = 0
  for (let i = 0; i + longest < bytes.length; i++) {
    for (const start of places[bytes[i]!]!) {
      let run = 1
      while (start + run < key.length && i + run < bytes.length && key[start + run] === bytes[i + run]) run++
      if (run > longest) longest = run
    }
  }
  return longest
}
