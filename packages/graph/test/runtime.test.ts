import { Worker } from 'node:worker_threads'
import { LatentError } from '@latent/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeModel } from '../src/onnx.ts'
import type { OnnxModel } from '../src/onnx.ts'
import { openSession } from '../src/runtime.ts'
import type { Backend } from '../src/runtime.ts'
import { tensor, zeros } from '../src/tensor.ts'

const affine: OnnxModel = {
  nodes: [
    { op: 'Mul', inputs: ['x', 'scale'], outputs: ['scaled'] },
    { op: 'LeakyRelu', inputs: ['scaled'], outputs: ['y'], attributes: { alpha: { float: 0.25 } } },
  ],
  initializers: { scale: tensor('f32', [], Float32Array.of(-2)) },
  inputs: [{ name: 'x', dtype: 'f32', dims: ['n', 3] }],
  outputs: [{ name: 'y', dtype: 'f32', dims: ['n', 3] }],
}

/** One int8 convolution, channels last, as the exact cipher uses it. */
const quantised: OnnxModel = {
  opsets: { '': 17, 'com.microsoft': 1 },
  nodes: [
    {
      op: 'QLinearConv',
      domain: 'com.microsoft',
      inputs: ['x', 'one', 'zero', 'w', 'one', 'zero_s8', 'scale', 'zero'],
      outputs: ['y'],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], channels_last: 1 },
    },
  ],
  initializers: {
    one: tensor('f32', [], Float32Array.of(1)),
    scale: tensor('f32', [], Float32Array.of(64)),
    zero: tensor('u8', [], Uint8Array.of(0)),
    zero_s8: tensor('i8', [], Int8Array.of(0)),
    w: tensor(
      'i8',
      [4, 2, 3, 3],
      Int8Array.from({ length: 72 }, (_, i) => ((i * 37) % 127) - 63),
    ),
  },
  inputs: [{ name: 'x', dtype: 'u8', dims: [1, 5, 6, 2] }],
  outputs: [{ name: 'y', dtype: 'u8', dims: [1, 5, 6, 4] }],
}

/** The same convolution as a loop: sums, one shift with rounding to nearest even, a clip. */
function quantisedReference(x: Uint8Array): Uint8Array {
  const w = quantised.initializers!['w']!.data as Int8Array
  const out = new Uint8Array(5 * 6 * 4)
  for (let row = 0; row < 5; row++)
    for (let column = 0; column < 6; column++)
      for (let o = 0; o < 4; o++) {
        let sum = 0
        for (let c = 0; c < 2; c++)
          for (let dy = 0; dy < 3; dy++)
            for (let dx = 0; dx < 3; dx++) {
              const [y, x0] = [row + dy - 1, column + dx - 1]
              if (y < 0 || y >= 5 || x0 < 0 || x0 >= 6) continue
              sum += x[(y * 6 + x0) * 2 + c]! * w[((o * 2 + c) * 3 + dy) * 3 + dx]!
            }
        const floor = Math.floor(sum / 64)
        const rest = sum - floor * 64
        const rounded = rest > 32 || (rest === 32 && floor % 2 !== 0) ? floor + 1 : floor
        out[(row * 6 + column) * 4 + o] = Math.min(255, Math.max(0, rounded))
      }
  return out
}

const bytes = fc.uint8Array({ minLength: 60, maxLength: 60 })

describe.each<Backend>(['ort-node', 'ort-wasm'])('%s', backend => {
  test('runs a float model whose batch is known only at run time', async () => {
    const session = await openSession(encodeModel(affine), { backend, threads: 1 })
    expect(session.backend).toBe(backend)
    expect(session.inputs).toEqual(['x'])
    for (const n of [1, 4]) {
      const x = Float32Array.from({ length: 3 * n }, (_, i) => i - 4)
      const { y } = await session.run({ x: tensor('f32', [n, 3], x) })
      expect(y!.dims).toEqual([n, 3])
      expect([...y!.data]).toEqual(Array.from(x, v => (v > 0 ? -0.5 * v : -2 * v)))
    }
    await session.close()
  })

  test('an integer model gives the bytes of a plain loop', async () => {
    const session = await openSession(encodeModel(quantised), { backend, threads: 1 })
    await fc.assert(
      fc.asyncProperty(bytes, async data => {
        const { y } = await session.run({ x: tensor('u8', [1, 5, 6, 2], Uint8Array.from(data)) })
        expect(y!.data).toEqual(quantisedReference(data))
      }),
      { numRuns: 30 },
    )
    await session.close()
  })

  test('refuses feeds that do not fit', async () => {
    const session = await openSession(encodeModel(affine), { backend, threads: 1 })
    await expect(session.run({ x: zeros('f32', [1, 4]) })).rejects.toMatchObject({ code: 'E_GRAPH' })
    await expect(session.run({ wrong: zeros('f32', [1, 3]) })).rejects.toMatchObject({ code: 'E_GRAPH' })
    await session.close()
  })
})

test('native outputs land in the tensors handed in', async () => {
  const session = await openSession(encodeModel(affine), { backend: 'ort-node', threads: 1 })
  const y = zeros('f32', [1, 3])
  await session.run({ x: tensor('f32', [1, 3], Float32Array.of(1, -1, 2)) }, { y })
  expect([...y.data]).toEqual([-0.5, 2, -1])
  await session.close()
})

test('the chain falls through to a backend that works, and reports all that do not', async () => {
  // Node has no WebGPU adapter on build machines; where one exists the first link serves.
  const session = await openSession(encodeModel(affine), { backend: ['ort-webgpu', 'ort-wasm'], threads: 1 })
  expect(['ort-webgpu', 'ort-wasm']).toContain(session.backend)
  await session.close()
  const nonsense = openSession(Uint8Array.of(1, 2, 3), { backend: ['ort-node', 'ort-wasm'], threads: 1 })
  const error: unknown = await nonsense.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LatentError)
  expect((error as LatentError).code).toBe('E_BACKEND')
  expect((error as LatentError).hint).toMatch(/ort-node: .+; ort-wasm: .+/)
})

test('sessions open inside a worker thread', async () => {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { openSession } = await import(workerData.runtime)
    const results = []
    for (const backend of ['ort-node', 'ort-wasm']) {
      const session = await openSession(workerData.model, { backend, threads: 1 })
      const { y } = await session.run({ x: { dtype: 'f32', dims: [1, 3], data: Float32Array.of(1, -1, 2) } })
      results.push([...y.data])
      await session.close()
    }
    parentPort.postMessage(results)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { runtime: new URL('../src/runtime.ts', import.meta.url).href, model: encodeModel(affine) },
    execArgv: [],
  })
  const results = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  await worker.terminate()
  expect(results).toEqual([
    [-0.5, 2, -1],
    [-0.5, 2, -1],
  ])
})
