import { adam, cosineRate, type Expr, layers, openStepper, ops, shape, tensor } from '@latent/graph'
import { LAYERS, OUTPUT, UNITS } from '../../packages/robust/src/channel/learned.ts'
import { MOST_BITS } from '../../packages/robust/src/channel/seen.ts'

/** Numbers that the network sees of a coefficient. */
export const FEATURES = LAYERS.first[0]

/** Samples to learn from: what is seen, and for every bit 1 where it is 0, -1 where it is 1, 0 where there is none. */
export interface Samples {
  readonly inputs: Float32Array
  readonly signs: Float32Array
}

const NETWORK = {
  first: layers.denseParameters(...LAYERS.first),
  second: layers.denseParameters(...LAYERS.second),
  last: layers.denseParameters(...LAYERS.last),
}
const BATCH = 4096
/** What is seen of the likelihoods made by hand, a quarter of them, comes behind that of lines and blocks. */
const TOLD = FEATURES - 7

/** What `corrected` of the package does, to be differentiated. */
function told(p: { readonly [K in keyof typeof NETWORK]: layers.Affine<Expr> }, x: Expr): Expr {
  const hidden = ops.leakyRelu(layers.dense(p.first, x), UNITS.slope)
  const out = layers.dense(p.last, ops.leakyRelu(layers.dense(p.second, hidden), UNITS.slope))
  const hand = ops.mul(4, ops.slice(x, 1, TOLD, TOLD + MOST_BITS))
  const times = ops.mul(OUTPUT.times, ops.slice(out, 1, 0, MOST_BITS))
  const plus = ops.mul(OUTPUT.plus, ops.slice(out, 1, MOST_BITS, 2 * MOST_BITS))
  return ops.add(ops.mul(hand, ops.add(1, times)), plus)
}

/**
 * Trains the network on these samples, on one thread.
 * @returns its numbers as `networkOf` reads them, and the last losses: nats a bit
 */
export async function learnDemapper({ inputs, signs }: Samples, steps: number, seed: number) {
  const count = inputs.length / FEATURES
  const stepper = await openStepper(
    {
      networks: { demapper: NETWORK },
      batch: { x: shape([BATCH, FEATURES]), signs: shape([BATCH, MOST_BITS]) },
      phases: [
        {
          name: 'bits',
          trains: ['demapper'] as const,
          optimiser: adam(),
          loss: ({ networks, batch }) => {
            const mask = ops.abs(batch['signs']!)
            const agreement = ops.mul(batch['signs']!, told(networks.demapper, batch['x']!))
            return { loss: ops.div(ops.sum(ops.mul(mask, ops.softplus(ops.neg(agreement)))), ops.sum(mask)) }
          },
        },
      ],
    },
    seed,
    { threads: 1 },
  )
  let state = seed
  const below = (bound: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  const rates = cosineRate(4e-3)
  let loss = 0
  try {
    for (let step = 0; step < steps; step++) {
      const [x, y] = [new Float32Array(BATCH * FEATURES), new Float32Array(BATCH * MOST_BITS)]
      for (let i = 0; i < BATCH; i++) {
        const picked = below(count)
        x.set(inputs.subarray(picked * FEATURES, (picked + 1) * FEATURES), i * FEATURES)
        y.set(signs.subarray(picked * MOST_BITS, (picked + 1) * MOST_BITS), i * MOST_BITS)
      }
      const batch = { x: tensor('f32', [BATCH, FEATURES], x), signs: tensor('f32', [BATCH, MOST_BITS], y) }
      const [now] = Object.values(await stepper.advance(batch, [rates(step, steps)]))
      loss = step === 0 ? now! : loss + (now! - loss) / Math.min(step + 1, 200)
    }
    const weights = await stepper.weights()
    const numbers = (['first', 'second', 'last'] as const).flatMap(name =>
      ['weight', 'bias'].map(part => weights[`demapper.${name}.${part}`]!.data),
    )
    return { bytes: new Uint8Array(Float32Array.from(numbers.flatMap(part => [...part])).buffer), loss }
  } finally {
    await stepper.close()
  }
}
