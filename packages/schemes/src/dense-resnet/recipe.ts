import { BSDS_TRAIN } from '../neural/photo-terms.ts'
import type { Image, KeyStream } from '@latent/core'
import {
  adam,
  compile,
  cosineRate,
  elementCount,
  epochOrder,
  leaves,
  normals,
  ops,
  shape,
  stepStream,
  tensor,
} from '@latent/graph'
import type { Expr, Tensor, Training } from '@latent/graph'
import type { Profile, Recipe, RecipeRun } from '../recipe.ts'
import { cautiousAdam } from './cautious-adam.ts'
import {
  decryptNetwork,
  type DenseNetwork,
  encryptNetwork,
  type Variant,
  networkParameters,
  WIDTHS,
} from './network.ts'
import { decryptionObjective, encryptionObjective } from './objective.ts'
import { structuredStart } from './structured-start.ts'

/**
 * Learning rates of the two networks. The structured start amplifies the finest details of an image a few
 * hundred times, and any change of the weights before them with it: hence the small steps of its encryption.
 */
const RATE: Record<Variant, Record<keyof Networks, number>> = {
  published: { encryption: 1e-3, decryption: 1e-3 },
  own: { encryption: 3e-4, decryption: 3e-4 },
}
/** See {@link cautiousAdam}. */
const CAUTION = 3e-4
/**
 * From its start the own variant gains most in a few hundred steps; from random weights 1,500 only begin to show
 * something.
 */
const STEPS: Record<Variant, Record<Profile, number>> = {
  published: { compact: 1500, paper: 1500 },
  own: { compact: 400, paper: 400 },
}
/** Instance norm sees the whole picture in use, so its crops should not be too small a part of one. */
const CROPS: Record<Variant, { batch: number; crop: number }> = {
  published: { batch: 4, crop: 64 },
  own: { batch: 8, crop: 32 },
}
/** Validation: the middle of each picture of `val`. */
const CHECK = { pictures: 12, size: 128 }

/** What the paper says of its training. */
export const PUBLISHED_LENGTH = 'the publication states neither epochs nor learning rate'

/** Our variant without norms, from the start of `structured-start.ts`. */
export const denseResnetRecipe = recipe(
  'own',
  'dense-resnet',
  'the encryption and decryption network of Dense-ResNet without norms, from a structured start (own variant)',
)
/** The variant that the paper describes, from random weights. */
export const denseResnetPublishedRecipe = recipe(
  'published',
  'dense-resnet-published',
  'the encryption and decryption network of Dense-ResNet with instance norms (as described)',
)

function recipe(variant: Variant, id: string, title: string): Recipe {
  return {
    id,
    title,
    published: PUBLISHED_LENGTH,
    data: BSDS_TRAIN,
    async open({ profile, seed, images }) {
      const pictures = await images('bsds500', 'train')
      const checks = (await images('bsds500', 'val')).slice(0, CHECK.pictures)
      const networks = {
        encryption: networkParameters(variant, WIDTHS[profile]),
        decryption: networkParameters(variant, WIDTHS[profile]),
      }
      const training = trainingOf(variant, networks)
      const started =
        variant === 'own'
          ? {
              ...training,
              start: Object.fromEntries(leaves<Tensor<'f32'>>(await structuredStart(WIDTHS[profile], pictures, seed))),
            }
          : training
      const validate = await openValidation(variant, networks, checks)
      const steps = STEPS[variant][profile]
      const { batch, crop } = CROPS[variant]
      const order = epochOrder(seed, pictures.length, batch)
      return {
        training: started as unknown as Training<never, never>,
        rates: [RATE[variant].encryption, RATE[variant].decryption].map(rate =>
          cosineRate(rate, { warmup: 50, end: rate / 50 }),
        ),
        steps,
        batchSize: batch,
        data: async step =>
          batchOf(
            pictures,
            await order(step),
            crop,
            await stepStream(seed, step, 'crop'),
            rampOf(variant, step, steps),
            variant === 'own',
          ),
        scoreName: 'PSNR in dB of validation pictures encrypted to bytes and decrypted, networks alone',
        validation: { every: 100, patience: steps, score: weights => validate.score(weights) },
        close: () => validate.close(),
      } satisfies RecipeRun
    },
  }
}

type Networks = { encryption: ReturnType<typeof networkParameters>; decryption: ReturnType<typeof networkParameters> }

function trainingOf(variant: Variant, networks: Networks): Training<Networks> {
  const optimiser = variant === 'own' ? cautiousAdam(CAUTION) : adam()
  const { batch, crop } = CROPS[variant]
  const crops = shape([batch, 3, crop, crop])
  return {
    networks,
    batch: { clean: crops, rounding: crops, ramp: shape([]) },
    average: 0.999,
    phases: [
      {
        name: 'encryption',
        trains: ['encryption'],
        optimiser,
        loss: ({ networks: { encryption, decryption }, batch }) => {
          const cipher = encryptNetwork(variant, encryption, batch['clean']!)
          return encryptionObjective(
            variant,
            { cipher, restored: restore(decryption, cipher, batch), clean: batch['clean']! },
            batch['ramp']!,
          )
        },
      },
      {
        name: 'decryption',
        trains: ['decryption'],
        optimiser,
        loss: ({ networks: { encryption, decryption }, batch }) => {
          const cipher = ops.stopGradient(encryptNetwork(variant, encryption, batch['clean']!))
          return decryptionObjective(variant, restore(decryption, cipher, batch), batch['clean']!)
        },
      },
    ],
  }

  function restore(decryption: DenseNetwork<Expr>, cipher: Expr, batch: Readonly<Record<string, Expr>>): Expr {
    return decryptNetwork(variant, decryption, ops.clip(ops.add(cipher, batch['rounding']!), 0, 1))
  }
}

/**
 * From random weights, first the way there and back is learned, then secrecy: otherwise the cipher is noise that
 * nothing comes out of.
 */
const rampOf = (variant: Variant, step: number, total: number): number =>
  variant === 'own' ? 1 : Math.min(1, Math.max(0, (step / total - 0.2) / 0.3))

async function batchOf(
  pictures: readonly Image<'u8'>[],
  picked: Uint32Array,
  size: number,
  stream: KeyStream,
  ramp: number,
  harden: boolean,
): Promise<Record<string, Tensor>> {
  const places = await stream.uniforms(3 * picked.length)
  const dims = [picked.length, 3, size, size]
  const clean = new Float32Array(elementCount(dims))
  const part = clean.length / picked.length
  for (const [i, index] of picked.entries()) {
    const [u, v, mirror] = places.subarray(3 * i, 3 * i + 3)
    const picture = pictures[index]!
    const stride = harden && i % 4 === 3 ? 2 : 1
    const [across, down] = [picture.width - stride * size + 1, picture.height - stride * size + 1]
    const crop = planes(picture, {
      left: Math.floor(u! * across),
      top: Math.floor(v! * down),
      size,
      stride,
      mirrored: mirror! < 0.5,
    })
    clean.set(harden && i % 2 === 1 ? await hardened(crop, stream) : crop, i * part)
  }
  const rounding = Float32Array.from(await stream.uniforms(clean.length), u => (u - 0.5) / 255)
  return {
    clean: tensor('f32', dims, clean),
    rounding: tensor('f32', dims, rounding),
    ramp: tensor('f32', [], Float32Array.of(ramp)),
  }
}

/**
 * A crop with up to three times its saturation and noise of up to six levels in every sample. Photographs that
 * were JPEG files have hardly any fine detail in their colours; a cipher made for them alone fails on drawings
 * and on raw sensor noise.
 */
async function hardened(crop: Float32Array, stream: KeyStream): Promise<Float32Array> {
  const [s, strength] = await stream.uniforms(2)
  const noise = await normals(stream, crop.length)
  const plane = crop.length / 3
  return crop.map((value, i) => {
    const grey = (crop[i % plane]! + crop[plane + (i % plane)]! + crop[2 * plane + (i % plane)]!) / 3
    const level = 255 * (grey + 3 * s! * (value - grey)) + 6 * strength! * noise[i]!
    return Math.round(Math.min(255, Math.max(0, level))) / 255
  })
}

interface Place {
  readonly left: number
  readonly top: number
  readonly size: number
  /** Every pixel, or every second one: sharper than any photograph. */
  readonly stride: number
  readonly mirrored: boolean
}

/** A square of a picture as three planes in 0..1; grey pictures give three equal ones. */
function planes({ width, channels, data }: Image<'u8'>, { left, top, size, stride, mirrored }: Place): Float32Array {
  const out = new Float32Array(3 * size * size)
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const from = left + stride * (mirrored ? size - 1 - x : x)
        out[(c * size + y) * size + x] =
          data[((top + stride * y) * width + from) * channels + Math.min(c, channels - 1)]! / 255
      }
    }
  }
  return out
}

/** PSNR of pictures that went through both networks, with bytes between them. */
async function openValidation(variant: Variant, networks: Networks, pictures: readonly Image<'u8'>[]) {
  const { size } = CHECK
  const dims = [1, 3, size, size]
  const roundTrip = await compile(
    ({ encryption, decryption, x }) => {
      const cipher = encryptNetwork(variant, encryption, x)
      const bytes = ops.mul(ops.floor(ops.add(ops.mul(cipher, 255), 0.5)), 1 / 255)
      return ops.clip(decryptNetwork(variant, decryption, bytes), 0, 1)
    },
    { ...networks, x: shape(dims) },
  )
  const inputs = pictures.map(picture =>
    planes(picture, {
      left: (picture.width - size) >> 1,
      top: (picture.height - size) >> 1,
      size,
      stride: 1,
      mirrored: false,
    }),
  )
  return {
    close: () => roundTrip.close(),
    async score(weights: Record<string, Tensor<'f32'>>) {
      let total = 0
      for (const input of inputs) {
        const { output } = await roundTrip.run({ ...weights, x: tensor('f32', dims, input) })
        const restored = output!.data as Float32Array
        total -= 10 * Math.log10(input.reduce((sum, value, i) => sum + (value - restored[i]!) ** 2, 0) / input.length)
      }
      return total / inputs.length
    },
  }
}
