import type { Image } from '@latent/core'
import { adam, cosineRate, type Expr, leaves, ops, shape, tensor, type Tensor, type Training } from '@latent/graph'
import { BSDS_TRAIN, OPEN_PHOTOS } from '../neural/photo-terms.ts'
import type { Recipe } from '../recipe.ts'
import { exactFlowCipher } from './cipher.ts'
import { openExactFlow } from './engine.ts'
import { BATCH_DIMS, patchBatch, PICTURES, ROUNDS } from './patches.ts'
import { orthogonalStart } from './orthogonal-start.ts'
import {
  flowParameters,
  type FlowNetworks,
  flowTree,
  gathered,
  initialNetworks,
  modulo256,
  quantise,
  roundNetwork,
} from './straight-through.ts'
import { FIRST_SHAPE, HALF_CHANNELS, type NetworkShape, type Weights } from './weights.ts'

/*
 * Training of the four round networks with the whitening switched off, so that they alone have to
 * make a cipher image: flat histogram, no dependence between neighbours, another image under other
 * secret maps and after one changed byte. Own method; the goals are those that FlowCrypt (arXiv
 * 2509.18696) trains for.
 *
 * [Note: Statistics on a circle] Bytes are added modulo 256, so every statistic is one of the points
 * z = exp(2 pi i byte / 256), for which 255 and 0 are neighbours and the addition is smooth. A byte is
 * uniform exactly if all E[z^k] = 0, two are independent exactly if all E[z^k w^l] = 0. A mean over P
 * positions of an ideal cipher has E |mean|^2 = 1/P, so P |mean|^2 says how many times more than
 * chance it is: 1 is ideal. The loss takes log(1 + that), or the worst image would drown the others.
 *
 * [Note: No gradient along the chain] Rounds amplify: a change of one level in a source is a change of
 * everything in the target, which is the point of them, and the derivative through several rounds is
 * noise of enormous size. So each round's source counts as given, and a network learns from what its
 * output does where it is added.
 */
/** Powers of z that the loss sees. Higher ones vanish unless outputs pile up at 0 or 255, which `clipped` counts. */
const HARMONICS = 8
/** What each term counts. */
const COUNTS = { histogram: 4, pairs: 1, map: 2, pixel: 2, triplet: 1, clipped: 60 }

/** Displacements in places, (down, right), at which bytes must not depend on each other. */
const DISPLACEMENTS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const

export { BATCH_DIMS, patchBatch } from './patches.ts'
export { orthogonalStart } from './orthogonal-start.ts'

type Networks = { flow: ReturnType<typeof flowParameters> }

/** How networks of some shape are trained as the integers that they become. */
interface Plan {
  readonly id: string
  readonly title: string
  readonly shape: NetworkShape
  readonly steps: number
  /** Where it starts. */
  readonly start: (seed: number, rounds: number, shape: NetworkShape) => Promise<FlowNetworks<Tensor<'f32'>>>
  /** The learning rate at its highest. */
  readonly rate: number
  /** The set of photographs; from open ones anyone may ship weights. */
  readonly photos: keyof typeof TERMS
}

/** The terms of the photographs that a plan may name. */
const TERMS = { 'open-photos': OPEN_PHOTOS, bsds500: BSDS_TRAIN } as const

/** The recipe of a plan. */
export const flowRecipe = ({ id, title, shape: network, steps, start, rate, photos }: Plan): Recipe => ({
  id,
  title,
  published: 'our own: there is no publication',
  data: `patches of ${TERMS[photos]}; and flat, gradient and drawn ones of our own`,
  async open({ seed, images }) {
    const pictures = await images(photos, 'train')
    const checks = await checkPictures((await images(photos, 'val')).slice(0, 2))
    const training: Training<Networks> = {
      networks: { flow: flowParameters(ROUNDS, network) },
      start: Object.fromEntries(leaves<Tensor<'f32'>>({ flow: await start(seed, ROUNDS, network) })),
      batch: Object.fromEntries(Object.entries(BATCH_DIMS).map(([name, dims]) => [name, shape(dims)])),
      phases: [
        {
          name: 'cipher',
          trains: ['flow'],
          optimiser: adam({ beta2: 0.99 }),
          clip: 1,
          loss: ({ networks: { flow }, batch }) => cipherLoss(Object.values(flow), batch),
        },
      ],
    }
    return {
      training: training as unknown as Training<never, never>,
      rates: [cosineRate(rate, { warmup: 20, end: 0.002 })],
      steps,
      batchSize: PICTURES,
      data: step => patchBatch(pictures, seed, step),
      scoreName: 'minus log2(chi-square / 255) of network-only ciphers, mean',
      validation: { every: 250, patience: steps, score: weights => score(quantise(flowTree(weights)), checks) },
    }
  },
})

/** The second generation: four positions together, three matrix products, 64 -> 64 -> 64 -> 48. */
export const SECOND_SHAPE: NetworkShape = {
  block: 4,
  layers: [64, 64, 4 * HALF_CHANNELS].map(outputs => ({ outputs, kernel: [1, 1] })),
}

/** The networks of the flagship: both generations. */
export const exactFlowRecipes: readonly Recipe[] = [
  flowRecipe({
    id: 'exact-flow',
    title: 'the integer networks of the exact flow, whitening switched off (ours)',
    shape: FIRST_SHAPE,
    start: initialNetworks,
    rate: 0.1,
    steps: 1000,
    photos: 'bsds500',
  }),
  flowRecipe({
    id: 'exact-flow-2',
    title: 'the second generation of the same: narrow networks over four positions at once (ours)',
    shape: SECOND_SHAPE,
    start: orthogonalStart,
    rate: 0.05,
    steps: 100,
    photos: 'open-photos',
  }),
]

type RoundParameters = Parameters<typeof roundNetwork>[0]

/**
 * How far the cipher of the networks alone is from noise, whitening switched off, and its parts by name.
 * @param block neighbouring positions whose bytes are told apart: for measuring, since what a network does to one
 *   position of its block is not what it does to the next
 */
export function cipherLoss(
  rounds: readonly RoundParameters[],
  batch: Readonly<Record<string, Expr>>,
  block = 1,
): { loss: Expr; metrics: Record<string, Expr> } {
  const halves = [batch['x']!, batch['y']!]
  const clipped: Expr[] = []
  for (const [i, p] of rounds.entries()) {
    const [target, source] = [i % 2, 1 - (i % 2)] as const
    const { bytes, unclipped } = roundNetwork(p, ops.stopGradient(halves[source]!), batch[`map${i}`]!)
    halves[target] = modulo256(ops.add(halves[target]!, bytes))
    clipped.push(ops.mean(ops.add(ops.relu(ops.sub(unclipped, 255)), ops.relu(ops.neg(unclipped)))))
  }
  const [plain, other, changed] = cut(points(gathered(ops.concat(halves, 1), block)))
  const metrics = {
    histogram: histogram(plain),
    pairs: average(DISPLACEMENTS.map(by => pairs(plain, by))),
    map: histogram(turn(plain, other)),
    pixel: histogram(turn(plain, changed)),
    triplet: wrongMapTriplet(rounds, batch, halves),
    clipped: ops.mul(average(clipped), 1 / 255),
  }
  const loss = Object.entries(COUNTS)
    .map(([name, weight]) => ops.mul(weight, metrics[name as keyof typeof metrics]))
    .reduce((a, b) => ops.add(a, b))
  return { loss, metrics }
}

/** Bytes as points of the unit circle. */
interface Points {
  readonly cos: Expr
  readonly sin: Expr
}

function points(bytes: Expr): Points {
  const angle = ops.mul(bytes, (2 * Math.PI) / 256)
  return { cos: ops.cos(angle), sin: ops.sin(angle) }
}

const part = (x: Expr, i: number): Expr => ops.slice(x, 0, i * PICTURES, (i + 1) * PICTURES)
const cut = ({ cos, sin }: Points): [Points, Points, Points] =>
  [0, 1, 2].map(i => ({ cos: part(cos, i), sin: part(sin, i) })) as [Points, Points, Points]
const average = (terms: readonly Expr[]): Expr =>
  ops.mul(
    terms.reduce((a, b) => ops.add(a, b)),
    1 / terms.length,
  )
const excess = (statistic: Expr): Expr => ops.mean(ops.log(ops.add(1, statistic)))
const product = (a: Points, b: Points): Points => ({
  cos: ops.sub(ops.mul(a.cos, b.cos), ops.mul(a.sin, b.sin)),
  sin: ops.add(ops.mul(a.sin, b.cos), ops.mul(a.cos, b.sin)),
})
/** P |mean z|^2 of each picture, over its positions (`axes` 2, 3) or over its channels too (1, 2, 3). */
function strength({ cos, sin }: Points, axes: readonly number[] = [2, 3]): Expr {
  const count = axes.reduce((total, axis) => total * cos.shape[axis]!, 1)
  return ops.mul(count, ops.add(ops.square(ops.mean(cos, axes)), ops.square(ops.mean(sin, axes))))
}

/** How far from flat each channel of each picture is, and each picture: 0.6 is ideal. */
function histogram(z: Points): Expr {
  const powers = [z]
  while (powers.length < HARMONICS) powers.push(product(powers.at(-1)!, z))
  return average(powers.flatMap(power => [excess(strength(power)), excess(strength(power, [1, 2, 3]))]))
}

/** How far from independent every two channels are at a displacement: 0.53 is ideal. */
function pairs({ cos, sin }: Points, [down, right]: readonly [number, number]): Expr {
  const features = ops.concat([cos, sin], 1)
  const [pictures, channels, rows, columns] = features.shape as [number, number, number, number]
  const count = (rows - down) * (columns - right)
  const window = (y: number, x: number) =>
    ops.reshape(ops.slice(ops.slice(features, 2, y, y + rows - down), 3, x, x + columns - right), [
      pictures,
      channels,
      count,
    ])
  const products = ops.mul(ops.matmul(window(0, 0), ops.transpose(window(down, right), [0, 2, 1])), 1 / count)
  const foreign = down + right > 0 ? products : ops.mul(products, otherChannels(channels))
  return excess(ops.mul(4 * count, ops.square(foreign)))
}

const otherChannels = (channels: number) =>
  tensor(
    'f32',
    [1, channels, channels],
    Float32Array.from({ length: channels ** 2 }, (_, i) =>
      Number(Math.floor(i / channels) % (channels / 2) !== i % (channels / 2)),
    ),
  )

/** The angle from one to the other: flat, if the two have nothing to do with each other. */
const turn = (a: Points, b: Points): Points => product({ cos: a.cos, sin: ops.neg(a.sin) }, b)

/**
 * The triplet term: the plain picture, what the right maps decrypt to (itself, so the distance is 0),
 * and what other maps decrypt to, which is to be as far from it as noise: half the circle's diameter.
 */
function wrongMapTriplet(
  rounds: readonly RoundParameters[],
  batch: Readonly<Record<string, Expr>>,
  cipher: readonly Expr[],
): Expr {
  const halves = cipher.map(half => part(half, 0))
  for (let i = rounds.length - 1; i >= 0; i--) {
    const [target, source] = [i % 2, 1 - (i % 2)] as const
    const { bytes } = roundNetwork(rounds[i]!, ops.stopGradient(halves[source]!), part(batch[`map${i}`]!, 1))
    halves[target] = modulo256(ops.sub(halves[target]!, bytes))
  }
  const anchor = points(part(ops.concat([batch['x']!, batch['y']!], 1), 0))
  const distance = ops.mul(0.5, ops.sub(1, ops.mean(turn(anchor, points(ops.concat(halves, 1))).cos, [1, 2, 3])))
  return ops.mean(ops.relu(ops.sub(0.5, distance)))
}

/** What {@link score} is measured on: black, flat and striped pictures of our own, and photographs. */
export async function checkPictures(photos: readonly Image<'u8'>[]): Promise<Image<'u8'>[]> {
  const side = 160
  const drawn = (value: (i: number) => number): Image<'u8'> => ({
    width: side,
    height: side,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from({ length: side * side * 3 }, (_, i) => value(i)),
  })
  return [drawn(() => 0), drawn(i => [200, 120, 40][i % 3]!), drawn(i => Math.floor(i / 3) % side), ...photos]
}

/** Encrypts with the network alone and compares histograms with a flat one: 0 is as flat as chance has it. */
export async function score(weights: Weights, pictures: readonly Image<'u8'>[]): Promise<number> {
  const found = await scores(weights, pictures)
  return found.reduce((total, value) => total + value, 0) / found.length
}

/** The {@link score} of each picture. */
export async function scores(
  weights: Weights,
  pictures: readonly Image<'u8'>[],
  key = new Uint8Array(32),
): Promise<number[]> {
  const flow = await openExactFlow({ weights, ablation: 'network-only', threads: 1 })
  try {
    const cipher = exactFlowCipher(flow)
    const found: number[] = []
    for (const picture of pictures)
      found.push(-Math.log2(chiSquare((await cipher.encrypt(picture, key)).data as Uint8Array) / 255))
    return found
  } finally {
    await flow.close()
  }
}

function chiSquare(bytes: Uint8Array): number {
  const counts = new Float64Array(256)
  for (const byte of bytes) counts[byte]!++
  const expected = bytes.length / 256
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}
