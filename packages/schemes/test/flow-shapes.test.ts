import { concatBytes, KeyStream, sha256Of } from '@latent/core'
import { compile, initialise, shape, tensor } from '@latent/graph'
import { describe, expect, test } from 'vitest'
import {
  HALF_CHANNELS,
  INPUT_ROW_BYTES,
  inputsOf,
  type Layer,
  loopNetworks,
  MAP_CHANNELS,
  type NetworkShape,
  onnxNetworks,
  type OnnxOptions,
  openExactFlow,
  PICTURE_ROWS,
  POSITIONS,
  ROW_BYTES,
  rowsAtOnce,
  secondWeights,
  shiftHalfEven,
  trainedWeights,
  type Weights,
} from '../src/exact-flow/index.ts'
import { kernelRooms, openKernel, openKernelOf } from '../src/exact-flow/kernel.ts'
import { pointwiseNetworks } from '../src/exact-flow/pointwise.ts'
import { flowParameters, mastersOf, quantise, roundNetwork } from '../src/exact-flow/straight-through.ts'

const KEY = sha256Of(new TextEncoder().encode('exact-flow shapes'))
const drawn = async (label: string, length: number) =>
  (await KeyStream.create(KEY, 'latent/v1/test/shapes', new TextEncoder().encode(label))).bytes(length)

const layer = (outputs: number, height = 1, width = 1) => ({ outputs, kernel: [height, width] as const })
const SHAPES: readonly [string, NetworkShape][] = [
  ['two kernels', { block: 1, layers: [layer(16, 3, 3), layer(12)] }],
  ['pairs of positions, wide windows', { block: 2, layers: [layer(20, 1, 3), layer(24, 3, 1)] }],
  ['fours', { block: 4, layers: [layer(64), layer(64), layer(48)] }],
  ['eights, one layer', { block: 8, layers: [layer(96)] }],
]
const weightsOf = async (shape: NetworkShape) => quantise(await initialise(flowParameters(2, shape), 3))

describe.each(SHAPES)('networks of another shape: %s', (name, shaped) => {
  const backends: [string, OnnxOptions][] = [
    ['native int8', { backend: 'ort-node' }],
    ['native float', { backend: 'ort-node', arithmetic: 'float' }],
    ['WASM int8', { backend: 'ort-wasm' }],
    ['WASM float', { backend: 'ort-wasm', arithmetic: 'float' }],
  ]
  test.each(backends)('%s gives the bytes of the plain loop', async (_, options) => {
    const weights = await weightsOf(shaped)
    const [loop, onnx] = [loopNetworks(weights), await onnxNetworks(weights, options)]
    for (const rows of [1, 5]) {
      const input = await drawn(`${name} ${rows}`, rows * INPUT_ROW_BYTES)
      for (const round of [0, 1]) {
        const [expected, computed] = [0, 1].map(() => new Uint8Array(rows * POSITIONS * HALF_CHANNELS))
        await loop.run(round, input, rows, expected!)
        await onnx.run(round, input, rows, computed!)
        expect(new Set(expected).size).toBeGreaterThan(30)
        expect(computed).toEqual(expected)
      }
    }
    await onnx.close()
  })

  test('what training computes is what the integer network computes, and comes back from its integers', async () => {
    const rows = 3
    const parameters = await initialise(flowParameters(2, shaped), 5)
    const weights = quantise(parameters)
    expect(quantise(mastersOf(weights))).toEqual(weights)
    const planes = (bytes: Uint8Array, channels: number) =>
      tensor(
        'f32',
        [1, channels, rows, POSITIONS],
        Float32Array.from(
          bytes,
          (_, i) => bytes[(i % (rows * POSITIONS)) * channels + Math.floor(i / (rows * POSITIONS))]!,
        ),
      )
    const [half, map] = [
      await drawn(`${name} half`, rows * POSITIONS * HALF_CHANNELS),
      await drawn(`${name} map`, rows * POSITIONS * MAP_CHANNELS),
    ]
    const [halfBlock, mapBlock] = [HALF_CHANNELS * shaped.block, MAP_CHANNELS * shaped.block]
    const input = concatBytes(
      ...Array.from({ length: (rows * INPUT_ROW_BYTES) / inputsOf(shaped.block) }, (_, i) => [
        half.subarray(i * halfBlock, (i + 1) * halfBlock),
        map.subarray(i * mapBlock, (i + 1) * mapBlock),
      ]).flat(),
    )
    const traced = await compile(
      ({ p, half, map }) => roundNetwork(p, half, map).bytes,
      {
        p: Object.values(parameters)[1]!,
        half: shape([1, HALF_CHANNELS, rows, POSITIONS]),
        map: shape([1, MAP_CHANNELS, rows, POSITIONS]),
      },
      { backend: 'ort-node' },
    )
    const { output } = await traced.run({ half: planes(half, HALF_CHANNELS), map: planes(map, MAP_CHANNELS) })
    await traced.close()
    const computed = Uint8Array.from(
      { length: half.length },
      (_, i) => output!.data[(i % HALF_CHANNELS) * rows * POSITIONS + Math.floor(i / HALF_CHANNELS)] as number,
    )
    const expected = new Uint8Array(half.length)
    await loopNetworks(weights).run(1, input, rows, expected)
    expect(computed).toEqual(expected)
  })

  test('tiles of any length come back, and every way gives one cipher', async () => {
    const weights = await weightsOf(shaped)
    const flows = [
      await openExactFlow({ weights, loop: true }),
      await openExactFlow({ weights, backend: 'ort-node' }),
      await openExactFlow({ weights, backend: 'ort-wasm' }),
      // The kernel, if it can compute them.
      await openExactFlow({ weights, backend: ['kernel', 'ort-wasm'] }),
    ]
    const fitting = shaped.layers.every(({ outputs, kernel }) => outputs % 16 === 0 && Math.max(...kernel) === 1)
    expect(flows[3]!.backend).toBe(fitting ? 'kernel int8' : 'ort-wasm int8')
    for (const length of [32, 95, 3072, 3073, 7000]) {
      const plain = await drawn(`${name} tile`, length)
      const ciphers = await Promise.all(flows.map(flow => flow.encrypt(KEY, Uint8Array.of(1), plain)))
      for (const [i, cipher] of ciphers.entries()) {
        expect(cipher).toEqual(ciphers[0])
        expect(await flows[i]!.decrypt(KEY, Uint8Array.of(1), cipher)).toEqual(plain)
      }
    }
    await Promise.all(flows.map(flow => flow.close()))
  })
})

test('networks in which no row sees another take two pictures at once, and give the same as for each', async () => {
  const [seeing, blind] = [await trainedWeights(), await secondWeights()]
  expect([rowsAtOnce(seeing), rowsAtOnce(blind)]).toEqual([PICTURE_ROWS, 2 * PICTURE_ROWS])
  const rows = rowsAtOnce(blind)
  const input = await drawn('rows at once', rows * INPUT_ROW_BYTES)
  const networks = loopNetworks(blind)
  const [whole, halves] = [0, 1].map(() => new Uint8Array(rows * ROW_BYTES)) as [Uint8Array, Uint8Array]
  await networks.run(0, input, rows, whole)
  for (const first of [0, PICTURE_ROWS])
    await networks.run(
      0,
      input.subarray(first * INPUT_ROW_BYTES, (first + PICTURE_ROWS) * INPUT_ROW_BYTES),
      PICTURE_ROWS,
      halves.subarray(first * ROW_BYTES, (first + PICTURE_ROWS) * ROW_BYTES),
    )
  expect(Buffer.compare(whole, halves)).toBe(0)
})

describe.each(['plain', 'relaxed'] as const)('the %s kernel', kind => {
  const POINTWISE = { inputs: 64, outputs: 48, kernel: [1, 1] as const }

  /** What layers make of every place of a row of bytes, on the kernel and by the plain loop. */
  async function computed(layers: readonly Layer[], input: Uint8Array): Promise<[Uint8Array, Uint8Array]> {
    const kernel = await openKernelOf(kind)
    const weights: Weights = { networks: [layers, layers], block: 4, id: 'of no file' }
    const networks = pointwiseNetworks([kernel!], weights)
    const room = kernelRooms(kernel!)(2 * POSITIONS * HALF_CHANNELS)
    room.input.set(input)
    await networks.run(0, room.input, 1, room.output)
    const looped = new Uint8Array(ROW_BYTES)
    await loopNetworks(weights).run(0, input, 1, looped)
    return [room.output.slice(0, ROW_BYTES), looped]
  }

  test('rounds half to even and clips, at every shift, wherever a sum can stand', async () => {
    for (let shift = 1; shift <= 16; shift++) {
      // No weights: a sum is its bias, of which every place has the same.
      const bias = Int32Array.from({ length: 48 }, (_, o) => (o - 8) * 2 ** (shift - 1) + ((o * 7) % 3) - 1)
      bias.set([-(2 ** 24) + 1, 2 ** 24 - 1, 255 * 2 ** shift, 255.5 * 2 ** shift - 1], 44)
      const [output] = await computed(
        [{ ...POINTWISE, weights: new Int8Array(64 * 48), bias, shift }],
        await drawn('rounding', INPUT_ROW_BYTES),
      )
      const expected = Array.from(bias, sum => Math.min(255, Math.max(0, shiftHalfEven(sum, shift))))
      expect(Array.from(output.subarray(0, 48))).toEqual(expected)
      expect(Array.from(output.subarray(31 * 48, 32 * 48))).toEqual(expected)
    }
  })

  test('adds the largest products that there are, of either sign, without saturating', async () => {
    // Outputs with weights all alike, alternating, and at one end with the others at the other one.
    const kinds = [() => 63, () => -63, (i: number) => (i % 2 ? 63 : -63), (i: number) => (i < 32 ? -63 : 63)]
    const weights = Int8Array.from({ length: 64 * 48 }, (_, at) => kinds[Math.floor(at / 64) % 4]!(at % 64))
    for (const bytes of [
      () => 255,
      () => 0,
      (i: number) => (i % 2 ? 255 : 0),
      (i: number) => (i % 64 < 32 ? 255 : 0),
    ]) {
      const input = Uint8Array.from({ length: INPUT_ROW_BYTES }, (_, i) => bytes(i))
      // So that nothing is clipped: the sums lie between -2^20 and 2^20.
      const [output, looped] = await computed(
        [{ ...POINTWISE, weights, bias: new Int32Array(48).fill(2 ** 20), shift: 13 }],
        input,
      )
      expect(output).toEqual(looped)
      expect(Math.max(...output)).toBeLessThan(255)
      expect(Math.min(...output)).toBeGreaterThan(0)
    }
  })

  test('gives what the plain loop gives through several layers, for any weights and bytes', async () => {
    for (let turn = 0; turn < 20; turn++) {
      const layers = await Promise.all(
        [64, 32, 96, 48].map(async (outputs, l, all) => {
          const inputs = all[l - 1] ?? 64
          const weights = Int8Array.from(
            await drawn(`weights ${turn} ${l}`, inputs * outputs),
            byte => (byte % 127) - 63,
          )
          return {
            inputs,
            outputs,
            kernel: [1, 1] as const,
            weights,
            bias: new Int32Array(outputs).fill(2 ** 15),
            shift: 8,
          }
        }),
      )
      const [output, looped] = await computed(layers, await drawn(`bytes ${turn}`, INPUT_ROW_BYTES))
      expect(output).toEqual(looped)
      expect(new Set(output).size).toBeGreaterThan(100)
    }
  })
})

test('what the kernel cannot compute is refused with what can', async () => {
  await expect(openExactFlow({ weights: await trainedWeights(), backend: 'kernel' })).rejects.toMatchObject({
    code: 'E_BACKEND',
    hint: expect.stringContaining('1x1 convolutions'),
  })
  await expect(
    openExactFlow({ weights: await secondWeights(), backend: 'kernel', arithmetic: 'float' }),
  ).rejects.toThrow(expect.objectContaining({ code: 'E_BACKEND', hint: 'kernel: it computes with integers' }))
})

test('the kernel refuses what lies elsewhere than in its memory', async () => {
  const networks = pointwiseNetworks([(await openKernel())!], await secondWeights())
  const elsewhere = new Uint8Array(INPUT_ROW_BYTES)
  expect(() => networks.run(0, elsewhere, 1, elsewhere)).toThrow('rooms of the same kernel')
})
