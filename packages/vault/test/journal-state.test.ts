import { deferred } from '@latent/core'
import {
  type FileHandle,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Journal } from '../src/node/journal.ts'
import { JournalState } from '../src/node/journal-state.ts'
import { hiddenName } from '../src/node/sealed-names.ts'

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
    expect(state.latest('b.png')).toBeUndefined()
    expect(stateOf(published, { ...published, nonce: '2' }, published).latest('a.png')!.nonce).toBe('1')
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
    expect(stateOf(promised, { ...promised, nonce: '2' }).live()).toHaveLength(2)
    state.take({ target: 'a.png', nonce: '3', gone: true })
    state.take({ ...promised, nonce: '4' })
    expect(state.live().map(({ nonce }) => nonce)).toEqual(['4'])
  })

  test('a source is found by its machine and mark, at the last place it was sealed to', () => {
    const state = stateOf(promised, { ...promised, target: 'b.png', nonce: '2' })
    const of = (by: string, name: string, isHidden = false) => state.targetOf(by, name, isHidden)
    expect([of('me', 'n'), of('you', 'n'), of('me', 'm')]).toEqual(['b.png', undefined, undefined])
    state.take({ ...promised, target: 'c.png', gone: true })
    expect(of('me', 'n')).toBe('b.png')
    state.take({ ...promised, nonce: '3' })
    expect(of('me', 'n')).toBe('a.png')
    // Whoever goes on from there knows it too.
    expect(new JournalState(state).targetOf('me', 'n', false)).toBe('a.png')
    // Names that tell nothing take the place of no others.
    const hidden = hiddenName('0123456789abcdef'.repeat(2))
    expect(of('me', 'n', true)).toBeUndefined()
    state.take({ ...promised, target: hidden })
    expect([of('me', 'n'), of('me', 'n', true)]).toEqual(['a.png', hidden])
    // What has no mark is found by none.
    state.take({ target: 'd.png', nonce: '1', by: 'me' })
    expect(of('me', 'undefined')).toBeUndefined()
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
  [{ target: '.', nonce: '1' }],
  [{ target: '..', nonce: '1' }],
  [{ target: 'a.png/', nonce: '1' }],
  [{ target: '../folder/a.png', nonce: '1' }],
])('no line of a file: %j', line => {
  expect(stateOf({ ...line, by: 'me', file: 'f', stamp: 's' }).all()).toEqual([])
})

test('names that look like a way out, and are none', () => {
  const names = [
    '..a.png',
    'a..png',
    '...',
    'x/..y/z.png',
    ...(sep === '/' ? ['a\\..\\b.png', 'C:a.png', 'a\\\\b'] : []),
  ]
  expect(
    stateOf(...names.map(target => ({ target, nonce: '1' })))
      .all()
      .map(({ target }) => target),
  ).toEqual(names)
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
    for (const state of [
      new JournalState(),
      await JournalState.read(join(folder, 'none')),
      await JournalState.read(folder),
    ])
      expect([state.all(), state.copies, state.locks.size, state.surplus, state.unkeyed]).toEqual([[], [], 0, 0, false])
  })

  test('copies that services made are read first: the journal itself is newest', async () => {
    await write(
      '.latent-journal (1).jsonl',
      { target: 'a.png', nonce: '1', file: 'old' },
      { target: 'b.png', nonce: '2' },
    )
    await write(JOURNAL, { target: 'a.png', nonce: '1', file: 'new' }, '{"target":"c.png","non')
    await mkdir(join(folder, '.latent-journal (2).jsonl'))
    await symlink(join(folder, JOURNAL), join(folder, '.latent-journal (3).jsonl'))
    await write('latent-journal.jsonl', { target: 'd.png', nonce: '4' })
    const state = await JournalState.read(folder)
    expect(state.copies).toEqual(['.latent-journal (1).jsonl'])
    expect(state.latest('a.png')!.file).toBe('new')
    expect(state.expected().map(({ target }) => target)).toEqual(['a.png', 'b.png'])
  })

  test('copies are read in the order of their names', async () => {
    const numbers = [5, 3, 8, 1, 7, 2, 6, 4]
    for (const i of numbers) await write(`.latent-journal (${i}).jsonl`, { target: 'a.png', nonce: '1', file: `f${i}` })
    const state = await JournalState.read(folder)
    expect(state.copies).toEqual(numbers.toSorted((a, b) => a - b).map(i => `.latent-journal (${i}).jsonl`))
    expect(state.latest('a.png')!.file).toBe('f8')
  })

  test('lines that are no objects, and what a power cut leaves, are passed over', async () => {
    const last = '{"target":"a.png","nonce":"1"}\n'
    await write(JOURNAL, 'null\n[]\n7\n"target"\n\n{}\n', '\0'.repeat(4096), '\n', '{"target":"b.png",\n', last)
    expect((await JournalState.read(folder)).all()).toEqual([{ target: 'a.png', nonce: '1' }])
  })

  test('a journal that is a link, or a folder, is an error', async () => {
    await writeFile(join(folder, 'elsewhere'), '')
    await symlink(join(folder, 'elsewhere'), join(folder, JOURNAL))
    const refused = expect.objectContaining({
      code: 'E_IO',
      message: expect.stringContaining('is a link, and'),
      hint: expect.any(String),
    })
    await expect(Journal.open(folder, secret)).rejects.toEqual(refused)
    expect(await readFile(join(folder, 'elsewhere'), 'utf8')).toBe('')
    await rm(join(folder, JOURNAL))
    await mkdir(join(folder, JOURNAL))
    await expect(Journal.open(folder, secret)).rejects.toMatchObject({ code: 'E_IO' })
    await expect(JournalState.read(folder)).rejects.toMatchObject({ code: 'E_IO' })
    const missing = { code: 'E_IO', message: expect.stringContaining(`cannot write to the folder ${folder}`) }
    await expect(Journal.open(join(folder, 'none'), secret)).rejects.toMatchObject(missing)
  })

  test('opening one changes nothing in it but an unfinished end', async () => {
    const line = `${JSON.stringify({ target: 'a.png', nonce: '1' })}\n`
    for (const [before, after] of [
      ['', ''],
      ['\n', '\n'],
      [line, line],
      [`${line}{`, `${line}{\n`],
      ['{', '{\n'],
    ] as const) {
      await write(JOURNAL, before)
      await (await Journal.open(folder, secret)).close()
      expect(await text()).toBe(after)
    }
  })

  test('what was known when it was opened is known still', async () => {
    await write(
      JOURNAL,
      { lock: 'l', members: ['m'] },
      { target: 'a.png', nonce: '1', by: 'me', name: 'n' },
      { target: 'a.png', nonce: '1', file: 'f' },
    )
    await write('.latent-journal (1).jsonl', { target: 'b.png', nonce: '1', stamp: 's' })
    const journal = await Journal.open(folder, secret)
    expect(journal.expected().map(({ target }) => target)).toEqual(['b.png', 'a.png'])
    expect([journal.targetOf('me', 'n', false), [...journal.locks], journal.surplus]).toEqual([
      'a.png',
      [['l', ['m']]],
      1,
    ])
    expect([journal.unkeyed, journal.copies]).toEqual([true, ['.latent-journal (1).jsonl']])
    await journal.close()
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

  test('whatever it was told is in it once it is closed, however the lines came', async () => {
    const journal = await Journal.open(folder, secret)
    const info = await lstat(folder, { bigint: true })
    const target = (i: number) => ({ target: `${i}.png`, nonce: `${i}` })
    for (let i = 0; i < 40; i++) {
      const told = journal.promise({ ...target(i), by: journal.by })
      // Some are waited for, and some come in the few moments in which the writing of others ends.
      if (i % 3 === 0) await told
      for (let ticks = 0; ticks < i % 7; ticks++) await Promise.resolve()
      await journal.published(target(i), info)
    }
    await journal.published(target(0), info)
    await journal.close()
    expect((await JournalState.read(folder)).expected()).toHaveLength(40)
  })

  test('a mark of a sealed file tells its place, size and times', async () => {
    const journal = await Journal.open(folder, secret)
    const info = await lstat(folder, { bigint: true })
    const [a, entry] = [
      { target: 'a', nonce: '1' },
      { target: 'b', nonce: '1' },
    ]
    const marks = [
      journal.fileMark(a, info),
      journal.fileMark({ ...a, nonce: '2' }, info),
      journal.fileMark(entry, info),
      ...(['size', 'mtimeNs', 'ctimeNs'] as const).map(key =>
        journal.fileMark(a, Object.assign(Object.create(info), { [key]: info[key] + 1n })),
      ),
    ]
    expect(new Set(marks).size).toBe(marks.length)
    // A file that is read is no other file.
    expect(journal.fileMark(a, Object.assign(Object.create(info), { atimeNs: 0n }))).toBe(marks[0])
    await journal.published(a, info)
    await journal.close()
    expect((await JournalState.read(folder)).find('a', '1')).toEqual({ ...a, file: marks[0] })
  })

  test('what was removed is gone, now and in the next run', async () => {
    const line = { target: 'a.png', nonce: '1' }
    await write(JOURNAL, line)
    const journal = await Journal.open(folder, secret)
    expect(journal.expected()).toEqual([line])
    await journal.removed(line)
    expect([journal.expected(), journal.find('a.png', '1')]).toEqual([[], undefined])
    await journal.close()
    expect((await JournalState.read(folder)).expected()).toEqual([])
  })

  describe('on a disk', () => {
    let flushes = vi.fn<FileHandle['datasync']>()
    beforeEach(async () => {
      const handle = await open(folder)
      const prototype = Object.getPrototypeOf(handle) as FileHandle
      await handle.close()
      flushes = vi.spyOn(prototype, 'datasync')
    })
    afterEach(() => vi.restoreAllMocks())
    const promise = { target: 'a.png', nonce: '1' }
    const failing = (code: string) => flushes.mockRejectedValue(Object.assign(new Error(code), { code }))

    test('a promise and a removal are flushed when they return; all else with them, or at the end', async () => {
      const journal = await Journal.open(folder, secret)
      await journal.published(promise, await lstat(folder, { bigint: true }))
      await journal.knowLock('l', ['m'])
      expect(flushes).toHaveBeenCalledTimes(0)
      await journal.promise(promise)
      expect(flushes).toHaveBeenCalledTimes(1)
      expect((await text()).trim().split('\n')).toHaveLength(3)
      await journal.removed(promise)
      expect(flushes).toHaveBeenCalledTimes(2)
      // Those that come together are flushed together, be others among them or not.
      await Promise.all([
        journal.promise(promise),
        journal.knowLock('k', []),
        journal.promise({ ...promise, nonce: '2' }),
      ])
      expect(flushes).toHaveBeenCalledTimes(3)
      await journal.close()
      expect(flushes).toHaveBeenCalledTimes(4)
    })

    test.each(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'ENOTTY'])(
      'that cannot flush (%s) runs go on, and ask no more',
      async code => {
        failing(code)
        const journal = await Journal.open(folder, secret)
        for (const nonce of ['1', '2']) await journal.promise({ target: 'a.png', nonce })
        await journal.close()
        expect(flushes).toHaveBeenCalledTimes(1)
        expect((await JournalState.read(folder)).all()).toHaveLength(2)
      },
    )

    test('that fails, a promise is none, and its end is told; the next one may succeed', async () => {
      failing('EIO')
      const journal = await Journal.open(folder, secret)
      await expect(journal.promise(promise)).rejects.toMatchObject({ code: 'EIO' })
      flushes.mockRejectedValue(new Error('no code'))
      await expect(journal.promise(promise)).rejects.toThrow('no code')
      flushes.mockRestore()
      await journal.promise(promise)
      await expect(journal.removed(promise)).resolves.toBeUndefined()
      await journal.close()
    })

    test('that is slow, the end waits for what was told meanwhile', async () => {
      const journal = await Journal.open(folder, secret)
      const slow = deferred()
      flushes.mockImplementationOnce(() => slow.promise)
      const told = journal.promise(promise)
      await new Promise(setImmediate)
      await journal.knowLock('l', ['m'])
      setTimeout(slow.resolve, 30)
      await journal.close()
      await told
      expect([...(await JournalState.read(folder)).locks]).toEqual([['l', ['m']]])
    })

    test('that fails at the end, the file is closed all the same', async () => {
      const journal = await Journal.open(folder, secret)
      failing('EIO')
      await expect(journal.close()).rejects.toMatchObject({ code: 'EIO' })
      expect((flushes.mock.contexts[0] as FileHandle).fd).toBe(-1)
    })

    test('that takes no more, a promise fails; what is good to know may be lost', async () => {
      const journal = await Journal.open(folder, secret)
      await journal.close()
      await expect(journal.promise(promise)).rejects.toMatchObject({ code: expect.any(String) })
      await expect(journal.knowLock('l', [])).resolves.toBeUndefined()
      await expect(journal.removed(promise)).rejects.toMatchObject({ code: expect.any(String) })
    })
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
    // Two files: six lines and a hundred more.
    const other = { ...line, target: 'b.png' }
    await write(JOURNAL, other, ...Array.from({ length: 106 }, () => line))
    expect(await tidied()).toBe(107)
    await write(JOURNAL, other, ...Array.from({ length: 107 }, () => line))
    expect(await tidied()).toBe(2)
    // A kill in the first line makes it no file of others.
    await write(JOURNAL, '{"tar\n', ...Array.from({ length: 104 }, () => line))
    expect(await tidied()).toBe(1)
    expect(JSON.parse(await text())).toEqual(line)
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

  test('what is named like a copy and is none stays', async () => {
    await write(JOURNAL, { target: 'a.png', nonce: '1' })
    await write('.latent-journal of 2021.jsonl', 'Dear diary\n')
    const journal = await Journal.open(folder, secret)
    await journal.close()
    await journal.tidy(folder)
    expect((await readdir(folder)).toSorted()).toEqual(['.latent-journal of 2021.jsonl', JOURNAL].toSorted())
    expect(await readFile(join(folder, '.latent-journal of 2021.jsonl'), 'utf8')).toBe('Dear diary\n')
  })

  test('a copy that is gone by then is none', async () => {
    await write(JOURNAL, { target: 'a.png', nonce: '1' })
    for (const i of [1, 2]) await write(`.latent-journal (${i}).jsonl`, { target: `${i}.png`, nonce: '1' })
    const journal = await Journal.open(folder, secret)
    await journal.close()
    await rm(join(folder, '.latent-journal (1).jsonl'))
    await journal.tidy(folder)
    expect(await readdir(folder)).toEqual([JOURNAL])
    expect((await JournalState.read(folder)).expected()).toHaveLength(3)
  })

  test('a journal in whose place another file lies by then is not written over', async () => {
    const journal = await Journal.open(folder, secret)
    await journal.close()
    journal.unkeyed = true
    await write(JOURNAL, 'Dear diary\n')
    await expect(journal.tidy(folder)).rejects.toMatchObject({ code: 'E_EXISTS' })
    expect(await text()).toBe('Dear diary\n')
  })
})
