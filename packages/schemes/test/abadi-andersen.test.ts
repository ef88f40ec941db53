import { image, sha256Of } from '@latent/core'
import { compile, type Expr, initialise, leaves, parameterCount, shape, tensor, type Tree } from '@latent/graph'
import { expect, test } from 'vitest'
import { bitsOf, keysFor, KEYS, numbersOf } from '../src/abadi-andersen/cipher.ts'
import { BITS, bitsWrong, type Correspondents, mix, partyParameters } from '../src/abadi-andersen/network.ts'
import { abadiTraining, heedAt } from '../src/abadi-andersen/recipe.ts'
import { abadiScheme } from '../src/abadi-andersen/scheme.ts'
import { openScheme } from '../src/index.ts'
import { writeModel } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'

const key = sha256Of(Uint8Array.of(1))

async function drawnWeights(): Promise<Uint8Array> {
  const { alice, bob } = partyParameters()
  const tensors = Object.fromEntries(
    leaves((await initialise({ alice, bob }, 1)) as Tree<Correspondents['alice']['mix']['weight']>),
  )
  return writeModel({ scheme: 'abadi-andersen-2016', profile: 'paper', tensors }, { half: false })
}

test('the networks have the published shapes', async () => {
  const { alice, bob, eve } = partyParameters()
  // 32 x 32 + 32, then kernels of 4 x 1 x 2, 2 x 2 x 4, 1 x 4 x 4 and 1 x 4 x 1 with their biases.
  const convolutions = 8 + 2 + 16 + 4 + 16 + 4 + 4 + 1
  expect(parameterCount(alice)).toBe(32 * 32 + 32 + convolutions)
  expect(parameterCount(bob)).toBe(parameterCount(alice))
  expect(parameterCount(eve)).toBe(16 * 32 + 32 + convolutions)
})

test('the first convolution is one of windows of four, zeros around', async () => {
  const weights = (await initialise(partyParameters().alice, 3)) as unknown as Correspondents['alice']
  const dims = [2, BITS]
  const run = await compile(({ a, b }: { a: Expr; b: Expr }) => mix(weights, [a, b]), {
    a: shape(dims),
    b: shape(dims),
  })
  const [a, b] = [1, 2].map(seed =>
    tensor(
      'f32',
      dims,
      Float32Array.from({ length: 2 * BITS }, (_, i) => ((i * 7 + seed) % 3 === 0 ? 1 : -1)),
    ),
  )
  const { output } = await run.run({ a: a!, b: b! })
  await run.close()
  const value = ({ weight, bias }: Correspondents['alice']['mix'], inputs: number[], outputs: number): number[] =>
    Array.from({ length: outputs }, (_, o) =>
      inputs.reduce((sum, x, i) => sum + x * weight.data[i * outputs + o]!, bias!.data[o]!),
    )
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
  const expected = [0, 1].flatMap(n => {
    const rows = [...a!.data.slice(n * BITS, (n + 1) * BITS), ...b!.data.slice(n * BITS, (n + 1) * BITS)]
    const mixed = value(weights.mix, rows, 32).map(sigmoid)
    const at = (i: number) => mixed[i] ?? 0
    const first = mixed.map((_, i) => value(weights.first, [at(i - 1), at(i), at(i + 1), at(i + 2)], 2).map(sigmoid))
    return Array.from({ length: BITS }, (_, i) => {
      const second = value(weights.second, [...first[2 * i]!, ...first[2 * i + 1]!], 4).map(sigmoid)
      return Math.tanh(value(weights.last, value(weights.third, second, 4).map(sigmoid), 1)[0]!)
    })
  })
  const found = Array.from(output!.data as Float32Array)
  expect(found.map((x, i) => Math.abs(x - expected[i]!)).reduce((m, d) => Math.max(m, d))).toBeLessThan(1e-5)
})

test('whoever guesses nothing errs in half of the bits', async () => {
  const dims = [1, BITS]
  const run = await compile(({ a, b }: { a: Expr; b: Expr }) => bitsWrong(a, b), { a: shape(dims), b: shape(dims) })
  const bits = tensor('f32', dims, bitsOf(Uint8Array.of(0xa5, 0x0f)))
  const of = async (values: Float32Array) =>
    Number((await run.run({ a: tensor('f32', dims, values), b: bits }))['output']!.data[0])
  expect(await of(new Float32Array(BITS))).toBeCloseTo(8, 5)
  expect(await of(bits.data.slice())).toBe(0)
  expect(await of(bits.data.map(bit => -bit))).toBeCloseTo(16, 5)
  await run.close()
})

test('Eve never trains Alice, and sees other messages than the pair does', async () => {
  const { phases } = abadiTraining()
  expect(phases.map(({ name, trains }) => [name, trains])).toEqual([
    ['pair', ['alice', 'bob']],
    ['eve', ['eve']],
  ])
  const run = await findRecipe('abadi-andersen').open({ profile: 'paper', seed: 1, images: async () => [] })
  const batch = await run.data(3)
  expect([0, 1000, 2500, 4000, 8000].map(heedAt)).toEqual([0, 0, 0.5, 1, 1])
  const { heed, ...messages } = batch
  expect(heed!.data).toEqual(Float32Array.of(0))
  for (const values of Object.values(messages)) {
    const data = values.data as Float32Array
    expect(data.every(bit => bit === 1 || bit === -1)).toBe(true)
    expect(Math.abs(data.reduce((sum, bit) => sum + bit, 0)) / data.length).toBeLessThan(0.05)
  }
  expect(batch['evePlain']!.dims[0]).toBe(2 * batch['plain']!.dims[0]!)
  expect((batch['evePlain']!.data as Float32Array).slice(0, 512)).not.toEqual(
    (batch['plain']!.data as Float32Array).slice(0, 512),
  )
  expect(await run.data(3)).toEqual(batch)
  await run.close?.()
})

test('a key of 32 bytes is sixteen keys in turn', () => {
  const keys = keysFor(key, 2 * KEYS + 1)
  expect(keys.slice(0, KEYS * BITS)).toEqual(bitsOf(key))
  expect(keys.slice(KEYS * BITS, 2 * KEYS * BITS)).toEqual(bitsOf(key))
})

test.each(['f32', 'u16', 'u8'] as const)('bits keep their places on the wire (%s)', async wire => {
  const weights = await drawnWeights()
  const { cipher, close } = await openScheme(abadiScheme, { weights })
  const plain = image({
    width: 5,
    height: 3,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from({ length: 45 }, (_, i) => 5 * i),
  })
  const hidden = await cipher.encrypt(plain, key, { wire })
  expect([hidden.width, hidden.height, hidden.channels]).toEqual([5, 32, 3])
  // Blocks are enciphered by themselves: another last byte changes the last block's numbers alone.
  const other = { ...plain, data: plain.data.map((byte, i) => (i === 44 ? byte ^ 0xff : byte)) }
  const [a, b] = [numbersOf(hidden, plain), numbersOf(await cipher.encrypt(other, key, { wire }), plain)]
  expect(a.slice(0, 44 * 8)).toEqual(b.slice(0, 44 * 8))
  // Drawn networks hardly listen: a level of 8 bits is more than their answer to a byte.
  expect(wire === 'u8' || a.slice(44 * 8).join() !== b.slice(44 * 8).join()).toBe(true)
  const back = await cipher.decrypt(hidden, key)
  expect([back.width, back.height, back.channels, back.format]).toEqual([5, 3, 3, 'u8'])
  await close()
})
