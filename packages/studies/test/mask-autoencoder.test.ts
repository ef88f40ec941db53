import { pearson } from '../src/numbers.ts'
import { drawDigit } from '@latent/data'
import { modeOf, fitRidge } from '@latent/lab'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { agreement, blockInk, classified, lossBeforeXor, masked, silhouettes } from '../src/mask-autoencoder/attacks.ts'
import { findStudy, type StudyContext } from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

const waves = (count: number, salt: number) =>
  Float64Array.from({ length: count }, (_, i) => Math.sin((i + 1) * (salt + 1) * 1.7 + salt))

describe('ridge regression', () => {
  test('finds a linear map exactly, and its constant', () => {
    const matrix = Array.from({ length: 3 }, (_, o) => waves(5, 50 + o))
    const map = (x: ArrayLike<number>) =>
      matrix.map((row, o) => row.reduce((sum, weight, i) => sum + weight * x[i]!, 0.5 * o))
    const inputs = Array.from({ length: 40 }, (_, n) => waves(5, n))
    const predictor = fitRidge(inputs, inputs.map(map), 1e-12)
    const other = waves(5, 99)
    Array.from(predictor.predict(other)).forEach((value, o) => expect(value).toBeCloseTo(map(other)[o]!, 6))
  })

  test('with nothing to learn predicts the mean', () => {
    const inputs = Array.from({ length: 20 }, () => Float64Array.of(1, 1))
    expect(
      Array.from(
        fitRidge(
          inputs,
          inputs.map((_, n) => [n % 2]),
        ).predict([7, -3]),
      ),
    ).toEqual([expect.closeTo(0.5, 9)])
    expect(() => fitRidge([], [])).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

test('drawn digits: ten that differ, hands that differ, the same at every call', async () => {
  const digits = await Promise.all(Array.from({ length: 10 }, (_, digit) => drawDigit(digit)))
  for (const { width, height, channels, data } of digits) {
    expect([width, height, channels]).toEqual([28, 28, 1])
    const ink = data.filter(value => value > 127).length
    expect(ink).toBeGreaterThan(30)
    expect(ink).toBeLessThan(250)
    // A margin, as MNIST has: nothing touches the edge.
    for (let i = 0; i < 28; i++) expect(data[i]! + data[27 * 28 + i]! + data[28 * i]! + data[28 * i + 27]!).toBe(0)
  }
  expect(new Set(digits.map(({ data }) => data.join())).size).toBe(10)
  expect((await drawDigit(3)).data).toEqual(digits[3]!.data)
  expect((await drawDigit(3, 1)).data).not.toEqual(digits[3]!.data)
})

const ID = 'mask-autoencoder-2025-mnist-link'

describe('attacks on the masked auto-encoder', () => {
  test('the mode of masked digits is the mask but where most digits cover it; one digit gives less', async () => {
    const mask = Uint8Array.from({ length: 2352 }, (_, i) => (i * 101 + 7) & 255)
    const seen = await Promise.all(Array.from({ length: 60 }, async (_, i) => masked(await drawDigit(i % 10, i), mask)))
    expect(agreement(modeOf(seen), mask)).toBeGreaterThan(0.92)
    expect(agreement(modeOf(seen.slice(0, 1)), mask)).toBeLessThan(0.9)
  })

  test('a silhouette is the ink where latents stay in place, and nothing where they are noise', async () => {
    const digit = await drawDigit(8)
    const latents = ({ data }: typeof digit) => ({ ...digit, data: data.map(value => 30 + (value >> 1)) })
    const others = await Promise.all(Array.from({ length: 40 }, (_, i) => drawDigit(i % 10, 100 + i)))
    const attack = await silhouettes(ID, others.map(latents))
    const noise = { ...digit, data: Uint8Array.from({ length: 784 }, (_, i) => (i * i * 31 + 17 * i) & 255) }
    const [found, nothing] = await attack([latents(digit), noise])
    expect(pearson(found!, blockInk(digit))).toBeGreaterThan(0.85)
    expect(Math.abs(pearson(nothing!, blockInk(digit)))).toBeLessThan(0.5)
  })

  test('a linear classifier names drawn digits, and not noise', async () => {
    const set = (from: number, count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, i) => ({ cipher: await drawDigit(i % 10, from + i), label: i % 10 })),
      )
    const [training, fresh] = [await set(0, 200), await set(7000, 60)]
    expect(await classified(ID, training, fresh)).toBeGreaterThan(0.8)
    const blank = fresh.map(({ label, cipher }) => ({ label, cipher: { ...cipher, data: new Uint8Array(784) } }))
    expect(await classified(ID, training, blank)).toBeLessThan(0.2)
  })

  test('loss before an XOR: none stays none, one level may become 128', async () => {
    const plain = await drawDigit(5)
    const mask = new Uint8Array(784).fill(0x80)
    expect(lossBeforeXor(plain, plain, mask)).toEqual(plain)
    const darker = { ...plain, data: plain.data.map(value => Math.max(0, value - 1)) }
    // Plain 0 is 0x80 masked and stays; 255 is 0x7f and becomes 0x7e; what was 0x80 exactly would wrap.
    const one = { ...plain, data: plain.data.map(() => 128) }
    expect(lossBeforeXor(one, { ...one, data: one.data.map(() => 127) }, mask).data[0]).toBe(128)
    expect(lossBeforeXor(plain, darker, mask).data.some((value, i) => Math.abs(value - plain.data[i]!) > 0)).toBe(true)
  })
})

const SHIPPED = new URL('../../../models/mask-autoencoder-2025.json', import.meta.url)

test.skipIf(!LONG || !existsSync(SHIPPED))(
  `the study finds what it says, twice${atLength}`,
  { timeout: 400_000 },
  async () => {
    const study = await findStudy('mask-autoencoder-2025')
    const context: StudyContext = {
      seed: 1,
      quick: true,
      progress: () => undefined,
      labels: async () => new Uint8Array(),
      file: async () => new Uint8Array(),
      images: () => Promise.reject(new Error('a quick study needs no data')),
    }
    const page = await study.run(context)
    expect(await study.run(context)).toEqual(page)
    const table = (heading: string) => page.sections.find(section => section.heading === heading)!.tables![0]!.rows
    const lost = table('The mask is no key').map(([, right, stranger]) => Number(right) - Number(stranger))
    const repaired = table('The mask is no key').map(([name]) => String(name).endsWith('repaired'))
    expect(lost.filter((_, i) => !repaired[i])).toEqual([0, 0, 0, 0])
    expect(Math.min(...lost.filter((_, i) => repaired[i]))).toBeGreaterThan(10)
    expect(Object.fromEntries(table('Cipher images alone').map(([name, , , equal]) => [name, equal]))).toEqual({
      'mnist, link': 'yes',
      'mnist, conv': 'yes',
      'mnist, repaired': 'no',
    })
    expect(table('Recovery and size').map(row => row.at(-1))).toEqual([1024, 1024, 1024, 784, 784, 784])
  },
)
