import { adam, compile, cosineRate, type Expr, layers, openStepper, ops, shape, tensor } from '@latent/graph'
import { LEVELS } from '../../packages/robust/src/channel/constellation.ts'
import type { Blocks } from '../../packages/robust/src/channel/geometry.ts'
import type { Line } from '../../packages/robust/src/channel/line.ts'
import { carriedBy, type Mode } from '../../packages/robust/src/channel/modes.ts'
import { pilotIndex, pilotOf } from '../../packages/robust/src/channel/pilots.ts'
import type { Received } from '../../packages/robust/src/channel/received.ts'
import { LLR_SCALE } from '../../packages/robust/src/ldpc/decode.ts'

/**
 * A demapper that was learned: a small network that corrects the likelihoods of the one made by hand, for each
 * coefficient, by what that does not look at: how well other coefficients of the block and of its neighbours are met,
 * what arrived where nothing was sent, and by how much the block's pilot is off.
 */

/** Numbers that the network sees of a coefficient. */
export const FEATURES = 22
/** Bits of a coefficient at most. */
const BITS = 4

/** What the network sees of all coefficients of a picture but pilots, in the order of slots. */
export interface Seen {
  readonly inputs: Float32Array
  readonly widths: Uint8Array
  /** The first slot of each. */
  readonly slots: Uint32Array
}

const cut = (value: number, most: number) => Math.max(-most, Math.min(most, value))

/** @param hand likelihoods of the demapper made by hand */
export function seenOf(received: Received, blocks: Blocks, mode: Mode, lines: readonly Line[], hand: Int8Array): Seen {
  const { places, bits } = carriedBy(mode)
  const { coefficients, steps, stride } = received
  const count = blocks.wide * blocks.high
  const levels = bits.length
  const spread = lines.map(({ noise }, i) => Math.sqrt(noise ** 2 + steps[places[i]!]! ** 2 / 12))
  const misses = new Float32Array(count * levels)
  const [mean, beside, off, zeros] = Array.from({ length: 4 }, () => new Float32Array(count)) as Float32Array[]
  for (let block = 0; block < count; block++) {
    const [x, y] = [block % blocks.wide, Math.floor(block / blocks.wide)]
    const from = 64 * (y * stride + x)
    let [sum, none] = [0, 0]
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!
      const value = coefficients[from + place]! * steps[place]!
      if (value === 0) none++
      const scale = mode.amplitude * lines[i]!.gain
      let least = Number.POSITIVE_INFINITY
      for (const level of LEVELS[bits[i]!]!) least = Math.min(least, Math.abs(value - level * scale))
      sum += misses[block * levels + i] = Math.min(9, (least / spread[i]!) ** 2)
    }
    mean![block] = sum / places.length
    zeros![block] = none / places.length
    let energy = 0
    for (let place = 0; place < 64; place++)
      if (!places.includes(place)) energy += (coefficients[from + place]! * steps[place]!) ** 2
    beside![block] = Math.sqrt(energy / 64) / mode.amplitude
    const pilot = pilotOf(x, y, mode)
    const i = pilotIndex(x, y, places.length)
    off![block] = (coefficients[from + pilot.place]! * steps[pilot.place]! - lines[i]!.gain * pilot.value) / spread[i]!
  }
  const widths: number[] = []
  const slots: number[] = []
  const inputs = new Float32Array(count * (places.length - 1) * FEATURES)
  let [slot, at] = [0, 0]
  for (let block = 0; block < count; block++) {
    const [x, y] = [block % blocks.wide, Math.floor(block / blocks.wide)]
    const from = 64 * (y * stride + x)
    const pilot = pilotIndex(x, y, places.length)
    const near = [
      ...(x > 0 ? [block - 1] : []),
      ...(x < blocks.wide - 1 ? [block + 1] : []),
      ...(y > 0 ? [block - blocks.wide] : []),
      ...(y < blocks.high - 1 ? [block + blocks.wide] : []),
    ]
    const around = near.reduce((sum, other) => sum + mean![other]!, 0) / near.length
    const direct = coefficients[from]! * steps[0]!
    for (let i = 0; i < places.length; i++) {
      if (i === pilot) continue
      const [place, width, line] = [places[i]!, bits[i]!, lines[i]!]
      const scale = mode.amplitude * Math.max(0.05, line.gain)
      const value = (coefficients[from + place]! * steps[place]!) / scale
      const others = (mean![block]! * places.length - misses[block * levels + i]!) / (places.length - 1)
      const told = [0, 1, 2, 3].map(bit => (bit < width ? hand[slot + bit]! / LLR_SCALE / 4 : 0))
      inputs.set(
        [
          ...told,
          ...[2, 3, 4].map(bits => (bits === width ? 1 : 0)),
          cut(value, 4),
          cut(Math.abs(value), 4),
          Math.log(line.noise / scale) + 2,
          Math.log(steps[place]! / scale) + 2,
          4 * line.reluctance,
          (place & 7) / 7,
          (place >> 3) / 7,
          others - 0.6,
          around - 0.6,
          misses[block * levels + i]! - 0.6,
          4 * beside![block]!,
          cut(off![block]!, 4),
          cut(Math.abs(off![block]!), 4),
          2 * zeros![block]! - 0.5,
          cut(Math.abs(direct) / scale, 3),
        ],
        at,
      )
      at += FEATURES
      widths.push(width)
      slots.push(slot)
      slot += width
    }
  }
  return { inputs, widths: Uint8Array.from(widths), slots: Uint32Array.from(slots) }
}

const NETWORK = {
  first: layers.denseParameters(FEATURES, 48),
  second: layers.denseParameters(48, 32),
  last: layers.denseParameters(32, 2 * BITS),
}
type Network<L> = { readonly [K in keyof typeof NETWORK]: layers.Affine<L> }

/** Corrected likelihoods: those made by hand, times something near 1, plus something near 0. */
function corrected(p: Network<Expr>, x: Expr): Expr {
  const hidden = ops.leakyRelu(layers.dense(p.second, ops.leakyRelu(layers.dense(p.first, x))))
  const out = ops.mul(0.1, layers.dense(p.last, hidden))
  const hand = ops.mul(4, ops.slice(x, 1, 0, BITS))
  return ops.add(ops.mul(hand, ops.add(1, ops.slice(out, 1, 0, BITS))), ops.mul(10, ops.slice(out, 1, BITS, 2 * BITS)))
}

/** Samples to learn from: what is seen, and for every bit 1 where it is 0, -1 where it is 1, 0 where there is none. */
export interface Samples {
  readonly inputs: Float32Array
  readonly signs: Float32Array
}

const BATCH = 4096

/** A demapper, trained on these samples. @returns corrects likelihoods, four a coefficient */
export async function learnDemapper({ inputs, signs }: Samples, steps: number, seed: number) {
  const count = inputs.length / FEATURES
  const stepper = await openStepper(
    {
      networks: { demapper: NETWORK },
      batch: { x: shape([BATCH, FEATURES]), signs: shape([BATCH, BITS]) },
      phases: [
        {
          name: 'bits',
          trains: ['demapper'] as const,
          optimiser: adam(),
          loss: ({ networks, batch }) => {
            const told = corrected(networks.demapper, batch['x']!)
            const mask = ops.abs(batch['signs']!)
            const wrong = ops.mul(mask, ops.softplus(ops.neg(ops.mul(batch['signs']!, told))))
            return { loss: ops.div(ops.sum(wrong), ops.sum(mask)) }
          },
        },
      ],
    },
    seed,
    { threads: 1 },
  )
  let state = seed
  const draw = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  const rates = cosineRate(3e-3)
  let last = 0
  for (let step = 0; step < steps; step++) {
    const [x, y] = [new Float32Array(BATCH * FEATURES), new Float32Array(BATCH * BITS)]
    for (let i = 0; i < BATCH; i++) {
      const picked = Math.floor(draw() * count)
      x.set(inputs.subarray(picked * FEATURES, (picked + 1) * FEATURES), i * FEATURES)
      y.set(signs.subarray(picked * BITS, (picked + 1) * BITS), i * BITS)
    }
    const batch = { x: tensor('f32', [BATCH, FEATURES], x), signs: tensor('f32', [BATCH, BITS], y) }
    last = Object.values(await stepper.advance(batch, [rates(step, steps)]))[0]!
  }
  const weights = await stepper.weights()
  await stepper.close()
  const of = (name: keyof typeof NETWORK) => ({
    weight: weights[`demapper.${name}.weight`]!,
    bias: weights[`demapper.${name}.bias`]!,
  })
  const compiled = await compile(
    ({ p, x }) => corrected(p, x),
    { p: { first: of('first'), second: of('second'), last: of('last') }, x: shape([BATCH, FEATURES]) },
    { threads: 1 },
  )
  const correct = async (seen: Float32Array): Promise<Float32Array> => {
    const total = seen.length / FEATURES
    const out = new Float32Array(total * BITS)
    for (let first = 0; first < total; first += BATCH) {
      const some = Math.min(BATCH, total - first)
      const x = new Float32Array(BATCH * FEATURES)
      x.set(seen.subarray(first * FEATURES, (first + some) * FEATURES))
      const { output } = await compiled.run({ x: tensor('f32', [BATCH, FEATURES], x) })
      out.set((output!.data as Float32Array).subarray(0, some * BITS), first * BITS)
    }
    return out
  }
  return { correct, loss: last, close: () => compiled.close() }
}
