import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isFields, isJournalName, isOwnFile, isReservedName } from '../src/node/own-files.ts'

/** A file that is taken for Latent's own is not sealed, and may be replaced: users' files must never be. */

const TEMPORARY = '.latent-0a1b2c3d-4711-0123456789abcdef.tmp'
let root = ''
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-own-'))))
afterAll(() => rm(root, { recursive: true }))

async function isOwn(name: string, content: string): Promise<boolean> {
  await writeFile(join(root, name), content)
  return isOwnFile(join(root, name))
}

test.each([
  ['.latent-journal.jsonl', true],
  ['.latent-journal (1).jsonl', true],
  ['.latent-journal.sync-conflict-20260102-030405-ABCDEFG.jsonl', true],
  ['.latent-journal (conflicted copy).jsonl', true],
  ['.latent-journal.jsonl.bak', false],
  ['my.latent-journal.jsonl', false],
  ['latent-journal.jsonl', false],
  ['.latent-journalxjsonl', false],
  ['xlatent-journal.jsonl', false],
  ['.latent-journal/a.jsonl', false],
  ['.latent-journal\\a.jsonl', false],
  ['.latent-robust.jsonl', false],
])('is %s the name of a journal, or of a copy of one: %s', (name, is) => {
  expect([isJournalName(name), isReservedName(name)]).toEqual([is, is || name === '.latent-robust.jsonl'])
})

test('names that no file of others is given', () => {
  for (const name of ['.latent-recipients.age', '.latent-robust.jsonl', '.latent-lock.tmp', '.latent-lock.tmp.0a1b'])
    expect([name, isReservedName(name)]).toEqual([name, true])
  expect(isReservedName(TEMPORARY)).toBe(true)
  for (const name of ['.latent-recipients.age.png', 'x.latent-lock.tmp', '.latent-notes', 'a.tmp', ''])
    expect([name, isReservedName(name)]).toEqual([name, false])
})

const JOURNAL_LINE = '{"target":"a.png","nonce":"1"}\n'
const LOCK_LINE = '{"machine":"0a1b2c3d","process":1}\n'
const SET_LINE = '{"set":"1","sources":[]}\n'
const LIST = 'age-encryption.org/v1\n-> X25519 abc\n'

test.each([
  ['.latent-journal.jsonl', JOURNAL_LINE],
  ['.latent-journal (1).jsonl', '{"lock":"l","members":[]}\n'],
  // Killed within the first line; the next run went on behind it.
  ['.latent-journal.jsonl', `{"tar\n${JOURNAL_LINE}`],
  ['.latent-journal.jsonl', `\n${JOURNAL_LINE}`],
  ['.latent-journal.jsonl', `${JOURNAL_LINE}{"tar`],
  // Whatever its length.
  ['.latent-journal.jsonl', JOURNAL_LINE.repeat(5000)],
  ['.latent-robust.jsonl', SET_LINE],
  ['.latent-robust.jsonl', `{"se\n${SET_LINE}`],
  ['.latent-lock.tmp', LOCK_LINE],
  ['.latent-lock.tmp.0123456789abcdef', LOCK_LINE],
  ['.latent-recipients.age', LIST],
  // A temporary file holds whatever was being written.
  [TEMPORARY, 'a piece of a picture'],
])('%s is own with its content', async (name, content) => {
  expect(await isOwn(name, content)).toBe(true)
})

test('one without content is what a kill leaves of a name that was claimed', async () => {
  const names = ['.latent-journal.jsonl', '.latent-robust.jsonl', '.latent-lock.tmp', '.latent-recipients.age']
  for (const name of names) expect([name, await isOwn(name, ''), await isOwn(name, '\n')]).toEqual([name, true, true])
  expect(await isOwn('.latent-notes', '')).toBe(false)
})

test.each([
  ['.latent-journal.jsonl', 'Dear diary\n'],
  ['.latent-journal.jsonl', '{"day":1}\n[1]\nnull\n"target nonce lock"\n["target","nonce","lock"]\n'],
  ['.latent-journal.jsonl', '{"target":"weight"}\n{"nonce":1}\n'],
  ['.latent-journal of 2021.jsonl', SET_LINE],
  ['.latent-journal.jsonl', LOCK_LINE],
  ['.latent-robust.jsonl', JOURNAL_LINE],
  ['.latent-lock.tmp', JOURNAL_LINE],
  ['.latent-lock.tmp', '{"machine":"of mine"}\n{"process":1}\n'],
  ['.latent-recipients.age', 'age-encryption.org/v2\n'],
  ['.latent-recipients.age', ` ${LIST}`],
  ['.latent-recipients.age', JOURNAL_LINE],
  // Of the right content, under a name that Latent never gives.
  ['.latent-journal.json', JOURNAL_LINE],
  ['recipients.age', LIST],
  // No sign of it in the first 64 KiB, which is all that is looked at.
  ['.latent-journal.jsonl', `"${'x'.repeat(1 << 16)}"\n${JOURNAL_LINE}`],
])('%s is of the user with another content: %s', async (name, content) => {
  expect(await isOwn(name, content)).toBe(false)
})

test('a line is an object', () => {
  expect([{}, { a: 1 }].every(isFields)).toBe(true)
  expect([null, undefined, [], [1], 'text', 1, true].some(isFields)).toBe(false)
})
