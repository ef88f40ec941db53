import { sha256Of, toHex } from '@latent/core'
import { lstat, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { Journal } from '../src/node/journal.ts'
import { type Entry, JournalState } from '../src/node/journal-state.ts'
import { lookAt } from '../src/node/target-state.ts'
import { plain, put, seal, sealed } from './folders.ts'

/** What lies where a sealed file is to go decides whether a run skips, seals again, or refuses. */

const TARGET = 'a.jpg.png'
const secret = new Uint8Array(32).fill(7)
const at = () => join(sealed, TARGET)
/** What the run wrote of the file that it sealed. */
let line: Entry

beforeEach(async () => {
  await put(join(plain, 'a.jpg'), 'content')
  await seal()
  line = (await JournalState.read(sealed)).latest(TARGET)!
})

/** Looks with a journal in which these lines stand, and no others. */
async function look(lines: readonly Entry[], { reread = false, marked = false } = {}) {
  await writeFile(join(sealed, '.latent-journal.jsonl'), '')
  const journal = await Journal.open(sealed, secret)
  try {
    for (const each of lines) await journal.promise(each)
    if (marked) await journal.published(lines[0]!, await lstat(at(), { bigint: true }))
    const state = await lookAt(sealed, TARGET, journal, reread)
    return state.kind === 'absent' ? state : { ...state, info: state.info.size }
  } finally {
    await journal.close()
  }
}
const promised = (): Entry => ({
  target: TARGET,
  nonce: line.nonce,
  by: 'me',
  bytes: line.bytes!,
  sha256: line.sha256!,
})
const alter = async () => {
  const bytes = await readFile(at())
  bytes[bytes.length - 40]! ^= 1
  await writeFile(at(), bytes)
}

describe('a file that an earlier run made', () => {
  test('is ours by its hash, where its last line was lost', async () => {
    expect(await look([promised()])).toMatchObject({ kind: 'ours', damaged: false, entry: promised() })
  })

  test('is damaged if its content is another, or its end is missing', async () => {
    await alter()
    expect(await look([promised()])).toMatchObject({ kind: 'ours', damaged: true })
    await alter()
    await truncate(at(), Number(line.bytes) - 1)
    expect(await look([promised()])).toMatchObject({ kind: 'ours', damaged: true })
  })

  test('is taken for whole by its times, unless it is to be read in any case', async () => {
    await alter()
    expect(await look([promised()], { marked: true })).toMatchObject({ kind: 'ours', damaged: false })
    expect(await look([promised()], { marked: true, reread: true })).toMatchObject({ kind: 'ours', damaged: true })
  })

  test('of version 0.1.0, whose line has no hash, is judged by the size that its header gives', async () => {
    const old = { target: TARGET, nonce: line.nonce }
    await alter()
    expect(await look([old])).toMatchObject({ kind: 'ours', damaged: false })
    await truncate(at(), Number(line.bytes) - 1)
    expect(await look([old])).toMatchObject({ kind: 'ours', damaged: true })
  })

  test('is ours as a remnant: empty, or cut in its first bytes', async () => {
    for (const size of [300, 0]) {
      await truncate(at(), size)
      expect(await look([promised()])).toMatchObject({
        kind: 'ours',
        damaged: true,
        entry: { target: TARGET, nonce: '' },
      })
      expect(await look([{ target: TARGET, nonce: line.nonce }])).toMatchObject({ entry: { nonce: line.nonce } })
    }
  })
})

describe('what the journal does not know is left alone', () => {
  test('nothing, a folder, a link', async () => {
    await rm(at())
    expect(await look([promised()])).toEqual({ kind: 'absent' })
    await mkdir(at())
    expect(await look([promised()])).toMatchObject({ kind: 'foreign', sealed: false })
    await rm(at(), { recursive: true })
    await writeFile(join(sealed, 'other'), '')
    await symlink(join(sealed, 'other'), at())
    expect(await look([promised()])).toMatchObject({ kind: 'foreign', sealed: false })
  })

  test('a sealed file of another run, a remnant of which no line tells, and what was never sealed', async () => {
    expect(await look([{ ...promised(), nonce: '00' }])).toMatchObject({ kind: 'foreign', sealed: true })
    expect(await look([])).toMatchObject({ kind: 'foreign', sealed: true })
    await truncate(at(), 60)
    expect(await look([])).toMatchObject({ kind: 'foreign', sealed: false })
    await writeFile(at(), Buffer.from('somebody wrote a letter here'))
    expect(await look([promised()])).toMatchObject({ kind: 'foreign', sealed: false })
    await truncate(at(), 0)
    expect(await look([])).toMatchObject({ kind: 'foreign', sealed: false })
  })
})

test('what was sealed is what the run wrote down of it', async () => {
  const bytes = await readFile(at())
  expect([line.bytes, line.sha256]).toEqual([bytes.length, toHex(sha256Of(bytes))])
})
