import { BSDS_TRAIN } from '../neural/photo-terms.ts'
import { LatentError } from '@latent/core'
import type { Image } from '@latent/core'
import { adam, compile, cosineRate, epochOrder, losses, normals, ops, shape, stepStream, tensor } from '@latent/graph'
import type { Parameter, Tensor, Training } from '@latent/graph'
import type { Profile, Recipe } from '../recipe.ts'
import { type Chain, chainParameters, denoise } from './network.ts'

/**
 * A denoiser of photographs, the first recipe: it belongs to no cipher, and shows that the engine
 * trains on real work.
 *
 * ```text
 * noisy crop -> conv, leaky ReLU -> ... -> conv -> estimate of the noise, subtracted
 * ```
 *
 * Own variant of residual denoising (Zhang et al. 2017, DnCNN), grey, noise of deviation 25/255. The
 * `paper` profile has DnCNN-S's 17 layers of 64 channels; neither profile has its batch normalisation.
 */
const PROFILES: Record<Profile, { depth: number; channels: number; steps: number }> = {
  compact: { depth: 6, channels: 32, steps: 4000 },
  paper: { depth: 17, channels: 64, steps: 100_000 },
}

const DEVIATION = 25 / 255
const BATCH = 16
const CROP = 48
/** Validation: the middle of each picture of `val`, with noise drawn once. */
const CHECK = { pictures: 16, size: 128 }

/** Parameters of the network of a profile. */
export const denoiserParameters = (profile: Profile): Chain<Parameter> => chainParameters(PROFILES[profile])

/** A network that takes noise off grey photographs: a recipe that belongs to no cipher (after Zhang et al. 2017). */
export const denoiserRecipe: Recipe = {
  id: 'denoiser',
  title: 'removes Gaussian noise of deviation 25 from grey photographs (own variant of DnCNN)',
  published: 'our own variant: there is no publication of it',
  data: BSDS_TRAIN,
  async open({ profile, seed, images }) {
    const plain = (await images('bsds500', 'train')).map(luma)
    const checks = (await images('bsds500', 'val'))
      .slice(0, CHECK.pictures)
      .map(picture => centre(luma(picture), CHECK.size))
    const networks = { denoiser: denoiserParameters(profile) }
    const training: Training<typeof networks> = {
      networks,
      batch: { clean: shape([BATCH, 1, CROP, CROP]), noise: shape([BATCH, 1, CROP, CROP]) },
      average: 0.999,
      phases: [
        {
          name: 'mse',
          trains: ['denoiser'],
          optimiser: adam(),
          clip: 1,
          loss: ({ networks: { denoiser }, batch }) => ({
            loss: losses.mse(denoise(denoiser, ops.add(batch['clean']!, batch['noise']!)), batch['clean']!),
          }),
        },
      ],
    }
    const order = epochOrder(seed, plain.length, BATCH)
    const validate = await openValidation(networks.denoiser, checks, seed)
    return {
      training: training as unknown as Training<never, never>,
      rates: [cosineRate(2e-3, { warmup: 100, end: 1e-5 })],
      steps: PROFILES[profile].steps,
      batchSize: BATCH,
      async data(step) {
        const picked = await order(step)
        const stream = await stepStream(seed, step, 'crop')
        const places = await stream.uniforms(3 * BATCH)
        const clean = new Float32Array(BATCH * CROP * CROP)
        picked.forEach((index, i) =>
          crop(
            plain[index]!,
            places.subarray(3 * i, 3 * i + 3),
            clean.subarray(i * CROP * CROP, (i + 1) * CROP * CROP),
          ),
        )
        const noise = (await normals(stream, clean.length)).map(value => value * DEVIATION)
        return {
          clean: tensor('f32', [BATCH, 1, CROP, CROP], clean),
          noise: tensor('f32', [BATCH, 1, CROP, CROP], noise),
        }
      },
      scoreName: 'PSNR in dB on validation pictures',
      validation: { every: 500, patience: PROFILES[profile].steps, score: weights => validate.score(weights) },
      close: () => validate.close(),
    }
  },
}

/** A grey picture with values in 0..1. */
interface Grey {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** Luma of ITU-R BT.601. */
function luma({ width, height, channels, data }: Image<'u8'>): Grey {
  const grey = new Float32Array(width * height)
  for (let i = 0; i < grey.length; i++) {
    const at = i * channels
    grey[i] = (channels < 3 ? data[at]! : 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!) / 255
  }
  return { width, height, data: grey }
}

/** A crop at a random place, mirrored at random: three uniform numbers decide. */
function crop(picture: Grey, [u, v, mirror]: Float64Array, out: Float32Array): void {
  const left = Math.floor(u! * (picture.width - CROP + 1))
  const top = Math.floor(v! * (picture.height - CROP + 1))
  for (let y = 0; y < CROP; y++) {
    const row = picture.data.subarray((top + y) * picture.width + left, (top + y) * picture.width + left + CROP)
    out.set(mirror! < 0.5 ? row : row.toReversed(), y * CROP)
  }
}

function centre(picture: Grey, size: number): Float32Array {
  const left = (picture.width - size) >> 1
  const top = (picture.height - size) >> 1
  const out = new Float32Array(size * size)
  for (let y = 0; y < size; y++)
    out.set(picture.data.subarray((top + y) * picture.width + left, (top + y) * picture.width + left + size), y * size)
  return out
}

async function openValidation(parameters: Chain<Parameter>, checks: readonly Float32Array[], seed: number) {
  if (checks.length === 0) throw new LatentError('E_DATA', 'there are no validation pictures')
  const { size } = CHECK
  const dims = [1, 1, size, size]
  const args = {
    p: Object.fromEntries(
      Object.entries(parameters).map(([name, layer]) => [
        name,
        { weight: shape(layer.weight.dims), bias: shape(layer.bias!.dims) },
      ]),
    ),
    x: shape(dims),
  }
  const compiled = await compile(({ p, x }) => ops.clip(denoise(p, x), 0, 1), args)
  const noise = await normals(await stepStream(seed, 0, 'validation'), checks.length * size * size)
  return {
    close: () => compiled.close(),
    async score(weights: Record<string, Tensor<'f32'>>) {
      const feeds = Object.fromEntries(
        Object.entries(weights).map(([path, value]) => [path.replace(/^denoiser\./, 'p.'), value]),
      )
      let total = 0
      for (const [i, clean] of checks.entries()) {
        const x = tensor(
          'f32',
          dims,
          clean.map((value, j) => value + DEVIATION * noise[i * clean.length + j]!),
        )
        const { output } = await compiled.run({ ...feeds, x })
        const restored = output!.data as Float32Array
        total +=
          10 * Math.log10(1 / (clean.reduce((sum, value, j) => sum + (value - restored[j]!) ** 2, 0) / clean.length))
      }
      return total / checks.length
    },
  }
}
