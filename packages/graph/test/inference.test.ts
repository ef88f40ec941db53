import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromium, openPage } from '../../../test/browser/page.ts'
import type { BrowserPage } from '../../../test/browser/page.ts'
import { build, compile, shape } from '../src/compile.ts'
import * as layer from '../src/layers.ts'
import { encodeModel } from '../src/onnx.ts'
import * as op from '../src/ops.ts'
import { initialise } from '../src/parameters.ts'
import { tensor } from '../src/tensor.ts'
import type { Tensor } from '../src/tensor.ts'
import * as script from './fixtures/inference-page.ts'

// One of everything a generator has: strided and transposed convolutions, norms, reflection, attention, tanh.
const spec = {
  first: layer.conv2dParameters(3, 16, 3),
  down: layer.conv2dParameters(16, 24, 3),
  block: layer.residualBlockParameters(24),
  attention: layer.attentionParameters(24),
  up: layer.convTranspose2dParameters(24, 16),
  last: layer.conv2dParameters(16, 3, 3),
}
const image = shape([1, 3, 24, 20])
const network = async () => {
  const p = await initialise(spec, 11)
  return build(
    ({ p, x }) => {
      let y = op.leakyRelu(layer.instanceNorm(layer.conv2d(p.first, layer.reflectionPad(x, 1), { padding: 0 })), 0.2)
      y = layer.residualBlock(p.block, op.relu(layer.conv2d(p.down, y, { stride: 2, padding: 1 })))
      const [n, c, h, w] = y.shape as [number, number, number, number]
      const tokens = op.transpose(op.reshape(y, [n, c, h * w]), [0, 2, 1])
      y = op.reshape(op.transpose(op.add(tokens, layer.attention(p.attention, tokens, 4)), [0, 2, 1]), [n, c, h, w])
      return {
        image: op.tanh(layer.conv2d(p.last, op.relu(layer.convTranspose2d(p.up, y)))),
        score: op.softmax(layer.globalAvgPool(y)),
      }
    },
    { p, x: image },
  )
}

// A convolution of whole numbers as the exact cipher has it: float sums below 2^24 are exact in any order.
const integers = () =>
  encodeModel({
    opsets: { '': 17, 'com.microsoft': 1 },
    nodes: [
      {
        op: 'QLinearConv',
        domain: 'com.microsoft',
        inputs: ['x', 'one', 'zero', 'w', 'one', 'zero_i8', 'scale', 'zero'],
        outputs: ['y'],
        attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], channels_last: 1 },
      },
    ],
    initializers: {
      one: tensor('f32', [], Float32Array.of(1)),
      scale: tensor('f32', [], Float32Array.of(128)),
      zero: tensor('u8', [], Uint8Array.of(0)),
      zero_i8: tensor('i8', [], Int8Array.of(0)),
      w: tensor(
        'i8',
        [16, 16, 3, 3],
        Int8Array.from({ length: 2304 }, (_, i) => ((i * 37) % 127) - 63),
      ),
    },
    inputs: [{ name: 'x', dtype: 'u8', dims: [1, 16, 16, 16] }],
    outputs: [{ name: 'y', dtype: 'u8', dims: [1, 16, 16, 16] }],
  })

const photo = {
  x: tensor(
    'f32',
    [1, 3, 24, 20],
    Float32Array.from({ length: 1440 }, (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37)),
  ),
}
const bytes = {
  x: tensor(
    'u8',
    [1, 16, 16, 16],
    Uint8Array.from({ length: 4096 }, (_, i) => i * i + (i >> 3)),
  ),
}

/** Float models: engines add in different orders. */
const TOLERANCE = 1e-5

const difference = (a: Tensor, b: Tensor): number => {
  expect(a.dims).toEqual(b.dims)
  return Math.max(...Array.from(a.data as Float32Array, (value, i) => Math.abs(value - Number(b.data[i]))))
}

describe('one model everywhere', () => {
  let page: BrowserPage<typeof script> | undefined
  beforeAll(async () => {
    if (chromium) page = await openPage<typeof script>(new URL('fixtures/inference-page.ts', import.meta.url))
  })
  afterAll(() => page?.close())

  test('WASM in Node: floats within 1e-5 of native, integers equal', async () => {
    const model = encodeModel(await network())
    const [native, wasm] = [await script.infer(model, photo, 'ort-node'), await script.infer(model, photo, 'ort-wasm')]
    for (const [name, value] of Object.entries(native.outputs))
      expect(difference(value, wasm.outputs[name]!)).toBeLessThan(TOLERANCE)
    const [a, b] = [
      await script.infer(integers(), bytes, 'ort-node'),
      await script.infer(integers(), bytes, 'ort-wasm'),
    ]
    expect(b.outputs['y']!.data).toEqual(a.outputs['y']!.data)
    expect(new Set(a.outputs['y']!.data as Uint8Array).size).toBeGreaterThan(100)
  })

  test.skipIf(!chromium)('Chromium: floats within 1e-5 of native, integers equal', async () => {
    const model = encodeModel(await network())
    const [native, browser] = [
      await script.infer(model, photo, 'ort-node'),
      await page!.call.infer(model, photo, 'ort-wasm'),
    ]
    expect(browser.backend).toBe('ort-wasm')
    for (const [name, value] of Object.entries(native.outputs))
      expect(difference(value, browser.outputs[name]!)).toBeLessThan(TOLERANCE)
    const [a, b] = [
      await script.infer(integers(), bytes, 'ort-node'),
      await page!.call.infer(integers(), bytes, 'ort-wasm'),
    ]
    expect(b.outputs['y']!.data).toEqual(a.outputs['y']!.data)
  })
})

const python = '/usr/bin/python3'
const hasOnnx = existsSync(python) && existsSync('/usr/lib/python3/dist-packages/onnx')

describe('an exported model', () => {
  test.skipIf(!hasOnnx)('passes the checker and shape inference of the onnx package', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latent-onnx-'))
    try {
      const file = join(folder, 'model.onnx')
      await writeFile(file, encodeModel(await network()))
      const program = `
import onnx, sys
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
domains = sorted({n.domain for n in model.graph.node})
print([o.name for o in inferred.graph.output], domains, len(model.graph.initializer) > 0)`
      const { stdout } = await promisify(execFile)(python, ['-c', program, file])
      expect(stdout.trim()).toBe("['image', 'score'] [''] True")
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('carries its weights, takes its inputs by path, and is what compile() runs', async () => {
    const w = tensor('f32', [2, 2], Float32Array.of(1, 2, 3, 4))
    const compiled = await compile(
      ({ net, x }) => ({ y: op.matmul(x, net.w) }),
      { net: { w }, x: shape([1, 2]) },
      { backend: 'ort-node', threads: 1 },
    )
    expect(compiled.inputs).toEqual(['x'])
    const again = await script.infer(compiled.model, { x: tensor('f32', [1, 2], Float32Array.of(1, 1)) }, 'ort-node')
    expect([...again.outputs['y']!.data]).toEqual([4, 6])
    const { y } = await compiled.run({ x: tensor('f32', [1, 2], Float32Array.of(1, 0)) })
    expect([...y!.data]).toEqual([1, 2])
    await compiled.close()
  })
})
