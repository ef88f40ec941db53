import { type Image, image, type ImageCipher } from '@latent/core'
import { findScheme } from '@latent/schemes'
import { DESCRIBED, type Diffusion, REPAIRED } from '@latent/schemes/dense-resnet'
import { jpegRoundTrip } from '@latent/data/node'
import {
  disturb,
  type Disturbance,
  findAttack,
  histogram,
  mean,
  mountAttack,
  peel,
  psnrOf,
  sampleErrors,
  xor,
} from '@latent/lab'

/** What one known pair gives of another picture under the same key. */
export interface Recovery {
  /** Share of the bytes of P ^ P' that peeling gives; chance is 1/256. */
  readonly share: number
  /** What the public decryption network makes of the peeled cipher, given one known pair. */
  readonly restored: Image<'u8'>
  /** Against the picture that was encrypted, in dB. */
  readonly psnr: number
}

/** A picture, its intermediate cipher, and the bytes that the diffusion makes of that. */
export interface Diffused {
  readonly plain: Image<'u8'>
  readonly intermediate: Image<'u8'>
  readonly cipher: Uint8Array
}

/**
 * Key-stream reuse: one picture and its cipher are known; another cipher under the same key falls to the lab's attack.
 * Intermediate ciphers serve to count right bytes alone.
 */
export async function reuse(diffusion: Diffusion, known: Diffused, target: Diffused): Promise<Recovery> {
  const peeled = peel(diffusion, known.cipher, target.cipher)
  const right = xor(known.intermediate.data, target.intermediate.data)
  const share = peeled.reduce((sum, value, i) => sum + Number(value === right[i]), 0) / peeled.length
  const cipherOf = ({ cipher, intermediate }: Diffused) => asPicture(cipher, intermediate)
  const { width, height, channels } = target.plain
  const { found } = await mountAttack(findAttack('diffusion-peel'), {
    scheme: findScheme(diffusion.rule === REPAIRED.diffusion.rule ? REPAIRED.id : DESCRIBED.id),
    shape: { width, height, channels },
    seen: [{ plain: known.plain, cipher: cipherOf(known) }],
  })
  const [restored] = (await found!.open!([cipherOf(target)])) as [Image<'u8'>]
  return { share, restored, psnr: sampleErrors(target.plain, restored).psnr }
}

/** Share of each byte value of C ^ C', as 256 numbers. */
export function differenceHistogram(a: Uint8Array, b: Uint8Array): Float64Array {
  return Float64Array.from(histogram(xor(a, b)), count => count / a.length)
}

/** What decryption makes of a damaged cipher image; PSNR in dB. */
export interface Trail {
  readonly disturbance: Disturbance
  readonly restored: Image<'u8'>
  readonly psnr: number
  /** Samples that came back further than 8 levels from what an undamaged cipher gives. */
  readonly damaged: number
  /** Cipher samples that the damage changed. */
  readonly hit: number
}

const VISIBLE = 8

/** Decrypts a damaged cipher image and says how far the damage reached. */
export async function trail(
  cipher: ImageCipher,
  encrypted: Image,
  key: Uint8Array,
  plain: Image<'u8'>,
  disturbance: Disturbance,
  seed: Uint8Array,
): Promise<Trail> {
  const broken = (await disturb(encrypted, disturbance, seed, jpegRoundTrip))!
  const [whole, restored] = [await cipher.decrypt(encrypted, key), (await cipher.decrypt(broken, key)) as Image<'u8'>]
  let damaged = 0
  for (let i = 0; i < restored.data.length; i++) if (Math.abs(restored.data[i]! - whole.data[i]!) > VISIBLE) damaged++
  let hit = 0
  for (let i = 0; i < encrypted.data.length; i++) if (encrypted.data[i] !== broken.data[i]) hit++
  return {
    disturbance,
    restored,
    psnr: psnrOf(sampleErrors(plain, restored).mse),
    damaged: damaged / restored.data.length,
    hit: hit / encrypted.data.length,
  }
}

const BLOCK = 8

/** How well outlines show through: correlation (Pearson) of the contrast of 8x8 blocks of two pictures of one shape. */
export function outline(a: Image<'u8'>, b: Image<'u8'>): number {
  const [x, y] = [contrasts(a), contrasts(b)]
  const [mx, my] = [mean(x), mean(y)]
  const sum = (term: (i: number) => number) => x.reduce((total, _, i) => total + term(i), 0)
  return sum(i => (x[i]! - mx) * (y[i]! - my)) / Math.sqrt(sum(i => (x[i]! - mx) ** 2) * sum(i => (y[i]! - my) ** 2))
}

/** The deviation of the samples of every whole block. */
function contrasts({ width, height, channels, data }: Image<'u8'>): number[] {
  const found: number[] = []
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      const rows = Array.from({ length: BLOCK }, (_, y) => [
        ...data.subarray(((top + y) * width + left) * channels, ((top + y) * width + left + BLOCK) * channels),
      ])
      const values = rows.flat()
      const middle = mean(values)
      found.push(Math.sqrt(mean(values.map(value => (value - middle) ** 2))))
    }
  }
  return found
}

/** Bytes as a picture of the given shape. */
export const asPicture = (
  bytes: Uint8Array,
  { width, height, channels }: Pick<Image, 'width' | 'height' | 'channels'>,
): Image<'u8'> => image({ width, height, channels, format: 'u8', data: bytes.slice() })
