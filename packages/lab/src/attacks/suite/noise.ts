import type { Image } from '@latent/core'
import { peak } from '../../metrics/samples.ts'
import { type Attack, defineAttack } from '../contract.ts'
import { fitKernelRidge } from '../kernel-ridge.ts'
import { noiseLike } from '../trial.ts'

/**
 * What a look at numbers sees: the histogram in 32 bins and its unevenness, ones in every bit, products of neighbours,
 * steps between them, equal neighbours, and equal blocks of four bytes.
 */
export function statistics({ width, height, channels, data, format }: Image): Float32Array {
  const top = peak(format)
  const values = Float32Array.from(data, value => value / top)
  const bins = new Float32Array(32)
  for (const value of values) bins[Math.min(31, Math.max(0, Math.floor(32 * value)))]! += 1
  const expected = values.length / bins.length
  const uneven = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  const bits = new Float32Array(8)
  for (const value of values) for (let b = 0; b < 8; b++) bits[b]! += (Math.round(255 * value) >> b) & 1
  const near: number[] = []
  for (const [dx, dy] of [
    [1, 0],
    [0, 1],
    [1, 1],
    [2, 0],
    [0, 2],
  ] as const) {
    let [product, step, equal, count] = [0, 0, 0, 0]
    for (let y = 0; y + dy < height; y++)
      for (let x = 0; x + dx < width; x++)
        for (let c = 0; c < channels; c++) {
          const a = values[(y * width + x) * channels + c]!
          const b = values[((y + dy) * width + x + dx) * channels + c]!
          product += (a - 0.5) * (b - 0.5)
          step += Math.abs(a - b)
          equal += Number(a === b)
          count++
        }
    near.push((12 * product) / Math.sqrt(count), (step - count / 3) / Math.sqrt(count), equal / Math.sqrt(count))
  }
  const seen = new Set<string>()
  for (let i = 0; i + 4 <= data.length; i += 4) seen.add(data.subarray(i, i + 4).join())
  const root = Math.sqrt(expected)
  return Float32Array.from([
    ...Array.from(bins, count => (count - expected) / root / 4),
    Math.log(uneven + 1) - Math.log(bins.length),
    ...Array.from(bits, ones => (2 * ones - values.length) / Math.sqrt(values.length) / 4),
    ...near.map(value => Math.sign(value) * Math.log1p(Math.abs(value))),
    Math.log1p(Math.floor(data.length / 4) - seen.size),
  ])
}

const whole = ({ data, format }: Image): Float32Array => Float32Array.from(data, value => value / peak(format) - 0.5)

/** Trained on cipher images of unknown pictures and as much noise. */
const distinguisher = (
  id: string,
  title: string,
  scheme: string,
  look: (picture: Image) => Float32Array,
  penalty: number,
): Attack =>
  defineAttack({
    id,
    title,
    threat: 'ciphertext-only',
    returns: 'distinguishing-bit',
    budget: 64,
    positiveControl: { scheme, expects: 'leaks' },
    async run({ ciphers }, budget, random) {
      const seen = await ciphers(Math.min(budget, 256))
      const noise: Image[] = []
      for (const cipher of seen) noise.push(await noiseLike(cipher, random))
      const { predict } = fitKernelRidge(
        [...seen, ...noise].map(look),
        [...seen.map(() => [1]), ...noise.map(() => [0])],
        penalty,
      )
      return { suspect: pictures => pictures.map(picture => predict(look(picture))[0]!) }
    },
  })

/** Statistics of one cipher image. */
export const toldByStatistics = distinguisher(
  'told-by-statistics',
  'told from noise by statistics of a picture',
  'fixed-permutation',
  statistics,
  0.05,
)
/** What stands where: sees what cipher images have in common. */
export const toldByPlaces = distinguisher(
  'told-by-places',
  'told from noise by what stands where',
  'xor-reused-mask',
  whole,
  1,
)
