import * as fs from 'node:fs'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { holdLock, machine } from '../src/node/index.ts'
import { count, failing, hooks } from './places/faults.ts'
import { at, folder, read, refused } from './places/folder.ts'

const { faultyFs, faultyPromises } = await vi.hoisted(() => import('./places/faults.ts'))
vi.mock(import('node:fs'), async original => faultyFs(await original()))
vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))

describe('locks', () => {
  const MINUTE = 60_000
  const lockOf = (fields: object) =>
    `${JSON.stringify({ machine: machine(), process: process.pid, token: 'x', ...fields })}\n`
  const aged = async (minutes: number, content: string) => {
    await writeFile(at('lock'), content)
    const time = new Date(Date.now() - minutes * MINUTE)
    await utimes(at('lock'), time, time)
  }

  test('say who holds them, and are touched every half minute until they are released', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const listeners = process.listenerCount('exit')
    const lock = await holdLock(at('lock'), 'is at work')
    const content = await read(at('lock'))
    expect(JSON.parse(content)).toMatchObject({
      machine: machine(),
      process: process.pid,
      token: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
    expect(typeof (JSON.parse(content) as { born?: string }).born).toBe(
      process.platform === 'linux' ? 'string' : 'undefined',
    )
    expect([content.endsWith('\n'), count('fsync')]).toEqual([true, 0])
    expect([process.listenerCount('exit'), vi.getTimerCount()]).toEqual([listeners + 1, 1])
    await utimes(at('lock'), 1, 1)
    vi.advanceTimersByTime(29_000)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect((await stat(at('lock'))).mtimeMs).toBe(1000)
    vi.advanceTimersByTime(1000)
    const touched = async () => expect((await stat(at('lock'))).mtimeMs).toBeGreaterThan(Date.now() - MINUTE)
    await vi.waitFor(touched, { timeout: 60_000 })
    await lock.release()
    expect([process.listenerCount('exit'), vi.getTimerCount(), await readdir(folder)]).toEqual([listeners, 0, []])
  })

  test('go with the process, and only if they are still its own', async () => {
    for (const own of [true, false]) {
      const lock = await holdLock(at('lock'), 'is at work')
      if (!own) await writeFile(at('lock'), lockOf({ token: 'another' }))
      const ends = process.listeners('exit').at(-1)! as () => void
      ends()
      expect(await readdir(folder)).toEqual(own ? [] : ['lock'])
      await rm(at('lock'), { force: true })
      // Gone already: nothing to do, and no fault.
      ends()
      await lock.release()
    }
  })

  test('of another machine, or cut short, are believed for ten minutes after they were touched', async () => {
    for (const content of [
      lockOf({ machine: 'elsewhere' }),
      lockOf({ machine: 7 }),
      lockOf({ process: 0 }),
      lockOf({ process: 1.5 }),
      lockOf({ process: 'one' }),
      '[]',
      '7',
      '{',
    ]) {
      await aged(9, content)
      await expect(holdLock(at('lock'), 'is at work')).rejects.toMatchObject(
        refused('E_EXISTS', 'a process on another machine is at work'),
      )
      await aged(11, content)
      await (await holdLock(at('lock'), 'is at work')).release()
    }
  })

  test('of this machine are those of living processes, however old', async () => {
    await aged(1000, lockOf({}))
    await expect(holdLock(at('lock'), 'is at work')).rejects.toMatchObject({
      ...refused('E_EXISTS', `process ${process.pid} is at work`),
      hint: expect.stringContaining(at('lock')),
    })
    // A number that only looks like another machine's: one that this one cannot have.
    await aged(0, lockOf({ process: 4_194_309 }))
    await (await holdLock(at('lock'), 'is at work')).release()
  })

  test('what is no lock, or cannot be made one, is a failure', async () => {
    await mkdir(at('folder'))
    await expect(holdLock(at('folder'), 'x')).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot read'),
    })
    await writeFile(at('file'), '')
    await expect(holdLock(at('file/lock'), 'x')).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('file is in the way'),
    })
  })

  test('a dead one that cannot be removed is a failure, and the next one tries it again', async () => {
    await aged(0, lockOf({ process: 4_194_309 }))
    hooks['rm'] = failing('EIO')
    await expect(holdLock(at('lock'), 'x')).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot remove'),
    })
    delete hooks['rm']
    await (await holdLock(at('lock'), 'x')).release()
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    ['taken by another one', lockOf({ token: 'living' }), 'E_EXISTS', ['lock']],
    ['removed by another one', undefined, 'held', []],
  ])('one that is %s before its turn comes is not removed', async (_, left, ending, files) => {
    await aged(0, lockOf({ process: 4_194_309 }))
    const removed: string[] = []
    hooks['rm'] = (path: string) => {
      removed.push(path)
      fs.rmSync(path, { force: true })
    }
    let made = 0
    hooks['openSync'] = (_: string, flags: string) => {
      // The first file that is made is the lock under which the dead one would be removed.
      if (flags !== 'wx' || ++made !== 1) return
      if (left === undefined) fs.rmSync(at('lock'))
      else fs.writeFileSync(at('lock'), left)
    }
    const ended = await holdLock(at('lock'), 'is at work').then(
      async lock => (await lock.release(), 'held'),
      (error: unknown) => (error as { code?: string }).code,
    )
    expect(ended).toBe(ending)
    expect([made >= 1, removed.filter(path => path.endsWith('/lock'))]).toEqual([true, []])
    expect(await readdir(folder)).toEqual(files)
  })
})
