import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Journal } from '../src/node/journal.ts'
import { JournalState } from '../src/node/journal-state.ts'

/** What the lines of a journal say, one by one and together. */

const JOURNAL = '.latent-journal.jsonl'
const stateOf = (...lines: object[]): JournalState => {
  const state = new JournalState()
  for (const line of lines) state.take(line as Record<string, unknown>)
  return state
}

describe('what is known of a target', () => {
  const promised = { target: 'a.png', nonce: '1', by: 'me', name: 'n', stamp: 's', bytes: 7 }
  const published = { target: 'a.png', nonce: '1', file: 'f' }

  test('a promise is no file; a line behind it makes it one, with all that the promise said', () => {
    const state = stateOf(promised)
    expect([state.latest('a.png'), state.mentions('a.png'), state.expected()]).toEqual([undefined, true, []])
    state.take(published)
    expect(state.latest('a.png')).toEqual({ ...promised, file: 'f' })
    expect([state.surplus, state.mentions('b.png'), state.unkeyed]).toEqual([1, false, false])
  })

  test('a line of version 0.1.0 names no machine, and is a file as it stands; its marks have no key', () => {
    expect(stateOf({ target: 'a.png', nonce: '1' }).latest('a.png')).toEqual({ target: 'a.png', nonce: '1' })
    expect(stateOf({ target: 'a.png', nonce: '1' }).unkeyed).toBe(false)
    expect(stateOf({ target: 'a.png', nonce: '1', stamp: 's' }).unkeyed).toBe(true)
  })

  test('the newest file counts, and one that is gone is none, until it is sealed again', () => {
    const state = stateOf(promised, published, { ...promised, nonce: '2' }, { ...published, nonce: '2', file: 'g' })
    expect(state.latest('a.png')!.nonce).toBe('2')
    expect(state.find('a.png', '1')!.file).toBe('f')
    state.take({ target: 'a.png', nonce: '2', gone: true })
    expect([state.latest('a.png'), state.find('a.png', '2'), state.expected()]).toEqual([undefined, undefined, []])
    expect(state.find('a.png', '1')).toBeDefined()
    expect(state.live()).toEqual([])
    state.take({ ...promised, nonce: '2', file: 'h' })
    expect(state.latest('a.png')).toMatchObject({ nonce: '2', file: 'h', gone: false })
    expect([state.find('a.png', '3'), state.find('b.png', '1')]).toEqual([undefined, undefined])
  })

  test('what a later run can need is the newest file and the promises behind it', () => {
    const state = stateOf(promised, published, { ...promised, nonce: '2' }, { ...published, nonce: '2' })
    state.take({ ...promised, nonce: '3' })
    expect(state.live().map(({ nonce }) => nonce)).toEqual(['2', '3'])
    expect(state.all().map(({ nonce }) => nonce)).toEqual(['1', '2', '3'])
    expect(stateOf(promised).live()).toHaveLength(1)
  })

  test('a source is found by its machine and mark, at the last place it was sealed to', () => {
    const state = stateOf(promised, { ...promised, target: 'b.png', nonce: '2' })
    expect([state.targetOf('me', 'n'), state.targetOf('you', 'n'), state.targetOf('me', 'm')]).toEqual([
      'b.png',
      undefined,
      undefined,
    ])
    state.take({ ...promised, target: 'c.png', gone: true })
    expect(state.targetOf('me', 'n')).toBe('b.png')
  })

  test('who can open what has a lock', () => {
    const state = stateOf({ lock: 'l', members: ['a', 7] }, { lock: 'm', members: 'nobody' }, { lock: 3, members: [] })
    expect([...state.locks]).toEqual([['l', ['a', '7']]])
  })
})

test.each([
  [{ nonce: '1' }],
  [{ target: 'a.png' }],
  [{ target: 7, nonce: '1' }],
  [{ target: 'a.png', nonce: 1 }],
  [{ target: '../a.png', nonce: '1' }],
  [{ target: 'x/../../a.png', nonce: '1' }],
  [{ target: '/a.png', nonce: '1' }],
  [{ target: '', nonce: '1' }],
  [{ target: 'x//a.png', nonce: '1' }],
  [{ target: './a.png', nonce: '1' }],
  [{ target: 'a\0.png', nonce: '1' }],
])('no line of a file: %j', line => {
  expect(stateOf({ ...line, by: 'me', file: 'f', stamp: 's' }).all()).toEqual([])
})

test('fields of the wrong kind are left out, and the rest is taken', () => {
  const state = stateOf({ target: 'a.png', nonce: '1', by: 5, file: 'f', bytes: 'many', album: 'x', gone: 'yes' })
  expect(state.all()).toEqual([{ target: 'a.png', nonce: '1', file: 'f', album: 'x' }])
})

describe('in a folder', () => {
  let folder = ''
  const secret = new Uint8Array(32).fill(1)
  const write = (name: string, ...lines: (object | string)[]) =>
    writeFile(
      join(folder, name),
      lines.map(line => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)).join(''),
    )
  const text = () => readFile(join(folder, JOURNAL), 'utf8')
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latent-journal-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('a folder that is not there, or has no journal, knows nothing', async () => {
    expect((await JournalState.read(join(folder, 'none'))).all()).toEqual([])
    expect((await JournalState.read(folder)).all()).toEqual([])
  })

  test('copies that services made are read first: the journal itself is newest', async () => {
    await write(
      '.latent-journal (1).jsonl',
      { target: 'a.png', nonce: '1', file: 'old' },
      { target: 'b.png', nonce: '2' },
    )
    await write(JOURNAL, { target: 'a.png', nonce: '1', file: 'new' }, '{"target":"c.png","non')
    await mkdir(join(folder, '.latent-journal (2).jsonl'))
    const state = await JournalState.read(folder)
    expect(state.copies).toEqual(['.latent-journal (1).jsonl'])
    expect(state.latest('a.png')!.file).toBe('new')
    expect(state.expected().map(({ target }) => target)).toEqual(['a.png', 'b.png'])
  })

  test('a journal that is a link, or a folder, is an error', async () => {
    await writeFile(join(folder, 'elsewhere'), '')
    await symlink(join(folder, 'elsewhere'), join(folder, JOURNAL))
    const refused = expect.objectContaining({ code: 'E_IO', message: expect.stringContaining('link') })
    await expect(Journal.open(folder, secret)).rejects.toEqual(refused)
    expect(await readFile(join(folder, 'elsewhere'), 'utf8')).toBe('')
    await rm(join(folder, JOURNAL))
    await mkdir(join(folder, JOURNAL))
    await expect(Journal.open(folder, secret)).rejects.toMatchObject({ code: 'E_IO' })
  })

  test('lines go behind an unfinished one, and are there when they are promised', async () => {
    await write(JOURNAL, '{"unfinished')
    const journal = await Journal.open(folder, secret)
    await journal.promise({ target: 'a.png', nonce: '1', by: journal.by })
    expect((await text()).split('\n')).toEqual([
      '{"unfinished',
      `{"target":"a.png","nonce":"1","by":"${journal.by}"}`,
      '',
    ])
    await journal.removed({ target: 'a.png', nonce: '1' })
    await journal.knowLock('l', ['m'])
    await journal.knowLock('l', ['other'])
    await journal.close()
    const state = await JournalState.read(folder)
    expect([state.expected(), [...state.locks]]).toEqual([[], [['l', ['m']]]])
    expect((await text()).match(/lock/g)).toHaveLength(1)
  })

  test('marks are keyed, and differ by kind, fact and secret', async () => {
    const [journal, other] = [await Journal.open(folder, secret), await Journal.open(folder, new Uint8Array(32))]
    const marks = [
      journal.mark('name', 'a'),
      journal.mark('name', 'b'),
      journal.mark('seen', 'a'),
      journal.mark('name', 'a', 'a'),
      other.mark('name', 'a'),
      journal.contentMark({ target: 'a', nonce: '1' }, 'x'),
      journal.contentMark({ target: 'b', nonce: '1' }, 'x'),
      journal.contentMark({ target: 'a', nonce: '2' }, 'x'),
    ]
    expect(new Set(marks).size).toBe(marks.length)
    expect(marks.every(mark => /^[0-9a-f]{32}$/.test(mark))).toBe(true)
    expect(journal.mark('name', 'a')).toBe(marks[0])
    expect(journal.by).toMatch(/^[0-9a-f]{8}$/)
    expect(other.by).not.toBe(journal.by)
    await Promise.all([journal.close(), other.close()])
  })

  test('is written anew where most of it is outdated, in copies, or without a key; else it stays', async () => {
    const tidied = async () => {
      const journal = await Journal.open(folder, secret)
      await journal.close()
      await journal.tidy(folder)
      return (await text()).trim().split('\n').length
    }
    const line = { target: 'a.png', nonce: '1', by: 'me', file: 'f', stamp: 's' }
    // One file: 103 lines that a new journal would not have are as many as it may hold.
    await write(JOURNAL, ...Array.from({ length: 103 }, () => line))
    expect(await tidied()).toBe(103)
    await write(JOURNAL, ...Array.from({ length: 104 }, () => line))
    expect(await tidied()).toBe(1)
    await write(JOURNAL, line, line, { lock: 'l', members: ['m'] })
    expect(await tidied()).toBe(3)
    await write('.latent-journal (1).jsonl', { target: 'b.png', nonce: '2', by: 'me', file: 'f' })
    expect(await tidied()).toBe(3)
    expect(await readdir(folder)).toEqual([JOURNAL])
    const state = await JournalState.read(folder)
    expect([...state.locks.keys(), ...state.expected().map(({ target }) => target)]).toEqual(['l', 'b.png', 'a.png'])
    // Marks without a key are dropped: anybody could try what they are of.
    await write(JOURNAL, { target: 'a.png', nonce: '1', stamp: 'guessable' })
    expect(await tidied()).toBe(1)
    expect(await text()).not.toContain('guessable')
  })
})
