import { describe, expect, test } from 'vitest'
import { alongside, closing, collect, mapInOrder, pieces, streamOf } from '../src/index.ts'
import { releasing } from '../src/streams.ts'
import { pattern } from './cheap.ts'
import { watched } from './watched.ts'

const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const item of source) found.push(item)
  return found
}
async function* of<T>(...items: readonly T[]) {
  yield* items
}
const turn = () => new Promise(resolve => setImmediate(resolve))

describe('pieces', () => {
  test.each([1, 3, 4, 5, 8, 100])('of parts of %i bytes are of their size, but for the last', async part => {
    for (const length of [0, 1, 3, 4, 5, 8, 11, 12]) {
      for (const total of [undefined, length, length + 3]) {
        const found = await all(pieces(streamOf(pattern(length), part), 4, total))
        expect(found.map(piece => piece.length)).toEqual(
          Array.from({ length: Math.ceil(length / 4) }, (_, i) => Math.min(4, length - 4 * i)),
        )
        expect(Buffer.concat(found).equals(pattern(length))).toBe(true)
      }
    }
  })

  test('more than was announced is not lost', async () => {
    const found = await all(pieces(streamOf(pattern(11), 3), 4, 6))
    expect(Buffer.concat(found).equals(pattern(11))).toBe(true)
  })

  test('take no more memory than is announced', async () => {
    const found = await all(pieces(streamOf(pattern(11)), 1 << 20, 11))
    expect(found.map(piece => piece.buffer.byteLength)).toEqual([11])
    const second = await all(pieces(streamOf(pattern(11)), 8, 11))
    expect(second.map(piece => piece.buffer.byteLength)).toEqual([8, 3])
  })
})

describe('mapping in order', () => {
  test('has as many under way as it may, and results in order', async () => {
    for (const lanes of [1, 2, 3]) {
      let [now, most] = [0, 0]
      const results = await all(
        mapInOrder(of(30, 5, 20, 1, 10), lanes, async (wait, index) => {
          most = Math.max(most, ++now)
          for (let i = 0; i < wait; i++) await turn()
          now--
          return `${index}: ${wait}`
        }),
      )
      expect(results).toEqual(['0: 30', '1: 5', '2: 20', '3: 1', '4: 10'])
      expect(most).toBe(lanes)
    }
  })

  test('fails where its turn comes, and waits for what is under way', async () => {
    let done = 0
    const mapped = mapInOrder(of(1, 2, 3, 4), 3, async item => {
      if (item === 2) throw new Error('the second')
      for (let i = 0; i < 5 * item; i++) await turn()
      done++
      return item
    })
    expect((await mapped.next()).value).toBe(1)
    await expect(mapped.next()).rejects.toThrow('the second')
    expect(done).toBe(3)
  })

  test('left early, waits for what is under way', async () => {
    let done = 0
    for await (const _ of mapInOrder(of(1, 2, 3), 2, async () => {
      for (let i = 0; i < 5; i++) await turn()
      done++
    }))
      break
    expect(done).toBe(2)
  })
})

describe('alongside', () => {
  test('a second reader gets the very parts, in step, and the stream ends after it', async () => {
    const seen: string[] = []
    const second = async (parts: AsyncIterable<Uint8Array>) => {
      for await (const part of parts) seen.push(`b${part[0]}`)
      for (let i = 0; i < 5; i++) await turn()
      seen.push('b end')
    }
    for await (const part of alongside(of(...[1, 2, 3].map(n => Uint8Array.of(n))), second)) {
      seen.push(`a${part[0]}`)
      for (let i = 0; i < 3; i++) await turn()
    }
    seen.push('a end')
    expect(seen.filter(each => each.startsWith('a'))).toEqual(['a1', 'a2', 'a3', 'a end'])
    expect(seen.filter(each => each.startsWith('b'))).toEqual(['b1', 'b2', 'b3', 'b end'])
    expect(seen.at(-1)).toBe('a end')
  })

  test('a part is passed on when the second reader has read it: then its memory may be used again', async () => {
    const found: number[] = []
    const second = async (parts: AsyncIterable<Uint8Array>) => {
      for await (const part of parts) {
        for (let i = 0; i < 3; i++) await turn()
        found.push(part[0]!)
      }
    }
    for await (const part of alongside(of(...[1, 2, 3].map(n => Uint8Array.of(n))), second)) part.fill(0)
    expect(found).toEqual([1, 2, 3])
  })

  test('a second reader that ends before the parts do does not hold them up', async () => {
    expect(await collect(alongside(streamOf(pattern(100), 10), async () => undefined))).toEqual(pattern(100))
  })

  test('no part is offered before the one before it was taken', async () => {
    let [given, taken] = [0, 0]
    const source = (async function* () {
      for (let n = 0; n < 6; n++) {
        given++
        yield Uint8Array.of(n)
      }
    })()
    for await (const _ of alongside(source, async parts => {
      for await (const part of parts) {
        void part
        taken++
        for (let i = 0; i < 4; i++) await turn()
      }
    }))
      expect(given - taken).toBeLessThanOrEqual(2)
    expect([given, taken]).toEqual([6, 6])
  })

  test('a second reader that fails fails the stream', async () => {
    await expect(
      collect(
        alongside(streamOf(pattern(100), 10), async parts => {
          for await (const part of parts) if (part[0] === pattern(100)[30]) throw new Error('not what it should be')
        }),
      ),
    ).rejects.toThrow('not what it should be')
    await expect(
      collect(
        alongside(streamOf(pattern(10), 10), async parts => {
          for await (const part of parts) void part
          throw new Error('at the end')
        }),
      ),
    ).rejects.toThrow('at the end')
  })

  test('a second reader that leaves early holds nothing up', async () => {
    expect(await collect(alongside(streamOf(pattern(100), 10), async () => undefined))).toEqual(pattern(100))
  })

  test('a stream that is left, or breaks, ends for the second reader', async () => {
    let ended = false
    const second = async (parts: AsyncIterable<Uint8Array>) => {
      for await (const part of parts) void part
      ended = true
    }
    for await (const _ of alongside(streamOf(pattern(100), 10), second)) break
    for (let i = 0; i < 5; i++) await turn()
    expect(ended).toBe(true)
    ended = false
    const breaking = (async function* () {
      yield Uint8Array.of(1)
      throw new Error('the source broke')
    })()
    await expect(collect(alongside(breaking, second))).rejects.toThrow('the source broke')
    for (let i = 0; i < 5; i++) await turn()
    expect(ended).toBe(true)
  })
})

test('closing calls what it was given, once, whether the stream ends, fails or is left', async () => {
  const ways: [string, (stream: AsyncIterable<Uint8Array>) => Promise<unknown>][] = [
    ['ends', collect],
    [
      'is left',
      async stream => {
        for await (const _ of stream) break
      },
    ],
  ]
  for (const [, way] of ways) {
    let closed = 0
    const { source, closed: let_go } = watched(pattern(100))
    await way(closing(source, async () => void closed++))
    expect([closed, let_go()]).toEqual([1, true])
  }
  let closed = 0
  const failing = (async function* (): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1)
    throw new Error('broken')
  })()
  await expect(collect(closing(failing, async () => void closed++))).rejects.toThrow('broken')
  expect(closed).toBe(1)
})

test('an array as a stream comes in parts, or as one', async () => {
  expect((await all(streamOf(pattern(10), 4))).map(part => part.length)).toEqual([4, 4, 2])
  expect((await all(streamOf(pattern(10)))).map(part => part.length)).toEqual([10])
  expect(await all(streamOf(new Uint8Array(0)))).toEqual([])
  expect(await collect(of(pattern(3), new Uint8Array(0), pattern(2)))).toEqual(
    Uint8Array.of(...pattern(3), ...pattern(2)),
  )
})

test('parts that are nobody else’s are there until the next is asked for', async () => {
  const parts = [1, 2].map(n => new Uint8Array(100_000).fill(n))
  const seen: (number | undefined)[][] = []
  for await (const part of releasing(of(...parts))) seen.push([part[0], ...parts.map(({ length }) => length)])
  expect(seen).toEqual([
    [1, 100_000, 100_000],
    [2, 0, 100_000],
  ])
})
