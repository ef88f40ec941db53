import { LatentError } from '@latent/core'
import type { Kernel } from './kernel.ts'
import { POSITIONS, type RoundNetworks } from './network.ts'
import { type Layer, MAX_WEIGHT, type Weights } from './weights.ts'

/** What the kernels take side by side. */
const [PLACES, OUTPUTS, CHANNELS] = [4, 8, 16]
/** The relaxed kernel's weights lie this much higher, so that none is negative; its activations this much lower. */
const [WEIGHT_OFFSET, ACTIVATION_OFFSET] = [MAX_WEIGHT + 1, 128]

/** Layers that see one place alone, of whole registers. */
const isPointwise = ({ networks }: Weights): boolean =>
  networks
    .flat()
    .every(
      ({ inputs, outputs, kernel: [height, width], shift }) =>
        height === 1 && width === 1 && inputs % CHANNELS === 0 && outputs % CHANNELS === 0 && shift > 0,
    )

/**
 * Networks of 1x1 convolutions on a WebAssembly kernel (`kernel/flow.ts`, `relaxed.ts`): integers all the way, so that
 * every machine gives the same bytes, and several times as fast as ONNX Runtime in WebAssembly. They read and write in
 * rooms of one of the kernels.
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
  const lines = layers.flatMap(layer => {
    const { weights, bias } = kernel.relaxed ? fourAtOnce(layer) : twoAtOnce(layer)
    return [layer.inputs, layer.outputs, layer.shift, write(kernel, weights), write(kernel, bias)]
  })
  return write(kernel, Int32Array.from(lines))
}

function write(kernel: Kernel, values: Int8Array | Int16Array | Int32Array): number {
  const start = kernel.reserve(values.byteLength)
  new Uint8Array(kernel.memory.buffer, start, values.byteLength).set(new Uint8Array(values.buffer))
  return start
}

/** As `kernel/flow.ts` multiplies: two numbers of 16 bits at once. */
const twoAtOnce = (layer: Layer) => ({
  weights: ordered(layer, new Int16Array(layer.weights.length), { atOnce: 2 }),
  bias: layer.bias,
})

/** As `kernel/relaxed.ts` multiplies: four bytes at once, of which it says how its sums become these. */
const fourAtOnce = (layer: Layer) => ({
  weights: ordered(layer, new Int8Array(layer.weights.length), { atOnce: 4, offset: WEIGHT_OFFSET }),
  bias: layer.bias.map((value, output) => {
    const weights = layer.weights.subarray(output * layer.inputs, (output + 1) * layer.inputs)
    return value + ACTIVATION_OFFSET * weights.reduce((a, b) => a + b, 0)
  }),
})

/** Weights, plus an offset, by eight outputs, then by so many inputs, then output by output. */
function ordered<Numbers extends Int8Array | Int16Array>(
  { weights, inputs, outputs }: Layer,
  made: Numbers,
  { atOnce, offset = 0 }: { atOnce: number; offset?: number },
): Numbers {
  let at = 0
  for (let o = 0; o < outputs; o += OUTPUTS)
    for (let i = 0; i < inputs; i += atOnce)
      for (let output = o; output < o + OUTPUTS; output++)
        for (let input = i; input < i + atOnce; input++) made[at++] = weights[output * inputs + input]! + offset
  return made
}
