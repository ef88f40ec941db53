import { grad, lax, numpy as np } from '@jax-js/jax'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { build, shape } from '../src/compile.ts'
import { instanceNorm, reflectionPad } from '../src/layers.ts'
import * as op from '../src/ops.ts'
import type { Expr } from '../src/ops.ts'
import { deviceTarget } from '../src/lower/device-target.ts'
import { nativeTarget } from '../src/target.ts'
import {
  broadcastable,
  distinct,
  expectAgreement,
  expectForAll,
  expectSameAsStandard,
  floats,
  integers,
  shapes,
} from './agreement.ts'

type Args = Record<string, Expr>
const sumOfSquares = (x: Expr): Expr => op.sum(op.square(x))

describe('element by element', () => {
  const binary: Record<string, (a: Expr, b: Expr) => Expr> = {
    add: op.add,
    sub: op.sub,
    mul: op.mul,
    div: (a, b) => op.div(a, op.add(op.square(b), 1)),
    max: op.maximum,
    min: op.minimum,
    mod: (a, b) => np.fmod(a.ref, op.add(op.square(b), 1)),
    less: op.less,
    equal: op.equal,
    lessEqual: (a, b) => np.lessEqual(a.ref, b.ref),
    notEqual: (a, b) => np.notEqual(a.ref, b.ref),
    where: (a, b) => op.where(op.less(a, b), a, op.mul(b, 2)),
    floorDivide: (a, b) => np.floorDivide(a.ref, op.add(op.square(b), 1)),
  }
  test.each(Object.keys(binary))('%s under broadcasting', async name => {
    await expectForAll(
      fc.asyncProperty(
        broadcastable.chain(([a, b]) => fc.record({ a: floats(a), b: floats(b) })),
        args => expectAgreement(({ a, b }: Args) => binary[name]!(a!, b!), args),
      ),
    )
  })

  const unary: Record<string, (x: Expr) => Expr> = {
    neg: op.neg,
    abs: op.abs,
    exp: op.exp,
    log: x => op.log(op.add(op.square(x), 0.5)),
    sqrt: x => op.sqrt(op.square(x)),
    sin: op.sin,
    cos: op.cos,
    asin: x => np.asin(op.mul(x, 0.4)),
    atan: x => np.atan(x.ref),
    erf: op.erf,
    erfc: x => lax.erfc(x.ref),
    floor: op.floor,
    ceil: x => np.ceil(x.ref),
    reciprocal: x => op.reciprocal(op.add(op.square(x), 0.25)),
    sigmoid: op.sigmoid,
    tanh: op.tanh,
    relu: op.relu,
    leakyRelu: x => op.leakyRelu(x, 0.2),
    softplus: op.softplus,
    gelu: op.gelu,
    silu: op.silu,
    round: op.roundStraightThrough,
    clip: x => op.clip(x, -0.5, 1),
    toInt: x => op.toInt(op.mul(x, 3)),
    toBool: x => x.ref.astype(np.bool),
    toFloat: x => op.toFloat(op.less(x, 0.3)),
    logic: x =>
      np.where(np.logicalXor(np.logicalAnd(op.less(x, 1), op.less(-1, x)), np.logicalNot(op.less(x, 0))), x.ref, 7),
  }
  test.each(Object.keys(unary))('%s', async name => {
    await expectForAll(
      fc.asyncProperty(
        shapes(0, 3).chain(dims => fc.record({ x: floats(dims) })),
        args => expectAgreement(({ x }: Args) => unary[name]!(x!), args),
      ),
      8,
    )
  })

  test('integers', async () => {
    await expectForAll(
      fc.asyncProperty(fc.record({ a: integers([3, 4], -9, 9), b: integers([4], 1, 5) }), args =>
        expectAgreement(
          ({ a, b }: Args) => ({
            q: np.floorDivide(a!.ref, b!.ref),
            r: np.fmod(a!.ref, b!.ref),
            s: op.sum(op.mul(a!, b!), 0),
            w: op.where(op.less(a!, b!), a!, b!),
            m: op.max(a!, 1),
          }),
          args,
        ),
      ),
    )
  })
})

describe('moving elements', () => {
  test('reshape, transpose, flip, slice, pad, broadcast, concatenate, split', async () => {
    const chain = shapes(2, 4).chain(dims =>
      fc.record({
        x: floats(dims),
        perm: fc.shuffledSubarray([...dims.keys()], { minLength: dims.length }),
        axis: fc.nat(dims.length - 1),
        before: fc.nat(2),
        after: fc.nat(2),
      }),
    )
    await expectForAll(
      fc.asyncProperty(chain, ({ x, perm, axis, before, after }) =>
        expectAgreement(
          ({ x }: Args) => {
            const turned = op.flip(op.transpose(x!, perm), axis)
            const padded = op.pad(
              turned,
              turned.shape.map((_, i) => (i === axis ? [before, after] : [0, 1])),
            )
            const cut = op.slice(padded, axis, Math.min(1, before), padded.shape[axis]! - Math.min(1, after))
            const joined = op.concat([cut, op.neg(cut)], axis)
            const [head, tail] = op.split(joined, axis, [1, joined.shape[axis]! - 1]) as [Expr, Expr]
            return {
              joined,
              head,
              tail,
              flat: op.reshape(joined, [-1]),
              wide: op.broadcastTo(op.reshape(head, [...head.shape, 1]), [...head.shape, 3]),
            }
          },
          { x },
        ),
      ),
      25,
    )
  })

  test('broadcasts stay right through transposes, reshapes, sums and products', async () => {
    await expectForAll(
      fc.asyncProperty(fc.record({ x: floats([3, 1, 4]), y: floats([4]) }), args =>
        expectAgreement(({ x, y }: Args) => {
          const wide = op.broadcastTo(x!, [3, 5, 4])
          const turned = op.transpose(op.mul(wide, 2), [1, 2, 0])
          return {
            turned,
            sums: op.sum(wide, 1),
            all: op.sum(op.add(wide, y!)),
            rows: op.reshape(wide, [15, 4]),
            groups: op.reshape(turned, [5, 2, 2, 3]),
            top: op.max(turned, [0, 1]),
            product: np.prod(wide.ref, 1),
            flipped: op.flip(wide, [0, 1]),
            cut: op.slice(wide, 1, 1, 3),
          }
        }, args),
      ),
    )
  })

  test('gather along an axis and by several index arrays, and their adjoints', async () => {
    await expectForAll(
      fc.asyncProperty(fc.record({ x: floats([4, 3, 5]), i: integers([2, 3], 0, 3), j: integers([3], 0, 4) }), args =>
        expectAgreement(({ x, i, j }: Args) => {
          const pick = (x: Expr) => op.gather(x, i!, 0)
          const both = (x: Expr) => x.ref.slice(i!.ref, [], j!.ref)
          const last = (x: Expr) => x.ref.slice([], [], j!.ref)
          const back = (f: (x: Expr) => Expr) => grad((x: Expr) => sumOfSquares(f(x)))(x!.ref)
          return {
            pick: pick(x!),
            both: both(x!),
            last: last(x!),
            dPick: back(pick),
            dBoth: back(both),
            dLast: back(last),
          }
        }, args),
      ),
    )
  })

  test('sort, argsort and their gradient', async () => {
    await expectForAll(
      fc.asyncProperty(fc.record({ x: floats([3, 7]), d: distinct([2, 6]), w: floats([2, 6]) }), args =>
        expectAgreement(
          ({ x, d, w }: Args) => ({
            sorted: op.sort(x!),
            order: np.argsort(x!.ref),
            gradient: grad((d: Expr) => op.sum(op.mul(op.sort(d), w!)))(d!.ref),
          }),
          args,
        ),
      ),
    )
  })
})

describe('reductions and products', () => {
  test('sum, mean, maximum, minimum, product over any axes, and gradients', async () => {
    const chain = shapes(1, 4).chain(dims => fc.record({ x: distinct(dims), axes: fc.subarray([...dims.keys()]) }))
    await expectForAll(
      fc.asyncProperty(chain, ({ x, axes }) =>
        expectAgreement(
          ({ x }: Args) => {
            const down = {
              sum: op.sum(x!, axes),
              mean: op.mean(x!, axes, true),
              max: op.max(x!, axes),
              min: op.min(x!, axes),
              prod: np.prod(x!.ref, axes),
            }
            const peak = grad((x: Expr) => sumOfSquares(op.max(x, axes)))(x!.ref)
            return { ...down, peak, any: np.any(op.less(x!, -0.2), axes), all: np.all(op.less(x!, 0.2), axes) }
          },
          { x },
        ),
      ),
      25,
    )
  })

  test('dot is a matrix product, whatever axes its operands have', async () => {
    // Each letter is kept, summed, or absent from one side.
    const cases = [
      'ij,jk->ik',
      'bij,bjk->bik',
      'bij,jk->bik',
      'bhid,bhjd->bhij',
      'ij,ij->i',
      'ij,ij->',
      'i,j->ij',
      'abc,cd->abd',
      'bij,bij->b',
      'ijk,jl->ikl',
    ]
    await expectForAll(
      fc.asyncProperty(fc.constantFrom(...cases), fc.integer({ min: 1, max: 3 }), fc.nat(), (form, base, salt) => {
        const size = (letter: string) => base + ((letter.codePointAt(0)! + salt) % 3)
        const [left, right] = form.split('->')[0]!.split(',') as [string, string]
        const dims = [left, right].map(letters => Array.from(letters, size)) as [number[], number[]]
        const [a, b] = fc.sample(fc.tuple(floats(dims[0]), floats(dims[1])), { numRuns: 1, seed: salt })[0]!
        return expectAgreement(
          ({ a, b }: Args) => {
            const f = (a: Expr, b: Expr) => np.einsum(form, a.ref, b.ref)
            return {
              y: f(a!, b!),
              da: grad((a: Expr) => sumOfSquares(f(a, b!)))(a!.ref),
              db: grad((b: Expr) => sumOfSquares(f(a!, b)))(b!.ref),
            }
          },
          { a, b },
        )
      }),
      40,
    )
  })

  test('an outer product of batches is never written out', () => {
    const model = build(({ a, b }: Args) => op.matmul(a!, b!), { a: shape([64, 96]), b: shape([96, 32]) })
    expect(model.nodes.map(node => node.op)).toEqual(['MatMul'])
  })
})

describe('convolutions', () => {
  const images = fc.record({
    n: fc.integer({ min: 1, max: 2 }),
    c: fc.integer({ min: 1, max: 3 }),
    o: fc.integer({ min: 1, max: 3 }),
    h: fc.integer({ min: 5, max: 8 }),
    w: fc.integer({ min: 5, max: 8 }),
    k: fc.integer({ min: 1, max: 4 }),
  })

  test('strided, padded, dilated, with both gradients', async () => {
    const chain = images.chain(s =>
      fc.record({
        x: floats([s.n, s.c, s.h, s.w]),
        w: floats([s.o, s.c, s.k, Math.max(1, s.k - 1)]),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: s.k > 2 ? 1 : 2 }),
        padding: fc.integer({ min: 0, max: 2 }),
      }),
    )
    await expectForAll(
      fc.asyncProperty(chain, ({ x, w, stride, dilation, padding }) =>
        expectAgreement(
          ({ x, w }: Args) => {
            const f = (x: Expr, w: Expr) => op.conv(x, w, { stride, dilation, padding })
            return {
              y: f(x!, w!),
              dx: grad((x: Expr) => sumOfSquares(f(x, w!)))(x!.ref),
              dw: grad((w: Expr) => sumOfSquares(f(x!, w)))(w!.ref),
            }
          },
          { x, w },
        ),
      ),
      30,
    )
  })

  test('transposed, with both gradients', async () => {
    const chain = images.chain(s =>
      fc.record({
        x: floats([s.n, s.c, s.h, s.w]),
        w: floats([s.c, s.o, s.k, s.k]),
        stride: fc.integer({ min: 1, max: 3 }),
        padding: fc.integer({ min: 0, max: s.k - 1 }),
        outputPadding: fc.nat(1),
      }),
    )
    await expectForAll(
      fc.asyncProperty(chain, ({ x, w, ...options }) =>
        expectAgreement(
          ({ x, w }: Args) => {
            const f = (x: Expr, w: Expr) => op.convTranspose(x, w, options)
            return {
              y: f(x!, w!),
              dx: grad((x: Expr) => sumOfSquares(f(x, w!)))(x!.ref),
              dw: grad((w: Expr) => sumOfSquares(f(x!, w)))(w!.ref),
            }
          },
          { x, w },
        ),
      ),
      30,
    )
  })

  test('grouped and depthwise, with both gradients', async () => {
    const chain = fc
      .record({
        groups: fc.integer({ min: 2, max: 3 }),
        c: fc.integer({ min: 1, max: 2 }),
        o: fc.integer({ min: 1, max: 2 }),
        stride: fc.integer({ min: 1, max: 2 }),
      })
      .chain(s =>
        fc.record({
          x: floats([2, s.groups * s.c, 6, 5]),
          w: floats([s.groups * s.o, s.c, 3, 3]),
          groups: fc.constant(s.groups),
          stride: fc.constant(s.stride),
        }),
      )
    await expectForAll(
      fc.asyncProperty(chain, ({ x, w, groups, stride }) =>
        expectAgreement(
          ({ x, w }: Args) => {
            const f = (x: Expr, w: Expr) => op.conv(x, w, { groups, stride })
            return {
              y: f(x!, w!),
              dx: grad((x: Expr) => sumOfSquares(f(x, w!)))(x!.ref),
              dw: grad((w: Expr) => sumOfSquares(f(x!, w)))(w!.ref),
            }
          },
          { x, w },
        ),
      ),
      12,
    )
  })

  test('one-dimensional convolutions', async () => {
    await expectForAll(
      fc.asyncProperty(fc.record({ x: floats([2, 3, 9]), w: floats([4, 3, 3]) }), args =>
        expectAgreement(({ x, w }: Args) => {
          const f = (x: Expr, w: Expr) => lax.conv(x.ref, w.ref, [2], [[1, 1]])
          return {
            y: f(x!, w!),
            dx: grad((x: Expr) => sumOfSquares(f(x, w!)))(x!.ref),
            dw: grad((w: Expr) => sumOfSquares(f(x!, w)))(w!.ref),
          }
        }, args),
      ),
      4,
    )
  })

  test('pooling, overlapping or not, with gradients', async () => {
    await expectForAll(
      fc.asyncProperty(
        fc.record({ x: distinct([2, 2, 6, 8]) }),
        fc.constantFrom([2, 2], [3, 2], [2, 1], [3, 3], [2, 3]),
        (args, [window, stride]) =>
          expectAgreement(({ x }: Args) => {
            const f = (x: Expr) => op.maxPool(x, window, stride)
            return { y: f(x!), dx: grad((x: Expr) => sumOfSquares(f(x)))(x!.ref), mean: op.avgPool(x!, 2) }
          }, args),
      ),
      10,
    )
  })
})

const native = await nativeTarget()

// Shapes at which the blocked kernels and each form of their weight gradient come in; those for graphics cards come in
// everywhere.
const targets = [
  ['as graphics cards like them', deviceTarget],
  ...(native.convolution ? [['on blocked channels', native] as const] : []),
] as const
describe.each(targets)('convolutions %s', (_, target) => {
  const cases: Record<
    string,
    { x: number[]; w: number[]; stride?: number; padding?: number; dilation?: number; groups?: number }
  > = {
    'whole blocks, columns as channels': { x: [2, 16, 5, 16], w: [32, 16, 3, 3] },
    'two columns a channel': { x: [1, 32, 4, 32], w: [16, 32, 3, 3] },
    'images as channels': { x: [16, 16, 4, 5], w: [16, 16, 3, 3] },
    'few inputs': { x: [2, 3, 6, 16], w: [16, 3, 3, 3] },
    'few outputs': { x: [1, 16, 6, 16], w: [5, 16, 3, 3] },
    'few of both': { x: [1, 12, 6, 16], w: [12, 12, 3, 3] },
    'a large kernel without padding': { x: [2, 3, 9, 22], w: [16, 3, 7, 7], padding: 0 },
    'a 1x1 kernel': { x: [1, 16, 4, 16], w: [32, 16, 1, 1] },
    strided: { x: [2, 16, 8, 32], w: [32, 16, 3, 3], stride: 2, padding: 1 },
    'strided, images as channels': { x: [16, 16, 6, 6], w: [16, 16, 3, 3], stride: 2, padding: 1 },
    'strided by three, odd sizes, images as channels': { x: [16, 16, 7, 5], w: [16, 16, 3, 3], stride: 3, padding: 1 },
    dilated: { x: [1, 16, 7, 16], w: [16, 16, 3, 3], dilation: 2 },
    'no blocks fit': { x: [1, 20, 6, 7], w: [24, 20, 3, 3] },
  }
  test.each(Object.keys(cases))('%s: result and both gradients', async name => {
    const { x: xDims, w: wDims, ...options } = cases[name]!
    await expectForAll(
      fc.asyncProperty(fc.record({ x: floats(xDims), w: floats(wDims), b: floats([wDims[0]!]) }), args =>
        expectSameAsStandard(
          ({ x, w, b }: Args) => {
            const f = (x: Expr, w: Expr, b: Expr) =>
              op.leakyRelu(op.add(op.conv(op.mul(x, 1.5), w, options), op.reshape(b, [1, -1, 1, 1])), 0.25)
            const s = (x: Expr, w: Expr, b: Expr) => op.sum(op.square(f(x, w, b)))
            return {
              y: f(x!, w!, b!),
              dx: grad((x: Expr) => s(x, w!, b!))(x!.ref),
              dw: grad((w: Expr) => s(x!, w, b!))(w!.ref),
              db: grad((b: Expr) => s(x!, w!, b))(b!.ref),
            }
          },
          args,
          target,
        ),
      ),
      1,
    )
  })

  test('the smallest of them, as the interpreter computes it', async () => {
    await expectForAll(
      fc.asyncProperty(fc.record({ x: floats([1, 3, 3, 16]), w: floats([16, 3, 3, 3]) }), args =>
        expectAgreement(
          ({ x, w }: Args) => {
            const s = (x: Expr, w: Expr) => sumOfSquares(op.leakyRelu(op.conv(x, w), 0.25))
            return { y: s(x!, w!), dx: grad((x: Expr) => s(x, w!))(x!.ref), dw: grad((w: Expr) => s(x!, w))(w!.ref) }
          },
          args,
          2e-4,
          target,
        ),
      ),
      2,
    )
  })

  test('transposed, and what stands between convolutions', async () => {
    await expectForAll(
      fc.asyncProperty(
        fc.record({ x: floats([2, 16, 4, 8]), w: floats([16, 16, 3, 3]), v: floats([16, 16, 3, 3]) }),
        args =>
          expectSameAsStandard(
            ({ x, w, v }: Args) => {
              const f = (x: Expr, w: Expr) => {
                const up = op.relu(instanceNorm(op.convTranspose(x, w, { stride: 2, padding: 1, outputPadding: 1 })))
                const y = op.add(op.conv(up, v!), op.mul(up, op.sigmoid(op.neg(up))))
                return op.concat([op.tanh(y), op.slice(reflectionPad(y, 1), 2, 1, 9).slice([], [], [], [1, 17])], 1)
              }
              const s = (x: Expr, w: Expr) => op.mean(op.square(op.sub(f(x, w), 0.3)))
              return {
                y: f(x!, w!),
                peaks: op.max(f(x!, w!), [2, 3]),
                dx: grad((x: Expr) => s(x, w!))(x!.ref),
                dw: grad((w: Expr) => s(x!, w))(w!.ref),
              }
            },
            args,
            target,
          ),
      ),
      2,
    )
  })
})

describe('what the compiler does to a graph', () => {
  const operators = (fn: (args: Args) => Expr | Record<string, Expr>, args: Record<string, number[]>) =>
    build(fn as never, Object.fromEntries(Object.entries(args).map(([name, dims]) => [name, shape(dims)])))
      .nodes.map(node => node.op)
      .filter(name => name !== 'Identity')

  test('activations are one operator', () => {
    for (const [name, f] of Object.entries({
      Relu: op.relu,
      LeakyRelu: op.leakyRelu,
      Sigmoid: op.sigmoid,
      Tanh: op.tanh,
    })) {
      expect(operators(({ x }) => f(x!), { x: [4] })).toEqual([name])
    }
  })

  test('constants fold, equal expressions are computed once, dead ones not at all', () => {
    expect(operators(({ x }) => op.mul(op.mul(op.mul(x!, 2), 3), op.full([4], 0.5)), { x: [4] })).toEqual(['Mul'])
    expect(operators(({ x }) => op.mul(op.exp(x!), op.add(op.exp(x!), 1)), { x: [4] })).toEqual(['Exp', 'Add', 'Mul'])
    expect(operators(({ x }) => (op.exp(x!), op.neg(op.neg(op.neg(x!)))), { x: [4] })).toEqual(['Neg'])
    expect(operators(({ x }) => op.transpose(op.transpose(x!, [1, 0, 2]), [1, 0, 2]), { x: [2, 3, 4] })).toEqual([])
  })

  test('signs go to the outside, so that products and sums of x and of -x are one', () => {
    const both = (f: (x: Expr) => Expr) => operators(({ x }) => op.sub(f(x!), op.sqrt(f(op.neg(x!)))), { x: [4, 6] })
    expect(both(x => op.mul(x, op.exp(op.square(x))))).toEqual(['Mul', 'Exp', 'Mul', 'Neg', 'Sqrt', 'Sub'])
    expect(both(x => op.sum(x, [1]))).toEqual(['ReduceSum', 'Reshape', 'Neg', 'Sqrt', 'Sub'])
    // What is negative and small stays small.
    expect(operators(({ x, y }) => op.mul(op.neg(x!), y!), { x: [1, 6], y: [4, 6] })).toEqual(['Neg', 'Mul'])
  })

  test('what cannot be lowered is refused by name, with shapes and a hint', () => {
    const refusal = (fn: (args: Args) => Expr): unknown => {
      try {
        build(fn as never, { x: shape([4, 4]) })
      } catch (error) {
        return error
      }
      return undefined
    }
    expect(refusal(({ x }) => np.linalg.cholesky(x!.ref))).toMatchObject({
      code: 'E_GRAPH',
      message: expect.stringContaining('cholesky(f32[4, 4])'),
      hint: expect.any(String),
    })
    expect(refusal(({ x }) => x!.ref.astype(np.uint32))).toMatchObject({
      code: 'E_GRAPH',
      message: expect.stringContaining('uint32'),
    })
  })
})
