import { describe, expect, test } from 'vitest'
import { pathFault } from '../src/place.ts'
import { KeyState } from '../src/vault/key-state.ts'
import { decodeNote, parseRecord } from '../src/vault/record.ts'
import type { IndexRecord } from '../src/vault/record.ts'

const note = { path: 'a/b.jpg', size: 5, modified: -1, sha256: 'ab'.repeat(32), type: 'image/jpeg', added: 7 }
const record = { t: 'photo', object: `objects/ab/${'c'.repeat(30)}.png`, sealed: 900, ...note }
const encoded = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

describe('a line of an index that says what no photo is', () => {
  test.each([
    ['path', '../x'],
    ['path', ''],
    ['path', 7],
    ['size', -1],
    ['size', 1.5],
    ['modified', '1'],
    ['sha256', 'AB'.repeat(32)],
    ['sha256', 'ab'.repeat(31)],
    ['type', null],
    ['added', null],
    ['object', 'objects/ab/../../x.png'],
    ['sealed', '900'],
  ])('%s %j is passed over', (field, value) => {
    expect(parseRecord({ ...record, [field]: value })).toBeUndefined()
  })
})

test('what is kept of a photo are the fields that this release knows', () => {
  const line = { ...record, camera: 'Maker Model', colour: 'red' }
  const key = new KeyState('k', new Uint8Array(32), new Uint8Array(0))
  key.take('s', { head: { t: 'segment', parents: [], replaces: [], at: 0 }, records: [kept(line), undefined] }, 10)
  const { t: _, ...fields } = record
  expect(Array.from(key.photos.values())).toEqual([{ ...fields, camera: 'Maker Model', key }])
  expect(key.segments.get('s')).toEqual({ parents: [], lines: 2, unknown: 1 })
})

test('a camera or a date that is no text is none', () => {
  expect(parseRecord({ ...record, camera: 7, taken: ['2020'] })).toEqual(record)
  expect(decodeNote(encoded({ ...note, camera: {}, taken: '2020-01-01T00:00:00' }))).toEqual({
    ...note,
    taken: '2020-01-01T00:00:00',
  })
})

test('a note cannot say which object it lies in', () => {
  expect(decodeNote(encoded({ ...note, object: 'objects/00/other.png', sealed: 1, t: 'gone' }))).toEqual(note)
})

describe('paths', () => {
  test.each(['/a', 'a/', 'a//b', '.', '..', './a', 'a/..', 'a/../b', 'a/./b', '', 'a\0b', 'a'.repeat(4097)])(
    '%j leads nowhere in an album',
    path => expect(pathFault(path)).toBeDefined(),
  )
  test.each(['a', '...', '.a', 'a.', '..a/b..', 'a/.../b', 'a\nb', 'a'.repeat(4096)])('%j is one', path =>
    expect(pathFault(path)).toBeUndefined(),
  )
})

const kept = (value: unknown) => parseRecord(value) as IndexRecord
