import { concatBytes } from '@latent/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { constantWeights } from '../src/exact-flow/constant-weights.ts'
import {
  checkWeights,
  type Kernel,
  type Layer,
  MAX_WEIGHT,
  parseWeights,
  serializeWeights,
  type Weights,
} from '../src/exact-flow/weights.ts'

type Draft = { -readonly [K in keyof Layer]: Layer[K] }
const refusal = (what: string) =>
  expect.objectContaining({
    name: 'LatentError',
    code: 'E_WEIGHTS',
    message: expect.stringContaining(what),
    hint: expect.any(String),
  })
let { networks, id } = {} as Weights
// Before each test, not once: what is changed in the derivation is then known by the tests that need it.
beforeEach(async () => void ({ networks, id } = await constantWeights()))
const draft = (rounds = 2): Draft[][] =>
  Array.from({ length: rounds }, (_, round) =>
    networks[round % 4]!.map(layer => ({ ...layer, weights: layer.weights.slice(), bias: layer.bias.slice() })),
  )

const changed = (edit: (layers: Draft[]) => void): Draft[][] => {
  const copy = draft()
  // The last of them: whoever looks at the first alone sees nothing.
  edit(copy[1]!)
  return copy
}

test('the first generation is a known constant, and survives its file', async () => {
  expect(id).toBe('00af600b22436db4d40e3b5d6a3a32ec1faba1b279b943b41a13105846f80225')
  expect(
    networks.map(layers =>
      layers.map(({ inputs, outputs, shift, weights, bias }) => [inputs, outputs, shift, weights.length, bias.length]),
    ),
  ).toEqual(
    Array.from({ length: 4 }, () => [
      [16, 32, 10, 4608, 32],
      [32, 32, 10, 9216, 32],
      [32, 12, 10, 3456, 12],
    ]),
  )
  expect(parseWeights(serializeWeights(networks))).toEqual({ networks, block: 1, id })
  expect(await constantWeights()).toBe(await constantWeights())
})

test('its biases centre each output on 128 for inputs of 128', () => {
  for (const { inputs, outputs, weights, bias, shift } of networks.flat()) {
    for (let o = 0; o < outputs; o++) {
      const sum = weights
        .subarray(o * inputs * 9, (o + 1) * inputs * 9)
        .reduce((total: number, weight) => total + weight, 0)
      expect((128 * sum + bias[o]!) / 2 ** shift).toBe(128)
    }
  }
  const all = networks.flat().flatMap(({ weights }) => [...weights])
  expect([Math.min(...all), Math.max(...all)]).toEqual([-MAX_WEIGHT, MAX_WEIGHT])
})

describe('what is checked', () => {
  test.each([2, 4, 6, 14, 16])('%i rounds are taken', rounds => {
    expect(checkWeights(draft(rounds)).networks.length).toBe(rounds)
  })

  test.each([0, 1, 3, 5, 15, 17, 18, 20])('%i rounds are not', rounds => {
    expect(() => checkWeights(draft(rounds))).toThrow(refusal(`even number of rounds from 2 to 16, received ${rounds}`))
  })

  test.each<[string, string, (layers: Draft[]) => void]>([
    ['two layers in one round', 'different shapes', layers => layers.pop()],
    ['no layers', 'different shapes', layers => layers.splice(0)],
    ['a layer twice', 'different shapes', layers => layers.splice(1, 0, layers[1]!)],
    ['another window', 'different shapes', ([layer]) => (layer!.kernel = [1, 3])],
    ['layers in another order', 'different shapes', layers => layers.unshift(layers.pop()!)],
    [
      'other inputs',
      'different shapes',
      ([layer]) => Object.assign(layer!, { inputs: 8, weights: new Int8Array(32 * 8 * 9) }),
    ],
    [
      'other outputs',
      'different shapes',
      ([layer]) =>
        Object.assign(layer!, { outputs: 16, weights: new Int8Array(16 * 16 * 9), bias: new Int32Array(16) }),
    ],
    ['a weight too few', 'different shapes', ([layer]) => (layer!.weights = layer!.weights.subarray(1))],
    ['a weight too many', 'different shapes', ([layer]) => (layer!.weights = Int8Array.of(...layer!.weights, 0))],
    ['a bias too few', 'different shapes', ([, , layer]) => (layer!.bias = layer!.bias.subarray(1))],
    ['a bias too many', 'different shapes', ([, , layer]) => (layer!.bias = Int32Array.of(...layer!.bias, 0))],
    ['a weight of 64', 'outside -63..63', ([layer]) => (layer!.weights[5] = 64)],
    ['a weight of -64', 'outside -63..63', ([layer]) => (layer!.weights[5] = -64)],
    ['a last weight of -128', 'outside -63..63', ([, , layer]) => (layer!.weights[layer!.weights.length - 1] = -128)],
    ['a shift of -1', 'shift from 0 to 16, received -1', ([layer]) => (layer!.shift = -1)],
    ['a shift of 17', 'shift from 0 to 16, received 17', ([layer]) => (layer!.shift = 17)],
    ['half a shift', 'shift from 0 to 16, received 1.5', ([layer]) => (layer!.shift = 1.5)],
  ])('%s: refused', (_, what, edit) => {
    expect(() => checkWeights(changed(edit))).toThrow(refusal(what))
  })

  test.each<[string, (layers: Draft[]) => void]>([
    ['a shift of 0', ([layer]) => (layer!.shift = 0)],
    ['a shift of 16', ([layer]) => (layer!.shift = 16)],
    ['weights at either end', ([layer]) => layer!.weights.fill(0).set([63, -63])],
  ])('%s: taken', (_, edit) => {
    expect(checkWeights(changed(edit)).id).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    [0, 1],
    [31, 1],
    [0, -1],
    [31, -1],
  ])('the sum of output %i, of sign %i, may reach 2^24 - 1 and no more', (output, sign) => {
    const withSum = (sum: number) =>
      changed(([, layer]) => {
        const row = layer!.weights.subarray(output * 288, (output + 1) * 288).fill(0)
        // Negative weights count by their size.
        row.set([10, -63, 20])
        layer!.bias[output] = sign * (sum - 93 * 255)
      })
    expect(checkWeights(withSum(2 ** 24 - 1)).networks.length).toBe(2)
    expect(() => checkWeights(withSum(2 ** 24))).toThrow(refusal('2^24'))
  })
})

describe('other shapes', () => {
  /** Two rounds of given outputs and kernels. */
  const shaped = (block: number, layers: readonly (readonly [outputs: number, ...kernel: Kernel])[]): Draft[][] =>
    Array.from({ length: 2 }, (_, round) =>
      layers.map(([outputs, ...kernel], l): Draft => {
        const inputs = l === 0 ? 16 * block : layers[l - 1]![0]
        const count = outputs * inputs * kernel[0] * kernel[1]
        return {
          inputs,
          outputs,
          kernel,
          weights: Int8Array.from({ length: count }, (_, i) => ((i * 7 + round) % 127) - 63),
          bias: Int32Array.from({ length: outputs }, (_, o) => 1000 * o - 500),
          shift: 5 + l,
        }
      }),
    )

  test.each<[block: number, ...layers: [number, ...Kernel][]]>([
    [1, [16, 3, 3], [12, 1, 1]],
    [1, [12, 1, 1]],
    [2, [32, 1, 3], [24, 3, 1]],
    [4, [64, 1, 1], [64, 1, 1], [48, 1, 1]],
    [8, [255, 1, 1], [96, 1, 1]],
    [1, ...Array.from({ length: 7 }, (): [number, ...Kernel] => [1, 3, 3]), [12, 3, 3]],
  ])('blocks of %i positions: taken, and survive their file', (block, ...layers) => {
    const networks = shaped(block, layers)
    const weights = checkWeights(networks)
    expect(weights).toMatchObject({ block, networks })
    const bytes = serializeWeights(networks)
    expect(new TextDecoder().decode(bytes.subarray(0, 28))).toBe('latent exact-flow weights 2\n')
    expect([...bytes.subarray(28, 35)]).toEqual([2, layers.length, 16 * block, ...layers[0]!, 5])
    expect(parseWeights(bytes)).toEqual(weights)
    for (const cut of [27, 28, 29, 32, 34, 35, 40, bytes.length - 1])
      expect(() => parseWeights(bytes.subarray(0, cut))).toThrow(
        refusal(cut < 28 ? 'not a file' : 'the file ends too early'),
      )
    expect(() => parseWeights(concatBytes(bytes, Uint8Array.of(0)))).toThrow(refusal('longer than its weights'))
  })

  test.each<[string, string, Draft[][]]>([
    ['three positions', 'wrong shape', shaped(3, [[36, 1, 1]])],
    ['sixteen positions', 'wrong shape', shaped(16, [[192, 1, 1]])],
    ['outputs that are no half', 'wrong shape', shaped(2, [[12, 1, 1]])],
    ['an even window', 'wrong shape', shaped(1, [[12, 2, 1]])],
    ['a window of five', 'wrong shape', shaped(1, [[12, 1, 5]])],
    [
      '256 channels',
      'wrong shape',
      shaped(1, [
        [256, 1, 1],
        [12, 1, 1],
      ]),
    ],
    [
      'a layer without outputs',
      'wrong shape',
      shaped(1, [
        [0, 1, 1],
        [12, 1, 1],
      ]),
    ],
    ['no layers at all', '1 to 8 layers a round, received 0', [[], []]],
    [
      'nine layers',
      '1 to 8 layers a round, received 9',
      shaped(
        1,
        Array.from({ length: 9 }, () => [12, 1, 1] as const),
      ),
    ],
    ['rounds of different shapes', 'different shapes', [shaped(1, [[12, 1, 1]])[0]!, shaped(1, [[12, 1, 3]])[1]!]],
  ])('%s: refused', (_, what, networks) => {
    expect(() => checkWeights(networks)).toThrow(refusal(what))
  })

  test('the first shape has one file: the second format refuses it', () => {
    const first = serializeWeights(draft())
    const layers = draft().flat()
    const second = concatBytes(
      new TextEncoder().encode('latent exact-flow weights 2\n'),
      Uint8Array.of(2, 3),
      ...layers.flatMap(({ inputs, outputs, kernel, shift, weights, bias }) => [
        Uint8Array.of(inputs, outputs, ...kernel, shift),
        new Uint8Array(weights.buffer),
        new Uint8Array(bias.buffer),
      ]),
    )
    expect(second.length).toBe(first.length + 1 + 2 * layers.length)
    expect(() => parseWeights(second)).toThrow(refusal('wrong shape'))
  })

  test('what a header promises is not believed before it is there', () => {
    const greedy = concatBytes(
      new TextEncoder().encode('latent exact-flow weights 2\n'),
      Uint8Array.of(255, 255, 255, 255, 3, 3, 7),
    )
    expect(() => parseWeights(greedy)).toThrow(refusal('the file ends too early'))
  })
})

describe('their file', () => {
  let bytes = new Uint8Array()
  beforeEach(() => void (bytes = serializeWeights(networks) as Uint8Array<ArrayBuffer>))
  const magic = 'latent exact-flow weights 1\n'.length

  test('holds what the format says, where it says', () => {
    expect(new TextDecoder().decode(bytes.subarray(0, magic))).toBe('latent exact-flow weights 1\n')
    expect([bytes[magic], ...bytes.subarray(magic + 1, magic + 4)]).toEqual([4, 16, 32, 10])
    const [first, second] = networks[0]!
    const view = new DataView(bytes.buffer)
    expect([...new Int8Array(bytes.buffer, magic + 4, 4608)]).toEqual([...first!.weights])
    expect(Array.from({ length: 32 }, (_, o) => view.getInt32(magic + 4 + 4608 + 4 * o, true))).toEqual([
      ...first!.bias,
    ])
    expect([...bytes.subarray(magic + 4 + 4608 + 128, magic + 7 + 4608 + 128)]).toEqual([32, 32, 10])
    expect([...new Int8Array(bytes.buffer, magic + 7 + 4608 + 128, 9216)]).toEqual([...second!.weights])
    expect(bytes.length).toBe(magic + 1 + 4 * (9 + 17_280 + 4 * 76))
  })

  test('weights that are views of larger arrays are written from where they begin', () => {
    const shifted = draft().map(layers =>
      layers.map(layer => ({ ...layer, weights: Int8Array.of(1, 2, 3, ...layer.weights, 9).subarray(3, -1) })),
    )
    expect(serializeWeights(shifted)).toEqual(serializeWeights(draft()))
  })

  test('is read from the middle of a larger buffer, with its biases of either sign', () => {
    const some = changed(([layer]) => layer!.bias.set([-1, 70_000, -70_000]))
    const outer = concatBytes(Uint8Array.of(7, 7, 7), serializeWeights(some), Uint8Array.of(7))
    expect(parseWeights(outer.subarray(3, -1)).networks).toEqual(some)
  })

  test('cut anywhere, it is refused', () => {
    const layer = 3 + 4608 + 128
    for (const cut of [
      magic,
      magic + 1,
      magic + 2,
      magic + 4,
      100,
      magic + 1 + layer - 1,
      magic + 1 + layer,
      magic + 2 + layer,
      bytes.length - 1,
    ])
      expect(() => parseWeights(bytes.subarray(0, cut))).toThrow(refusal('the file ends too early'))
    for (const cut of [0, 1, 10, magic - 1])
      expect(() => parseWeights(bytes.subarray(0, cut))).toThrow(refusal('not a file of exact-flow weights'))
    expect(() => parseWeights(concatBytes(bytes.subarray(0, magic), Uint8Array.of(0)))).toThrow(refusal('received 0'))
  })

  test('with bytes too many, another name, or a layer of another width, it is refused', () => {
    expect(() => parseWeights(concatBytes(bytes, Uint8Array.of(0)))).toThrow(refusal('longer than its weights'))
    const altered = (at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    for (const at of [0, 5, magic - 1])
      expect(() => parseWeights(altered(at))).toThrow(refusal('not a file of exact-flow weights'))
    for (const at of [magic + 1, magic + 2, magic + 4 + 4608 + 128])
      expect(() => parseWeights(altered(at))).toThrow(refusal('wrong shape'))
    // Four rounds and a count of five, then of three.
    expect(() => parseWeights(altered(magic))).toThrow(refusal('the file ends too early'))
    expect(() => parseWeights(bytes.map((byte, i) => (i === magic ? 2 : byte)))).toThrow(
      refusal('longer than its weights'),
    )
  })

  test('another bit, another name', () => {
    const at = magic + 5
    expect(parseWeights(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))).id).not.toBe(id)
  })
})
