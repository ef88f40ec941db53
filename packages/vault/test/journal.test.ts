import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { JournalState } from '../src/node/index.ts'
import { Journal } from '../src/node/journal.ts'
import { put, root, sealed } from './folders.ts'

test('whatever a journal was told is in it once it is closed, however the lines came', async () => {
  await mkdir(sealed)
  const journal = await Journal.open(sealed, new Uint8Array(32))
  const info = lstatSync(await put(join(root, 'any'), 'content'), { bigint: true })
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
  const { length } = (await JournalState.read(sealed)).expected()
  expect(length).toBe(40)
})
