import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../src/safetensors.ts'
import { tensor } from '../src/tensor.ts'

/** A file as anybody may write one: the text of its header as it is, and its data. */
function fileOf(header: string | Uint8Array, data: readonly number[] = [], length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const file = new Uint8Array(8 + text.length + data.length)
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  file.set(text, 8)
  file.set(data, 8 + text.length)
  return file
}

const entry = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets })
const ONE = [0, 0, 128, 63]

describe('what is read', () => {
  test('every element type, scalars and empty arrays, with notes', () => {
    const tensors = {
      f: tensor('f32', [2, 1], Float32Array.of(1.5, -0)),
      u: tensor('u8', [3], Uint8Array.of(0, 128, 255)),
      i: tensor('i8', [3], Int8Array.of(-128, 0, 127)),
      n: tensor('i32', [], Int32Array.of(-7)),
      l: tensor('i64', [1], BigInt64Array.of(-(2n ** 60n))),
      b: tensor('bool', [2], Uint8Array.of(0, 1)),
      none: tensor('f32', [0, 5], new Float32Array(0)),
    }
    const file = encodeSafetensors({ tensors, metadata: { format: 'x' } })
    expect(decodeSafetensors(file)).toEqual({ tensors, metadata: { format: 'x' } })
    // Data begins at a multiple of eight, whatever the header's length.
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0)
  })

  test('a header that lists tensors in another order than their bytes', () => {
    const header = `{"late":${entry('U8', [2], [4, 6])},"early":${entry('F32', [1], [0, 4])}}`
    const { tensors } = decodeSafetensors(fileOf(header, [...ONE, 8, 9]))
    expect(tensors).toEqual({
      early: tensor('f32', [1], Float32Array.of(1)),
      late: tensor('u8', [2], Uint8Array.of(8, 9)),
    })
  })

  test('a header that fills the file, and one that is as long as a header may be', () => {
    expect(decodeSafetensors(fileOf('{}'))).toEqual({ tensors: {}, metadata: {} })
    expect(decodeSafetensors(fileOf('{}'.padEnd(2 ** 24)))).toEqual({ tensors: {}, metadata: {} })
  })

  test('data begins at a multiple of eight after notes of any length', () => {
    for (let length = 0; length < 9; length++)
      expect(
        Number(
          new DataView(encodeSafetensors({ tensors: {}, metadata: { x: 'y'.repeat(length) } }).buffer).getBigUint64(
            0,
            true,
          ),
        ) % 8,
      ).toBe(0)
  })

  test('empty arrays anywhere in the header, though they begin where another does', () => {
    const [full, none, end] = [entry('F32', [1], [0, 4]), entry('F32', [0], [0, 0]), entry('U8', [0], [4, 4])]
    const header = `{"full":${full},"none":${none},"end":${end}}`
    expect(
      Object.entries(decodeSafetensors(fileOf(header, ONE)).tensors).map(([name, { data }]) => [name, data.length]),
    ).toEqual([
      ['none', 0],
      ['full', 1],
      ['end', 0],
    ])
  })

  test('half storage is for floats alone', () => {
    const tensors = { f: tensor('f32', [1], Float32Array.of(0.5)), n: tensor('i32', [1], Int32Array.of(70_000)) }
    const [half, whole] = [true, false].map(half => encodeSafetensors({ tensors, metadata: {} }, { half }))
    expect([decodeSafetensors(half!).tensors, decodeSafetensors(whole!).tensors]).toEqual([tensors, tensors])
    const text = (file: Uint8Array) => new TextDecoder().decode(file)
    expect([text(half!).includes('"F16"'), text(whole!).includes('"F16"')]).toEqual([true, false])
  })

  test.each(['10', '__proto__', 'constructor', 'toString', 'a"b\\', ' ', 'größe'])(
    'a tensor called %j, there and back beside others',
    name => {
      const tensors = Object.fromEntries([
        ['first', tensor('u8', [1], Uint8Array.of(1))],
        [name, tensor('u8', [1], Uint8Array.of(2))],
        ['2', tensor('u8', [1], Uint8Array.of(3))],
      ])
      const back = decodeSafetensors(encodeSafetensors({ tensors, metadata: {} })).tensors
      expect(new Map(Object.entries(back).map(([key, { data }]) => [key, data[0]]))).toEqual(
        new Map<string, number>([
          ['first', 1],
          [name, 2],
          ['2', 3],
        ]),
      )
    },
  )

  test('a name that a file keeps for its notes is no name of a tensor', () => {
    expect(() =>
      encodeSafetensors({ tensors: { __metadata__: tensor('u8', [1], Uint8Array.of(1)) }, metadata: {} }),
    ).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })

  test('bytes in the middle of a larger buffer, and halves', () => {
    const inner = fileOf(`{"h":${entry('F16', [2], [0, 4])}}`, [0, 60, 0, 188])
    const outer = new Uint8Array(inner.length + 13)
    outer.set(inner, 7)
    expect(decodeSafetensors(outer.subarray(7, 7 + inner.length)).tensors['h']).toEqual(
      tensor('f32', [2], Float32Array.of(1, -1)),
    )
  })
})

describe('what is refused, each with E_WEIGHTS', () => {
  const flawed: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['seven bytes', new Uint8Array(7)],
    ['a header of length zero', fileOf('')],
    ['a header longer than the file', fileOf('{}', [], 3n)],
    ['a header of 2^63 bytes', fileOf('{}', [], 2n ** 63n)],
    ['a header above the limit, which is there', fileOf(new Uint8Array(2 ** 24 + 1).fill(0x20))],
    ['a header that is an array', fileOf('[]')],
    ['a header that is null', fileOf('null')],
    ['a header that is a number', fileOf('7')],
    ['a header with a byte order mark', fileOf('\uFEFF{}')],
    ['a header that is not UTF-8', fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))],
    ['two tensors of one name', fileOf(`{"a":${entry('F32', [1], [0, 4])},"a":${entry('I32', [1], [0, 4])}}`, ONE)],
    [
      'two tensors of one name, spelt differently',
      fileOf(`{"a":${entry('U8', [1], [0, 1])},"\\u0061":${entry('U8', [1], [0, 1])}}`, [1]),
    ],
    ['two sets of notes', fileOf('{"__metadata__":{"scheme":"x"},"__metadata__":{"scheme":"y"}}')],
    ['notes that are a list', fileOf('{"__metadata__":["x"]}')],
    ['notes that are null', fileOf('{"__metadata__":null}')],
    ['a note that is a number', fileOf('{"__metadata__":{"scheme":1}}')],
    ['a tensor described by null', fileOf('{"a":null}')],
    ['a tensor described by text', fileOf('{"a":"F32"}')],
    ['an unknown element type', fileOf(`{"a":${entry('F64', [1], [0, 8])}}`, [...ONE, ...ONE])],
    ['an element type that is a property of every object', fileOf(`{"a":${entry('constructor', [1], [0, 4])}}`, ONE)],
    ['no element type', fileOf('{"a":{"shape":[1],"data_offsets":[0,4]}}', ONE)],
    ['no shape', fileOf('{"a":{"dtype":"F32","data_offsets":[0,4]}}', ONE)],
    ['no place', fileOf('{"a":{"dtype":"F32","shape":[1]}}', ONE)],
    ['a shape with a fraction', fileOf(`{"a":${entry('U8', [1.5, 2], [0, 3])}}`, [1, 2, 3])],
    ['a shape with a negative number', fileOf(`{"a":${entry('U8', [-2, -2], [0, 4])}}`, ONE)],
    ['a shape of text', fileOf(`{"a":${entry('U8', ['4'], [0, 4])}}`, ONE)],
    [
      'a shape that is larger than any memory',
      fileOf(`{"a":${entry('U8', [2 ** 50, 2 ** 50, 2 ** 50], [0, 4])}}`, ONE),
    ],
    ['a shape of another size than its bytes', fileOf(`{"a":${entry('F32', [2], [0, 4])}}`, ONE)],
    ['halves counted as floats', fileOf(`{"a":${entry('F16', [1], [0, 4])}}`, ONE)],
    ['an end before the start', fileOf(`{"a":${entry('U8', [0], [4, 0])}}`, ONE)],
    ['a negative start', fileOf(`{"a":${entry('U8', [4], [-4, 0])}}`, ONE)],
    ['three offsets', fileOf(`{"a":${entry('U8', [4], [0, 4, 4])}}`, ONE)],
    ['an end outside the data', fileOf(`{"a":${entry('F32', [2], [0, 8])}}`, ONE)],
    ['tensors that overlap', fileOf(`{"a":${entry('F32', [1], [0, 4])},"b":${entry('U8', [1], [3, 4])}}`, ONE)],
    ['a gap between tensors', fileOf(`{"a":${entry('U8', [1], [0, 1])},"b":${entry('U8', [1], [2, 3])}}`, [1, 2, 3])],
    ['a gap before the first', fileOf(`{"a":${entry('U8', [1], [1, 2])}}`, [1, 2])],
    ['bytes after the last', fileOf(`{"a":${entry('U8', [1], [0, 1])}}`, [1, 2])],
    ['data of no tensor', fileOf('{}', [1])],
    ['a truth value of 2', fileOf(`{"a":${entry('BOOL', [2], [0, 2])}}`, [1, 2])],
  ]
  test.each(flawed)('%s', (_, file) => {
    expect(() => decodeSafetensors(file)).toThrow(
      expect.objectContaining({ name: 'LatentError', code: 'E_WEIGHTS', hint: expect.any(String) }),
    )
  })
})
