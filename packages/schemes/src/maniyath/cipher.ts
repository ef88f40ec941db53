import {
  chaoticOrder,
  chaoticSeeds,
  chaoticStart,
  logisticMap,
  orbit,
  scrambled,
  trailingBytes,
  unscrambled,
} from '../chaos/index.ts'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'

/**
 * A deep network between a chaotic map and the key stream. The paper is not open to us but for its title and what
 * others say of it: what is built is ours. Sums, products and quotients alone: the same bytes on every machine.
 */
export const maniyath: ByteTransform = {
  async encrypt(bytes, { key }) {
    const { order, stream } = await drawn(key, bytes.length)
    return xorInto(scrambled(bytes, order), stream)
  },
  async decrypt(bytes, { key }) {
    const { order, stream } = await drawn(key, bytes.length)
    return unscrambled(xorInto(bytes, stream), order)
  },
}

const LAYERS = [16, 32, 32, 16]
const [GROUP] = LAYERS as [number]
const WEIGHTS = LAYERS.slice(1).reduce((sum, outputs, i) => sum + outputs * LAYERS[i]!, 0)

async function drawn(key: Uint8Array, length: number) {
  const [a, b, c, d] = await chaoticSeeds(key, 'maniyath-2020', 4)
  const groups = Math.ceil(length / GROUP)
  const states = orbit(logisticMap, ...chaoticStart(logisticMap, a!, b!), length + groups * GROUP)
  const weights = orbit(logisticMap, ...chaoticStart(logisticMap, c!, d!), WEIGHTS).map(x => 2 * x - 1)
  const made = new Float64Array(groups * GROUP)
  for (let g = 0; g < groups; g++) {
    const from = length + g * GROUP
    made.set(network(states.subarray(from, from + GROUP), weights), g * GROUP)
  }
  return { order: chaoticOrder(states.subarray(0, length)), stream: trailingBytes(made.subarray(0, length)) }
}

function network(input: Float64Array, weights: Float64Array): Float64Array {
  let [values, at] = [input, 0]
  for (const outputs of LAYERS.slice(1)) {
    const next = new Float64Array(outputs)
    for (let o = 0; o < outputs; o++) {
      let sum = 0
      for (let i = 0; i < values.length; i++) sum += weights[at++]! * values[i]!
      next[o] = sum / (1 + Math.abs(sum))
    }
    values = next
  }
  return values
}
