import { LatentError } from '@latent/core'
import type { Kernel } from './kernel.ts'
import { POSITIONS, type RoundNetworks } from './network.ts'
import type { Layer, Weights } from './weights.ts'

/** What the kernel takes side by side. */
const [PLACES, OUTPUTS, INPUTS, CHANNELS] = [4, 8, 2, 16]

/** Layers that see one place alone, of whole registers. */
const isPointwise = ({ networks }: Weights): boolean =>
  networks
    .flat()
    .every(
      ({ inputs, outputs, kernel: [height, width], shift }) =>
        height === 1 && width === 1 && inputs % CHANNELS === 0 && outputs % CHANNELS === 0 && shift > 0,
    )

/**
 * Networks of 1x1 convolutions on the WebAssembly kernel (`kernel/flow.ts`): integers all the way, so that every
 * machine gives the same bytes, and several times as fast as ONNX Runtime in WebAssembly. They read and write in rooms
 * of one of the kernels.
 * @throws E_UNSUPPORTED for networks that it cannot compute: windows of several places, channels that are no multiples
 *   of 16
 */
export function pointwiseNetworks(kernels: readonly Kernel[], weights: Weights): RoundNetworks {
  if (!isPointwise(weights))
    throw new LatentError('E_UNSUPPORTED', 'the kernel computes networks of 1x1 convolutions alone', {
      hint: 'open them on a backend of ONNX Runtime',
    })
  const most = Math.max(...weights.networks.flat().flatMap(({ inputs, outputs }) => [inputs, outputs]))
  const layers = weights.networks[0]!.length
  const placed = kernels.map(kernel => ({
    kernel,
    scratch: kernel.reserve(2 * PLACES * most * Int16Array.BYTES_PER_ELEMENT),
    tables: weights.networks.map(layers => writeNetwork(kernel, layers)),
  }))
  return {
    backend: 'kernel int8',
    weights,
    run(round, input, rows, output) {
      const found = placed.find(({ kernel: { memory } }) => memory.buffer === input.buffer)
      if (found === undefined || output.buffer !== input.buffer)
        throw new TypeError('networks of a kernel work in the rooms of the same kernel')
      const { kernel, scratch, tables } = found
      const places = (rows * POSITIONS) / weights.block
      kernel.run.pointwise(input.byteOffset, places, tables[round]!, layers, scratch, most, output.byteOffset)
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}

/** @returns where its table lies */
function writeNetwork(kernel: Kernel, layers: readonly Layer[]): number {
  const lines = layers.flatMap(({ inputs, outputs, shift, weights, bias }) => [
    inputs,
    outputs,
    shift,
    write(kernel, ordered(weights, inputs, outputs)),
    write(kernel, bias),
  ])
  return write(kernel, Int32Array.from(lines))
}

function write(kernel: Kernel, values: Int16Array | Int32Array): number {
  const start = kernel.reserve(values.byteLength)
  new Uint8Array(kernel.memory.buffer, start, values.byteLength).set(new Uint8Array(values.buffer))
  return start
}

/** By eight outputs, then by two inputs, then output by output. @param weights output-major */
function ordered(weights: Int8Array, inputs: number, outputs: number): Int16Array {
  const made = new Int16Array(weights.length)
  let at = 0
  for (let o = 0; o < outputs; o += OUTPUTS)
    for (let i = 0; i < inputs; i += INPUTS)
      for (let output = o; output < o + OUTPUTS; output++)
        for (let input = i; input < i + INPUTS; input++) made[at++] = weights[output * inputs + input]!
  return made
}
