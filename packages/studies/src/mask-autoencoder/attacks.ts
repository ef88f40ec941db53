import { pearson } from '../numbers.ts'
import { type Image, image } from '@latent/core'
import { findScheme } from '@latent/schemes'
import { BLOCK, drawMask } from '@latent/schemes/mask-autoencoder'
import {
  findAttack,
  fitRidge,
  linearProbe,
  type LinearPredictor,
  mean,
  mountAttack,
  psnrOf,
  sampleErrors,
} from '@latent/lab'
import { asRgb, chance, openVariant, type OpenVariant } from './variants.ts'

/** PSNR of the shipped decoder on pictures that were encrypted under another mask than it was trained for. */
async function underMask(
  variant: OpenVariant,
  mask: Uint8Array,
  pictures: readonly Image<'u8'>[],
  seed: number,
): Promise<number> {
  const other = await openVariant(variant.id, seed, mask)
  try {
    const values: number[] = []
    for (const plain of pictures)
      values.push(finite(sampleErrors(plain, await variant.decrypt(await other.encrypt(plain))).psnr))
    return mean(values)
  } finally {
    await other.close()
  }
}

/** A picture that comes back exactly counts as one with a hundredth of a level's error. */
const finite = (psnr: number): number => Math.min(psnr, psnrOf(1e-4))

/** The published "key" with so many of its bits wrong. */
export async function flippedMaskBits(
  variant: OpenVariant,
  bits: number,
  pictures: readonly Image<'u8'>[],
  seed: number,
): Promise<number> {
  const order = await (await chance(seed, `mask bits of ${variant.id}`)).permutation(8 * variant.mask.length)
  const mask = variant.mask.slice()
  for (const bit of order.subarray(0, bits)) mask[bit >> 3]! ^= 1 << (bit & 7)
  return underMask(variant, mask, pictures, seed)
}

/** PSNR in dB under a mask that no network was trained for; `number` says which. */
export async function foreignMask(
  variant: OpenVariant,
  number: number,
  pictures: readonly Image<'u8'>[],
  seed: number,
): Promise<number> {
  return underMask(
    variant,
    await drawMask(variant.set, `a mask that no network was trained for, ${number}`),
    pictures,
    seed,
  )
}

/** Who decrypts the cipher images with a key of their own choosing. */
export async function strangersKey(variant: OpenVariant, pictures: readonly Image<'u8'>[]): Promise<number> {
  const values: number[] = []
  for (const plain of pictures)
    values.push(
      finite(
        sampleErrors(plain, await variant.cipher.decrypt(await variant.encrypt(plain), new Uint8Array(32).fill(0x5a)))
          .psnr,
      ),
    )
  return mean(values)
}

/** The bytes of a picture in RGB, XORed with a mask. */
export const masked = (plain: Image<'u8'>, mask: Uint8Array): Uint8Array =>
  asRgb(plain).data.map((value, i) => value ^ mask[i]!)

/** Share of places at which two masks are equal. */
export const agreement = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((count, value, i) => count + Number(value === b[i]), 0) / a.length

/** Ink of each 4x4 block of a grey picture. */
export function blockInk({ width, height, data }: Image<'u8'>): Float64Array {
  const across = width / BLOCK
  const cells = new Float64Array(across * (height / BLOCK))
  data.forEach(
    (value, i) =>
      (cells[Math.floor(Math.floor(i / width) / BLOCK) * across + Math.floor((i % width) / BLOCK)]! += value),
  )
  return cells
}

/** Pictures of a scheme that an attack of the lab is given: `seen` in order. */
const subjectOf = (scheme: string, seen: readonly { readonly cipher: Image<'u8'>; readonly label?: number }[]) => {
  const { width, height, channels } = seen[0]!.cipher
  // The attacks here are given no plain pictures: what stands for them is never read.
  const shape = { width, height, channels }
  return { scheme: findScheme(scheme), shape, seen: seen.map(one => ({ ...one, plain: one.cipher })) }
}

/**
 * The lab's attack from cipher images alone: where a cipher's latents differ from what is most frequent there, as ink
 * of each 4x4 block.
 */
export async function silhouettes(
  scheme: string,
  ciphers: readonly Image<'u8'>[],
): Promise<(targets: readonly Image<'u8'>[]) => Promise<Float64Array[]>> {
  const subject = subjectOf(
    scheme,
    ciphers.map(cipher => ({ cipher })),
  )
  const { found } = await mountAttack(findAttack('silhouettes'), subject, ciphers.length)
  return async targets => (await found!.open!(targets)).map(blockInk)
}

/** How well distances of cipher images tell distances of the plain ones: correlation over random pairs. */
export async function distanceLeak(
  plains: readonly Image<'u8'>[],
  ciphers: readonly Image<'u8'>[],
  pairs: number,
  seed: number,
): Promise<number> {
  const picks = await (await chance(seed, 'pairs')).integers(2 * pairs, plains.length)
  const distance = (a: Uint8Array, b: Uint8Array) =>
    Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0))
  const [x, y]: [number[], number[]] = [[], []]
  for (let i = 0; i < pairs; i++) {
    const [a, b] = [picks[2 * i]!, picks[2 * i + 1]!]
    if (a === b) continue
    x.push(distance(ciphers[a]!.data, ciphers[b]!.data))
    y.push(distance(plains[a]!.data, plains[b]!.data))
  }
  return pearson(x, y)
}

const unit = ({ data }: Image<'u8'>): Float32Array => Float32Array.from(data, value => value / 255)

/** A decoder learned from known pairs alone: one linear map. */
export const surrogate = (ciphers: readonly Image<'u8'>[], plains: readonly Image<'u8'>[]): LinearPredictor =>
  fitRidge(ciphers.map(unit), plains.map(unit))

/** What a linear fit makes of a cipher, as a picture of the shape of `like`. */
export function throughSurrogate(predictor: LinearPredictor, cipher: Image<'u8'>, like: Image<'u8'>): Image<'u8'> {
  return image({
    width: like.width,
    height: like.height,
    channels: like.channels,
    format: 'u8',
    data: Uint8Array.from(predictor.predict(unit(cipher)), value => Math.round(255 * Math.min(1, Math.max(0, value)))),
  })
}

/** Penalty of the linear probe, relative to the mean variance of one sample of a cipher image. */
const PENALTY = 0.01

/** Share of cipher images whose class the lab's linear probe names, trained on others with their labels. */
export async function classified(
  scheme: string,
  training: readonly Labelled[],
  test: readonly Labelled[],
): Promise<number> {
  // The probe's penalty is relative to the whole of a cipher image, divided among the examples.
  const probe = linearProbe((PENALTY * training.length) / training[0]!.cipher.data.length)
  const { found } = await mountAttack(probe, subjectOf(scheme, training), training.length)
  const named = await found!.classify!(test.map(({ cipher }) => cipher))
  return named.filter((label, i) => label === test[i]!.label).length / test.length
}

/** A cipher image and the class of its picture. */
export interface Labelled {
  readonly cipher: Image<'u8'>
  readonly label: number
}

/**
 * "Variant B", the receiver unmasking: what is left of a picture if its masked picture comes back with the errors that
 * the repaired variant leaves on plain ones, and is XORed with the mask then.
 */
export function lossBeforeXor(plain: Image<'u8'>, restored: Image<'u8'>, mask: Uint8Array): Image<'u8'> {
  const data = plain.data.map(
    (value, i) => Math.min(255, Math.max(0, (value ^ mask[i]!) + restored.data[i]! - value)) ^ mask[i]!,
  )
  return image({ ...plain, data })
}
