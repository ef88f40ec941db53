import { sha256Of, toHex } from '@latent/core'
import { lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Journal } from '../src/node/journal.ts'
import type { Entry } from '../src/node/journal-state.ts'
import { hashOf, lookAt } from '../src/node/target-state.ts'
import { pattern, sealBytes, text } from './cheap.ts'

/** What lies where a sealed file is to go decides whether a run skips, seals again, or refuses. */

const TARGET = 'a.jpg.png'
const secret = new Uint8Array(32).fill(7)
const nonce = toHex(sha256Of(text('nonce')))
let folder = ''
let whole: Uint8Array
/** What the run wrote of the file that it sealed. */
let promised: Entry
/** What version 0.1.0 wrote of it. */
const old: Entry = { target: TARGET, nonce }
const at = () => join(folder, TARGET)
const put = (content: Uint8Array | string) => writeFile(at(), content)
const altered = () => whole.map((byte, i) => (i === whole.length - 40 ? byte ^ 1 : byte))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latent-target-'))
  whole = await sealBytes(pattern(3000), { nonce: sha256Of(text('nonce')) })
  promised = { target: TARGET, nonce, by: 'me', bytes: whole.length, sha256: toHex(sha256Of(whole)) }
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  await rm(at(), { recursive: true, force: true })
  await put(whole)
})

/** Looks with a journal in which these lines stand, and no others. */
async function look(lines: readonly Entry[], { reread = false, marked = false, target = TARGET } = {}) {
  await writeFile(join(folder, '.latent-journal.jsonl'), '')
  const journal = await Journal.open(folder, secret)
  try {
    for (const each of lines) await journal.promise(each)
    if (marked) await journal.published(lines[0]!, await lstat(at(), { bigint: true }))
    const state = await lookAt(folder, target, journal, reread)
    return state.kind === 'absent' ? state : { ...state, info: state.info.size }
  } finally {
    await journal.close()
  }
}

describe('a file that an earlier run made', () => {
  test('is ours by its hash, where its last line was lost', async () => {
    const info = BigInt(whole.length)
    expect(await look([promised])).toEqual({ kind: 'ours', damaged: false, entry: promised, info })
    expect(await look([{ ...promised, nonce: '00' }, promised])).toMatchObject({ kind: 'ours', entry: promised })
  })

  test('is damaged if its content is another, or its end is missing, or something was added', async () => {
    for (const content of [altered(), whole.subarray(0, -1), Buffer.concat([whole, Buffer.of(0)])]) {
      await put(content)
      expect(await look([promised])).toMatchObject({ kind: 'ours', damaged: true, entry: promised })
    }
  })

  test('is taken for whole by its times, unless it is to be read in any case', async () => {
    await put(altered())
    expect(await look([promised], { marked: true })).toMatchObject({ kind: 'ours', damaged: false, entry: promised })
    expect(await look([promised], { marked: true, reread: true })).toMatchObject({ kind: 'ours', damaged: true })
    // Marks of another file, or of another machine, say nothing.
    expect(await look([{ ...promised, file: 'f' }])).toMatchObject({ kind: 'ours', damaged: true })
  })

  test('of version 0.1.0, whose line has no hash, is judged by the size that its header gives', async () => {
    await put(altered())
    expect(await look([old])).toMatchObject({ kind: 'ours', damaged: false, entry: old })
    for (const content of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.of(0)])]) {
      await put(content)
      expect(await look([old])).toMatchObject({ kind: 'ours', damaged: true })
    }
  })

  test('is ours as a remnant: empty, or cut in its first bytes', async () => {
    for (const size of [300, 64, 0]) {
      await put(whole.subarray(0, size))
      const damaged = { kind: 'ours', damaged: true, info: BigInt(size) }
      expect(await look([promised])).toEqual({ ...damaged, entry: { target: TARGET, nonce: '' } })
      expect(await look([old])).toEqual({ ...damaged, entry: old })
    }
  })
})

describe('what the journal does not know is left alone', () => {
  test('nothing, a folder, a link', async () => {
    await rm(at())
    expect(await look([promised])).toEqual({ kind: 'absent' })
    await mkdir(at())
    expect(await look([promised])).toMatchObject({ kind: 'foreign', sealed: false })
    await rm(at(), { recursive: true })
    // Not even a link to the very file.
    await writeFile(join(folder, 'other'), whole)
    await symlink(join(folder, 'other'), at())
    expect(await look([promised], { marked: true })).toMatchObject({ kind: 'foreign', sealed: false })
  })

  test('where a file stands in the place of a folder, nothing can be', async () => {
    expect(await look([promised], { target: `${TARGET}/b.png` })).toEqual({ kind: 'absent' })
  })

  test('a sealed file of another run', async () => {
    const foreign = { kind: 'foreign', sealed: true, info: BigInt(whole.length) }
    expect(await look([{ ...promised, nonce: '00' }])).toEqual(foreign)
    expect(await look([{ ...promised, target: 'b.jpg.png' }])).toEqual(foreign)
    expect(await look([{ ...promised, gone: true }])).toEqual(foreign)
    expect(await look([])).toEqual(foreign)
  })

  test('a remnant of which no line tells, and what was never sealed', async () => {
    for (const size of [60, 0]) {
      await put(whole.subarray(0, size))
      expect(await look([])).toMatchObject({ kind: 'foreign', sealed: false })
    }
    // Too few bytes to tell it from other pictures.
    await put(whole.subarray(0, 50))
    expect(await look([promised])).toMatchObject({ kind: 'foreign', sealed: false })
    await put('somebody wrote a letter here')
    expect(await look([promised])).toMatchObject({ kind: 'foreign', sealed: false })
  })
})

test('the hash of a file is that of all its bytes, in hexadecimal', async () => {
  const bytes = pattern(600_000)
  await put(bytes)
  expect(await hashOf(at())).toBe(toHex(sha256Of(bytes)))
  await put('')
  expect(await hashOf(at())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  await expect(hashOf(join(folder, 'none'))).rejects.toMatchObject({ code: 'E_IO' })
})
