import { type Image, image } from '@latent/core'
import { peak } from '../../metrics/samples.ts'
import { type Attack, defineAttack, type Found, type Oracles, type SeenPair } from '../contract.ts'
import { fitKernelRidge } from '../kernel-ridge.ts'
import { fitLinearBlocks } from '../linear-blocks.ts'
import { fitRidge, type LinearPredictor } from '../ridge.ts'

/**
 * Both nibbles of a byte about zero, in which complementing, moving and exchanging nibbles are linear; floats as they
 * are.
 */
function features({ data, format }: Image, places?: ArrayLike<number>): Float32Array {
  const count = places?.length ?? data.length
  const at = (i: number) => data[places?.[i] ?? i]!
  if (format !== 'u8') return Float32Array.from({ length: count }, (_, i) => at(i) / peak(format))
  return Float32Array.from({ length: 2 * count }, (_, i) => ((at(i >> 1) >> (i % 2 === 0 ? 0 : 4)) & 15) / 15 - 0.5)
}

const toByte = (value: number): number => Math.min(255, Math.max(0, Math.round(255 * value)))
const unit = (plain: Image<'u8'>, places?: ArrayLike<number>): Float32Array =>
  Float32Array.from({ length: places?.length ?? plain.data.length }, (_, i) => plain.data[places?.[i] ?? i]! / 255)

const PENALTIES = [1e-4, 1e-2, 1]

/** The penalty that opens an eighth of the rows best, which the others were fitted to; then all rows are fitted. */
function chosenRidge(inputs: readonly Float32Array[], outputs: readonly Float32Array[]): LinearPredictor {
  const held = Math.floor(inputs.length / 8)
  if (held === 0) return fitKernelRidge(inputs, outputs, PENALTIES[1]!)
  const errors = PENALTIES.map(penalty => {
    const { predict } = fitKernelRidge(inputs.slice(held), outputs.slice(held), penalty)
    return inputs
      .slice(0, held)
      .reduce(
        (sum, input, n) => sum + predict(input).reduce((total, value, i) => total + (value - outputs[n]![i]!) ** 2, 0),
        0,
      )
  })
  return fitKernelRidge(inputs, outputs, PENALTIES[errors.indexOf(Math.min(...errors))]!)
}

const IMAGE_PAIRS = 128

/** One affine map from the whole cipher image, of whatever shape, to the whole picture. */
export const linearImage = defineAttack({
  id: 'linear-image',
  title: 'one affine map of the whole picture, by least squares',
  threat: 'known-pairs',
  returns: 'key',
  budget: IMAGE_PAIRS,
  positiveControl: { scheme: 'xor-reused-mask', expects: 'leaks' },
  async run({ shape, pairs }, budget) {
    const known = await pairs(Math.min(budget, 1024))
    const predictor = chosenRidge(
      known.map(({ cipher }) => features(cipher)),
      known.map(({ plain }) => unit(plain)),
    )
    return {
      open: targets =>
        targets.map(target =>
          image({ ...shape, format: 'u8', data: Uint8Array.from(predictor.predict(features(target)), toByte) }),
        ),
    }
  },
})

/** Samples of each group of places: pixels, or blocks of 4 x 4 pixels. */
function groups(side: number, { width, height, channels }: Oracles['shape']): Uint32Array[] {
  const across = width / side
  return Array.from({ length: across * (height / side) }, (_, g) =>
    Uint32Array.from({ length: side * side * channels }, (_, i) => {
      const [pixel, channel] = [Math.floor(i / channels), i % channels]
      const y = Math.floor(g / across) * side + Math.floor(pixel / side)
      return (y * width + (g % across) * side + (pixel % side)) * channels + channel
    }),
  )
}

const sameShape = ({ cipher, plain }: SeenPair): boolean =>
  cipher.width === plain.width && cipher.height === plain.height && cipher.channels === plain.channels

/**
 * An affine map for each pixel or block: it holds any key that differs from place to place and moves nothing further.
 */
const byPlace = (id: string, title: string, side: number, budget: number, scheme: string): Attack =>
  defineAttack({
    id,
    title,
    threat: 'known-pairs',
    returns: 'key',
    budget,
    positiveControl: { scheme, expects: 'opened' },
    async run({ shape, pairs }): Promise<Found | undefined> {
      const known = await pairs(Math.min(budget, 1024))
      if (!known.every(sameShape)) return undefined
      const places = groups(side, shape)
      const maps = places.map(members =>
        (side === 1 ? fitRidge : fitKernelRidge)(
          known.map(({ cipher }) => features(cipher, members)),
          known.map(({ plain }) => unit(plain, members)),
          1e-3,
        ),
      )
      return {
        open: targets =>
          targets.map(target => {
            const data = new Uint8Array(shape.width * shape.height * shape.channels)
            for (const [g, members] of places.entries())
              maps[g]!.predict(features(target, members)).forEach((value, i) => (data[members[i]!] = toByte(value)))
            return image({ ...shape, format: 'u8', data })
          }),
      }
    },
  })

/** A map for each pixel. */
export const linearPixels = byPlace(
  'linear-pixels',
  'an affine map for each pixel, by least squares',
  1,
  64,
  'pixel-based-shuffle',
)
/** A map for each block of 4 x 4 pixels. */
export const linearBlocks = byPlace(
  'linear-blocks',
  'an affine map for each block, by least squares',
  4,
  128,
  'tanaka-le',
)

/** Fewer known pictures than this do not say how a block depends on those around it. */
const PICTURES_FOR_NEIGHBOURS = 8

/**
 * Blocks of one affine map each; the tanh of learned ciphers is undone.
 * @param reach how many blocks around are looked at too; by the number of known pictures where it is not said
 */
export const sharedBlocksAttack = (reach?: 0 | 1): Attack =>
  defineAttack({
    id: 'linear-shared-blocks',
    title: 'one affine map for all blocks and their neighbours, by least squares',
    threat: 'known-pairs',
    returns: 'key',
    budget: 24,
    positiveControl: { scheme: 'encipher-gan-2023-structured', expects: 'opened' },
    async run({ shape, pairs }, budget) {
      const known = await pairs(Math.min(budget, 64))
      if (shape.channels !== 3 || !known.every(pair => sameShape(pair) && pair.cipher.format === 'u8')) return undefined
      const straighten = (sample: number) => Math.atanh(Math.min(0.9975, Math.max(-0.9975, sample / 127.5 - 1)))
      const around = reach ?? (known.length < PICTURES_FOR_NEIGHBOURS ? 0 : 1)
      const { blocks, open } = fitLinearBlocks(known, { side: 4, reach: around, straighten })
      return { open: targets => targets.map(open), counted: { blocks } }
    },
  })

/** See {@link sharedBlocksAttack}. */
export const linearSharedBlocks = sharedBlocksAttack()
