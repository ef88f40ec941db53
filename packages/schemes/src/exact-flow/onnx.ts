import { encodeModel, type OnnxNode } from '@latent/graph/onnx'
import { type Backend, openSession, type Session } from '@latent/graph/runtime'
import { type Tensor, tensor } from '@latent/graph/tensor'
import { CHANNELS, type Layer, type Weights } from './weights.ts'
import { HALF_CHANNELS, POSITIONS, ROW_BYTES, type RoundNetworks } from './network.ts'

/** `int8` is QLinearConv on bytes, channels last; `float` the same integers in float32 convolutions. */
export type Arithmetic = 'int8' | 'float'

export interface OnnxOptions {
  readonly backend?: Backend | readonly Backend[]
  readonly arithmetic?: Arithmetic
  readonly threads?: number
  readonly wasmFolder?: string
}

/** The round networks on ONNX Runtime: one session a round. @throws E_BACKEND */
export async function onnxNetworks(weights: Weights, options: OnnxOptions = {}): Promise<RoundNetworks> {
  const { arithmetic = 'int8', ...session } = options
  const build = arithmetic === 'int8' ? int8Model : floatModel
  const sessions: Session[] = []
  // One after the other: the WASM runtime must not be started twice at once.
  for (const layers of weights.networks) sessions.push(await openSession(build(layers), session))
  // Native runs write into one buffer, used again: a fresh one for each would double the memory held.
  let result = new Uint8Array(0)
  return {
    backend: `${sessions[0]!.backend} ${arithmetic}`,
    weights,
    async run(round, input, rows) {
      const session = sessions[round]!
      const feeds = { x: tensor('u8', [1, rows, POSITIONS, CHANNELS[0]], input) }
      if (session.backend !== 'ort-node') return (await session.run(feeds)).y!.data as Uint8Array
      if (result.length !== rows * ROW_BYTES) result = new Uint8Array(rows * ROW_BYTES)
      await session.run(feeds, { y: tensor('u8', [1, rows, POSITIONS, HALF_CHANNELS], result) })
      return result
    },
    async close() {
      for (const open of sessions) await open.close()
    },
  }
}

const INPUT = { name: 'x', dtype: 'u8', dims: [1, 'rows', POSITIONS, CHANNELS[0]] } as const
const OUTPUT = { name: 'y', dtype: 'u8', dims: [1, 'rows', POSITIONS, HALF_CHANNELS] } as const
const GEOMETRY = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }

/** The model of one round in 8-bit integer arithmetic. */
export function int8Model(layers: readonly Layer[]): Uint8Array {
  const initializers: Record<string, Tensor> = {
    one: tensor('f32', [], Float32Array.of(1)),
    zero_u8: tensor('u8', [], Uint8Array.of(0)),
    zero_i8: tensor('i8', [], Int8Array.of(0)),
  }
  const nodes = layers.map((layer, l): OnnxNode => {
    initializers[`w${l}`] = tensor('i8', [layer.outputs, layer.inputs, 3, 3], layer.weights)
    initializers[`b${l}`] = tensor('i32', [layer.outputs], layer.bias)
    initializers[`scale${l}`] = tensor('f32', [], Float32Array.of(2 ** layer.shift))
    return {
      op: 'QLinearConv',
      domain: 'com.microsoft',
      inputs: [l === 0 ? 'x' : `a${l - 1}`, 'one', 'zero_u8', `w${l}`, 'one', 'zero_i8', `scale${l}`, 'zero_u8', `b${l}`],
      outputs: [l === layers.length - 1 ? 'y' : `a${l}`],
      attributes: { channels_last: 1, ...GEOMETRY },
    }
  })
  return encodeModel({ nodes, inputs: [INPUT], outputs: [OUTPUT], initializers, opsets: { '': 17, 'com.microsoft': 1 }, name: 'exact-flow-round-int8' })
}

/** The model of one round in float32: exact all the same, because every number is an integer below 2^24. */
export function floatModel(layers: readonly Layer[]): Uint8Array {
  const initializers: Record<string, Tensor> = {
    low: tensor('f32', [], Float32Array.of(0)),
    high: tensor('f32', [], Float32Array.of(255)),
  }
  const nodes: OnnxNode[] = [
    { op: 'Cast', inputs: ['x'], outputs: ['xf'], attributes: { to: 1 } },
    { op: 'Transpose', inputs: ['xf'], outputs: ['a0'], attributes: { perm: [0, 3, 1, 2] } },
  ]
  for (const [l, layer] of layers.entries()) {
    initializers[`w${l}`] = tensor('f32', [layer.outputs, layer.inputs, 3, 3], Float32Array.from(layer.weights))
    initializers[`b${l}`] = tensor('f32', [layer.outputs], Float32Array.from(layer.bias))
    initializers[`scale${l}`] = tensor('f32', [], Float32Array.of(2 ** -layer.shift))
    nodes.push(
      { op: 'Conv', inputs: [`a${l}`, `w${l}`, `b${l}`], outputs: [`sum${l}`], attributes: GEOMETRY },
      { op: 'Mul', inputs: [`sum${l}`, `scale${l}`], outputs: [`scaled${l}`] },
      { op: 'Round', inputs: [`scaled${l}`], outputs: [`rounded${l}`] },
      { op: 'Clip', inputs: [`rounded${l}`, 'low', 'high'], outputs: [`a${l + 1}`] },
    )
  }
  nodes.push(
    { op: 'Transpose', inputs: [`a${layers.length}`], outputs: ['yf'], attributes: { perm: [0, 2, 3, 1] } },
    { op: 'Cast', inputs: ['yf'], outputs: ['y'], attributes: { to: 2 } },
  )
  return encodeModel({ nodes, inputs: [INPUT], outputs: [OUTPUT], initializers, name: 'exact-flow-round-float' })
}
