import { compile, initialise, leaves, losses, ops, secrecy, shape, tensor } from '@latent/graph'
import type { Expr, Tensor, Tree } from '@latent/graph'
import { describe, expect, test } from 'vitest'
import { decryptionObjective, encryptionObjective } from '../src/dense-resnet/objective.ts'
import { pairObjective as ganObjective, publishedTerms, structuredTerms } from '../src/encipher-gan/objective.ts'
import { backward, type FlowCrypt, flowCryptParameters, forward, type Halves } from '../src/flowcrypt/network.ts'
import { objective, type Weights } from '../src/flowcrypt/objective.ts'
import { type Emphasis, pairObjective } from '../src/neural/pair-objective.ts'
import { decode, encode, VARIANTS, type Networks, quantise } from '../src/mask-autoencoder/network.ts'
import { objective as maskObjective } from '../src/mask-autoencoder/objective.ts'

/*
 * What each recipe minimises, term by term, on tiny images: one small graph a scheme, nothing trained. The terms by
 * themselves are held against their definitions in the graph's tests.
 */

/** What a function of some tensors gives, by path. */
async function evaluate<K extends string>(
  inputs: Record<K, Tensor>,
  fn: (x: Record<K, Expr>) => Tree<Expr>,
): Promise<{
  readonly paths: string[]
  readonly list: (path: string) => number[]
  readonly number: (path: string) => number
}> {
  const compiled = await compile(
    fn as never,
    Object.fromEntries(Object.entries<Tensor>(inputs).map(([name, { dims }]) => [name, shape(dims)])) as never,
    { backend: 'ort-node', threads: 1 },
  )
  const out = await compiled.run(inputs)
  await compiled.close()
  const list = (path: string) => Array.from(out[path]!.data as Float32Array)
  return {
    paths: Object.keys(out),
    list,
    number: path => {
      expect(out[path]!.dims).toEqual([])
      return list(path)[0]!
    },
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const filled = (dims: readonly number[], value: (i: number) => number) =>
  tensor(
    'f32',
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
  )
const images = (dims: readonly number[], a: number, b = 0.37) =>
  filled(dims, i => 0.5 + 0.35 * Math.sin(a * i) + 0.12 * Math.sin(b * i * i))
/** Equal to single precision. */
const near = (found: number, expected: number) =>
  expect(Math.abs(found - expected) / Math.max(1, Math.abs(expected))).toBeLessThan(3e-5)

const BATCH = [8, 3, 16, 16]
const SEEN = {
  plain: images(BATCH, 0.02),
  cipher: images(BATCH, 1.7),
  restored: images(BATCH, 0.0207),
  noise: images(BATCH, 2.9),
  judged: filled([8, 1, 2, 2], Math.sin),
  ramp: filled([], () => 0.25),
}
/** Crops i and i + 4 are of one picture. */
const byPicture = (x: Expr): Expr => ops.reshape(x, [2, 12, 16, 16])
const recovery = ({ plain, restored }: { plain: Expr; restored: Expr }) => ({
  l1: losses.l1(restored, plain),
  ssim: losses.ssim(restored, plain),
  smooth: losses.totalVariation(restored),
  mse: losses.mse(restored, plain),
})

test('Encipher GAN: recovery tenfold, and the cipher terms of either variant by the ramp', async () => {
  const { paths, number } = await evaluate(SEEN, x => ({
    ...recovery(x),
    adversarial: losses.lsgan.generator(x.judged),
    likeness: losses.ssim(x.cipher, x.noise),
    uniform: losses.uniformDistance(byPicture(x.cipher)),
    neighbours: losses.neighbourCovariance(byPicture(x.cipher)),
    published: ganObjective(publishedTerms, x, x.ramp),
    structured: ganObjective(structuredTerms, x, x.ramp),
  }))
  // As published: one part adversarial, one part SSIM to noise. Ours: samples uniform, neighbours not alike, and the
  // judge.
  const hidden = {
    published: number('adversarial') + 1 - number('likeness'),
    structured: 20 * number('uniform') + 300 * number('neighbours') + 0.02 * number('adversarial'),
  }
  const recovered = 10 * (number('l1') + 1 - number('ssim'))
  for (const variant of ['published', 'structured'] as const) {
    near(number(`${variant}.metrics.hidden`), hidden[variant])
    near(number(`${variant}.loss`), recovered + 0.25 * hidden[variant])
    near(number(`${variant}.metrics.l1`), number('l1'))
    near(number(`${variant}.metrics.structure`), 1 - number('ssim'))
    near(number(`${variant}.metrics.uniform`), number('uniform'))
    expect(paths.filter(path => path.startsWith(variant)).length).toBe(5)
  }
  for (const part of [
    number('l1'),
    1 - number('ssim'),
    1 - number('likeness'),
    20 * number('uniform'),
    300 * number('neighbours'),
    0.02 * number('adversarial'),
  ])
    expect(part).toBeGreaterThan(1e-3)
})

test('Dense-ResNet: quality, smoothness, what the cipher image shows, each image and channel by itself', async () => {
  const { paths, number } = await evaluate(SEEN, x => ({
    ...recovery(x),
    uniform: Object.fromEntries(
      Array.from({ length: 24 }, (_, i) => [
        i,
        losses.uniformDistance(ops.slice(ops.reshape(x.cipher, [1, 24, 16, 16]), 1, i, i + 1)),
      ]),
    ),
    neighbours: losses.neighbourCovariance(x.cipher),
    ...Object.fromEntries(
      (['published', 'own'] as const).map(variant => [
        variant,
        {
          decryption: decryptionObjective(variant, x.restored, x.plain) as never,
          encryption: encryptionObjective(
            variant,
            { cipher: x.cipher, restored: x.restored, clean: x.plain },
            x.ramp,
          ) as never,
        },
      ]),
    ),
  }))
  const uniform = mean(Array.from({ length: 24 }, (_, i) => number(`uniform.${i}`)))
  const quality = 10 * (number('l1') + 1 - number('ssim')) + 0.01 * number('smooth')
  for (const [variant, security] of [
    ['published', 1],
    ['own', 30],
  ] as const) {
    near(number(`${variant}.decryption.loss`), quality)
    near(number(`${variant}.decryption.metrics.l1`), number('l1'))
    near(number(`${variant}.decryption.metrics.structure`), 1 - number('ssim'))
    near(number(`${variant}.decryption.metrics.mse`), number('mse'))
    near(number(`${variant}.encryption.loss`), quality + 0.25 * security * (uniform + 100 * number('neighbours')))
    near(number(`${variant}.encryption.metrics.uniform`), uniform)
    near(number(`${variant}.encryption.metrics.neighbours`), number('neighbours'))
    expect(paths.filter(path => path.startsWith(`${variant}.`)).length).toBe(4 + 3)
  }
  // Not lost in what single precision keeps of the whole.
  for (const part of [0.01 * number('smooth'), uniform, 100 * number('neighbours')]) expect(part).toBeGreaterThan(5e-4)
})

test('pairs learned from random weights: every term by its weight alone, secrecy by the ramp', async () => {
  const TERMS = ['local', 'moments', 'neighbours', 'edges', 'deviation', 'squint', 'adversarial', 'structure'] as const
  const none = Object.fromEntries(TERMS.map(name => [name, 0])) as Record<(typeof TERMS)[number], number>
  const emphasis = (weights: Partial<typeof none>, recovered: Partial<Emphasis> = {}): Emphasis => ({
    recovery: 0,
    likeness: 0,
    smoothness: 0,
    ...recovered,
    secrecy: { ...none, ...weights },
  })
  const { paths, number } = await evaluate(SEEN, x => ({
    ...recovery(x),
    terms: {
      ...secrecy.outlines(x.cipher, x.plain),
      local: secrecy.localUniformity(x.cipher),
      moments: secrecy.uniformMoments(byPicture(x.cipher), [0, 2, 3], 32),
      neighbours: losses.neighbourCovariance(byPicture(x.cipher)),
      adversarial: losses.lsgan.generator(x.judged),
      structure: ops.sub(1, losses.ssim(x.cipher, x.noise)),
    },
    one: Object.fromEntries(TERMS.map(name => [name, pairObjective(emphasis({ [name]: 1000 }), x, x.ramp)])),
    some: pairObjective(emphasis({ local: 2, edges: 3, structure: 0.5 }), { ...x, judged: undefined }, x.ramp),
    recovered: pairObjective(emphasis({ local: 1e-9 }, { recovery: 3 }), x, x.ramp).loss,
    like: pairObjective(emphasis({ local: 1e-9 }, { likeness: 5 }), x, x.ramp).loss,
    still: pairObjective(emphasis({ local: 1e-9 }, { smoothness: 7 }), x, x.ramp).loss,
    all: pairObjective(emphasis({ local: 2 }, { recovery: 3, likeness: 5, smoothness: 7 }), x, x.ramp).loss,
  }))
  for (const name of TERMS) {
    const term = number(`terms.${name}`)
    expect(term).toBeGreaterThan(1e-6)
    expect(Math.abs(number(`one.${name}.loss`) / (0.25 * 1000 * term) - 1)).toBeLessThan(1e-3)
    expect(number(`one.${name}.metrics.secrecy.${name}`)).toBe(term)
    expect(
      paths
        .filter(path => path.startsWith(`one.${name}.metrics`))
        .map(path => path.replace(`one.${name}.metrics.`, '')),
    ).toEqual(['l1', 'structure', `secrecy.${name}`])
  }
  near(
    number('some.loss'),
    0.25 * (2 * number('terms.local') + 3 * number('terms.edges') + 0.5 * number('terms.structure')),
  )
  expect(paths.filter(path => path.startsWith('some.metrics')).length).toBe(5)
  near(number('some.metrics.l1'), number('l1'))
  near(number('some.metrics.structure'), 1 - number('ssim'))
  near(number('recovered'), 3 * number('l1'))
  near(number('like'), 5 * (1 - number('ssim')))
  near(number('still'), 7 * number('smooth'))
  near(number('all'), 3 * number('l1') + 5 * (1 - number('ssim')) + 7 * number('smooth') + 0.5 * number('terms.local'))
})

test('masked auto-encoder: the error after rounding, and a tenth of what lies outside a byte', async () => {
  const affine = (outputs: number, inputs: number, size: number, salt: number) => ({
    weight: filled([outputs, inputs, size, size], i => 0.5 * Math.sin(salt + 1.3 * i)),
    bias: filled([outputs], i => 0.6 * Math.cos(salt + i)),
  })
  const plainCoder = (inputs: number, outputs: number, salt: number) => ({
    conv1: affine(4, inputs, 3, salt),
    conv2: affine(4, 4, 3, salt),
    conv3: affine(outputs, 4, 3, salt),
  })
  const repairedCoder = (inputs: number, outputs: number, salt: number) => ({
    linear: affine(outputs, inputs, 1, salt),
    first: affine(4, inputs, 3, salt),
    blocks: [],
    last: affine(outputs, 4, 3, salt),
  })
  for (const variant of VARIANTS.filter(name => name !== 'link')) {
    const networks = (variant === 'repaired'
      ? { encoder: repairedCoder(48, 16, 1), decoder: repairedCoder(16, 48, 2) }
      : { encoder: plainCoder(3, 16, 1), decoder: plainCoder(16, 3, 2) }) as unknown as Networks<Expr>
    const { number } = await evaluate(
      { masked: images([2, 3, 8, 8], 0.7), plain: images([2, 3, 8, 8], 0.05) },
      ({ masked, plain }) => {
        const latents = encode(variant, networks.encoder, masked)
        return {
          error: losses.mse(decode(variant, networks.decoder, quantise(latents)), plain),
          outside: losses.rangePenalty(latents),
          found: maskObjective(variant, networks, masked, plain),
        }
      },
    )
    expect(Math.min(number('error'), number('outside'))).toBeGreaterThan(1e-3)
    near(number('found.loss'), number('error') + 0.1 * number('outside'))
    near(number('found.metrics.error'), number('error'))
  }
})

describe('FlowCrypt', () => {
  const [N, SIDE] = [4, 16]
  const [HALF, MAP, WHOLE] = [
    [N, 3, SIDE, SIDE],
    [N, 1, SIDE, SIDE],
    [N, 3, SIDE, 2 * SIDE],
  ]
  const inputs = {
    x: images(HALF, 0.05, 1.3),
    y: images(HALF, 0.041, 2.1),
    mapX: images(MAP, 1.7, 0.9),
    mapY: images(MAP, 2.3, 0.4),
    // A part is cut out, and everything a little disturbed.
    keep: filled(WHOLE, i => (i % 11 === 0 ? 0 : 1)),
    noise: filled(WHOLE, i => 0.02 * Math.sin(3 * i)),
  }
  const NONE: Weights = { recovery: 0, uniform: 0, correlation: 0, key: 0 }
  const SUM = { recovery: 0.3, uniform: 2, correlation: 5, key: 1.5, squint: 0.7, fit: 0.9 }
  const CASES: Record<string, Partial<Weights>> = {
    recovery: { recovery: 1 },
    uniform: { uniform: 1 },
    correlation: { correlation: 1 },
    key: { key: 1 },
    squint: { squint: 1 },
    fit: { fit: 1 },
    all: SUM,
    none: { recovery: 1, squint: 0, fit: 0 },
  }
  const HALVES = ['x', 'y'] as const
  const beside = ({ x, y }: Halves) => ops.concat([x, y], 3)
  const apart = (v: Expr): Halves => ({ x: ops.slice(v, 3, 0, SIDE), y: ops.slice(v, 3, SIDE, 2 * SIDE) })

  /** A row a square, a column a channel. */
  const columns = (maps: readonly Expr[]): Expr =>
    ops.concat(
      maps.map(map => {
        const c = map.shape[1]!
        return ops.transpose(
          ops.reshape(ops.transpose(map, [1, 0, 2, 3]), [c, map.shape.reduce((a, b) => a * b) / c]),
          [1, 0],
        )
      }),
      1,
    )

  test('every term is what it is said to be, counts by its weight, and none is lost', async () => {
    // Small, and far from the identity: K matters.
    const p = (await initialise(flowCryptParameters({ blocks: 1, hidden: 2 }), 5)) as unknown as FlowCrypt<Tensor>
    for (const [path, { data }] of leaves(p as unknown as Tree<Tensor>))
      if (path.includes('conv4.weight')) (data as Float32Array).set((data as Float32Array).map(value => 40 * value))
    const { paths, list, number } = await evaluate(inputs, b => {
      const [plain, map] = [
        { x: b.x, y: b.y },
        { x: b.mapX, y: b.mapY },
      ]
      const cipher = beside(forward(p, plain, map))
      const [front, back] = [(v: Expr) => ops.slice(v, 0, 0, 2), (v: Expr) => ops.slice(v, 0, 2, 4)]
      const squinted = ({ x, y }: Halves) => ({ x: secrecy.squint(x), y: secrecy.squint(y) })
      const [seen, shown] = [squinted(apart(cipher)), squinted(plain)]
      return {
        cipher,
        image: beside(plain),
        arrived: beside(backward(p, apart(ops.add(ops.mul(ops.clip(cipher, 0, 1), b.keep), b.noise)), map)),
        wrong: ops.clip(beside(backward(p, apart(front(cipher)), { x: back(b.mapX), y: back(b.mapY) })), 0, 1),
        neighbours: losses.neighbourCovariance(cipher),
        local: secrecy.localUniformity(cipher, { apart: true }),
        fitted: secrecy.linearShare(
          columns(Object.values(apart(cipher)).map(half => secrecy.localMoments(half))),
          columns(Object.values(plain).map(half => secrecy.squint(half))),
        ),
        looks: Object.fromEntries(
          HALVES.flatMap(from =>
            HALVES.flatMap(of =>
              (['batch', 'image'] as const).map(over => [
                from + of + over,
                secrecy.channelCorrelation(seen[from], shown[of], over),
              ]),
            ),
          ),
        ),
        of: Object.fromEntries(
          Object.entries(CASES).map(([name, weights]) => [
            name,
            objective(p, { plain, map, keep: b.keep, noise: b.noise }, { ...NONE, ...weights }),
          ]),
        ),
      }
    })
    const size = 3 * SIDE * 2 * SIDE
    const [cipher, image] = [list('cipher'), list('image')]
    const errors = (found: readonly number[]) =>
      Array.from({ length: found.length / size }, (_, n) =>
        mean(found.slice(n * size, (n + 1) * size).map((value, i) => (value - image[n * size + i]!) ** 2)),
      )
    const [arrived, wrong] = [errors(list('arrived')), errors(list('wrong'))]

    // Recovery: what came through the noise layer, in units of ten decibels, halves of the batch apart.
    const [rounded, noisy] = [arrived.slice(0, 2), arrived.slice(2)].map(values => Math.log10(mean(values) + 1e-8)) as [
      number,
      number,
    ]
    expect(Math.abs(rounded - noisy)).toBeGreaterThan(0.01)
    near(number('of.recovery.loss'), (rounded + noisy) / 2)
    near(number('of.all.metrics.decibel'), -10 * rounded)
    near(number('of.all.metrics.noisy'), -10 * noisy)

    // The key: the right one nearer than another sample's by a margin of 0.1, for the first half of the batch.
    near(number('of.all.metrics.wrong'), mean(wrong))
    near(number('of.key.loss'), mean(wrong.map((error, n) => Math.max(0, arrived[n]! - error + 0.1))))
    expect(Math.abs(mean(wrong) - mean(arrived.slice(0, 2)))).toBeGreaterThan(1e-3)
    expect(number('of.key.loss')).toBeGreaterThan(1e-3)

    // Uniform: minus the entropy by spacings of sorted values, and what lies outside.
    const count = 2 * SIDE * SIDE
    const span = 8
    const entropy = mean(
      Array.from({ length: N * 3 }, (_, row) => {
        const sorted = cipher.slice(row * count, (row + 1) * count).sort((a, b) => a - b)
        return mean(
          Array.from({ length: count - span }, (__, i) =>
            Math.log(((sorted[i + span]! - sorted[i]!) * count) / span + 1e-3),
          ),
        )
      }),
    )
    const outside = cipher.map(value => Math.max(0, -value, value - 1))
    expect(mean(outside)).toBeGreaterThan(1e-4)
    near(number('of.uniform.loss'), mean(outside) / 0.01 - entropy)
    near(number('of.all.metrics.uniform'), mean(outside) / 0.01 - entropy)
    near(number('of.all.metrics.outside'), Math.sqrt(mean(outside.map(value => value ** 2))))

    // Correlation: covariance of neighbours in units of the uniform distribution's variance.
    near(number('of.correlation.loss'), 144 * number('neighbours'))
    near(number('of.all.metrics.correlation') ** 2, 144 * number('neighbours'))
    expect(144 * number('neighbours')).toBeGreaterThan(1e-3)

    // Squint: squares that are not uniform, colour by colour, and those that show either half of the picture in either
    // half of the cipher, in each image and in all together.
    const looks = HALVES.flatMap(from =>
      HALVES.flatMap(of => ['batch', 'image'].map(over => number(`looks.${from}${of}${over}`))),
    )
    const shown = looks.reduce((sum, look) => sum + look, number('local'))
    near(number('of.squint.loss'), shown)
    near(number('of.all.metrics.shown'), shown)
    // All differ, so that none can stand for another.
    const ordered = looks.toSorted((a, b) => a - b)
    expect(Math.min(...ordered.slice(1).map((look, i) => look - ordered[i]!))).toBeGreaterThan(1e-5)

    // The fit: both halves of the picture in both halves of the cipher image.
    near(number('of.fit.loss'), number('fitted'))
    near(number('of.all.metrics.fitted'), number('fitted'))
    expect(paths.filter(path => path.startsWith('of.none'))).toEqual(
      [
        'loss',
        ...['decibel', 'noisy', 'wrong', 'uniform', 'correlation', 'outside'].map(name => `metrics.${name}`),
      ].map(path => `of.none.${path}`),
    )

    near(
      number('of.all.loss'),
      Object.entries(SUM).reduce((total, [name, weight]) => total + weight * number(`of.${name}.loss`), 0),
    )
  })
})
