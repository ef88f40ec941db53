import { defaultDevice } from '@jax-js/jax'
import fc from 'fast-check'
import { expect } from 'vitest'
import { build, hostTensor } from '../src/compile.ts'
import type { ConvolutionTarget } from '../src/lower/convolution.ts'
import { encodeModel } from '../src/onnx.ts'
import { constant } from '../src/ops.ts'
import type { Expr } from '../src/ops.ts'
import { openSession } from '../src/runtime.ts'
import { elementCount, tensor } from '../src/tensor.ts'
import type { Tensor } from '../src/tensor.ts'
import { leaves } from '../src/tree.ts'
import type { Tree } from '../src/tree.ts'

// jax-js's interpreter on plain numbers: slow, and independent of everything that is tested here.
defaultDevice('cpu')

export type Arrays = Record<string, Tensor>
type Fn = (args: Record<string, Expr>) => Tree<Expr>

/** Runs a function as jax-js interprets it and as we compile it, and expects equal shapes and close numbers. */
export async function expectAgreement(
  fn: Fn,
  args: Arrays,
  tolerance = 1e-4,
  target: ConvolutionTarget = {},
): Promise<void> {
  const interpreted = leaves<Expr>(
    fn(Object.fromEntries(Object.entries(args).map(([name, value]) => [name, constant(value)]))),
  )
  expectClose(
    await evaluate(fn, args, target),
    Object.fromEntries(interpreted.map(([path, value]) => [path || 'output', hostTensor(value)])),
    tolerance,
  )
}

/**
 * Runs a function compiled for a target and compiled to standard ONNX, which the interpreter has vouched for at smaller
 * sizes.
 */
export async function expectSameAsStandard(
  fn: Fn,
  args: Arrays,
  target: ConvolutionTarget,
  tolerance = 2e-4,
): Promise<void> {
  expectClose(await evaluate(fn, args, target), await evaluate(fn, args, {}), tolerance)
}

async function evaluate(fn: Fn, args: Arrays, target: ConvolutionTarget): Promise<Arrays> {
  const shapes = Object.fromEntries(Object.entries(args).map(([name, { dtype, dims }]) => [name, { dtype, dims }]))
  const session = await openSession(encodeModel(build(fn as never, shapes, target)), {
    backend: 'ort-node',
    threads: 1,
  })
  const results = await session.run(
    Object.fromEntries(Object.entries(args).filter(([name]) => session.inputs.includes(name))),
  )
  await session.close()
  return results
}

function expectClose(results: Arrays, expected: Arrays, tolerance: number): void {
  for (const [path, want] of Object.entries(expected)) {
    const got = results[path]!
    expect(got.dims, `dims of ${path}`).toEqual(want.dims)
    expect(got.dtype).toBe(want.dtype)
    const scale = Math.max(1, ...Array.from(want.data as Float32Array, Math.abs))
    for (let i = 0; i < want.data.length; i++) {
      const difference = Math.abs(Number(got.data[i]) - Number(want.data[i]))
      if (!(difference <= tolerance * scale)) expect.fail(`${path}[${i}]: got ${got.data[i]}, expected ${want.data[i]}`)
    }
  }
}

/** A tensor of multiples of 1/8 in -2..2: exact in sums and products of moderate size, with ties. */
export const floats = (dims: readonly number[]): fc.Arbitrary<Tensor> =>
  fc
    .array(fc.integer({ min: -16, max: 16 }), { minLength: elementCount(dims), maxLength: elementCount(dims) })
    .map(values =>
      tensor(
        'f32',
        dims,
        Float32Array.from(values, v => v / 8),
      ),
    )

/** A tensor of values that lie at least 1/8 from zero and from one another's ties. */
export const distinct = (dims: readonly number[]): fc.Arbitrary<Tensor> =>
  fc
    .shuffledSubarray(
      Array.from({ length: elementCount(dims) }, (_, i) => i),
      { minLength: elementCount(dims) },
    )
    .map(order => {
      const half = elementCount(dims) / 2
      return tensor(
        'f32',
        dims,
        Float32Array.from(order, v => ((v - half + 0.25) * 3) / Math.max(8, half)),
      )
    })

export const integers = (dims: readonly number[], min: number, max: number): fc.Arbitrary<Tensor> =>
  fc
    .array(fc.integer({ min, max }), { minLength: elementCount(dims), maxLength: elementCount(dims) })
    .map(values => tensor('i32', dims, Int32Array.from(values)))

export const shapes = (minRank: number, maxRank: number, maxDim = 4): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: maxDim }), { minLength: minRank, maxLength: maxRank })

/** Two shapes that broadcast against each other. */
export const broadcastable: fc.Arbitrary<[number[], number[]]> = shapes(0, 4).chain(full =>
  fc
    .tuple(
      fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
      fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
      fc.nat(full.length),
    )
    .map(([a, b, cut]): [number[], number[]] => [
      full.map((dim, i) => (a[i] ? dim : 1)),
      full.map((dim, i) => (b[i] ? dim : 1)).slice(cut),
    ]),
)

/** fast-check with sessions to open at each step: fewer, seeded runs. */
export const expectForAll = async (
  property: fc.IAsyncProperty<never> | fc.IAsyncProperty<unknown[]> | fc.IAsyncPropertyWithHooks<never>,
  numRuns = 12,
): Promise<void> => {
  await fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns, seed: 20250 })
}
