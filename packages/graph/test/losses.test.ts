import { defaultDevice } from '@jax-js/jax'
import { describe, expect, test } from 'vitest'
import { hostTensor } from '../src/compile.ts'
import * as loss from '../src/losses.ts'
import { constant, type Expr } from '../src/ops.ts'
import * as secrecy from '../src/secrecy.ts'
import { tensor } from '../src/tensor.ts'

/*
 * Each loss against its definition, written out pixel by pixel. jax-js computes at once, on plain numbers: what is
 * wrong here is wrong in the formula, not in what becomes of it.
 */
defaultDevice('cpu')

type Dims = readonly [number, number, number, number]

/** A batch of images, or of anything else, with what its indices say. */
class Batch {
  readonly dims: readonly number[]
  readonly data: Float32Array
  constructor(dims: readonly number[], value: (i: number) => number) {
    this.dims = dims
    this.data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i))
  }

  get expr(): Expr {
    return constant(tensor('f32', this.dims, this.data))
  }

  at(n: number, c: number, y: number, x: number): number {
    const [, channels, h, w] = this.dims as Dims
    return this.data[((n * channels + c) * h + y) * w + x]!
  }

  /** One number for every place of `rows` x `columns`, image by image and channel by channel. */
  each<T>(rows: number, columns: number, value: (n: number, c: number, y: number, x: number) => T): T[] {
    const [n, c] = this.dims as Dims
    return Array.from({ length: n * c * rows * columns }, (_, i) =>
      value(
        Math.floor(i / (c * rows * columns)),
        Math.floor(i / (rows * columns)) % c,
        Math.floor(i / columns) % rows,
        i % columns,
      ),
    )
  }
}

const wave = (a: number) => (i: number) => 0.5 + 0.4 * Math.sin(a * i + 0.3 * i * i)
const value = (expr: Expr): number => {
  const { dims, data } = hostTensor(expr)
  expect(dims).toEqual([])
  return Number(data[0])
}
const values = (expr: Expr): number[] => Array.from(hostTensor(expr).data as Float32Array)
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
const pairs = (a: Batch, b: Batch): (readonly [number, number])[] => Array.from(a.data, (x, i) => [x, b.data[i]!])

const a = new Batch([2, 3, 5, 7], wave(1.3))
const b = new Batch([2, 3, 5, 7], wave(2.1))

describe('differences', () => {
  test('L1 and the mean squared error, of images and of a number', () => {
    expect(value(loss.l1(a.expr, b.expr))).toBeCloseTo(mean(pairs(a, b).map(([x, y]) => Math.abs(x - y))), 6)
    expect(value(loss.mse(a.expr, b.expr))).toBeCloseTo(mean(pairs(a, b).map(([x, y]) => (x - y) ** 2)), 6)
    expect(value(loss.l1(a.expr, 0.25))).toBeCloseTo(mean(Array.from(a.data, x => Math.abs(x - 0.25))), 6)
    expect(value(loss.mse(a.expr, 2))).toBeCloseTo(mean(Array.from(a.data, x => (x - 2) ** 2)), 5)
  })

  test('total variation: neighbours across and neighbours down', () => {
    const down = a.each(4, 7, (n, c, y, x) => Math.abs(a.at(n, c, y + 1, x) - a.at(n, c, y, x)))
    const across = a.each(5, 6, (n, c, y, x) => Math.abs(a.at(n, c, y, x + 1) - a.at(n, c, y, x)))
    expect(value(loss.totalVariation(a.expr))).toBeCloseTo(mean(down) + mean(across), 6)
    // Steps of 1 across and of 10 down.
    expect(value(loss.totalVariation(new Batch([1, 1, 3, 4], i => (i % 4) + 10 * Math.floor(i / 4)).expr))).toBeCloseTo(
      11,
      5,
    )
  })

  test('the distance outside [0, 1], squared', () => {
    expect(value(loss.rangePenalty(new Batch([1, 1, 1, 6], i => [-0.5, 0, 0.4, 1, 1.25, 3][i]!).expr))).toBeCloseTo(
      (0.25 + 0.0625 + 4) / 6,
      6,
    )
    expect(value(loss.rangePenalty(a.expr))).toBe(0)
  })
})

describe('structural similarity', () => {
  /** As Wang et al. define it, window by window. */
  function slow(p: Batch, q: Batch): number {
    const [, , h, w] = p.dims as Dims
    const taps = Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / 4.5))
    const total = taps.reduce((sum, tap) => sum + tap, 0)
    return mean(
      p.each(h - 10, w - 10, (n, c, y, x) => {
        const over = (f: (u: number, v: number) => number) =>
          taps.reduce(
            (sum, ty, dy) =>
              sum +
              taps.reduce(
                (inner, tx, dx) =>
                  inner + ((ty * tx) / total ** 2) * f(p.at(n, c, y + dy, x + dx), q.at(n, c, y + dy, x + dx)),
                0,
              ),
            0,
          )
        const [mp, mq] = [over(u => u), over((_, v) => v)]
        const [vp, vq, vpq] = [
          over(u => u * u) - mp * mp,
          over((_, v) => v * v) - mq * mq,
          over((u, v) => u * v) - mp * mq,
        ]
        return ((2 * mp * mq + 1e-4) * (2 * vpq + 9e-4)) / ((mp * mp + mq * mq + 1e-4) * (vp + vq + 9e-4))
      }),
    )
  }

  const [p, q] = [
    new Batch([2, 2, 12, 14], i => 0.5 + 0.3 * Math.sin(i / 5) + 0.1 * Math.sin(3 * i)),
    new Batch([2, 2, 12, 14], i => 0.45 + 0.25 * Math.sin(i / 5 + 0.4) + 0.05 * Math.cos(7 * i)),
  ]

  test('is that of its definition', () => {
    expect(slow(p, q)).toBeGreaterThan(0.3)
    expect(slow(p, q)).toBeLessThan(0.9)
    expect(value(loss.ssim(p.expr, q.expr))).toBeCloseTo(slow(p, q), 4)
    expect(value(loss.ssim(q.expr, p.expr))).toBeCloseTo(slow(p, q), 4)
    expect(value(loss.ssim(p.expr, tensor('f32', q.dims, q.data)))).toBeCloseTo(slow(p, q), 4)
  })

  test('is 1 for equal images, and what two constants make it for flat ones', () => {
    expect(value(loss.ssim(p.expr, p.expr))).toBeCloseTo(1, 5)
    const flat = (level: number) => new Batch([1, 1, 11, 11], () => level)
    expect(value(loss.ssim(flat(0.2).expr, flat(0.8).expr))).toBeCloseTo((2 * 0.16 + 1e-4) / (0.04 + 0.64 + 1e-4), 4)
    expect(value(loss.ssim(flat(0).expr, flat(0.1).expr))).toBeCloseTo(1e-4 / (0.01 + 1e-4), 4)
    // One window only, of two faint patterns that have nothing in common: the second constant decides.
    const stripes = (across: boolean) =>
      new Batch([1, 1, 11, 11], i => 0.5 + 0.02 * (((across ? i % 11 : Math.floor(i / 11)) % 2) - 0.5))
    expect(value(loss.ssim(stripes(true).expr, stripes(false).expr))).toBeCloseTo(
      slow(stripes(true), stripes(false)),
      3,
    )
  })

  test.each([
    [10, 11],
    [11, 10],
    [10, 10],
    [1, 40],
  ])('%i x %i pixels are too few', (h, w) => {
    const small = new Batch([1, 1, h, w], wave(1))
    expect(() => loss.ssim(small.expr, small.expr)).toThrow(
      expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringContaining(`${w} x ${h}`) }),
    )
  })
})

describe('distributions', () => {
  test('distance of sorted values from the quantiles of uniform ones, channel by channel over the batch', () => {
    const [n, c, h, w] = a.dims as Dims
    const channels = Array.from({ length: c }, (_, k) =>
      Array.from({ length: n * h * w }, (__, i) => a.at(Math.floor(i / (h * w)), k, Math.floor(i / w) % h, i % w)).sort(
        (x, y) => x - y,
      ),
    )
    expect(value(loss.uniformDistance(a.expr))).toBeCloseTo(
      mean(channels.flatMap(sorted => sorted.map((x, i) => (x - (i + 0.5) / sorted.length) ** 2))),
      6,
    )
    // Each channel by itself: one black and one white channel are not the two ends of one uniform set.
    expect(value(loss.uniformDistance(new Batch([1, 2, 1, 2], i => [0, 0, 1, 1][i]!).expr))).toBeCloseTo(
      (0.0625 + 0.5625 + 0.5625 + 0.0625) / 4,
      6,
    )
    expect(value(loss.uniformDistance(new Batch([2, 1, 2, 2], i => (7 - i + 0.5) / 8).expr))).toBeCloseTo(0, 10)
  })

  test('covariance of horizontal, vertical and diagonal neighbours, over the batch and by channel', () => {
    const [n, c, h, w] = a.dims as Dims
    const squares = [
      [0, 1],
      [1, 0],
      [1, 1],
    ].flatMap(([dy, dx]) =>
      Array.from({ length: c }, (_, k) => {
        const found = Array.from({ length: n * (h - dy!) * (w - dx!) }, (__, i) => {
          const [image, y, x] = [
            Math.floor(i / ((h - dy!) * (w - dx!))),
            Math.floor(i / (w - dx!)) % (h - dy!),
            i % (w - dx!),
          ]
          return [a.at(image, k, y, x), a.at(image, k, y + dy!, x + dx!)] as const
        })
        const [left, right] = [mean(found.map(([u]) => u)), mean(found.map(([, v]) => v))]
        return mean(found.map(([u, v]) => (u - left) * (v - right))) ** 2
      }),
    )
    const slow = mean(squares)
    expect(value(loss.neighbourCovariance(a.expr)) / slow).toBeCloseTo(1, 3)
    // Stripes: their neighbours across are opposite, those down are equal; 1/16 each way.
    const stripes = new Batch([1, 1, 4, 5], i => (i % 5) % 2)
    expect(value(loss.neighbourCovariance(stripes.expr))).toBeCloseTo((0.25 ** 2 + 0.24 ** 2 + 0.25 ** 2) / 3, 5)
  })
})

describe('terms of two networks', () => {
  test('the triplet: nearer to the one than to the other by a margin, image by image', () => {
    const image = (...levels: number[]) => new Batch([3, 1, 2, 2], i => levels[Math.floor(i / 4)]!).expr
    const anchor = () => image(0, 0, 0)
    // Distances 0.04 and 0.09, 0.25 and 0.01, 0.16 and 0.16.
    expect(value(loss.triplet(anchor(), image(0.2, 0.5, 0.4), image(0.3, 0.1, 0.4), 0.1))).toBeCloseTo(
      (0.05 + 0.34 + 0.1) / 3,
      5,
    )
    expect(value(loss.triplet(anchor(), image(0.2, 0.5, 0.4), image(0.3, 0.1, 0.4)))).toBeCloseTo(
      (0 + 0.29 + 0.05) / 3,
      5,
    )
    // Means within an image come before the margin: parts of one do not make up for another image.
    expect(value(loss.triplet(anchor(), image(0, 0, 1), image(1, 1, 0), 0.5))).toBeCloseTo(1.5 / 3, 5)
  })

  const [real, fake] = [
    [-1, 0.5, 2],
    [0.25, -2, 1],
  ]
  const scores = (list: readonly number[]) => new Batch([list.length, 1], i => list[i]!).expr
  const soft = (x: number) => Math.log(1 + Math.exp(x))

  test('least squares: the judge wants 1 for what is real and 0 for what is not, the other side 1', () => {
    expect(value(loss.lsgan.discriminator(scores(real), scores(fake)))).toBeCloseTo(
      0.5 * (mean(real.map(x => (x - 1) ** 2)) + mean(fake.map(x => x * x))),
      5,
    )
    expect(value(loss.lsgan.generator(scores(fake)))).toBeCloseTo(mean(fake.map(x => (x - 1) ** 2)), 5)
  })

  test('cross-entropy, not saturating', () => {
    expect(value(loss.bceGan.discriminator(scores(real), scores(fake)))).toBeCloseTo(
      mean(real.map(x => soft(-x))) + mean(fake.map(soft)),
      5,
    )
    expect(value(loss.bceGan.generator(scores(fake)))).toBeCloseTo(mean(fake.map(x => soft(-x))), 5)
  })

  test('cross-entropy of classes: the mean over the batch of what the label was given', () => {
    const logits = [
      [1, 2, 0.5],
      [-1, 0, 3],
    ]
    const labels = [
      [0, 1, 0],
      [0.5, 0, 0.5],
    ]
    const expected = mean(
      logits.map(
        (row, i) =>
          -row.reduce(
            (sum, x, k) => sum + labels[i]![k]! * (x - Math.log(row.reduce((total, y) => total + Math.exp(y), 0))),
            0,
          ),
      ),
    )
    expect(
      value(
        loss.crossEntropy(
          new Batch([2, 3], i => logits.flat()[i]!).expr,
          tensor('f32', [2, 3], Float32Array.from(labels.flat())),
        ),
      ),
    ).toBeCloseTo(expected, 5)
  })
})

describe('what a cipher image gives away', () => {
  const cipher = new Batch([2, 3, 16, 24], i => 0.5 + 0.49 * Math.sin(12.9898 * i + 0.2 * i * i))
  const plain = new Batch([2, 3, 16, 24], i => 0.4 + 0.3 * Math.sin(i / 9) + 0.2 * Math.cos(i / 31))

  /** |mean of exp(2 pi i k x)|^2, averaged over k. */
  const momentsOf = (list: readonly number[], moments: number) =>
    mean(
      Array.from(
        { length: moments },
        (_, k) =>
          mean(list.map(x => Math.cos(2 * Math.PI * (k + 1) * x))) ** 2 +
          mean(list.map(x => Math.sin(2 * Math.PI * (k + 1) * x))) ** 2,
      ),
    )

  test('trigonometric moments, by image and by channel, eight of them or as many as asked for', () => {
    const list = (n: number, c: number) =>
      Array.from({ length: 16 * 24 }, (_, i) => cipher.at(n, c, Math.floor(i / 24), i % 24))
    const both = [0, 1].flatMap(n => [0, 1, 2].map(c => list(n, c)))
    expect(value(secrecy.uniformMoments(cipher.expr, [2, 3]))).toBeCloseTo(
      mean(both.map(values => momentsOf(values, 8))),
      4,
    )
    expect(value(secrecy.uniformMoments(cipher.expr, [0, 2, 3], 3))).toBeCloseTo(
      mean([0, 1, 2].map(c => momentsOf([...list(0, c), ...list(1, c)], 3))),
      4,
    )
    expect(value(secrecy.uniformMoments(new Batch([1, 1, 1, 4], () => 0.3).expr, [1, 2, 3], 5))).toBeCloseTo(1, 4)
    // Four values at the corners of a square: the first three moments vanish, the fourth is whole.
    const corners = new Batch([1, 1, 1, 4], i => i / 4 + 0.1)
    expect([1, 2, 3, 4, 8].map(moments => value(secrecy.uniformMoments(corners.expr, [1, 2, 3], moments)))).toEqual(
      [0, 0, 0, 1 / 4, 2 / 8].map(x => expect.closeTo(x, 3)),
    )
  })

  const square = (batch: Batch, side: number, n: number, y: number, x: number) =>
    Array.from({ length: 3 * side * side }, (_, i) =>
      batch.at(n, Math.floor(i / (side * side)), y * side + (Math.floor(i / side) % side), x * side + (i % side)),
    )

  test('uniformity of every square, all channels together or one by one', () => {
    const squares = (side: number) =>
      [0, 1].flatMap(n =>
        Array.from({ length: (16 / side) * (24 / side) }, (_, i) =>
          square(cipher, side, n, Math.floor(i / (24 / side)), i % (24 / side)),
        ),
      )
    expect(value(secrecy.localUniformity(cipher.expr))).toBeCloseTo(
      mean(squares(8).map(values => momentsOf(values, 3))),
      4,
    )
    expect(value(secrecy.localUniformity(cipher.expr, { side: 4, moments: 2 }))).toBeCloseTo(
      mean(squares(4).map(values => momentsOf(values, 2))),
      4,
    )
    const apart = squares(8).flatMap(values => [0, 1, 2].map(c => values.slice(64 * c, 64 * (c + 1))))
    expect(value(secrecy.localUniformity(cipher.expr, { apart: true }))).toBeCloseTo(
      mean(apart.map(values => momentsOf(values, 3))),
      4,
    )
    for (const dims of [
      [1, 3, 12, 16],
      [1, 3, 16, 12],
    ])
      expect(() => secrecy.localUniformity(new Batch(dims, wave(1)).expr)).toThrow(
        expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringContaining(`${dims[3]} x ${dims[2]}`) }),
      )
  })

  test('local moments: samples and products of two, as means over squares', () => {
    const inSquares = (term: (n: number, c: number, y: number, x: number) => number) =>
      cipher.each(16 / 8, 24 / 8, (n, c, top, left) =>
        mean(Array.from({ length: 64 }, (_, i) => term(n, c, 8 * top + Math.floor(i / 8), 8 * left + (i % 8)))),
      )
    const of = (n: number, c: number, y: number, x: number) => cipher.at(n, c % 3, y % 16, x % 24)
    const kinds = [
      inSquares(of),
      ...[
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ].map(([dc, dy, dx]) => inSquares((n, c, y, x) => of(n, c, y, x) * of(n, c + dc!, y + dy!, x + dx!))),
    ]
    // By image, then by kind.
    const expected = [0, 1].flatMap(n => kinds.flatMap(list => list.slice(18 * n, 18 * (n + 1))))
    expect(values(secrecy.localMoments(cipher.expr))).toEqual(expected.map(x => expect.closeTo(x, 5)))
    expect(() => secrecy.localMoments(new Batch([1, 3, 12, 16], wave(1)).expr)).toThrow(
      expect.objectContaining({ code: 'E_ARGUMENT' }),
    )
  })

  test('the share that the best linear map explains, by normal equations solved step by step', () => {
    const [n, k] = [60, 7]
    const mixed = new Batch([n, k], wave(0.7))
    // Columns that are nearly one another's sums, and one of another scale: hard for an inverse.
    const seen = new Batch([n, k], i => {
      const [row, column] = [Math.floor(i / k), i % k]
      const [own, first] = [mixed.data[i]!, mixed.data[row * k]!]
      return column === 3 ? first + 0.03 * own : column === 4 ? 100 * own : own
    })
    const shown = new Batch([n, 2], i => {
      const at = Math.floor(i / 2) * k
      return i % 2 === 0 ? mixed.data[at + 3]! - 0.4 * mixed.data[at + 1]! : Math.cos(1.9 * i)
    })
    const columnsOf = ({ dims, data }: Batch) =>
      Array.from({ length: dims[1]! }, (_, c) => {
        const column = Array.from({ length: n }, (__, row) => data[row * dims[1]! + c]!)
        const middle = mean(column)
        const deviation = Math.sqrt(mean(column.map(x => (x - middle) ** 2)) + 1e-6)
        return column.map(x => (x - middle) / deviation)
      })
    const product = (p: readonly number[], q: readonly number[]) => mean(p.map((x, i) => x * q[i]!))
    const explained = (target: readonly number[], columns: readonly (readonly number[])[], ridge: number) => {
      const rows = columns.map((p, i) => [
        ...columns.map((q, j) => product(p, q) + (i === j ? ridge : 0)),
        product(p, target),
      ])
      for (const [i, row] of rows.entries())
        for (const [j, other] of rows.entries()) {
          if (i === j) continue
          const factor = other[i]! / row[i]!
          for (let c = i; c <= k; c++) other[c]! -= factor * row[c]!
        }
      return rows.reduce((sum, row, i) => sum + (row[k]! / row[i]!) * product(columns[i]!, target), 0)
    }
    for (const ridge of [1e-3, 0.1]) {
      const shares = columnsOf(shown).map(target => explained(target, columnsOf(seen), ridge))
      expect(value(secrecy.linearShare(seen.expr, shown.expr, ridge))).toBeCloseTo(mean(shares), 3)
      expect(Math.abs(shares[0]! - shares[1]!)).toBeGreaterThan(0.3)
    }
    // What is a sum of two columns shows by neither.
    const [low, high] = [new Batch([n, 1], wave(2.3)), new Batch([n, 1], i => Math.cos(i))]
    const hidden = new Batch([n, 2], i => (i % 2 === 0 ? 1 : -1) * low.data[i >> 1]! + 0.1 * high.data[i >> 1]!)
    expect(value(secrecy.linearShare(hidden.expr, high.expr))).toBeGreaterThan(0.9)
    expect(value(secrecy.linearShare(new Batch([n, 1], i => hidden.data[2 * i]!).expr, high.expr))).toBeLessThan(0.5)
    expect(value(secrecy.linearShare(low.expr, new Batch([n, 1], () => 0.5).expr))).toBeCloseTo(0, 5)
  })

  const edgesOf = (batch: Batch, n: number) =>
    Array.from({ length: 14 * 22 }, (_, i) => {
      const [y, x] = [Math.floor(i / 22) + 1, (i % 22) + 1]
      const luma = (dy: number, dx: number) =>
        0.299 * batch.at(n, 0, y + dy, x + dx) +
        0.587 * batch.at(n, 1, y + dy, x + dx) +
        0.114 * batch.at(n, 2, y + dy, x + dx)
      const across = luma(-1, 1) + 2 * luma(0, 1) + luma(1, 1) - luma(-1, -1) - 2 * luma(0, -1) - luma(1, -1)
      const down = luma(1, -1) + 2 * luma(1, 0) + luma(1, 1) - luma(-1, -1) - 2 * luma(-1, 0) - luma(-1, 1)
      return Math.sqrt(across ** 2 + down ** 2 + 1e-6)
    })
  const deviationsOf = (batch: Batch, n: number, side = 4) =>
    Array.from({ length: (16 / side) * (24 / side) }, (_, i) => {
      const list = square(batch, side, n, Math.floor(i / (24 / side)), i % (24 / side))
      return Math.sqrt(mean(list.map(x => x * x)) - mean(list) ** 2 + 1e-6)
    })
  const squintOf = (batch: Batch, n: number, side = 8) =>
    [0, 1, 2].flatMap(c =>
      Array.from({ length: (16 / side) * (24 / side) }, (_, i) =>
        mean(
          square(batch, side, n, Math.floor(i / (24 / side)), i % (24 / side)).slice(
            c * side * side,
            (c + 1) * side * side,
          ),
        ),
      ),
    )

  const close = (expected: readonly number[]) => expected.map(x => expect.closeTo(x, 3) as unknown)

  test('edges, deviations in squares and their means, place by place', () => {
    expect(values(secrecy.edgeMap(plain.expr))).toEqual(close([0, 1].flatMap(n => edgesOf(plain, n))))
    expect(values(secrecy.blockDeviation(cipher.expr))).toEqual(close([0, 1].flatMap(n => deviationsOf(cipher, n))))
    expect(values(secrecy.blockDeviation(cipher.expr, 8))).toEqual(
      close([0, 1].flatMap(n => deviationsOf(cipher, n, 8))),
    )
    expect(values(secrecy.squint(cipher.expr))).toEqual(close([0, 1].flatMap(n => squintOf(cipher, n))))
    expect(values(secrecy.squint(cipher.expr, 4))).toEqual(close([0, 1].flatMap(n => squintOf(cipher, n, 4))))
    // Where nothing varies, what rounding leaves of a variance may lie below zero.
    expect(values(secrecy.blockDeviation(new Batch([1, 3, 4, 4], () => 0.7).expr))).toEqual(close([1e-3]))
  })

  const correlationOf = (p: readonly number[], q: readonly number[], floor = 1e-6) => {
    const [mp, mq] = [mean(p), mean(q)]
    const variance = (list: readonly number[], middle: number) => mean(list.map(x => (x - middle) ** 2)) + floor
    return mean(p.map((x, i) => (x - mp) * (q[i]! - mq))) ** 2 / (variance(p, mp) * variance(q, mq))
  }

  test('squared correlation, image by image, with a floor for what hardly varies', () => {
    const rows = (batch: Batch, n: number) => Array.from(batch.data.subarray(n * 1152, (n + 1) * 1152))
    for (const floor of [1e-6, 0.05]) {
      const mixed = new Batch(plain.dims, i => plain.data[i]! + 0.3 * cipher.data[i]!)
      expect(value(secrecy.squaredCorrelation(mixed.expr, plain.expr, floor))).toBeCloseTo(
        mean([0, 1].map(n => correlationOf(rows(mixed, n), rows(plain, n), floor))),
        4,
      )
    }
    expect(
      value(secrecy.squaredCorrelation(plain.expr, new Batch(plain.dims, i => 1 - 0.5 * plain.data[i]!).expr)),
    ).toBeCloseTo(1, 3)
    expect(value(secrecy.squaredCorrelation(plain.expr, new Batch(plain.dims, () => 0.5).expr))).toBeCloseTo(0, 5)
    // A map that varies by a thousandth: half of its correlation is left.
    const faint = new Batch(plain.dims, i => 0.001 * (i % 2 === 0 ? 1 : -1))
    expect(value(secrecy.squaredCorrelation(faint.expr, faint.expr))).toBeCloseTo(0.25, 3)
  })

  test('squared correlation of every two channels, of a whole batch and image by image', () => {
    const channel = (batch: Batch, c: number, images: readonly number[]) =>
      images.flatMap(n => Array.from(batch.data.subarray((3 * n + c) * 384, (3 * n + c + 1) * 384)))
    const mixed = new Batch(plain.dims, i => plain.data[i]! + 0.3 * cipher.data[i]!)
    const pairs = (floor: number, images: readonly number[]) =>
      [0, 1, 2].flatMap(c =>
        [0, 1, 2].map(d => correlationOf(channel(mixed, c, images), channel(plain, d, images), floor)),
      )
    for (const floor of [1e-6, 0.05]) {
      const found = (over: 'batch' | 'image') => value(secrecy.channelCorrelation(mixed.expr, plain.expr, over, floor))
      expect(found('batch')).toBeCloseTo(mean(pairs(floor, [0, 1])), 4)
      expect(found('image')).toBeCloseTo(mean([0, 1].flatMap(n => pairs(floor, [n]))), 4)
    }
    // Two channels that show the same with opposite signs.
    const grey = new Batch([2, 1, 8, 8], i => wave(3)(i))
    const signed = (sign: (n: number, c: number) => number) =>
      new Batch([2, 2, 8, 8], i => {
        const [n, c, place] = [Math.floor(i / 128), Math.floor(i / 64) % 2, i % 64]
        return sign(n, c) * grey.at(n, 0, Math.floor(place / 8), place % 8)
      })
    const opposed = signed((_, c) => (c === 0 ? 1 : -1))
    const both = new Batch([2, 2, 8, 8], i => grey.at(Math.floor(i / 128), 0, Math.floor((i % 64) / 8), i % 8))
    expect(value(secrecy.channelCorrelation(opposed.expr, grey.expr, 'image'))).toBeCloseTo(1, 3)
    expect(value(secrecy.squaredCorrelation(opposed.expr, both.expr))).toBeLessThan(0.1)
    // Two images that show it with opposite signs; and two that differ as wholes alone.
    const turned = signed(n => (n === 0 ? 1 : -1))
    expect(value(secrecy.channelCorrelation(turned.expr, grey.expr, 'image'))).toBeCloseTo(1, 3)
    expect(value(secrecy.channelCorrelation(turned.expr, grey.expr, 'batch'))).toBeLessThan(0.9)
    const levels = new Batch([2, 1, 8, 8], i => Math.floor(i / 64) + 0.001 * (i % 2))
    const other = new Batch([2, 1, 8, 8], i => Math.floor(i / 64) + 0.001 * (Math.floor(i / 8) % 2))
    expect(value(secrecy.channelCorrelation(levels.expr, other.expr, 'batch'))).toBeCloseTo(1, 3)
    expect(value(secrecy.channelCorrelation(levels.expr, other.expr, 'image'))).toBeCloseTo(0, 3)
  })

  test('outlines: each kind of the cipher image with the same kind of the picture', () => {
    const shown = new Batch(plain.dims, i => 0.6 * cipher.data[i]! + 0.4 * plain.data[i]! + (i % 24 > 11 ? 0.2 : 0))
    const found = secrecy.outlines(shown.expr, plain.expr)
    expect(Object.keys(found)).toEqual(['edges', 'deviation', 'squint'])
    const kinds = { edges: edgesOf, deviation: deviationsOf, squint: squintOf }
    for (const [name, kind] of Object.entries(kinds)) {
      const expected = mean([0, 1].map(n => correlationOf(kind(shown, n), kind(plain, n))))
      expect(Math.abs(value(found[name as keyof typeof kinds]) - expected)).toBeLessThan(0.02 * expected + 1e-4)
      expect(expected).toBeGreaterThan(1e-3)
    }
  })
})
