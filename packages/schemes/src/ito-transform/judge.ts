import { compile, shape, tensor } from '@latent/graph'
import type { Tensor } from '@latent/graph'
import { loadModel, networkWeights } from '../models/index.ts'
import { CLASSES, judge, type JudgeNetwork, judgeParameters } from './network.ts'

/** Id of the weights of the classifier that the transformation is trained against. */
export const JUDGE_MODEL = 'ito-transform-2021-judge'

/** The classifier that comes with Latent, trained on CIFAR-10 by `latent train ito-judge`. @throws E_WEIGHTS */
export async function frozenJudge(): Promise<JudgeNetwork<Tensor<'f32'>>> {
  return networkWeights(
    await loadModel(JUDGE_MODEL, { scheme: 'ito-transform-2021', profile: 'judge' }),
    'judge',
    judgeParameters(),
  )
}

/** What the classifier takes images for. */
export interface Judge {
  /** The likeliest class of each image; `planes` is `[count, 3, 32, 32]` in 0..1, `count` at most the batch. */
  classes(planes: Float32Array, count: number): Promise<Uint8Array>
  close(): Promise<void>
}

const SIDE = 32

/** The classifier, compiled for batches of one size. @param batch images a run @throws E_WEIGHTS, E_BACKEND */
export async function openJudge(batch: number): Promise<Judge> {
  const p = await frozenJudge()
  const compiled = await compile(({ p, x }) => judge(p, x).logits, { p, x: shape([batch, 3, SIDE, SIDE]) })
  return {
    async classes(planes, count) {
      const x = new Float32Array(batch * 3 * SIDE * SIDE)
      x.set(planes.subarray(0, count * 3 * SIDE * SIDE))
      const { output } = await compiled.run({ x: tensor('f32', [batch, 3, SIDE, SIDE], x) })
      const scores = output!.data as Float32Array
      return Uint8Array.from({ length: count }, (_, n) => {
        const own = scores.subarray(n * CLASSES, (n + 1) * CLASSES)
        return own.indexOf(Math.max(...own))
      })
    },
    close: () => compiled.close(),
  }
}
