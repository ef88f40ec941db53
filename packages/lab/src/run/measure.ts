import { type CipherOptions, deriveKey, type Image, type ImageCipher, KeyStream, type SampleFormat, sha256Of, toHex, repeatably } from '@latent/core'
import {
  bytesPerPixel,
  byteView,
  correlationTest,
  type Direction,
  differential,
  DIRECTIONS,
  disturb,
  DISTURBANCES,
  entropyTest,
  gvdTest,
  HISTOGRAM_MINIMUM,
  histogram,
  histogramTest,
  imageCorrelation,
  type JpegRoundTrip,
  localEntropyTest,
  maskReuse,
  type NullTest,
  plainDistanceTest,
  type Quality,
  quality,
  sameShape,
  sampleErrors,
  shapeName,
  trail,
} from '../metrics/index.ts'
import type { ImageRow, QualityRow, RobustnessRow } from './rows.ts'
import type { TestId } from './tests.ts'

export interface MeasureOptions {
  readonly imageId: string
  readonly seed: number
  /** Also disturb the cipher and decrypt, some sixteen decryptions more. */
  readonly robustness?: boolean
  readonly jpeg?: JpegRoundTrip
}

/** Tests that rest on the normal distribution are not applied to fewer bytes. */
const MINIMUM_BYTES = 256

/**
 * Puts one image through one cipher and measures everything that a report shows of it. Key, nonces and
 * choices follow from scheme, image and seed; keys differ from image to image, so that rows are
 * independent replicates.
 * @throws whatever the cipher throws on its own key: the caller records it as a failure
 */
export async function measureImage(cipher: ImageCipher, plain: Image, { imageId, seed, robustness = false, jpeg }: MeasureOptions): Promise<ImageRow> {
  const root = sha256Of(new TextEncoder().encode(JSON.stringify([cipher.id, imageId, seed])))
  const draw = (label: string, length: number) => deriveKey(root, `latent/v1/lab/${label}`, undefined, length)
  // A randomised cipher draws a fresh nonce each time; here the fresh nonces come from the seed.
  const fresh = async (use: string): Promise<CipherOptions> => repeatably(cipher, await draw(`nonce/${use}`, 16))
  const key = await draw('key', 32)
  const before = fingerprint(plain)

  const options = await fresh('first')
  const encrypted = await cipher.encrypt(plain, key, options)
  const decrypted = await cipher.decrypt(encrypted, key)
  const restored = quality(plain, decrypted)
  const again = await cipher.encrypt(plain, key)
  const onceMore = cipher.traits.randomised ? await cipher.encrypt(plain, key) : encrypted

  const bytes = byteView(encrypted)
  const choice = new DataView((await draw('choice', 16)).buffer)
  const tests = await cipherTests(plain, encrypted, await draw('blocks', 32))

  const pixel = differential(bytes, byteView(await cipher.encrypt(oneSampleChanged(plain, choice.getUint32(0)), key, await fresh('pixel'))))
  Object.assign(tests, { 'pixel-npcr': pixel.npcr, 'pixel-uaci': pixel.uaci, 'pixel-avalanche': pixel.avalanche })

  const neighbour = oneBitChanged(key, choice.getUint32(4))
  // Same nonce: what changes must change because of the key.
  const underNeighbour = differential(bytes, byteView(await cipher.encrypt(plain, neighbour, options)))
  Object.assign(tests, { 'key-npcr': underNeighbour.npcr, 'key-uaci': underNeighbour.uaci, 'key-avalanche': underNeighbour.avalanche })

  const wrong = await attempt(() => cipher.decrypt(encrypted, neighbour))
  if (wrong && sameShape(wrong, plain)) {
    Object.assign(tests, defined({ 'wrong-key-correlation': imageCorrelation(byteView(plain), byteView(wrong)), 'wrong-key-distance': plainDistanceTest(byteView(plain), byteView(wrong)) }))
  }

  const known = await noise(plain, await draw('known-picture', 32))
  const knownCipher = await cipher.encrypt(known, key, await fresh('known'))
  if (sameShape(knownCipher, known) && sameShape(encrypted, plain)) tests['mask-reuse'] = maskReuse(byteView(known), byteView(knownCipher), byteView(plain), bytes)

  const published = (tests['local-entropy'] as { insidePublished?: boolean } | undefined)?.insidePublished
  return {
    kind: 'image',
    scheme: cipher.id,
    image: imageId,
    seed,
    plain: shapeName(plain),
    cipher: shapeName(encrypted),
    wire: encrypted.format,
    tests: bytes.length < MINIMUM_BYTES ? {} : Object.fromEntries(Object.entries(tests).map(([id, { value, p }]) => [id, { value, p }])),
    ...(bytes.length < HISTOGRAM_MINIMUM ? { counts: Array.from(histogram(bytes)) } : {}),
    quality: qualityRow(restored),
    ...(encrypted.format === 'f32' ? { wires: await throughWires(cipher, plain, key, options) } : {}),
    ...(published === undefined ? {} : { localEntropyPublished: published }),
    wrongKey: wrong ? wrongKey(plain, wrong) : 'refused',
    observed: {
      exact: restored.exact,
      lengthPreserving: sameShape(plain, encrypted),
      randomised: fingerprint(again) !== fingerprint(onceMore),
      argumentsUntouched: fingerprint(plain) === before,
    },
    expansion: (bytesOf(encrypted) + annotationBytes(encrypted)) / bytesOf(plain),
    ...(robustness ? await damage(cipher, plain, encrypted, decrypted, key, await draw('damage', 32), jpeg) : {}),
  }
}

/**
 * [Note: What "100 dB" can mean] A float cipher is not what travels as a picture. Its recovery is told for
 * every format in which the scheme says that it may travel.
 */
async function throughWires(cipher: ImageCipher, plain: Image, key: Uint8Array, options: CipherOptions): Promise<Partial<Record<SampleFormat, QualityRow>>> {
  const wires: Partial<Record<SampleFormat, QualityRow>> = {}
  for (const format of cipher.traits.wire) {
    if (format === 'f32') continue
    const result = await attempt(async () => cipher.decrypt(await cipher.encrypt(plain, key, { ...options, wire: format }), key))
    if (result && sameShape(result, plain)) wires[format] = qualityRow(quality(plain, result, 'one'))
  }
  return wires
}

async function cipherTests(plain: Image, encrypted: Image, blockSeed: Uint8Array): Promise<Partial<Record<TestId, NullTest>>> {
  const bytes = byteView(encrypted)
  const { width, height } = encrypted
  const stride = bytesPerPixel(encrypted)
  const correlations = Object.keys(DIRECTIONS).map(direction => [`correlation-${direction}`, correlationTest(bytes, width, height, stride, direction as Direction)])
  const tests: Partial<Record<TestId, NullTest | undefined>> = {
    histogram: histogramTest(bytes),
    entropy: entropyTest(bytes),
    'local-entropy': await localEntropyTest(bytes, width, height, stride, blockSeed),
    ...Object.fromEntries(correlations),
  }
  if (sameShape(plain, encrypted)) {
    const plainBytes = byteView(plain)
    tests.gvd = gvdTest(plainBytes, bytes, width, height, stride)
    tests['plain-correlation'] = imageCorrelation(plainBytes, bytes)
    tests['plain-distance'] = plainDistanceTest(plainBytes, bytes)
  }
  return defined(tests)
}

async function damage(cipher: ImageCipher, plain: Image, encrypted: Image, decrypted: Image, key: Uint8Array, seed: Uint8Array, jpeg?: JpegRoundTrip): Promise<Pick<ImageRow, 'robustness' | 'trail'>> {
  const curves: RobustnessRow[] = []
  for (const { kind, strength } of DISTURBANCES) {
    const disturbed = await disturb(encrypted, { kind, strength }, seed, jpeg)
    if (!disturbed) continue
    const result = await attempt(() => cipher.decrypt(disturbed, key))
    curves.push(result && sameShape(result, plain) ? { kind, strength, quality: qualityRow(quality(plain, result, 'one')) } : { kind, strength })
  }
  const data = encrypted.data.slice()
  const middle = data.length >> 1
  data[middle] = encrypted.format === 'f32' ? 1 - data[middle]! : data[middle]! ^ 1
  const wounded = await attempt(() => cipher.decrypt({ ...encrypted, data }, key))
  return { robustness: curves, trail: wounded && sameShape(wounded, decrypted) ? trail(decrypted, wounded) : 'refused' }
}

/** The result, or undefined where the cipher refuses, as an authenticated one should. */
async function attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch {
    return undefined
  }
}

function defined<K extends string, V>(record: Partial<Record<K, V | undefined>>): Partial<Record<K, V>> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<Record<K, V>>
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

const bytesOf = ({ data }: Image): number => data.byteLength
const annotationBytes = ({ annotations = {} }: Image): number => Object.entries(annotations).reduce((sum, [name, text]) => sum + name.length + text.length, 0)

function fingerprint({ data }: Image): string {
  return toHex(sha256Of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))
}

export function qualityRow({ exact, psnr, maxError, differing, ssim, msSsim }: Quality): QualityRow {
  return { exact, psnr: exact ? null : psnr, maxError, differing, ssim: ssim ?? null, msSsim: msSsim ?? null }
}

function wrongKey(plain: Image, wrong: Image): 'exact' | { psnr: number } {
  if (!sameShape(plain, wrong)) return { psnr: 0 }
  const { exact, psnr } = sampleErrors(plain, wrong)
  return exact ? 'exact' : { psnr }
}
