import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdLock, machine } from '../src/node/index.ts'

let root: string
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-lock-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

const at = (name: string) => join(root, name)
const busy = { name: 'LatentError', code: 'E_EXISTS' }
/** The number of a process that has ended. */
const ended = spawnSync(process.execPath, ['-e', '']).pid
const lockOf = (fields: object) =>
  `${JSON.stringify({ machine: machine(), process: process.pid, token: 'x', ...fields })}\n`
const LONG_AGO = new Date(Date.now() - 3_600_000)

test('is held by one, and free again after its release', async () => {
  const lock = await holdLock(at('one'), 'is at work')
  await expect(holdLock(at('one'), 'is at work')).rejects.toMatchObject({
    ...busy,
    message: `process ${process.pid} is at work`,
  })
  await lock.release()
  expect(existsSync(at('one'))).toBe(false)
  await (await holdLock(at('one'), 'is at work')).release()
})

test('a holder that ended loses it: killed, cut short in writing, or followed by one of its number', async () => {
  const dead = [lockOf({ process: ended }), lockOf({ process: process.pid, born: '1' })]
  for (const [i, content] of dead.entries()) {
    await writeFile(at(`dead-${i}`), content)
    await (await holdLock(at(`dead-${i}`), 'is at work')).release()
    expect(existsSync(at(`dead-${i}`))).toBe(false)
  }
  for (const content of ['', '{"machine":', 'null', lockOf({ process: -1 })]) {
    await writeFile(at('cut'), content)
    await expect(holdLock(at('cut'), 'is at work')).rejects.toMatchObject(busy)
    await utimes(at('cut'), LONG_AGO, LONG_AGO)
    await (await holdLock(at('cut'), 'is at work')).release()
  }
})

test('a holder elsewhere is believed while it touches its lock, and dead when it no longer does', async () => {
  await writeFile(at('far'), lockOf({ machine: 'elsewhere', process: ended }))
  await expect(holdLock(at('far'), 'is at work')).rejects.toMatchObject({
    ...busy,
    message: 'a process on another machine is at work',
  })
  await utimes(at('far'), LONG_AGO, LONG_AGO)
  await (await holdLock(at('far'), 'is at work')).release()
})

test('of many who find a dead holder, one gets it', async () => {
  for (let round = 0; round < 20; round++) {
    await writeFile(at('race'), lockOf({ process: ended }))
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => holdLock(at('race'), 'is at work')))
    const won = tries.filter(({ status }) => status === 'fulfilled')
    expect(won.length).toBe(1)
    for (const one of won) if (one.status === 'fulfilled') await one.value.release()
    expect((await readdir(root)).filter(name => name.startsWith('race'))).toEqual([])
  }
})

test('another lock of the name is not released with it', async () => {
  const lock = await holdLock(at('taken'), 'is at work')
  await writeFile(at('taken'), lockOf({ token: 'another' }))
  await lock.release()
  expect(await readFile(at('taken'), 'utf8')).toContain('another')
})
