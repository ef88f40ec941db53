import { LatentError } from '@latent/core'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Discovery, Found } from '../src/node/discover.ts'
import { Journal } from '../src/node/journal.ts'
import type { Entry } from '../src/node/journal-state.ts'
import type { FileResult } from '../src/node/run.ts'
import { distinctName, hiddenName, portableName, sealedName } from '../src/node/sealed-names.ts'
import { foldersFrom, isGone, leftover, notOurs, pruneStale, type Stale } from '../src/node/stale.ts'
import { Targets } from '../src/node/targets.ts'

/** What is said to be stale is removed if the user agrees: nothing whose source may be there must ever be. */

let folder = ''
let journal: Journal
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latent-stale-'))
  journal = await Journal.open(folder, new Uint8Array(32).fill(1))
})
afterEach(async () => {
  await journal.close()
  await rm(folder, { recursive: true })
})

const knows = (target: string, more: Partial<Entry> = {}) =>
  journal.take({ target, nonce: '1', by: journal.by, base: 'base', file: 'f', ...more })
const hidden = (relative: string) => hiddenName(journal.mark('hidden', relative))

interface Seen {
  /** Worked on. */
  readonly files?: readonly string[]
  /** Met beside them: folders, and what was left out or could not be read. */
  readonly met?: readonly string[]
  /** Looked into. */
  readonly folders?: readonly string[]
  readonly closed?: readonly string[]
}

function left({ files = [], met = [], folders = ['.'], closed = [] }: Seen, hide?: boolean) {
  const found: Discovery = {
    base: '/photos',
    files: files.map(relative => ({ relative }) as Found),
    met: new Set([...files, ...met]),
    folders: new Set(folders),
    closed,
    passedOver: [],
    excluded: [],
    idle: [],
    own: [],
    emptyFolders: [],
    emptyInputs: [],
  }
  const { stale, unplaced, untold } = leftover(
    journal,
    new Targets(found.files, journal, [], hide),
    found,
    'base',
    hide,
  )
  const targets = (entries: readonly Entry[]) => entries.map(({ target }) => target)
  return { stale: targets(stale), unplaced: targets(unplaced), untold: targets(untold) }
}
const nothing = { stale: [], unplaced: [], untold: [] }

describe('sealed files that no source belongs to', () => {
  test('are stale where their folder was looked into', () => {
    for (const name of ['a.jpg', 'b.jpg', 'sub/c.jpg', 'sub/d.jpg']) knows(sealedName(name))
    expect(left({ files: ['a.jpg', 'sub/c.jpg'], met: ['sub'], folders: ['.', 'sub'] })).toEqual({
      ...nothing,
      stale: ['b.jpg.png', 'sub/d.jpg.png'],
    })
  })

  test('are stale where their folders are gone from one that was looked into', () => {
    knows('trip/day/a.jpg.png')
    expect(left({ files: ['b.jpg'] }).stale).toEqual(['trip/day/a.jpg.png'])
    expect(left({ files: ['trip/b.jpg'], met: ['trip'], folders: ['.', 'trip'] }).stale).toHaveLength(1)
  })

  test('stay where their folder, or one above it, is there and was not looked into', () => {
    knows('trip/day/a.jpg.png')
    expect(left({ files: ['b.jpg'], met: ['trip'], closed: ['/photos/trip'] })).toEqual(nothing)
    expect(left({ files: ['b.jpg'], met: ['trip', 'trip/day'], folders: ['.', 'trip'] })).toEqual(nothing)
  })

  test('stay where only folders beside theirs are inputs', () => {
    knows('trip/a.jpg.png')
    knows('c.jpg.png')
    expect(left({ files: ['other/b.jpg'], folders: ['other'] })).toEqual(nothing)
  })

  test('stay if they are of another folder or machine; those of version 0.1.0 are for a person to look at', () => {
    knows('a.jpg.png', { base: 'of another folder' })
    knows('b.jpg.png', { by: 'another machine' })
    journal.take({ target: 'c.jpg.png', nonce: '1' })
    journal.take({ target: 'trip/d.jpg.png', nonce: '1' })
    expect(left({ met: ['trip'] })).toEqual({ ...nothing, unplaced: ['c.jpg.png'] })
  })

  test('stay, under whatever name they may have, if their source is met and not worked on', () => {
    const names = (name: string) => [sealedName(name), distinctName(name), portableName(name), hidden(name)]
    for (const target of [...names('sub/a?.jpg'), ...names('b.jpg')]) knows(target)
    for (const hide of [false, true])
      expect(left({ met: ['sub', 'sub/a?.jpg', 'b.jpg'], folders: ['.', 'sub'] }, hide)).toEqual(nothing)
  })

  test('are stale under a name of the other kind if their source is worked on', () => {
    knows('a.jpg.png')
    knows(hidden('a.jpg'))
    expect(left({ files: ['a.jpg'] })).toEqual({ ...nothing, stale: [hidden('a.jpg')] })
    expect(left({ files: ['a.jpg'] }, true)).toEqual({ ...nothing, stale: ['a.jpg.png'] })
  })

  test('stay under another name of the same kind', () => {
    knows(sealedName('a.jpg'))
    knows(distinctName('a.jpg'))
    knows(portableName('sub/b?.jpg'))
    expect(left({ files: ['a.jpg', 'sub/b?.jpg'], folders: ['.', 'sub'] })).toEqual(nothing)
  })

  test('are of this run under whatever name an earlier one gave them', () => {
    knows('of another time.png', { name: journal.mark('name', 'a.jpg') })
    expect(left({ files: ['a.jpg'] })).toEqual(nothing)
    expect(left({}).stale).toEqual(['of another time.png'])
  })

  test('lay in folders whose names may be written out', () => {
    knows(sealedName('b\udce4r/a.jpg'))
    expect(left({ met: ['b\udce4r'] })).toEqual(nothing)
    expect(left({ met: ['b\udce4r'], folders: ['.', 'b\udce4r'] }).stale).toHaveLength(1)
  })
})

describe('sealed files whose names tell nothing', () => {
  test('are stale if everything was looked at', () => {
    knows(hidden('sub/a.jpg'))
    knows(hidden('b.jpg'))
    expect(left({ files: ['b.jpg'], met: ['sub'], folders: ['.', 'sub'] }, true)).toEqual({
      ...nothing,
      stale: [hidden('sub/a.jpg')],
    })
  })

  test('may be of what was not looked at: they are told, and stay', () => {
    knows(hidden('sub/a.jpg'))
    expect(left({ met: ['sub'], closed: ['/photos/sub'] }, true)).toEqual({ ...nothing, untold: [hidden('sub/a.jpg')] })
    expect(left({ folders: ['other'] }, true)).toEqual(nothing)
  })

  test('stay if they are of another folder or machine', () => {
    knows(hidden('a.jpg'), { base: 'of another folder' })
    knows(hidden('b.jpg'), { by: 'another machine' })
    for (const closed of [[], ['/photos/sub']]) expect(left({ closed }, true)).toEqual(nothing)
  })
})

test('the folders that a folder lies in', () => {
  expect([...foldersFrom('a/b/c')]).toEqual(['a/b/c', 'a/b', 'a', '.'])
  expect([...foldersFrom('/a')]).toEqual(['/a', '/'])
  expect([...foldersFrom('.')]).toEqual(['.'])
})

test('the nearest folder that is there decides what is gone', () => {
  const gone = (folders: string[], looked: string[], met: string[]) =>
    isGone(folders, { folders: new Set(looked), met: new Set(met) })
  expect(gone(['a/b', 'a', '.'], ['a'], [])).toBe(true)
  expect(gone(['a/b', 'a', '.'], ['.'], ['a'])).toBe(false)
  expect(gone(['a/b', 'a', '.'], ['.', 'a/b'], ['a', 'a/b'])).toBe(true)
  expect(gone(['a/b', 'a', '.'], [], [])).toBe(false)
  expect(gone([], ['.'], [])).toBe(false)
})

describe('pruning', () => {
  const removed: string[] = []
  const stale = (path: string, error?: Error): Stale => ({
    path,
    remove: () => (error ? Promise.reject(error) : Promise.resolve(void removed.push(path))),
  })
  const all = async (results: AsyncIterable<FileResult>) => {
    const list: FileResult[] = []
    for await (const result of results) list.push(result)
    return list
  }
  beforeEach(() => void (removed.length = 0))
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' })

  test('names everything, and removes nothing, unless it was said', async () => {
    const results = await all(pruneStale([stale('a'), stale('b', denied)], false))
    const reason = expect.stringContaining('--prune')
    expect(results).toEqual(['a', 'b'].map(path => ({ source: path, target: path, status: 'skipped', reason })))
    expect(removed).toEqual([])
  })

  test('goes on after one that cannot be removed, and says why', async () => {
    const given = [stale('a'), stale('b', denied), stale('c', notOurs()), stale('d')]
    const results = await all(pruneStale(given, true))
    const reason = expect.stringMatching(/^removed/)
    expect(results).toEqual([
      { source: 'a', target: 'a', status: 'skipped', reason },
      {
        source: 'b',
        status: 'failed',
        code: 'E_IO',
        reason: 'cannot remove it: permission denied',
        hint: expect.any(String),
      },
      { source: 'c', status: 'failed', code: 'E_EXISTS', reason: notOurs().message, hint: expect.any(String) },
      { source: 'd', target: 'd', status: 'skipped', reason },
    ])
    expect(removed).toEqual(['a', 'd'])
    expect(notOurs()).toBeInstanceOf(LatentError)
  })
})
