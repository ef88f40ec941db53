import { zlibPack } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { pathFault } from '../src/place.ts'
import { KeyState } from '../src/vault/key-state.ts'
import { decodeNote, parseRecord } from '../src/vault/record.ts'
import type { IndexRecord } from '../src/vault/record.ts'
import { openSegment, sealSegment, sealSmall } from '../src/vault/segment.ts'

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

test('a segment is read in pieces, whatever its lines are long, and what has no end is no line', async () => {
  const album = { key: new Uint8Array(32).fill(3), envelope: new Uint8Array(200) }
  const head = { parents: ['p'], replaces: [], at: 5 }
  const at = (i: number, path: string): IndexRecord => kept({ ...record, path, object: objectName(i) })
  // Lines of more bytes than characters, one that is longer than a piece, and many that end in one.
  const long = 'ä'.repeat(4000)
  const records = [
    at(0, 'x'),
    at(1, long),
    ...Array.from({ length: 3000 }, (_, i) => at(i + 2, `${i}/${'n'.repeat(i % 90)}`)),
  ]
  const thumbs = { t: 'thumbs' as const, pack: 'p', objects: Array.from({ length: 2000 }, (_, i) => objectName(i)) }
  const png = await sealSegment(album, head, [...records, thumbs])
  const segment = await openSegment(album.key, png)
  expect(segment.head).toEqual({ t: 'segment', ...head })
  expect(Array.from(segment.records)).toEqual([...records, thumbs])

  const cut = zlibPack(
    new TextEncoder().encode(`${JSON.stringify({ t: 'segment', ...head })}\n{"t":"gone"}\n{"t":"go`),
    6,
  )
  const opened = await openSegment(album.key, await sealSmall(album, 'index', 'application/x-latent-index', cut))
  expect(Array.from(opened.records)).toEqual([undefined])
})

const objectName = (i: number) => `objects/ab/${String(i).padStart(30, '0')}.png`
