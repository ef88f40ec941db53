import { LatentError } from '@latent/core'
import type { Image } from '@latent/core'
import { adam, compile, constantRate, cosineRate, epochOrder, mapTree, muon, ops, shape, tensor } from '@latent/graph'
import type { Expr, Parameter, Schedule, Tensor, Training } from '@latent/graph'
import type { Profile, Recipe } from '../recipe.ts'
import { drawMask } from './mask.ts'
import { decode, encode, VARIANTS, networkParameters, quantise, SIDES } from './network.ts'
import type { Variant, Networks, SetName } from './network.ts'
import { objective } from './objective.ts'

/**
 * Madani and Bourennane give the loss (MSE to the plain image) and the learning rate (0.001, fixed). Adam, batches
 * of 128 and 50 or 100 epochs are our reading of `paper`; `compact` takes batches of 64, on two cores for ten minutes
 * to an hour, at a rate that falls from 0.002 by a cosine, by Muon, which finds details sooner. The repaired variant is
 * ours throughout, and so learns like this in either profile.
 */
const BATCHES: Record<Profile, number> = { paper: 128, compact: 64 }
const EPOCHS: Record<SetName, number> = { mnist: 50, cifar: 100 }
const COMPACT_STEPS: Record<SetName, Record<Variant, number>> = {
  mnist: { conv: 10_000, link: 20_000, repaired: 6000 },
  cifar: { conv: 10_000, link: 10_000, repaired: 6000 },
}

const RATES: Record<Profile, Schedule> = {
  paper: constantRate(1e-3),
  compact: cosineRate(2e-3, { warmup: 50, end: 2e-5 }),
}

/**
 * The last pictures of the training set are kept apart to watch the run by; the official test pictures are not touched.
 */
const CHECKS = 256

const SETS: Record<SetName, { readonly name: string; readonly terms: string }> = {
  mnist: {
    name: 'mnist',
    terms:
      'MNIST, train: 60,000 digits (LeCun and Cortes, Creative Commons Attribution-ShareAlike 3.0), as three ' +
      'equal channels',
  },
  cifar: {
    name: 'cifar10',
    terms: 'CIFAR-10, train: 50,000 pictures (Krizhevsky 2009; its authors ask to be cited and state no licence)',
  },
}

const TITLES: Readonly<Record<Variant, string>> = {
  repaired: 'the repaired masked scheme',
  link: 'XOR-masked pictures, with its fully connected link',
  conv: 'XOR-masked pictures, convolutions alone',
}

function maskRecipe(variant: Variant, set: SetName): Recipe {
  return {
    id: `mask-autoencoder-${set}-${variant}`,
    title: `auto-encoder of ${TITLES[variant]} (${set})`,
    published: 'the publication states a learning rate of 0.001, and neither epochs nor batch',
    data: SETS[set].terms,
    async open({ profile, seed, images, batchSize = BATCHES[profile] }) {
      const side = SIDES[set]
      const all = (await images(SETS[set].name, 'train')).map(picture => threeChannels(picture, side))
      if (all.length < 2 * CHECKS)
        throw new LatentError('E_DATA', `expected at least ${2 * CHECKS} pictures, found ${all.length}`)
      const [plain, checks] = [all.slice(0, -CHECKS), all.slice(-CHECKS)]
      const mask = variant === 'repaired' ? new Uint8Array(3 * side * side) : await drawMask(set)
      const networks = networkParameters(variant, set, profile)
      const ours = variant === 'repaired' || profile === 'compact'
      const dims = [batchSize, 3, side, side]
      const training: Training<typeof networks> = {
        networks,
        batch: { masked: shape(dims), plain: shape(dims) },
        average: 0.998,
        phases: [
          {
            name: 'mse',
            trains: ['encoder', 'decoder'],
            optimiser: ours ? muon() : adam(),
            loss: ({ networks, batch }) =>
              objective(variant, networks as Networks<Expr>, batch['masked']!, batch['plain']!),
          },
        ],
      }
      const order = epochOrder(seed, plain.length, batchSize)
      const validate = await openValidation({ variant, side, parameters: networks, checks, mask })
      return {
        training: training as unknown as Training<never, never>,
        rates: [RATES[ours ? 'compact' : profile]],
        steps:
          profile === 'compact' ? COMPACT_STEPS[set][variant] : Math.floor((EPOCHS[set] * plain.length) / batchSize),
        batchSize,
        async data(step) {
          const picked = Array.from(await order(step), index => plain[index]!)
          return { masked: planes(picked, side, mask), plain: planes(picked, side) }
        },
        scoreName: 'PSNR in dB on pictures kept apart',
        validation: { every: 200, patience: Number.MAX_SAFE_INTEGER, score: weights => validate.score(weights) },
        close: () => validate.close(),
      }
    },
  }
}

/** A recipe for each variant and data set. */
export const maskAutoencoderRecipes: readonly Recipe[] = (Object.keys(SIDES) as SetName[]).flatMap(set =>
  VARIANTS.map(variant => maskRecipe(variant, set)),
)

/** Interleaved RGB bytes; grey is repeated, as the paper's 2352 bytes for a digit have it. @throws E_DATA */
function threeChannels({ width, height, channels, data }: Image<'u8'>, side: number): Uint8Array {
  if (width !== side || height !== side || (channels !== 1 && channels !== 3))
    throw new LatentError(
      'E_DATA',
      `expected pictures of ${side}x${side}, grey or RGB, found ${width}x${height}x${channels}`,
    )
  return channels === 3 ? data : Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]!)
}

/** Pictures, each byte XORed with the mask's, as `[N, 3, side, side]` in 0..1. */
function planes(pictures: readonly Uint8Array[], side: number, mask?: Uint8Array): Tensor<'f32'> {
  const area = side * side
  const data = new Float32Array(pictures.length * 3 * area)
  for (const [n, picture] of pictures.entries()) {
    for (let c = 0; c < 3; c++) {
      const to = (3 * n + c) * area
      for (let p = 0; p < area; p++)
        data[to + p] = (picture[3 * p + c]! ^ (mask === undefined ? 0 : mask[3 * p + c]!)) / 255
    }
  }
  return tensor('f32', [pictures.length, 3, side, side], data)
}

interface Checks {
  readonly variant: Variant
  readonly side: number
  readonly parameters: Networks<Parameter>
  readonly checks: readonly Uint8Array[]
  readonly mask: Uint8Array
}

async function openValidation({ variant, side, parameters, checks, mask }: Checks) {
  const dims = [checks.length, 3, side, side]
  const inputs = {
    ...(mapTree(parameters, (_, leaf) => shape((leaf as Parameter).dims)) as object),
    masked: shape(dims),
  }
  const compiled = await compile(
    ({ masked, ...networks }: Networks<Expr> & { masked: Expr }) =>
      ops.clip(decode(variant, networks.decoder, quantise(encode(variant, networks.encoder, masked))), 0, 1),
    inputs as never,
  )
  const [masked, plain] = [planes(checks, side, mask), planes(checks, side)]
  return {
    close: () => compiled.close(),
    async score(weights: Record<string, Tensor<'f32'>>) {
      const { output } = await compiled.run({ ...weights, masked })
      const restored = output!.data as Float32Array
      const size = 3 * side * side
      let total = 0
      for (let n = 0; n < checks.length; n++) {
        let error = 0
        for (let i = n * size; i < (n + 1) * size; i++) error += (restored[i]! - plain.data[i]!) ** 2
        // A perfect picture has no finite PSNR; a hundredth of a level's worth of error is as good as none.
        total += 10 * Math.log10(1 / Math.max(error / size, 1e-9))
      }
      return total / checks.length
    },
  }
}
