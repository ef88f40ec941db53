import { blockedTarget } from './lower/blocked-target.ts'
import { NCHWC } from './lower/blocks.ts'
import { onnxConvolution } from './lower/convolution.ts'
import type { ConvolutionTarget } from './lower/convolution.ts'
import { Graph } from './lower/graph.ts'
import { encodeModel } from './onnx.ts'
import type { OnnxModel } from './onnx.ts'
import { openSession } from './runtime.ts'
import { elementCount, tensor } from './tensor.ts'
import type { Tensor } from './tensor.ts'

/** Opsets of the graphs we write. The others are listed in a model only where a node needs them. */
export const OPSETS: Readonly<Record<string, number>> = { '': 17, 'com.microsoft': 1, [NCHWC]: 1 }

let probed: Promise<ConvolutionTarget> | undefined

/**
 * What the native backend offers on this processor beyond standard ONNX: convolutions on blocked
 * channels, where ONNX Runtime has them and they compute what standard ones compute. See
 * [Note: Blocked images].
 */
export function nativeTarget(): Promise<ConvolutionTarget> {
  probed ??= probe()
  return probed
}

async function probe(): Promise<ConvolutionTarget> {
  try {
    const size = await blockSize()
    const target = size === 8 || size === 16 ? blockedTarget(size) : {}
    return (await computesTheSame(target)) ? target : {}
  } catch {
    // No native library, or one without these operators.
    return {}
  }
}

/** Channels of a block, found by where the second pixel of channel 0 lands. */
async function blockSize(): Promise<number> {
  const dims = [1, 32, 1, 2]
  const { y } = await runOnce(
    {
      nodes: [{ op: 'ReorderInput', inputs: ['x'], outputs: ['y'], domain: NCHWC }],
      inputs: [{ name: 'x', dtype: 'f32', dims }],
      outputs: [{ name: 'y', dtype: 'f32', dims }],
      opsets: OPSETS,
    },
    {
      x: tensor(
        'f32',
        dims,
        Float32Array.from({ length: 64 }, (_, i) => (i === 1 ? 1 : 0)),
      ),
    },
  )
  return y!.data.indexOf(1 as never)
}

async function computesTheSame(target: ConvolutionTarget): Promise<boolean> {
  const graph = new Graph()
  const x = graph.input('x', 'f32', [1, 16, 3, 5])
  const w = graph.input('w', 'f32', [16, 16, 3, 3])
  const plain = {
    strides: [1, 1],
    padding: [
      [1, 1],
      [1, 1],
    ] as const,
    dilations: [1, 1],
    groups: 1,
  }
  const blocked = target.convolution?.(graph, x, w, plain)
  if (!blocked) return false
  // Whole numbers: both ways must give equal sums.
  const whole = (dims: readonly number[]) =>
    tensor(
      'f32',
      dims,
      Float32Array.from({ length: elementCount(dims) }, (_, i) => ((i * 7) % 11) - 5),
    )
  const model = graph.model({ blocked, standard: onnxConvolution(graph, x, w, plain, [3, 5]) }, OPSETS)
  const results = await runOnce(model, { x: whole(x.shape), w: whole(w.shape) })
  return results['blocked']!.data.every((value, i) => value === results['standard']!.data[i])
}

async function runOnce(model: OnnxModel, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openSession(encodeModel(model), { backend: 'ort-node', threads: 1 })
  const results = await session.run(feeds)
  await session.close()
  return results
}
