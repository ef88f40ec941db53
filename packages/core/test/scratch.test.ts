import { spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { machine, makeScratch } from '../src/node/index.ts'

const SOURCE = new URL('../src/node/scratch.ts', import.meta.url).href
/** The number of a process that has ended. */
const ended = spawnSync(process.execPath, ['-e', '']).pid
const before = process.env['TMPDIR']

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'latent-scratch-test-'))
  process.env['TMPDIR'] = root
})
afterEach(() => {
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  rmSync(root, { recursive: true, force: true })
})

const nameOf = (what: string, pid: number, where = machine()) => `latent-${what}-${where}-${pid}-0123456789abcdef`
const put = (name: string) => {
  mkdirSync(join(root, name, 'deep'), { recursive: true })
  writeFileSync(join(root, name, 'deep', 'secret'), 'x')
  return name
}

test('is private, has a name of its own each time, and goes with everything in it', async () => {
  const [one, other] = [await makeScratch('thing'), await makeScratch('thing')]
  expect(one.path).not.toBe(other.path)
  expect(statSync(one.path).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o700)
  mkdirSync(join(one.path, 'a/b'), { recursive: true })
  writeFileSync(join(one.path, 'a/b/c'), 'x')
  await one.remove()
  expect(readdirSync(root)).toEqual([other.path.slice(root.length + 1)])
  await other.remove()
  expect(readdirSync(root)).toEqual([])
})

test('what a kill left, the next one removes; what lives, is elsewhere or means something else stays', async () => {
  put(nameOf('thing', ended))
  put(nameOf('thing', 2 ** 22 + 5))
  const kept = [
    nameOf('thing', process.pid),
    nameOf('thing', ended, '00000000'),
    nameOf('other', ended),
    `${nameOf('thing', ended)}.mine`,
    `my-${nameOf('thing', ended)}`,
  ].map(put)
  await (await makeScratch('thing')).remove()
  expect(readdirSync(root).toSorted()).toEqual(kept.toSorted())
})

test.skipIf(process.platform === 'win32')('links, files and folders of other users stay', async () => {
  put('precious')
  symlinkSync(join(root, 'precious'), join(root, nameOf('thing', ended)))
  writeFileSync(join(root, nameOf('thing', ended).replace(/.$/, '2')), 'a file')
  const others = put(nameOf('thing', ended).replace(/.$/, '1'))
  const mayGiveAway = process.getuid?.() === 0
  if (mayGiveAway) chownSync(join(root, others), 12_345, 12_345)
  const made = await makeScratch('thing')
  expect(existsSync(join(root, 'precious/deep/secret'))).toBe(true)
  expect(existsSync(join(root, nameOf('thing', ended).replace(/.$/, '2')))).toBe(true)
  expect(existsSync(join(root, others))).toBe(mayGiveAway)
  await made.remove()
})

test('a process that ends, by itself or by an error, leaves nothing; one that is killed does', async () => {
  const program = (end: string) =>
    `import { makeScratch } from ${JSON.stringify(SOURCE)}\nawait makeScratch('thing')\n${end}`
  for (const end of ['', 'process.exit(3)', 'throw new Error("broken")']) {
    spawnSync(process.execPath, ['--input-type=module', '-e', program(end)], { env: process.env })
    expect(readdirSync(root)).toEqual([])
  }
  const killed = spawn(process.execPath, ['--input-type=module', '-e', program('setInterval(() => 0, 1000)')])
  await expect.poll(() => readdirSync(root), { timeout: 20_000 }).toHaveLength(1)
  const done = new Promise(resolve => killed.on('close', resolve))
  killed.kill('SIGKILL')
  await done
  expect(readdirSync(root)).toHaveLength(1)
  await (await makeScratch('thing')).remove()
  expect(readdirSync(root)).toEqual([])
})

test.skipIf(process.platform === 'win32')('no folder for temporary files: an error that says where', async () => {
  process.env['TMPDIR'] = join(root, 'nowhere')
  await expect(makeScratch('thing')).rejects.toMatchObject({
    code: 'E_IO',
    message: expect.stringContaining(join(root, 'nowhere')) as string,
  })
})
