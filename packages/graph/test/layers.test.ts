import { describe, expect, test } from 'vitest'
import { compile } from '../src/compile.ts'
import { differentiate } from '../src/differentiate.ts'
import * as layer from '../src/layers.ts'
import * as loss from '../src/losses.ts'
import * as op from '../src/ops.ts'
import type { Expr } from '../src/ops.ts'
import { given, heNormal, initialise, ones, parameterCount, uniform, zerosOf } from '../src/parameters.ts'
import type { Parameter } from '../src/parameters.ts'
import * as secrecy from '../src/secrecy.ts'
import { tensor, zeros } from '../src/tensor.ts'
import type { Tensor } from '../src/tensor.ts'
import { leaves } from '../src/tree.ts'
import type { Tree } from '../src/tree.ts'
import { expectAgreement } from './agreement.ts'

interface Case {
  /** Dimensions of the input and whatever parameters the function takes. */
  readonly x: readonly number[]
  readonly p?: Tree<Parameter>
  /** Spread of the input values. Default 1. */
  readonly spread?: number
  readonly fn: (p: never, x: Expr) => Expr
}

const image = [2, 4, 6, 5]
const CASES: Record<string, Case> = {
  conv2d: { x: image, p: layer.conv2dParameters(4, 3), fn: (p: layer.Affine<Expr>, x) => layer.conv2d(p, x) },
  'conv2d strided, dilated': {
    x: [1, 2, 9, 9],
    p: layer.conv2dParameters(2, 3, 3),
    fn: (p: layer.Affine<Expr>, x) => layer.conv2d(p, x, { stride: 2, dilation: 2, padding: 1 }),
  },
  'conv2d grouped': {
    x: image,
    p: layer.conv2dParameters(4, 6, 3, { groups: 2 }),
    fn: (p: layer.Affine<Expr>, x) => layer.conv2d(p, x, { groups: 2 }),
  },
  convTranspose2d: {
    x: image,
    p: layer.convTranspose2dParameters(4, 2),
    fn: (p: layer.Affine<Expr>, x) => layer.convTranspose2d(p, x),
  },
  dense: { x: [3, 5], p: layer.denseParameters(5, 4), fn: (p: layer.Affine<Expr>, x) => layer.dense(p, x) },
  instanceNorm: { x: image, p: layer.scaleParameters(4), fn: (p: layer.Scale<Expr>, x) => layer.instanceNorm(x, p) },
  layerNorm: { x: [3, 2, 6], p: layer.scaleParameters(6), fn: (p: layer.Scale<Expr>, x) => layer.layerNorm(x, p) },
  'batchNorm in training': {
    x: image,
    p: { scale: layer.scaleParameters(4), running: layer.runningStatistics(4) },
    fn: (p: { scale: layer.Scale<Expr>; running: layer.RunningStatistics<Expr> }, x) =>
      layer.batchNormTraining(x, p.scale, p.running).y,
  },
  'batchNorm at inference': {
    x: image,
    p: { scale: ones([4]), shift: zerosOf([4]), mean: uniform([4], 1), variance: ones([4]) },
    fn: (p: Record<string, Expr>, x) => layer.batchNorm(x, p, p as never),
  },
  residualBlock: {
    x: image,
    p: layer.residualBlockParameters(4),
    fn: (p: layer.ResidualBlock<Expr>, x) =>
      layer.residualBlock(p, x, { norm: y => layer.instanceNorm(y), activation: y => op.leakyRelu(y, 0.2) }),
  },
  pixelShuffle: { x: [2, 8, 3, 4], fn: (_, x) => layer.pixelShuffle(x, 2) },
  pixelUnshuffle: { x: [2, 3, 4, 6], fn: (_, x) => layer.pixelUnshuffle(x, 2) },
  subsample: { x: [2, 3, 5, 4], fn: (_, x) => layer.subsample(x, 2, 4) },
  upsampleNearest: { x: image, fn: (_, x) => layer.upsampleNearest(x, 3) },
  resizeBilinear: { x: image, fn: (_, x) => layer.resizeBilinear(x, 9, 3) },
  reflectionPad: { x: image, fn: (_, x) => layer.reflectionPad(x, 3) },
  globalAvgPool: { x: image, fn: (_, x) => layer.globalAvgPool(x) },
  avgPool: { x: [2, 2, 6, 4], fn: (_, x) => op.avgPool(x, 2) },
  maxPool: { x: [2, 2, 6, 6], fn: (_, x) => op.maxPool(x, 3, 2) },
  attention: {
    x: [2, 5, 8],
    p: layer.attentionParameters(8),
    fn: (p: layer.Attention<Expr>, x) => layer.attention(p, x, 2),
  },
  softmax: { x: [3, 7], fn: (_, x) => op.softmax(x) },
  sigmoid: { x: [3, 7], spread: 4, fn: (_, x) => op.sigmoid(x) },
  tanh: { x: [3, 7], spread: 2, fn: (_, x) => op.tanh(x) },
  gelu: { x: [3, 7], spread: 2, fn: (_, x) => op.gelu(x) },
  softplus: { x: [3, 7], spread: 4, fn: (_, x) => op.softplus(x) },
  l1: { x: image, fn: (_, x) => loss.l1(x, 0.1) },
  ssim: {
    x: [2, 2, 13, 12],
    fn: (_, x) => loss.ssim(op.sigmoid(x), op.sigmoid(op.constant(values([2, 2, 13, 12], 1, 9)))),
  },
  totalVariation: { x: image, fn: (_, x) => loss.totalVariation(x) },
  uniformDistance: { x: image, fn: (_, x) => loss.uniformDistance(x) },
  neighbourCovariance: { x: image, fn: (_, x) => loss.neighbourCovariance(x) },
  triplet: { x: image, fn: (_, x) => loss.triplet(op.mul(x, 0), x, op.sin(op.mul(x, 3)), 0.5) },
  rangePenalty: { x: image, fn: (_, x) => loss.rangePenalty(x) },
  'LSGAN terms': {
    x: [6, 1],
    fn: (_, x) => op.add(loss.lsgan.discriminator(x, op.mul(x, 2)), loss.lsgan.generator(x)),
  },
  'BCE terms': {
    x: [6, 1],
    fn: (_, x) => op.add(loss.bceGan.discriminator(x, op.mul(x, 2)), loss.bceGan.generator(x)),
  },
  localMoments: { x: [2, 3, 8, 4], fn: (_, x) => secrecy.localMoments(x, 4) },
  // The fit of a moved sample is another one: that it counts as a constant must make no difference.
  linearShare: {
    x: [40, 5],
    fn: (_, x) => op.mul(4, secrecy.linearShare(x, op.sin(op.matmul(x, op.constant(values([5, 3], 3, 9)))))),
  },
  crossEntropy: { x: [4, 5], fn: (_, x) => loss.crossEntropy(x, op.softmax(op.constant(values([4, 5], 1, 9)))) },
}

/** Repeatable values without ties, spread over -spread..spread. */
const values = (dims: readonly number[], spread = 1, salt = 0): Tensor<'f32'> => {
  const out = zeros('f32', dims)
  for (let i = 0; i < out.data.length; i++)
    out.data[i] = spread * Math.sin(12.9898 * (i + 1) + 78.233 * salt) * (0.5 + 0.5 * Math.cos(i * 3.7 + salt))
  return out
}

describe.each(Object.keys(CASES))('%s', name => {
  const { x: dims, p = {}, spread = 1, fn } = CASES[name]!
  // A weighted sum of the outputs: every output reaches the gradient, each with a weight of its own.
  const scalar = (args: { p: Tree<Expr>; x: Expr }): Expr => {
    const y = fn(args.p as never, args.x)
    return op.sum(op.mul(y, values(y.shape, 1, 5)))
  }
  const withGradients = (args: { p: Tree<Expr>; x: Expr }) => {
    const { loss, gradients } = differentiate((at: typeof args) => ({ loss: scalar(at), aux: {} }), args)
    return { value: loss, gradients: gradients as Tree<Expr> }
  }

  test('gradients agree with finite differences and the interpreter', async () => {
    const args: { p: Tree<Tensor>; x: Tensor } = {
      p: (await initialise(p as object, 7)) as never,
      x: values(dims, spread),
    }
    const compiled = await compile(withGradients as never, args as never, { backend: 'ort-node', threads: 1 })
    expect(compiled.inputs).toEqual([])
    await compiled.close()
    const shapes = { p: mapShapes(args.p), x: { dtype: 'f32' as const, dims } }
    const gradient = await compile(withGradients as never, shapes as never, { backend: 'ort-node', threads: 1 })
    const value = await compile((a: never) => ({ value: scalar(a) }), shapes as never, {
      backend: 'ort-node',
      threads: 1,
    })
    const feed = (step: number, path: string | undefined) =>
      Object.fromEntries(
        leaves<Tensor>(args as Tree<Tensor>).map(([key, leaf]) => {
          const direction = values(leaf.dims, 1, 3)
          return [
            key,
            key === path
              ? tensor(
                  'f32',
                  leaf.dims,
                  Float32Array.from(leaf.data as Float32Array, (v, i) => v + step * direction.data[i]!),
                )
              : leaf,
          ]
        }),
      )
    const only = (feeds: Record<string, Tensor>, inputs: readonly string[]) =>
      Object.fromEntries(Object.entries(feeds).filter(([key]) => inputs.includes(key)))
    const results = await gradient.run(only(feed(0, undefined), gradient.inputs))
    const step = 1 / 256
    for (const path of gradient.inputs) {
      const at = async (s: number) => Number((await value.run(only(feed(s, path), value.inputs)))['value']!.data[0])
      const numeric = ((await at(step)) - (await at(-step))) / (2 * step)
      const slope = results[`gradients.${path}`]!
      const direction = values(slope.dims, 1, 3)
      const exact = direction.data.reduce((sum, d, i) => sum + d * Number(slope.data[i]), 0)
      expect(Math.abs(exact - numeric), `${path}: exact ${exact}, numeric ${numeric}`).toBeLessThan(
        0.02 * Math.max(0.25, Math.abs(numeric)),
      )
    }
    await gradient.close()
    await value.close()
    await expectAgreement(
      (a: Record<string, Expr>) => withGradients(unflatten(a, args) as never),
      Object.fromEntries(leaves<Tensor>(args as Tree<Tensor>)),
      2e-4,
    )
  })
})

const mapShapes = (tree: unknown): unknown => {
  if (typeof tree === 'object' && tree !== null && 'dtype' in tree) return { dtype: 'f32', dims: (tree as Tensor).dims }
  return Object.fromEntries(Object.entries(tree as object).map(([k, v]) => [k, mapShapes(v)]))
}
const unflatten = (flat: Record<string, Expr>, like: unknown, path = ''): unknown => {
  if (typeof like === 'object' && like !== null && 'dtype' in like) return flat[path]
  return Object.fromEntries(
    Object.entries(like as object).map(([k, v]) => [k, unflatten(flat, v, path === '' ? k : `${path}.${k}`)]),
  )
}

describe('known answers', () => {
  const evaluate = async (fn: (args: Record<string, Expr>) => Expr, args: Record<string, Tensor>) => {
    const compiled = await compile(fn as never, args, { backend: 'ort-node', threads: 1 })
    const { output } = await compiled.run({})
    await compiled.close()
    return output!
  }

  test('pixelShuffle moves channels into 2x2 blocks, and pixelUnshuffle takes them back', async () => {
    const x = tensor('f32', [1, 4, 1, 2], Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31))
    const y = await evaluate(({ x }) => layer.pixelShuffle(x!, 2), { x })
    expect([...y.data]).toEqual([0, 10, 1, 11, 20, 30, 21, 31])
    const back = await evaluate(({ x }) => layer.pixelUnshuffle(layer.pixelShuffle(x!, 2), 2), { x })
    expect([...back.data]).toEqual([...x.data])
  })

  test('resizeBilinear keeps pictures and channels apart, and is what it was in the middle of a pixel', async () => {
    const x = tensor('f32', [2, 2, 1, 2], Float32Array.of(0, 4, 10, 14, 20, 24, 30, 34))
    const y = await evaluate(({ x }) => layer.resizeBilinear(x!, 2, 4), { x })
    expect(y.dims).toEqual([2, 2, 2, 4])
    const row = (from: number) => [from, from + 1, from + 3, from + 4]
    expect([...y.data]).toEqual([0, 10, 20, 30].flatMap(from => [...row(from), ...row(from)]))
  })

  test('subsample takes every second pixel from the first, and new channels are zero', async () => {
    const x = tensor('f32', [1, 1, 3, 3], Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))
    const y = await evaluate(({ x }) => layer.subsample(x!, 2, 2), { x })
    expect([y.dims, ...y.data]).toEqual([[1, 2, 2, 2], 1, 3, 7, 9, 0, 0, 0, 0])
    const two = tensor('f32', [1, 2, 1, 1], Float32Array.of(1, 2))
    await expect(evaluate(({ x }) => layer.subsample(x!, 2, 1), { x: two })).rejects.toMatchObject({
      code: 'E_ARGUMENT',
    })
  })

  test('maxPool leaves out what no window covers, and ties share their gradient', async () => {
    const x = tensor('f32', [1, 1, 3, 5], Float32Array.of(1, 1, 2, 8, 9, 1, 1, 5, 3, 9, 9, 9, 9, 9, 9))
    const pooled = ({ x }: Record<string, Expr>) => op.maxPool(x!, 2)
    const y = await evaluate(pooled, { x })
    expect([y.dims, ...y.data]).toEqual([[1, 1, 1, 2], 1, 8])
    const dx = await evaluate(
      ({ x }) => differentiate((at: Expr) => ({ loss: op.sum(op.maxPool(at, 2)), aux: {} }), x!).gradients,
      { x },
    )
    expect([...dx.data]).toEqual([0.25, 0.25, 0, 1, 0, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  test('reflectionPad mirrors without repeating the edge', async () => {
    const x = tensor('f32', [1, 1, 1, 3], Float32Array.of(1, 2, 3))
    await expect(evaluate(({ x }) => layer.reflectionPad(x!, 1), { x })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const tall = tensor('f32', [1, 1, 2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
    const y = await evaluate(({ x }) => layer.reflectionPad(x!, 1), { x: tall })
    expect([...y.data]).toEqual([5, 4, 5, 6, 5, 2, 1, 2, 3, 2, 5, 4, 5, 6, 5, 2, 1, 2, 3, 2])
  })

  test('straight-through rounding rounds half to even and passes gradients unchanged', async () => {
    const x = tensor('f32', [7], Float32Array.of(-2.5, -1.5, -0.4, 0.5, 1.5, 2.5, 3.7))
    const y = await evaluate(({ x }) => op.roundStraightThrough(x!), { x })
    expect(Array.from(y.data as Float32Array, v => v + 0)).toEqual([-2, -2, 0, 0, 2, 2, 4])
    const slope = await evaluate(
      ({ x }) =>
        differentiate((v: Expr) => ({ loss: op.sum(op.mul(op.roundStraightThrough(v), 3)), aux: {} }), x!).gradients,
      { x },
    )
    expect([...slope.data]).toEqual([3, 3, 3, 3, 3, 3, 3])
  })

  test('SSIM is 1 for equal images; uniform quantiles have no distance to the uniform distribution', async () => {
    const x = tensor(
      'f32',
      [1, 1, 16, 16],
      Float32Array.from({ length: 256 }, (_, i) => (((i * 37) % 256) + 0.5) / 256),
    )
    expect(Number((await evaluate(({ x }) => loss.ssim(x!, x!), { x })).data[0])).toBeCloseTo(1, 5)
    expect(Number((await evaluate(({ x }) => loss.uniformDistance(x!), { x })).data[0])).toBeLessThan(1e-12)
    expect(Number((await evaluate(({ x }) => loss.uniformDistance(op.mul(x!, 0)), { x })).data[0])).toBeCloseTo(
      1 / 3,
      3,
    )
  })

  test('initial weights repeat from a seed, differ between layers, and have the intended spread', async () => {
    const spec = {
      a: heNormal([32, 16, 3, 3], 144),
      b: heNormal([32, 16, 3, 3], 144),
      c: uniform([1000], 0.5),
      d: ones([3]),
    }
    expect(parameterCount(spec)).toBe(2 * 4608 + 1003)
    const [one, two, other] = [await initialise(spec, 1), await initialise(spec, 1), await initialise(spec, 2)]
    expect(one.a.data).toEqual(two.a.data)
    expect(one.a.data).not.toEqual(one.b.data)
    expect(one.a.data).not.toEqual(other.a.data)
    const deviation = Math.sqrt(one.a.data.reduce((sum, v) => sum + v * v, 0) / one.a.data.length)
    expect(deviation).toBeCloseTo(Math.sqrt(2 / 144), 2)
    expect(Math.max(...one.c.data)).toBeLessThanOrEqual(0.5)
    expect(Math.min(...one.c.data)).toBeLessThan(-0.4)
    expect([...one.d.data]).toEqual([1, 1, 1])
  })

  test('kernels may begin near their middle tap with the same spread, and parameters at given values', async () => {
    const spec = {
      plain: heNormal([32, 16, 3, 3], 144),
      focused: heNormal([32, 16, 3, 3], 144, { outer: 0.1 }),
      known: given(tensor('f32', [2], Float32Array.of(3, -4))),
    }
    const { plain, focused, known } = await initialise(spec, 1)
    const power = (data: Float32Array, keep: (tap: number) => boolean) =>
      data.reduce((sum, value, i) => sum + (keep(i % 9) ? value * value : 0), 0)
    const share = power(focused.data, tap => tap !== 4) / power(focused.data, () => true)
    expect(share).toBeCloseTo((8 * 0.1 ** 2) / 9, 2)
    expect(power(focused.data, () => true) / power(plain.data, () => true)).toBeCloseTo(1, 1)
    expect([...known.data]).toEqual([3, -4])
  })
})
