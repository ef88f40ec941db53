import { type Image, image } from '@latent/core'
import { compile, initialise, leaves, losses, mapTree, openStepper, ops, shape, tensor } from '@latent/graph'
import type { Compiled, Expr, Operand, Parameter, Tensor, Training, Tree } from '@latent/graph'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decryptNetwork, encryptNetwork, type Variant, networkParameters, WIDTHS } from '../src/dense-resnet/network.ts'
import { backward, type FlowCrypt, flowCryptParameters, forward } from '../src/flowcrypt/network.ts'
import { objective } from '../src/flowcrypt/objective.ts'
import { findRecipe } from '../src/recipes.ts'

/*
 * What the recipes minimise, term by term: a term that is lost, or given the wrong operand, still trains
 * something. Each is held against the same figure computed in another way.
 */

const images = () => Promise.resolve(Array.from({ length: 12 }, (_, k) => picture(270 + k, 262, k)) as Image<'u8'>[])

function picture(width: number, height: number, seed: number): Image {
  const value = (x: number, y: number, c: number) =>
    128 +
    70 * Math.sin((x * (1 + 0.1 * seed) + 9 * c) / 11 + y / 17) +
    (x * 3 > y * (2 + seed / 5) ? 30 : -30) +
    12 * Math.sin(12.9898 * x + 78.233 * y + c + seed)
  return image({
    width,
    height,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) =>
      value(Math.floor(i / 3) % width, Math.floor(i / (3 * width)), i % 3),
    ),
  })
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('FlowCrypt', () => {
  const [N, SIDE] = [4, 16]
  const half = [N, 3, SIDE, SIDE]
  const map = [N, 1, SIDE, SIDE]
  const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)
  const wave = (dims: readonly number[], a: number, b: number) =>
    tensor(
      'f32',
      dims,
      Float32Array.from({ length: count(dims) }, (_, i) => 0.5 + 0.35 * Math.sin(a * i) + 0.12 * Math.sin(b * i * i)),
    )
  const feeds = {
    x: wave(half, 0.05, 1.3),
    y: wave(half, 0.041, 2.1),
    mapX: wave(map, 1.7, 0.9),
    mapY: wave(map, 2.3, 0.4),
    keep: tensor('f32', [N, 3, SIDE, 2 * SIDE], new Float32Array(2 * count(half)).fill(1)),
    noise: tensor(
      'f32',
      [N, 3, SIDE, 2 * SIDE],
      Float32Array.from({ length: 2 * count(half) }, (_, i) => 0.01 * Math.sin(3 * i)),
    ),
  }
  type Feeds = Record<keyof typeof feeds, Tensor>
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, shape(dims)])) as Record<
    keyof typeof feeds,
    ReturnType<typeof shape>
  >

  /** Small, and far from the identity: K matters. */
  const network = async () => {
    const p = (await initialise(flowCryptParameters({ blocks: 2, hidden: 4 }), 5)) as unknown as FlowCrypt<Tensor>
    for (const [path, leaf] of leaves(p as unknown as Tree<Tensor>))
      if (path.includes('conv4.weight')) (leaf.data as Float32Array).forEach((value, i, all) => (all[i] = 2 * value))
    return p
  }

  const NAMES = ['recovery', 'uniform', 'correlation', 'key', 'squint'] as const
  type Name = (typeof NAMES)[number]
  /** Weights are inputs, so that every choice of them is one graph: compiling is most of what these tests cost. */
  const weighing = Object.fromEntries(NAMES.map(name => [name, shape([])])) as Record<Name, ReturnType<typeof shape>>
  const weighted = (weights: Partial<Record<Name, number>>) =>
    Object.fromEntries(NAMES.map(name => [name, tensor('f32', [], Float32Array.of(weights[name] ?? 0))]))
  const objectiveOf = (p: FlowCrypt<Operand>, b: Record<keyof typeof feeds | Name, Expr>) =>
    objective(p, { plain: { x: b.x, y: b.y }, map: { x: b.mapX, y: b.mapY }, keep: b.keep, noise: b.noise }, b)

  let compiled: Compiled
  beforeAll(async () => {
    const p = await network()
    compiled = await compile(
      (b: Record<keyof typeof feeds | Name, Expr>) => objectiveOf(p, b),
      { ...shapes, ...weighing },
      { backend: 'ort-node', threads: 1 },
    )
  })
  afterAll(() => compiled.close())

  async function evaluate(weights: Partial<Record<Name, number>>, values: Feeds = feeds) {
    const out = await compiled.run({ ...values, ...weighted(weights) })
    return Object.fromEntries(
      Object.entries(out).map(([name, { data }]) => [name.replace('metrics.', ''), Number(data[0])]),
    ) as Record<string, number>
  }

  /** Decryptions of what was sent under maps of one's choice, sample by sample against the picture. */
  async function errorsUnder(choose: (i: number) => number, values: Feeds = feeds, clipped = true): Promise<number[]> {
    const p = await network()
    const inputs = { ...shapes, otherX: shape(map), otherY: shape(map) }
    const compiled = await compile(
      (b: Record<keyof typeof inputs, Expr>) => {
        const cipher = forward(p, { x: b.x, y: b.y }, { x: b.mapX, y: b.mapY })
        const { x, y } = backward(p, cipher, { x: b.otherX, y: b.otherY })
        const kept = (v: Expr) => (clipped ? ops.clip(v, 0, 1) : v)
        return ops.mean(
          ops.add(ops.mul(0.5, ops.square(ops.sub(kept(x), b.x))), ops.mul(0.5, ops.square(ops.sub(kept(y), b.y)))),
          [1, 2, 3],
        )
      },
      inputs,
      { backend: 'ort-node', threads: 1 },
    )
    const chosen = (value: Tensor) =>
      tensor(
        'f32',
        map,
        Float32Array.from(
          { length: count(map) },
          (_, i) => (value.data as Float32Array)[choose(Math.floor(i / SIDE ** 2)) * SIDE ** 2 + (i % SIDE ** 2)]!,
        ),
      )
    const { output } = await compiled.run({ ...values, otherX: chosen(values.mapX), otherY: chosen(values.mapY) })
    await compiled.close()
    return Array.from(output!.data as Float32Array)
  }

  test('the wrong key of the triplet is another sample’s, and not the right one', async () => {
    const { wrong } = await evaluate({ key: 1 })
    const others = mean((await errorsUnder(i => (i + 2) % 4)).slice(0, 2))
    const own = mean((await errorsUnder(i => i)).slice(0, 2))
    expect(wrong).toBeCloseTo(others, 5)
    expect(others).toBeGreaterThan(5 * own + 1e-3)
  })

  test('the triplet asks for the margin where both keys do the same', async () => {
    // One map for all samples, and nothing on the way that harms the picture: the neighbour's key is the right one.
    const same = (value: Tensor) =>
      tensor(
        'f32',
        map,
        Float32Array.from({ length: count(map) }, (_, i) => (value.data as Float32Array)[i % SIDE ** 2]!),
      )
    const values = {
      ...feeds,
      mapX: same(feeds.mapX),
      mapY: same(feeds.mapY),
      noise: tensor('f32', feeds.noise.dims, new Float32Array(2 * count(half))),
    }
    const { loss, wrong, decibel } = await evaluate({ key: 1 }, values)
    expect(loss).toBeCloseTo(0.1 + 10 ** (-decibel! / 10) - wrong!, 3)
    expect(wrong).toBeLessThan(0.02)
    const apart = await evaluate({ key: 1 })
    expect(apart['loss']).toBeLessThan(loss!)
  })

  test('recovery counts what came through the noise layer, in units of ten decibels', async () => {
    const { loss, decibel, noisy } = await evaluate({ recovery: 1 })
    expect(loss).toBeCloseTo(-(decibel! + noisy!) / 20, 4)
    const strong = tensor(
      'f32',
      feeds.noise.dims,
      feeds.noise.data.map(value => 100 * value),
    )
    const worse = await evaluate({ recovery: 1 }, { ...feeds, noise: strong })
    expect(worse['loss']).toBeGreaterThan(loss! + 0.1)
    // A part that is cut out is lost.
    const cut = tensor(
      'f32',
      feeds.keep.dims,
      feeds.keep.data.map((value, i) => (i % 7 === 0 ? 0 : value)),
    )
    expect((await evaluate({ recovery: 1 }, { ...feeds, keep: cut }))['noisy']).toBeLessThan(noisy! - 1)
  })

  test('every term counts by its weight, and they add up', async () => {
    const each = await Promise.all(NAMES.map(async name => (await evaluate({ [name]: 1 }))['loss']!))
    // Squares of correlations are small; nothing else is.
    each.forEach((value, i) =>
      expect(Math.abs(value), `size of ${NAMES[i]}`).toBeGreaterThan(NAMES[i] === 'correlation' ? 1e-4 : 1e-2),
    )
    const weights = { recovery: 0.3, uniform: 2, correlation: 5, key: 1.5, squint: 0.7 }
    const { loss, uniform, correlation } = await evaluate(weights)
    expect(loss).toBeCloseTo(
      NAMES.reduce((sum, name, i) => sum + weights[name] * each[i]!, 0),
      4,
    )
    expect(uniform).toBeCloseTo(each[1]!, 5)
    expect(correlation! ** 2).toBeCloseTo(each[2]!, 5)
  })

  test('nothing of it is constant: every term has a gradient', async () => {
    const stepper = await openStepper(
      {
        networks: { p: flowCryptParameters({ blocks: 2, hidden: 4 }) },
        batch: { ...shapes, ...weighing },
        phases: [
          {
            name: 'l',
            trains: ['p'],
            optimiser: { slots: 0, scalars: () => [], update: parameter => ({ parameter, slots: [] }) },
            clip: 1,
            loss: ({ networks, batch }) => objectiveOf(networks.p, batch as Record<keyof typeof feeds | Name, Expr>),
          },
        ],
      },
      5,
      { threads: 1 },
    )
    try {
      for (const name of NAMES) {
        const report = await stepper.advance({ ...feeds, ...weighted({ [name]: 1 }) }, [0])
        expect(report['l.gradient'], `gradient of ${name}`).toBeGreaterThan(1e-5)
      }
      expect((await stepper.advance({ ...feeds, ...weighted({}) }, [0]))['l.gradient']).toBe(0)
    } finally {
      await stepper.close()
    }
  })
})

/** Pictures that grow brighter to the right and below, and nothing else. */
const slopes = () =>
  Promise.resolve(
    Array.from({ length: 20 }, () =>
      image({
        width: 140,
        height: 140,
        channels: 3,
        format: 'u8',
        data: Uint8Array.from(
          { length: 3 * 140 * 140 },
          (_, i) => (Math.floor(i / 3) % 140) * 0.9 + Math.floor(i / 420) * 0.9,
        ),
      }),
    ),
  )

test.each([
  ['flowcrypt', false, 4, 32],
  ['flowcrypt-learned', false, 16, 32],
  ['flowcrypt-learned', true, 4, 64],
] as const)(
  '%s, continued: %s, takes %i windows of %i a step, cut from halves of pictures',
  async (id, continued, batch, side) => {
    const run = await findRecipe(id).open({ profile: 'compact', seed: 1, images: slopes, continued })
    expect(run.batchSize).toBe(batch)
    const { x, y, mapX, keep, noise } = await run.data(0)
    expect([x, y, mapX, keep, noise].map(tensor => tensor!.dims)).toEqual([
      [batch, 3, side, side],
      [batch, 3, side, side],
      [batch, 1, side, side],
      [batch, 3, side, 2 * side],
      [batch, 3, side, 2 * side],
    ])
    // Neighbours in a half are nearly neighbours in the picture: a window of it is no heap of pixels.
    const unlike = (values: Float32Array, other: (i: number) => number) =>
      mean(Array.from(values, (value, i) => Math.abs(value - values[other(i) % values.length]!)))
    for (const half of [x!, y!].map(({ data }) => data as Float32Array))
      for (const by of [1, side]) expect(unlike(half, i => i + by)).toBeLessThan(0.7 * unlike(half, i => 7919 * i + 13))
    expect(Math.max(...(x!.data as Float32Array)) - Math.min(...(x!.data as Float32Array))).toBeGreaterThan(0.5)
  },
)

/** A recipe's losses as a step reports them, of weights that one gives it: not differentiated, which takes seconds. */
async function openLosses(id: string, continued = false) {
  const run = await findRecipe(id).open({ profile: 'compact', seed: 1, images, continued })
  const { networks, batch, phases, start } = run.training as unknown as Training
  const compiled = await compile(
    (args: Record<'networks' | 'batch', Record<string, Expr>>) =>
      Object.fromEntries(
        phases.flatMap(({ name, loss }) => {
          const found = loss({ ...args, state: {} })
          return [
            [name, found.loss],
            ...Object.entries(found.metrics ?? {}).map(([metric, value]) => [`${name}.${metric}`, value] as const),
          ]
        }),
      ),
    { networks: mapTree(networks, (_, leaf) => shape((leaf as Parameter).dims)), batch } as never,
    { threads: 1 },
  )
  const drawn: Record<string, Tensor<'f32'>> = {
    ...Object.fromEntries(leaves<Tensor<'f32'>>((await initialise(networks, 1)) as Tree<Tensor<'f32'>>)),
    ...start,
  }
  const values = await run.data(0)
  return {
    drawn,
    batch: values,
    under: async (
      weights: Record<string, Tensor>,
      feeds: Record<string, Tensor> = {},
    ): Promise<Record<string, number>> => {
      const out = await compiled.run(
        Object.fromEntries([
          ...Object.entries({ ...drawn, ...weights }).map(([path, value]) => [`networks.${path}`, value] as const),
          ...Object.entries({ ...values, ...feeds }).map(([name, value]) => [`batch.${name}`, value] as const),
        ]),
      )
      return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, Number(data[0])]))
    },
    close: async () => {
      await compiled.close()
      await run.close?.()
    },
  }
}

describe('Encipher GAN', () => {
  /** Losses against a judge that gives every place the same score. */
  async function openJudged(id: string, judge: string) {
    const opened = await openLosses(id, true)
    const judging = Object.entries(opened.drawn).filter(([path]) => path.startsWith(`${judge}.`))
    const last = Math.max(
      ...judging.flatMap(([path]) => (path.startsWith(`${judge}.convs.`) ? [Number(path.split('.')[2])] : [])),
    )
    return {
      close: () => opened.close(),
      under: (score: number) =>
        opened.under(
          Object.fromEntries(
            judging.map(([path, { dims, data }]) => [
              path,
              tensor(
                'f32',
                dims,
                new Float32Array(data.length).fill(path === `${judge}.convs.${last}.bias` ? score : 0),
              ),
            ]),
          ),
          { ramp: tensor('f32', [], Float32Array.of(1)) },
        ),
    }
  }

  test.each([
    ['encipher-gan', 'discriminator', 0.02],
    ['encipher-gan-published', 'discriminator', 1],
    ['encipher-gan-repaired', 'judge', 0.02],
  ] as const)(
    '%s: the pair is told what the discriminator makes of it',
    { timeout: 120_000 },
    async (id, judge, weight) => {
      // Least squares: (score - 1)^2.
      const judged = await openJudged(id, judge)
      const [fooled, caught, doubtful] = [await judged.under(1), await judged.under(0), await judged.under(-1)]
      await judged.close()
      expect(caught['pair']! - fooled['pair']!).toBeCloseTo(weight, 3)
      expect(doubtful['pair']! - fooled['pair']!).toBeCloseTo(4 * weight, 3)
      // The discriminator itself wants 1 for noise and 0 for ciphers: 1/2 of what is wrong.
      expect(caught[judge]).toBeCloseTo(0.5, 4)
      expect(fooled[judge]).toBeCloseTo(0.5, 4)
      expect(doubtful[judge]).toBeCloseTo(2.5, 4)
      if (id !== 'encipher-gan-repaired') return
      // Its pair counts L1 tenfold, SSIM once, and every term for secrecy by its weight.
      const weights = {
        local: 4,
        moments: 16,
        neighbours: 200,
        edges: 4,
        deviation: 4,
        squint: 4,
        adversarial: 0.02,
        structure: 0.1,
      }
      for (const name of Object.keys(weights))
        expect(caught[`pair.secrecy.${name}`], `size of ${name}`).toBeGreaterThan(name === 'neighbours' ? 1e-9 : 1e-5)
      const hidden = Object.entries(weights).reduce(
        (sum, [name, weight]) => sum + weight * caught[`pair.secrecy.${name}`]!,
        0,
      )
      expect(caught['pair']).toBeCloseTo(10 * caught['pair.l1']! + caught['pair.structure']! + hidden, 3)
    },
  )
})

describe('Dense-ResNet', () => {
  /** Differences of neighbours, as means over rows and columns. */
  function variation(values: Float32Array, [n, c, h, w]: readonly [number, number, number, number]): number {
    let [across, down] = [0, 0]
    for (let i = 0; i < n * c; i++) {
      for (let y = 0; y < h; y++)
        for (let x = 0; x + 1 < w; x++)
          across += Math.abs(values[(i * h + y) * w + x + 1]! - values[(i * h + y) * w + x]!)
      for (let y = 0; y + 1 < h; y++)
        for (let x = 0; x < w; x++) down += Math.abs(values[(i * h + y + 1) * w + x]! - values[(i * h + y) * w + x]!)
    }
    return across / (n * c * h * (w - 1)) + down / (n * c * (h - 1) * w)
  }

  test.each([
    ['dense-resnet', 'own'],
    ['dense-resnet-published', 'published'],
  ] as const)(
    '%s: the decrypted picture’s total variation has its share',
    { timeout: 120_000 },
    async (id, variant: Variant) => {
      const { drawn, batch, under, close } = await openLosses(id)
      const dims = batch['clean']!.dims as [number, number, number, number]
      const both = await compile(
        ({ encryption, decryption, clean, rounding }) =>
          decryptNetwork(
            variant,
            decryption,
            ops.clip(ops.add(encryptNetwork(variant, encryption, clean), rounding), 0, 1),
          ),
        {
          encryption: networkParameters(variant, WIDTHS.compact),
          decryption: networkParameters(variant, WIDTHS.compact),
          clean: shape(dims),
          rounding: shape(dims),
        },
        { threads: 1 },
      )
      try {
        const found = await under({})
        const { output } = await both.run({ ...drawn, clean: batch['clean']!, rounding: batch['rounding']! })
        const expected = variation(output!.data as Float32Array, dims)
        expect(expected).toBeGreaterThan(0.005)
        const share = found['decryption']! - 10 * (found['decryption.l1']! + found['decryption.structure']!)
        expect(Math.abs(share / 0.01 - expected)).toBeLessThan(0.02 * expected + 2e-3)
      } finally {
        await both.close()
        await close()
      }
    },
  )

  test('the learned variant’s too', { timeout: 120_000 }, async () => {
    const { under, close } = await openLosses('dense-resnet-learned', true)
    try {
      const found = await under({})
      const weights = { local: 4, moments: 16, neighbours: 200, edges: 4, deviation: 4, squint: 4 }
      const hidden = Object.entries(weights).reduce(
        (sum, [name, weight]) => sum + weight * found[`pair.secrecy.${name}`]!,
        0,
      )
      const share = found['pair']! - 10 * found['pair.l1']! - found['pair.structure']! - hidden
      // Random weights give a restless picture: well above what single precision loses of a loss near 20.
      expect(share).toBeGreaterThan(5e-4)
      expect(share).toBeLessThan(0.1)
      expect(Object.keys(found).filter(name => name.startsWith('pair.secrecy.')).length).toBe(6)
    } finally {
      await close()
    }
  })
})

test('least squares and cross-entropy adversarial terms, by hand', async () => {
  const scores = tensor('f32', [4], Float32Array.of(-1, 0, 0.5, 2))
  const compiled = await compile(
    ({ s }: { s: Expr }) => ({
      lsD: losses.lsgan.discriminator(s, s),
      lsG: losses.lsgan.generator(s),
      ceD: losses.bceGan.discriminator(s, s),
      ceG: losses.bceGan.generator(s),
    }),
    { s: shape([4]) },
    { backend: 'ort-node', threads: 1 },
  )
  const out = await compiled.run({ s: scores })
  await compiled.close()
  const values = [-1, 0, 0.5, 2]
  const soft = (v: number) => Math.log1p(Math.exp(v))
  expect(Number(out['lsG']!.data[0])).toBeCloseTo(mean(values.map(v => (v - 1) ** 2)), 5)
  expect(Number(out['lsD']!.data[0])).toBeCloseTo(
    0.5 * (mean(values.map(v => (v - 1) ** 2)) + mean(values.map(v => v ** 2))),
    5,
  )
  expect(Number(out['ceG']!.data[0])).toBeCloseTo(mean(values.map(v => soft(-v))), 5)
  expect(Number(out['ceD']!.data[0])).toBeCloseTo(mean(values.map(v => soft(-v) + soft(v))), 5)
})
