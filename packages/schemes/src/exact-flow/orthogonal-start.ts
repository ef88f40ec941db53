import { stepStream, tensor, type Tensor } from '@latent/graph'
import type { FlowNetworks } from './straight-through.ts'
import { HALF_CHANNELS, inputsOf, MAX_WEIGHT, type NetworkShape } from './weights.ts'

/*
 * Where networks over several positions start, [Note: Independent, flat outputs]. Two sums of the same inputs are
 * uncorrelated if their weights are orthogonal, so the rows of the hidden layers are rows of a Hadamard matrix, columns
 * and signs at random, and as large as weights can be: most units then stand at 0 or 255. The last layer reads such
 * units as the digits of a number, the largest weight being half of a byte's range and each following one half of
 * the one before: flat, if the units are fair and independent. Outputs that share their largest unit would depend on
 * each other, so none do. In the first layer the half's weights are smaller than the map's: the half has three times
 * as many bytes, and what it says may be little. In the first round it is the picture as it is; and where one byte of
 * the picture changed, the next half is nearly the same under another map, and what comes out is to be another.
 */
const DIGITS = [63, 32, 16, 8]
/** Largest of the other weights of a last layer. */
const REST = 1
/** Largest weight of the half in the first layer: of the first round, whose half is the picture, and of the others. */
const HALF = { picture: 16, cipher: 24 }

/** What a run with this seed starts from; shapes with windows of 1 x 1. */
export async function orthogonalStart(
  seed: number,
  rounds: number,
  { block, layers }: NetworkShape,
): Promise<FlowNetworks<Tensor<'f32'>>> {
  const stream = await stepStream(seed, 0, 'start')
  const flow: FlowNetworks<Tensor<'f32'>> = {}
  for (let round = 0; round < rounds; round++) {
    const network: FlowNetworks<Tensor<'f32'>>[string] = {}
    for (const [l, { outputs }] of layers.entries()) {
      const inputs = layers[l - 1]?.outputs ?? inputsOf(block)
      const rows = l < layers.length - 1 ? await hadamard(outputs, inputs) : await digits(outputs, inputs)
      const half = round === 0 ? HALF.picture : HALF.cipher
      if (l === 0) for (const row of rows) for (let i = 0; i < block * HALF_CHANNELS; i++) row[i]! *= half / MAX_WEIGHT
      network[`conv${l}`] = {
        weight: tensor('f32', [outputs, inputs, 1, 1], Float32Array.from(rows.flat())),
        bias: tensor('f32', [outputs], new Float32Array(outputs)),
      }
    }
    flow[`round${round}`] = network
  }
  return flow

  async function hadamard(outputs: number, inputs: number): Promise<number[][]> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(outputs, inputs)))
    const [rows, columns] = [await stream.permutation(size), await stream.permutation(size)]
    const signs = await stream.uniforms(inputs)
    return Array.from({ length: outputs }, (_, o) =>
      Array.from(
        { length: inputs },
        (_, i) => MAX_WEIGHT * parity(rows[o]! & columns[i]!) * (signs[i]! < 0.5 ? -1 : 1),
      ),
    )
  }

  async function digits(outputs: number, inputs: number): Promise<number[][]> {
    const largest = await stream.permutation(inputs)
    const rows: number[][] = []
    for (let o = 0; o < outputs; o++) {
      const row = Array.from(await stream.uniforms(inputs), u => (2 * u - 1) * REST)
      const own = largest[o % inputs]!
      const others = [...(await stream.permutation(inputs))].filter(unit => unit !== own)
      const signs = await stream.uniforms(DIGITS.length)
      for (const [d, digit] of DIGITS.entries()) row[d === 0 ? own : others[d]!] = signs[d]! < 0.5 ? -digit : digit
      rows.push(row)
    }
    return rows
  }
}

/** 1 for an even number of bits, else -1. */
function parity(bits: number): 1 | -1 {
  let odd = 0
  for (let rest = bits; rest > 0; rest >>= 1) odd ^= rest & 1
  return odd ? -1 : 1
}
