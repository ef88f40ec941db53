import { describe, expect, test } from 'vitest'
import { compile, shape } from '../src/compile.ts'
import * as op from '../src/ops.ts'
import type { Expr } from '../src/ops.ts'
import * as secrecy from '../src/secrecy.ts'
import { tensor } from '../src/tensor.ts'

const SIZE = 64
const dims = [1, 3, SIZE, SIZE]

/** A picture by its values at a place, in 0..1. */
const picture = (value: (x: number, y: number, c: number) => number) =>
  Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) =>
    value(i % SIZE, Math.floor(i / SIZE) % SIZE, Math.floor(i / SIZE ** 2)),
  )

/** Well mixed, and the same on every machine. */
const noise = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}

async function measure(cipher: Float32Array, plain: Float32Array): Promise<Record<string, number>> {
  const compiled = await compile(
    ({ c, p }: { c: Expr; p: Expr }) => ({
      ...secrecy.outlines(c, p),
      local: secrecy.localUniformity(c),
      moments: secrecy.uniformMoments(c, [0, 2, 3]),
      edge: op.mean(secrecy.edgeMap(p)),
      deviation_: op.mean(secrecy.blockDeviation(p)),
    }),
    { c: shape(dims), p: shape(dims) },
    { backend: 'ort-node', threads: 1 },
  )
  const out = await compiled.run({ c: tensor('f32', dims, cipher), p: tensor('f32', dims, plain) })
  await compiled.close()
  return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, Number(data[0])]))
}

/** A disc, brighter than what is around it, with stripes inside: edges, lively blocks and light places. */
const scene = picture((x, y, c) => 0.3 + 0.1 * c + (Math.hypot(x - 30, y - 26) < 15 ? 0.25 + 0.1 * (x % 2) : 0))
const random = picture(noise(5))

describe('what a cipher image shows', () => {
  test('noise shows nothing, the picture itself everything', async () => {
    const hidden = await measure(random, scene)
    for (const name of ['edges', 'deviation', 'squint']) expect(hidden[name], `of ${name}`).toBeLessThan(0.02)
    const shown = await measure(scene, scene)
    for (const name of ['edges', 'deviation', 'squint']) expect(shown[name], `of ${name}`).toBeGreaterThan(0.99)
  })

  test('the negative shows as much as the picture', async () => {
    const shown = await measure(
      scene.map(value => 1 - value),
      scene,
    )
    for (const name of ['edges', 'deviation', 'squint']) expect(shown[name], `of ${name}`).toBeGreaterThan(0.99)
  })

  test('each measure sees its own: outlines, liveliness, light', async () => {
    // Noise that is stronger where the picture is lively: deviation, and no means.
    const draw = noise(9)
    const lively = picture((x, y) => 0.5 + (Math.hypot(x - 30, y - 26) < 15 ? 0.45 : 0.1) * (2 * draw() - 1))
    const a = await measure(lively, scene)
    expect(a['deviation']).toBeGreaterThan(0.2)
    expect(a['squint']).toBeLessThan(0.1)
    // Noise on a share of the picture: light, and hardly any edges.
    const dithered = picture((x, y, c) => 0.8 * draw() + 0.2 * scene[(c * SIZE + y) * SIZE + x]!)
    const b = await measure(dithered, scene)
    expect(b['squint']).toBeGreaterThan(0.2)
    expect(b['edges']).toBeLessThan(0.1)
  })

  test('flat pictures have no outlines to compare, and give numbers all the same', async () => {
    const flat = await measure(
      random,
      picture(() => 0.4),
    )
    for (const name of ['edges', 'deviation', 'squint']) expect(flat[name], `of ${name}`).toBeLessThan(0.02)
    const both = await measure(
      picture(() => 0.7),
      picture(() => 0.4),
    )
    for (const value of Object.values(both)) expect(Number.isFinite(value)).toBe(true)
  })

  test('Sobel edges and deviations in blocks are those of the definition', async () => {
    const ramp = await measure(
      random,
      picture(x => x / 128),
    )
    // A slope of 1/128 a pixel: the Sobel mask gives eight times that.
    expect(ramp['edge']).toBeCloseTo(Math.sqrt((8 / 128) ** 2 + 1e-6), 4)
    // Of four equal steps: variance 1.25 steps squared.
    expect(ramp['deviation_']).toBeCloseTo(Math.sqrt(1.25 / 128 ** 2 + 1e-6), 4)
  })
})

describe('distance from uniform', () => {
  test('is small for noise, as the number of values has it, and large for what is not uniform', async () => {
    const of = (values: Float32Array) => measure(values, scene)
    const uniform = await of(random)
    expect(uniform['moments']).toBeLessThan(4 / SIZE ** 2)
    // 192 values in a square of 8 x 8.
    expect(uniform['local']! * 192).toBeGreaterThan(0.7)
    expect(uniform['local']! * 192).toBeLessThan(1.4)
    const draw = noise(3)
    const cases = {
      'one value': picture(() => 0.31),
      'two values': picture(x => (x % 2 === 0 ? 0.2 : 0.7)),
      'the middle alone': picture(() => 0.25 + 0.5 * draw()),
      'a bell': picture(() => (draw() + draw() + draw()) / 3),
    }
    for (const [name, values] of Object.entries(cases)) {
      const { local, moments } = await of(values)
      expect(moments, `of ${name}`).toBeGreaterThan(0.03)
      expect(local, `of ${name}`).toBeGreaterThan(0.03)
    }
  })

  test('sees flat places that the whole picture does not show', async () => {
    // Every value occurs equally often, but each square holds one value.
    const squares = picture((x, y, c) => ((Math.floor(x / 8) + 8 * Math.floor(y / 8)) / 64 + c / 192) % 1)
    const { local, moments } = await measure(squares, scene)
    expect(moments).toBeLessThan(1e-3)
    expect(local).toBeGreaterThan(0.9)
  })

  test('wants sides that the squares fill', async () => {
    await expect(
      compile(({ c }: { c: Expr }) => secrecy.localUniformity(c), { c: shape([1, 3, 20, 24]) }),
    ).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})
