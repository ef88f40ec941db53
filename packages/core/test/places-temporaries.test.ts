import * as fs from 'node:fs'
import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { sha256Of, toHex } from '../src/index.ts'
import {
  isRunning,
  isTemporary,
  machine,
  publish,
  publishNow,
  removeOwnTemporaries,
  removeStale,
} from '../src/node/index.ts'
import { newTemporary, releaseTemporary } from '../src/node/temporaries.ts'
import { failing, hooks } from './places/faults.ts'
import { at, bytes, folder, openFiles } from './places/folder.ts'

const { faultyFs, faultyPromises } = await vi.hoisted(() => import('./places/faults.ts'))
vi.mock(import('node:fs'), async original => faultyFs(await original()))
vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))

describe('temporary files of this process', () => {
  const listening = () => process.listeners('exit').includes(removeOwnTemporaries)

  test('are named for the machine and the process, and watched while there are any', () => {
    expect(listening()).toBe(false)
    const [one, other] = [newTemporary('/x'), newTemporary('/x')]
    expect(one).toMatch(new RegExp(`^/x/\\.latent-${machine()}-${process.pid}-[0-9a-f]{16}\\.tmp$`))
    expect(other).not.toBe(one)
    expect([isTemporary(one), machine(), listening()]).toEqual([true, expect.stringMatching(/^[0-9a-f]{8}$/), true])
    expect(process.listeners('exit').filter(listener => listener === removeOwnTemporaries).length).toBe(1)
    releaseTemporary(one)
    expect(listening()).toBe(true)
    releaseTemporary(other)
    expect(listening()).toBe(false)
  })

  test('go at the end, all that can', async () => {
    const [one, stuck, other, kept] = [
      newTemporary(folder),
      newTemporary(folder),
      newTemporary(folder),
      newTemporary(folder),
    ]
    releaseTemporary(kept)
    for (const path of [one, other, kept]) await writeFile(path, 'x')
    await mkdir(stuck)
    removeOwnTemporaries()
    expect((await readdir(folder)).toSorted()).toEqual([stuck, kept].map(path => basename(path)).toSorted())
    expect(listening()).toBe(false)
    await rm(stuck, { recursive: true })
    await writeFile(stuck, 'x')
    removeOwnTemporaries()
    expect((await readdir(folder)).length).toBe(2)
  })

  test('a signal while a file is being written: it never appears', async () => {
    await expect(
      publish(at('a'), bytes('x'), { beforePublish: () => Promise.resolve(removeOwnTemporaries()) }),
    ).rejects.toMatchObject({ code: 'E_IO' })
    expect([await readdir(folder), listening()]).toEqual([[], false])
  })

  test('are forgotten when they are published, and when that fails', async () => {
    await publish(at('a'), bytes('x'))
    expect(listening()).toBe(false)
    publishNow(at('b'), bytes('x')[0]!)
    expect(listening()).toBe(false)
    await expect(
      publish(at('c'), bytes('x'), { beforePublish: () => Promise.reject(new Error('no')) }),
    ).rejects.toThrow('no')
    expect(listening()).toBe(false)
    hooks['linkSync'] = failing('EIO')
    expect(() => publishNow(at('c'), bytes('x')[0]!)).toThrow('the device reports an error')
    expect(listening()).toBe(false)
    // Gone already: no other fault than the first.
    hooks['linkSync'] = () => {
      removeOwnTemporaries()
      failing('EIO')()
    }
    expect(() => publishNow(at('c'), bytes('x')[0]!)).toThrow('the device reports an error')
    await expect(publish(at('c'), bytes('x'))).rejects.toThrow('the device reports an error')
    expect((await readdir(folder)).toSorted()).toEqual(['a', 'b'])
  })

  test.runIf(process.platform === 'linux')('are closed', async () => {
    publishNow(at('a'), bytes('x')[0]!)
    await publish(at('b'), bytes('x'))
    expect(() => publishNow(at('c'), 'no bytes' as never, { mode: -1 })).toThrow('cannot write c')
    expect(await openFiles()).toEqual([])
  })

  test.runIf(process.platform === 'linux')(
    'a machine is known by its name, its id and its numbers of processes',
    () => {
      const quietly = (read: () => string) => {
        try {
          return read()
        } catch {
          return ''
        }
      }
      const facts = [
        hostname(),
        quietly(() => fs.readFileSync('/etc/machine-id', 'utf8')),
        quietly(() => fs.readlinkSync('/proc/self/ns/pid')),
      ]
      expect(machine()).toBe(toHex(sha256Of(new TextEncoder().encode(JSON.stringify(facts)))).slice(0, 8))
    },
  )

  test('of other processes stay for a day, and of this machine as long as the process runs', async () => {
    const [name, gone] = [(owner: string) => `.latent-${owner}-0123456789abcdef.tmp`, 4_194_309]
    for (const owner of [`0badcafe-${gone}`, `${gone}`, `${machine()}-${gone}`]) await writeFile(at(name(owner)), 'x')
    const [before, after] = [new Date(Date.now() - 23.9 * 3_600_000), new Date(Date.now() - 24.1 * 3_600_000)]
    await utimes(at(name(`0badcafe-${gone}`)), before, before)
    await removeStale(folder)
    expect(await readdir(folder)).toEqual([name(`0badcafe-${gone}`)])
    await utimes(at(name(`0badcafe-${gone}`)), after, after)
    await removeStale(folder)
    expect(await readdir(folder)).toEqual([])
  })

  test('processes are there, gone, or somebody else’s', () => {
    expect(isRunning(process.pid)).toBe(true)
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => true)
    expect(isRunning(77)).toBe(true)
    expect(kill).toHaveBeenCalledWith(77, 0)
    kill.mockImplementation(failing('EPERM'))
    expect(isRunning(77)).toBe(true)
    kill.mockImplementation(failing('ESRCH'))
    expect([isRunning(77), isRunning(process.pid)]).toEqual([false, true])
  })

  test('a folder that cannot be listed has no leavings, and links are not followed to some', async () => {
    await removeStale(at('nowhere'))
    const stale = `.latent-${machine()}-4194309-0123456789abcdef.tmp`
    await mkdir(at('elsewhere'))
    await writeFile(at('elsewhere', stale), 'x')
    await mkdir(at('here'))
    await symlink('../elsewhere', at('here/link'))
    await symlink(`../elsewhere/${stale}`, at('here', stale.replace('0123', 'aaaa')))
    await mkdir(at('here', stale.replace('0123', 'bbbb')))
    await removeStale(at('here'))
    expect((await readdir(at('here'))).length).toBe(3)
    await removeStale(folder)
    expect(await readdir(at('elsewhere'))).toEqual([])
  })
})
