import { adam, compile, cosineRate, mapTree, ops, shape, stepStream, tensor } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Training } from '@latent/graph'
import type { KeyStream } from '@latent/core'
import type { Recipe } from '../recipe.ts'
import { BITS, bitsWrong, mix, type Parties, partyParameters } from './network.ts'

/**
 * Ours: published are batches of 4,096 and Adam at a constant 0.0008, which two cores take hours for. Two steps of Eve
 * for one of Alice and Bob are published too.
 */
const BATCH = 512
const RATE = 2e-3
const STEPS = 8_000
/** Eve counts nothing before the first of these steps, and in full from the second: ours, see {@link abadiTraining}. */
const EVE_COUNTS = [1_000, 4_000] as const
const CHECK_EVERY = 500
const DIMS = [BATCH, BITS]
const [ONE, TWO] = [shape(DIMS), shape([2 * BATCH, BITS])]

/**
 * Abadi and Andersen's game on random bits. Eve learns to tell the plain bits from the cipher; Alice and Bob learn that
 * Bob can, and that Eve is wrong in half of them: more would tell her as much as less. Eve's two steps are one of
 * twice as many messages at twice the rate here.
 *
 * `heed` is how much Eve counts to Alice and Bob. With batches this small they settled on telling Bob as little as Eve
 * where she counted from the start (no more than half of the bits for either, 2,600 steps long).
 */
export function abadiTraining(): Training {
  return {
    networks: partyParameters(),
    batch: { plain: ONE, key: ONE, evePlain: TWO, eveKey: TWO, heed: shape([1]) },
    phases: [
      {
        name: 'pair',
        trains: ['alice', 'bob'],
        optimiser: adam(),
        loss({ networks, batch }) {
          const p = networks as unknown as Parties<Expr>
          const [plain, key] = [batch['plain']!, batch['key']!]
          const cipher = mix(p.alice, [plain, key])
          const bob = bitsWrong(mix(p.bob, [cipher, key]), plain)
          const eve = bitsWrong(mix(p.eve, [cipher]), plain)
          const half = BITS / 2
          const told = ops.square(ops.mul(1 / half, ops.sub(half, eve)))
          const heeded = ops.mean(ops.mul(batch['heed']!, told))
          return { loss: ops.add(ops.mul(1 / BITS, bob), heeded), metrics: { bob, eve } }
        },
      },
      {
        name: 'eve',
        trains: ['eve'],
        optimiser: adam(),
        loss({ networks, batch }) {
          const p = networks as unknown as Parties<Expr>
          const plain = batch['evePlain']!
          const cipher = ops.stopGradient(mix(p.alice, [plain, batch['eveKey']!]))
          return { loss: bitsWrong(mix(p.eve, [cipher]), plain) }
        },
      },
    ],
  }
}

/** The recipe of this folder: it needs no data. */
export const abadiRecipe: Recipe = {
  id: 'abadi-andersen',
  title: 'Alice and Bob learn a cipher of 16 bits against Eve (Abadi and Andersen 2016)',
  published:
    'batches of 4,096 and Adam at 0.0008; until Bob errs in less than 0.05 bits and Eve in more than 7.3, ' +
    'or 850,000 steps',
  data: 'random bits; no data set',
  ships: ['alice', 'bob'],
  async open({ seed }) {
    const training = abadiTraining()
    const parties = partyParameters()
    const weights = mapTree(parties, (_, leaf) => shape((leaf as Parameter).dims)) as object
    const check = await compile(
      ({ p, plain, key }: { p: MapTree<typeof parties, Expr>; plain: Expr; key: Expr }) => {
        const cipher = mix(p.alice, [plain, key])
        const read = mix(p.bob, [cipher, key])
        return {
          bob: bitsWrong(read, plain),
          eve: bitsWrong(mix(p.eve, [cipher]), plain),
          // A bit is read as its sign.
          flipped: ops.mean(ops.where(ops.less(ops.mul(read, plain), 0), 1, 0)),
        }
      },
      { p: weights, plain: shape(DIMS), key: shape(DIMS) } as never,
    )
    const checks = await stepStream(seed, 0, 'check')
    const [plain, key] = [await randomBits(checks), await randomBits(checks)]
    const measure = async (found: Record<string, Tensor<'f32'>>) => {
      const feeds = Object.fromEntries(Object.entries(found).map(([path, value]) => [`p.${path}`, value]))
      const out = await check.run({ ...feeds, plain, key })
      return { bob: scalar(out['bob']), eve: scalar(out['eve']), flipped: scalar(out['flipped']) }
    }
    return {
      training: training as unknown as Training<never, never>,
      rates: [cosineRate(RATE, { warmup: 100, end: RATE / 20 }), cosineRate(2 * RATE, { warmup: 100, end: RATE / 10 })],
      steps: STEPS,
      batchSize: BATCH,
      async data(step) {
        const stream = await stepStream(seed, step, 'bits')
        return {
          plain: await randomBits(stream),
          key: await randomBits(stream),
          evePlain: await randomBits(stream, 2 * BATCH),
          eveKey: await randomBits(stream, 2 * BATCH),
          heed: tensor('f32', [1], Float32Array.of(heedAt(step))),
        }
      },
      scoreName: "bits of 16 by which Eve is further from a message than Bob, with half of them as Eve's most",
      validation: {
        every: CHECK_EVERY,
        patience: Number.MAX_SAFE_INTEGER,
        async score(found) {
          const { bob, eve } = await measure(found)
          return BITS / 2 - Math.abs(BITS / 2 - eve) - bob
        },
      },
      watch: {
        every: CHECK_EVERY,
        measure: async found =>
          Object.fromEntries(Object.entries(await measure(found)).map(([name, value]) => [`check.${name}`, value])),
      },
      close: () => check.close(),
    }
  },
}

/** How much Eve counts at a step. */
export function heedAt(step: number): number {
  const [from, to] = EVE_COUNTS
  return Math.min(1, Math.max(0, (step - from) / (to - from)))
}

const scalar = (value: Tensor | undefined): number => Number(value!.data[0])

/** Bits as -1 and 1. */
async function randomBits(stream: KeyStream, count = BATCH): Promise<Tensor<'f32'>> {
  const bytes = await stream.bytes((count * BITS) / 8)
  return tensor(
    'f32',
    [count, BITS],
    Float32Array.from({ length: count * BITS }, (_, i) => ((bytes[i >> 3]! >> (i & 7)) & 1 ? 1 : -1)),
  )
}
