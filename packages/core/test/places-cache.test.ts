import * as fs from 'node:fs'
import { stat, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { cacheFolder, isOwnFolder, makeOwnFolder } from '../src/node/index.ts'
import { at, refused } from './places/folder.ts'

const { faultyFs, faultyPromises } = await vi.hoisted(() => import('./places/faults.ts'))
vi.mock(import('node:fs'), async original => faultyFs(await original()))
vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))

describe('the cache', () => {
  afterEach(() => void vi.unstubAllEnvs())

  test('lies where the system says, or in the home', () => {
    vi.stubEnv('XDG_CACHE_HOME', '/somewhere')
    expect(cacheFolder()).toBe(join('/somewhere', 'latent'))
    // What is not absolute is to be ignored.
    for (const stated of ['here', '', undefined]) {
      vi.stubEnv('XDG_CACHE_HOME', stated)
      expect(cacheFolder()).toBe(join(homedir(), '.cache/latent'))
    }
  })

  test.skipIf(process.platform === 'win32')('is ours if it is a folder that nobody else may write to', async () => {
    makeOwnFolder(at('deep/cache'))
    expect([isOwnFolder(at('deep/cache')), (await stat(at('deep/cache'))).mode & 0o777]).toEqual([true, 0o700])
    makeOwnFolder(at('deep/cache'))
    await symlink('deep/cache', at('link'))
    await writeFile(at('file'), '')
    expect(['link', 'file', 'nothing'].map(name => isOwnFolder(at(name)))).toEqual([false, false, false])
    for (const [mode, own] of [
      [0o755, true],
      [0o720, false],
      [0o702, false],
      [0o777, false],
      [0o500, true],
    ] as const) {
      fs.chmodSync(at('deep/cache'), mode)
      expect(isOwnFolder(at('deep/cache'))).toBe(own)
    }
    fs.chmodSync(at('deep/cache'), 0o777)
    expect(() => makeOwnFolder(at('deep/cache'))).toThrow(
      expect.objectContaining(refused('E_IO', 'others may write into')),
    )
    expect(() => makeOwnFolder(at('file/cache'))).toThrow(
      expect.objectContaining({ code: 'E_IO', message: expect.stringContaining('cannot make the folder') }),
    )
    vi.spyOn(process, 'getuid').mockReturnValue(4242)
    fs.chmodSync(at('deep/cache'), 0o700)
    expect(isOwnFolder(at('deep/cache'))).toBe(false)
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
    expect(isOwnFolder(at('deep/cache'))).toBe(true)
  })
})
