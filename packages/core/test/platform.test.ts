import { expect, test } from 'vitest'
import { deferred, discardBuffer, groupBy } from '../src/index.ts'

test('a deferred promise is settled from outside, once', async () => {
  const good = deferred<number>()
  good.resolve(7)
  good.reject(new Error('too late'))
  expect(await good.promise).toBe(7)
  const bad = deferred()
  bad.reject(new RangeError('no'))
  await expect(bad.promise).rejects.toThrow(RangeError)
})

test.each<[string, readonly number[], (n: number) => unknown, [unknown, number[]][]]>([
  ['nothing', [], n => n, []],
  ['one group', [3, 1, 2], () => 'all', [['all', [3, 1, 2]]]],
  [
    'groups in the order of their first item',
    [5, 4, 3, 2, 1, 0],
    n => n % 3,
    [
      [2, [5, 2]],
      [1, [4, 1]],
      [0, [3, 0]],
    ],
  ],
  ['NaN is one key', [1, 2], () => NaN, [[NaN, [1, 2]]]],
  [
    'keys that only look alike',
    [0, 1],
    n => (n ? '1' : 1),
    [
      [1, [0]],
      ['1', [1]],
    ],
  ],
])('grouping: %s', (_, items, keyOf, groups) => {
  expect([...groupBy(items, keyOf)]).toEqual(groups)
})

test('a buffer given back is empty; where the platform cannot, it stays as it is', () => {
  const buffer = new ArrayBuffer(100)
  discardBuffer(buffer)
  expect(buffer.byteLength).toBe(0)
  const old = Object.defineProperty(new ArrayBuffer(100), 'transfer', { value: undefined })
  discardBuffer(old)
  expect(old.byteLength).toBe(100)
})
