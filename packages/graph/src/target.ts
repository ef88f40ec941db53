import { blockedTarget } from './lower/blocked-target.ts'
import { NCHWC } from './lower/blocks.ts'
import type { ConvolutionTarget } from './lower/convolution.ts'
import { encodeModel } from './onnx.ts'
import { openSession } from './runtime.ts'
import { tensor } from './tensor.ts'

let probed: Promise<ConvolutionTarget> | undefined

/**
 * What the native backend offers on this processor beyond standard ONNX: convolutions on blocked
 * channels, where ONNX Runtime has them. See [Note: Blocked images].
 */
export function nativeTarget(): Promise<ConvolutionTarget> {
  probed ??= blockSize().then(size => (size === 8 || size === 16 ? blockedTarget(size) : {}))
  return probed
}

/** Channels of a block, found by where the second pixel of channel 0 lands; 1 where nothing moves or nothing runs. */
async function blockSize(): Promise<number> {
  const dims = [1, 32, 1, 2]
  const model = encodeModel({
    nodes: [{ op: 'ReorderInput', inputs: ['x'], outputs: ['y'], domain: NCHWC }],
    inputs: [{ name: 'x', dtype: 'f32', dims }],
    outputs: [{ name: 'y', dtype: 'f32', dims }],
    opsets: { '': 17, [NCHWC]: 1 },
  })
  try {
    const session = await openSession(model, { backend: 'ort-node', threads: 1 })
    const { y } = await session.run({ x: tensor('f32', dims, Float32Array.from({ length: 64 }, (_, i) => (i === 1 ? 1 : 0))) })
    await session.close()
    return y!.data.indexOf(1 as never)
  } catch {
    return 1
  }
}
