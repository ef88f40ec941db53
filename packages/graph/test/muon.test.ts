import { describe, expect, test } from 'vitest'
import { compile, shape } from '../src/compile.ts'
import { conv2d, conv2dParameters } from '../src/layers.ts'
import { mse } from '../src/losses.ts'
import type { Expr } from '../src/ops.ts'
import { tensor } from '../src/tensor.ts'
import { adam, muon } from '../src/train/optimisers.ts'
import { openStepper } from '../src/train/stepper.ts'
import type { Training } from '../src/train/training.ts'

const RATE = 1e-3
const native = { backend: 'ort-node', threads: 1 } as const
const noise = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 12.9898 * i * i))

/** One step of Muon from zero momentum. */
async function moved(dims: readonly number[], gradient: Float32Array): Promise<Float32Array> {
  const rule = muon()
  const leaf = shape([...dims])
  const scalars = rule.scalars(1, RATE)
  const compiled = await compile(
    ({ p, g, m, v }: Record<'p' | 'g' | 'm' | 'v', Expr>) => rule.update(p, g, [m, v], scalars as never).parameter,
    { p: leaf, g: leaf, m: leaf, v: leaf },
    native,
  )
  const zero = tensor('f32', [...dims], new Float32Array(gradient.length))
  const { output } = await compiled.run({ p: zero, g: tensor('f32', [...dims], gradient), m: zero, v: zero })
  await compiled.close()
  return Float32Array.from(output!.data as Float32Array, value => -value)
}

/** Rows of a matrix as their inner products. */
const gram = (values: Float32Array, rows: number, columns: number) =>
  Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_, j) => {
      let sum = 0
      for (let k = 0; k < columns; k++) sum += values[i * columns + k]! * values[j * columns + k]!
      return sum
    }),
  )

describe('Muon', () => {
  test.each([
    [[16, 20, 3, 3], false],
    [[40, 16, 1, 1], true],
  ] as const)('moves a kernel %j along an orthogonal matrix, as far as Adam would', async (dims, tall) => {
    const [rows, columns] = [dims[0], dims[1] * dims[2] * dims[3]]
    // Directions of very different size: what Adam would keep apart, Muon makes alike.
    const gradient = noise(rows * columns, 1).map(
      (value, i) => value * 2 ** -Math.floor((8 * Math.floor(i / columns)) / rows),
    )
    const move = await moved(dims, gradient)
    const scale = RATE * 0.2 * Math.sqrt(Math.max(rows, columns))
    const unit = move.map(value => value / scale)
    const turned = Float32Array.from(
      { length: unit.length },
      (_, i) => unit[(i % rows) * columns + Math.floor(i / rows)]!,
    )
    const products = tall ? gram(turned, columns, rows) : gram(unit, rows, columns)
    // Squared singular values between 0.7^2 and 1.2^2.
    const diagonal = products.map((row, i) => row[i]!)
    expect(Math.min(...diagonal)).toBeGreaterThan(0.4)
    expect(Math.max(...diagonal)).toBeLessThan(1.5)
    expect(Math.max(...products.flatMap((row, i) => row.filter((_, j) => i !== j).map(Math.abs)))).toBeLessThan(0.5)
    expect(move.reduce((sum, value, i) => sum + value * gradient[i]!, 0)).toBeGreaterThan(0)
  })

  test('the first and the last layer of an image network, and biases, move by Adam', async () => {
    const dims = [16, 3, 3, 3]
    const gradient = noise(16 * 27, 2)
    const [rule, rest] = [adam(), 0.5]
    const scalars = rule.scalars(1, rest * RATE)
    const move = await moved(dims, gradient)
    gradient.forEach((g, i) => expect(move[i]).toBeCloseTo((g / (Math.abs(g) + scalars[1]!)) * scalars[0]!, 8))
  })

  test('fits a convolution between many channels, and goes on from a snapshot as if nothing had been', async () => {
    const training: Training<{ net: ReturnType<typeof conv2dParameters> }> = {
      networks: { net: conv2dParameters(16, 16) },
      batch: { x: shape([2, 16, 6, 6]), y: shape([2, 16, 6, 6]) },
      phases: [
        {
          name: 'fit',
          trains: ['net'],
          optimiser: muon(),
          loss: ({ networks: { net }, batch }) => ({ loss: mse(conv2d(net, batch['x']!), batch['y']!) }),
        },
      ],
    }
    const [one, two] = [await openStepper(training, 3, native), await openStepper(training, 4, native)]
    const data = (seed: number) => tensor('f32', [2, 16, 6, 6], noise(2 * 16 * 36, seed))
    const batch = { x: data(4), y: data(5) }
    const first = (await one.advance(batch, [0.02]))['fit']!
    for (let step = 0; step < 60; step++) await one.advance(batch, [0.02 * (1 - step / 60)])
    two.restore(await one.snapshot(), one.step)
    const next = await one.advance(batch, [1e-3])
    expect(next['fit']).toBeLessThan(first / 10)
    expect(await two.advance(batch, [1e-3])).toEqual(next)
    expect(await two.weights()).toEqual(await one.weights())
    await one.close()
    await two.close()
  })
})
