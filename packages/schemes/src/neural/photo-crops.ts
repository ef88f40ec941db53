import { epochOrder, stepStream, tensor, type Tensor } from '@latent/graph'
import type { KeyStream } from '@latent/core'
import type { RecipeContext } from '../recipe.ts'
import { cut, type Planes, planesOf } from './crops.ts'

/** Squares of free photographs to train on, and to watch a training by. */
export interface PhotoCrops {
  /** `batch` crops in 0..1 as `[batch, 3, crop, crop]`, and a stream for what else the step draws. */
  readonly next: (step: number) => Promise<{ readonly plain: Tensor<'f32'>; readonly stream: KeyStream }>
  /** Middles of pictures that are not trained on, `[1, 3, size, size]` each. */
  readonly checks: readonly Tensor<'f32'>[]
}

/** @throws E_DATA where the photographs are not on this machine */
export async function openPhotoCrops(
  { seed, images }: RecipeContext,
  { batch, crop, checks: count = 8, size = 128 }: { batch: number; crop: number; checks?: number; size?: number },
): Promise<PhotoCrops> {
  const plain = (await images('open-photos', 'train')).map(planesOf)
  const order = epochOrder(seed, plain.length, batch)
  const whole = (picture: Planes) => Math.min(picture.width, picture.height) >= size
  const checks = (await images('open-photos', 'val')).map(planesOf).filter(whole).slice(0, count)
  return {
    checks: checks.map(picture =>
      tensor('f32', [1, 3, size, size], cut(picture, { size, u: 0.5, v: 0.5, mirror: false }, 'unit')),
    ),
    async next(step) {
      const stream = await stepStream(seed, step, 'crop')
      const [picked, draws] = [await order(step), await stream.uniforms(3 * batch)]
      const values = new Float32Array(batch * 3 * crop * crop)
      for (let i = 0; i < batch; i++) {
        const [u, v, mirror] = draws.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number]
        values.set(cut(plain[picked[i]!]!, { size: crop, u, v, mirror: mirror < 0.5 }, 'unit'), i * 3 * crop * crop)
      }
      return { plain: tensor('f32', [batch, 3, crop, crop], values), stream }
    },
  }
}

/** Peak signal-to-noise ratio in dB of a mean squared error of samples in 0..1. */
export const psnrOf = (mse: number): number => -10 * Math.log10(Math.max(mse, 1e-10))
