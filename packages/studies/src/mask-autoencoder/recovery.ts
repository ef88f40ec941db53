import { type Image, repeatably } from '@latent/core'
import {
  differential,
  entropyTestOfCounts,
  histogram,
  histogramTestOfCounts,
  mean,
  oneSampleChanged,
  psnrOf,
  sampleErrors,
  structuralSimilarity,
  total,
} from '@latent/lab'
import { chance, type OpenVariant } from './variants.ts'

/** What comes back of a set of pictures, and what their ciphers look like. PSNR in dB. */
export interface Recovery {
  readonly images: number
  /** Mean over images; those that come back exactly are left out, and counted. */
  readonly psnr: number
  readonly exact: number
  /** Of the mean squared error over all images. */
  readonly pooledPsnr: number
  readonly ssim: number
  readonly bytes: number
  /** Histogram of all cipher bytes together. */
  readonly counts: Float64Array
}

const SSIM_IMAGES = 500

/** Encrypts and decrypts every picture through the cipher itself, bytes in between. */
export async function measureRecovery(
  variant: OpenVariant,
  pictures: readonly Image<'u8'>[],
  progress: (done: number) => void,
): Promise<Recovery> {
  const counts = new Float64Array(256)
  const [psnrs, ssims]: [number[], number[]] = [[], []]
  let [squares, exact, bytes] = [0, 0, 0]
  for (const [i, plain] of pictures.entries()) {
    const encrypted = await variant.encrypt(plain)
    const restored = await variant.decrypt(encrypted)
    const errors = sampleErrors(plain, restored)
    if (errors.exact) exact++
    else psnrs.push(errors.psnr)
    squares += errors.mse
    if (i < SSIM_IMAGES) ssims.push(structuralSimilarity(plain, restored, 'one').ssim ?? 1)
    bytes = encrypted.data.length
    for (const [value, count] of histogram(encrypted.data).entries()) counts[value]! += count
    if (i % 100 === 99) progress(i + 1)
  }
  return {
    images: pictures.length,
    psnr: psnrs.length > 0 ? mean(psnrs) : Infinity,
    exact,
    pooledPsnr: psnrOf(squares / pictures.length),
    ssim: mean(ssims),
    bytes,
    counts,
  }
}

/** Of all cipher bytes together: entropy in bits a byte, chi-square with 255 degrees of freedom, share of zeros. */
export interface ByteStatistics {
  readonly entropy: number
  readonly expectedEntropy: number
  readonly chiSquare: number
  readonly zeros: number
}

/** @param counts how often each of 256 byte values occurs, 1,280 in all or more */
export function byteStatistics(counts: Float64Array): ByteStatistics {
  const entropy = entropyTestOfCounts(counts)!
  return {
    entropy: entropy.value,
    expectedEntropy: entropy.expected,
    chiSquare: histogramTestOfCounts(counts)!.value,
    zeros: counts[0]! / total(counts),
  }
}

/** Share of changed samples, and their mean change, both 0 to 1. */
export interface PixelChange {
  readonly npcr: number
  readonly uaci: number
}

/**
 * One sample of a picture raised by a level, modulo 256: means over trials.
 * @param nonce the same for both ciphers, if given
 */
export async function pixelChange(
  variant: OpenVariant,
  pictures: readonly Image<'u8'>[],
  trials: number,
  seed: number,
  nonce?: Uint8Array,
): Promise<PixelChange> {
  const choices = await (await chance(seed, `pixels of ${variant.id}`)).integers(trials, 2 ** 32)
  const [npcr, uaci]: [number[], number[]] = [[], []]
  const options = nonce ? repeatably(variant.cipher, nonce) : {}
  for (const [t, choice] of choices.entries()) {
    const plain = pictures[t % pictures.length]!
    const [a, b] = [
      await variant.cipher.encrypt(plain, variant.key, options),
      await variant.cipher.encrypt(oneSampleChanged(plain, choice), variant.key, options),
    ]
    const difference = differential(a.data as Uint8Array, b.data as Uint8Array)
    npcr.push(difference.npcr.value)
    uaci.push(difference.uaci.value)
  }
  return { npcr: mean(npcr), uaci: mean(uaci) }
}
