import type * as Files from 'node:fs/promises'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sha256Of, toHex } from '../src/index.ts'
import { holdLock, type Lock } from '../src/node/lock.ts'
import { machine } from '../src/node/temporaries.ts'

// A disk on which every step takes some time of its own, so that steps of several come in any order.
vi.mock('node:fs/promises', async original => {
  const files = await original<typeof Files>()
  const slow = <A extends unknown[], R>(step: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      await new Promise(resolve => setTimeout(resolve, Math.random() * 4))
      return step(...args)
    }
  }
  const [link, rename, remove] = [slow(files.link), slow(files.rename), slow(files.rm)]
  return { ...files, link, rename, rm: remove }
})

let root: string
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-lock-race-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

test('of many who find a dead holder on a slow disk, one gets it, and nothing of the others stays', async () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid
  for (let round = 0; round < 25; round++) {
    const path = join(root, `race ${round}`)
    await writeFile(path, JSON.stringify({ machine: machine(), process: ended, token: String(round) }))
    const held: Lock[] = []
    const refused: unknown[] = []
    await Promise.all(
      Array.from({ length: 12 }, () =>
        holdLock(path, 'is at work').then(
          lock => held.push(lock),
          (error: unknown) => refused.push((error as { code?: string }).code),
        ),
      ),
    )
    expect([round, held.length, new Set(refused)]).toEqual([round, 1, new Set(['E_EXISTS'])])
    await held[0]!.release()
    expect(await readdir(root)).toEqual([])
  }
})

test('a lock that another one is taking over all the time is refused in the end', async () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid
  const dead = JSON.stringify({ machine: machine(), process: ended, token: 'x' })
  const path = join(root, 'stuck')
  await writeFile(path, dead)
  // As one that was stopped in the middle leaves it: alive, and never done.
  const turn = await holdLock(
    `${path}.${toHex(sha256Of(new TextEncoder().encode(dead))).slice(0, 16)}`,
    'is taking a lock over',
  )
  await expect(holdLock(path, 'is at work')).rejects.toMatchObject({
    code: 'E_EXISTS',
    message: `process ${process.pid} is taking a lock over`,
  })
  await turn.release()
  await (await holdLock(path, 'is at work')).release()
  expect(await readdir(root)).toEqual([])
})
