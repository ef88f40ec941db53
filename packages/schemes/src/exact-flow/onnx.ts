import { discardBuffer } from '@latent/core'
import { encodeModel, type OnnxNode } from '@latent/graph/onnx'
import { type Backend, openSession, type Session } from '@latent/graph/runtime'
import { type Tensor, tensor } from '@latent/graph/tensor'
import { POSITIONS, type RoundNetworks } from './network.ts'
import { HALF_CHANNELS, inputsOf, type Kernel, type Layer, type Weights } from './weights.ts'

/**
 * `int8` is QLinearConv on bytes, channels last; `float` the same integers in float32 convolutions.
 * WebGPU has no kernel for the former.
 */
export type Arithmetic = 'int8' | 'float'

/** How ONNX Runtime computes the networks; every way gives the same bytes. */
export interface OnnxOptions {
  readonly backend?: Backend | readonly Backend[]
  readonly arithmetic?: Arithmetic
  /** Threads of one session, default 1: the pool's way, a tile a thread, makes better use of several cores. */
  readonly threads?: number
  readonly wasmFolder?: string
}

/** The round networks on ONNX Runtime: one session a round. @throws E_BACKEND */
export async function onnxNetworks(weights: Weights, options: OnnxOptions = {}): Promise<RoundNetworks> {
  const { arithmetic = 'int8', ...session } = options
  const build = arithmetic === 'int8' ? int8Model : floatModel
  const sessions: Session[] = []
  // One after the other: the WASM runtime must not be started twice at once.
  for (const layers of weights.networks)
    sessions.push(await openSession(build(layers), { threads: 1, ...session, gpuOnly: true }))
  const { block } = weights
  const places = POSITIONS / block
  return {
    backend: `${sessions[0]!.backend} ${arithmetic}`,
    weights,
    async run(round, input, rows, output) {
      const session = sessions[round]!
      const feeds = { x: tensor('u8', [1, rows, places, inputsOf(block)], input) }
      if (session.backend !== 'ort-node') return output.set((await session.run(feeds)).y!.data as Uint8Array)
      // Native runs write where they are told, and give back a copy, of which the collector would learn late.
      const into = tensor('u8', [1, rows, places, block * HALF_CHANNELS], output)
      const { buffer } = (await session.run(feeds, { y: into })).y!.data
      if (buffer !== output.buffer) discardBuffer(buffer as ArrayBuffer)
    },
    async close() {
      for (const open of sessions) await open.close()
    },
  }
}

/** What enters a round's model and what leaves it. */
function ends(layers: readonly Layer[]) {
  const { inputs } = layers[0]!
  const places = (POSITIONS * inputsOf(1)) / inputs
  return {
    inputs: [{ name: 'x', dtype: 'u8', dims: [1, 'rows', places, inputs] }],
    outputs: [{ name: 'y', dtype: 'u8', dims: [1, 'rows', places, layers.at(-1)!.outputs] }],
  } as const
}

function geometry([height, width]: Kernel) {
  const [above, beside] = [height >> 1, width >> 1]
  return { kernel_shape: [height, width], pads: [above, beside, above, beside] }
}

/** The model of one round in 8-bit integer arithmetic. */
export function int8Model(layers: readonly Layer[]): Uint8Array {
  const initializers: Record<string, Tensor> = {
    one: tensor('f32', [], Float32Array.of(1)),
    zero_u8: tensor('u8', [], Uint8Array.of(0)),
    zero_i8: tensor('i8', [], Int8Array.of(0)),
  }
  const nodes = layers.map((layer, l): OnnxNode => {
    initializers[`w${l}`] = tensor('i8', [layer.outputs, layer.inputs, ...layer.kernel], layer.weights)
    initializers[`b${l}`] = tensor('i32', [layer.outputs], layer.bias)
    initializers[`scale${l}`] = tensor('f32', [], Float32Array.of(2 ** layer.shift))
    return {
      op: 'QLinearConv',
      domain: 'com.microsoft',
      inputs: [
        l === 0 ? 'x' : `a${l - 1}`,
        'one',
        'zero_u8',
        `w${l}`,
        'one',
        'zero_i8',
        `scale${l}`,
        'zero_u8',
        `b${l}`,
      ],
      outputs: [l === layers.length - 1 ? 'y' : `a${l}`],
      attributes: { channels_last: 1, ...geometry(layer.kernel) },
    }
  })
  return encodeModel({
    nodes,
    ...ends(layers),
    initializers,
    opsets: { '': 17, 'com.microsoft': 1 },
    name: 'exact-flow-round-int8',
  })
}

/**
 * The model of one round in float32: exact all the same, because every number is an integer below
 * 2^24 times a power of two, and no operation has to round.
 *
 * [Note: Rounding without a rounding operator] ONNX Runtime has no WebGPU kernel for `Round`, and
 * would fetch every activation to the processor for it; WGSL leaves the direction of float rounding
 * open, so adding and subtracting 2^23 is no substitute. With u = x - 1/2, x to the nearest integer,
 * ties to even, is floor(u) + ceil(u / 2) - floor(u / 2).
 */
export function floatModel(layers: readonly Layer[]): Uint8Array {
  const initializers: Record<string, Tensor> = {
    low: tensor('f32', [], Float32Array.of(0)),
    high: tensor('f32', [], Float32Array.of(255)),
    half: tensor('f32', [], Float32Array.of(0.5)),
  }
  const nodes: OnnxNode[] = [
    { op: 'Cast', inputs: ['x'], outputs: ['xf'], attributes: { to: 1 } },
    { op: 'Transpose', inputs: ['xf'], outputs: ['a0'], attributes: { perm: [0, 3, 1, 2] } },
  ]
  for (const [l, layer] of layers.entries()) {
    const scale = 2 ** -layer.shift
    initializers[`w${l}`] = tensor(
      'f32',
      [layer.outputs, layer.inputs, ...layer.kernel],
      Float32Array.from(layer.weights, w => w * scale),
    )
    initializers[`b${l}`] = tensor(
      'f32',
      [layer.outputs],
      Float32Array.from(layer.bias, b => b * scale),
    )
    nodes.push(
      { op: 'Conv', inputs: [`a${l}`, `w${l}`, `b${l}`], outputs: [`sum${l}`], attributes: geometry(layer.kernel) },
      { op: 'Clip', inputs: [`sum${l}`, 'low', 'high'], outputs: [`x${l}`] },
      { op: 'Sub', inputs: [`x${l}`, 'half'], outputs: [`u${l}`] },
      { op: 'Mul', inputs: [`u${l}`, 'half'], outputs: [`half${l}`] },
      { op: 'Floor', inputs: [`u${l}`], outputs: [`floor${l}`] },
      { op: 'Ceil', inputs: [`half${l}`], outputs: [`above${l}`] },
      { op: 'Floor', inputs: [`half${l}`], outputs: [`below${l}`] },
      { op: 'Sub', inputs: [`above${l}`, `below${l}`], outputs: [`odd${l}`] },
      { op: 'Add', inputs: [`floor${l}`, `odd${l}`], outputs: [`a${l + 1}`] },
    )
  }
  nodes.push(
    { op: 'Transpose', inputs: [`a${layers.length}`], outputs: ['yf'], attributes: { perm: [0, 2, 3, 1] } },
    { op: 'Cast', inputs: ['yf'], outputs: ['y'], attributes: { to: 2 } },
  )
  return encodeModel({ nodes, ...ends(layers), initializers, name: 'exact-flow-round-float' })
}
