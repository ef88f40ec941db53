import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { isTemporary, removeStale } from '../src/node/index.ts'

const source = JSON.stringify(new URL('../src/node/index.ts', import.meta.url).href)
const root = mkdtempSync(join(tmpdir(), 'latent-endings-'))
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'x'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** A process that writes without end, and what it leaves after it ended in some way. */
async function endOf(ending: string): Promise<string[]> {
  const script = `
    import { publish, removeOwnTemporaries } from ${source}
    async function* endless() {
      for (;;) { yield new Uint8Array(100000); await new Promise(resolve => setTimeout(resolve, 1)) }
    }
    process.on('SIGTERM', () => { removeOwnTemporaries(); process.kill(process.pid, 'SIGKILL') })
    setTimeout(() => { ${ending} }, 200)
    process.stdout.write('begun')
    const written = ['a', 'b', 'sub/c'].map(name => process.argv[1] + '/' + name)
    await Promise.all(written.map(path => publish(path, endless(), { mode: 0o600 })))
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout, 'data')
  await once(child, 'close')
  return (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile())
    .map(entry => entry.name)
}

test.each([
  ['exits', 'process.exit(7)'],
  ['throws', 'throw new Error("oops")'],
  ['rejects', 'void Promise.reject(new Error("oops"))'],
  ['is asked to end', 'process.kill(process.pid, "SIGTERM")'],
])('a process that %s in the middle of writing leaves no temporary file', async (_, ending) => {
  expect(await endOf(ending)).toEqual([])
})

test('a killed one leaves them under names that the next run knows', async () => {
  const left = await endOf('process.kill(process.pid, "SIGKILL")')
  expect(left.length).toBe(3)
  expect(left.every(isTemporary)).toBe(true)
  await removeStale(folder)
  expect(await endOf('process.exit(0)')).toEqual([])
})

test('a lock that is held when the process ends goes with it', () => {
  const path = join(folder, 'lock')
  const script = `import { holdLock } from ${source}; await holdLock(${JSON.stringify(path)}, 'x'); process.exit(0)`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect({ status, stderr }).toMatchObject({ status: 0 })
  expect(existsSync(path)).toBe(false)
})
