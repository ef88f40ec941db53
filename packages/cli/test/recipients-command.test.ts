import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../bin/latent.js', import.meta.url))
let root: string

function latent(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: root, encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

const recipientIn = (file: string) => /age1[0-9a-z]+/.exec(readFileSync(join(root, file), 'utf8'))![0]
const errorOf = ({ code, err }: ReturnType<typeof latent>) => [
  code,
  /\[(E_[A-Z_]+)\]\nhint: /.exec(err)?.[1] ?? err.trim(),
]

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latent-recipients-'))
  mkdirSync(join(root, 'in'))
  for (let i = 0; i < 3; i++) writeFileSync(join(root, `in/${i}.jpg`), `photo ${i}`)
  for (const key of ['me.key', 'friend.key']) latent('keygen', '-o', key)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('people are added to a sealed folder, seen, and left out', { timeout: 120_000 }, () => {
  const friend = recipientIn('friend.key')
  expect(latent('seal', 'in', '-o', 'out', '-i', 'me.key').code).toBe(0)
  expect(latent('recipients', 'add', 'out', '-i', 'me.key', '-r', friend).out).toMatch(/^rewrapped {3}3 /)
  expect(latent('open', 'out', '-o', 'back', '-i', 'friend.key').out).toMatch(/^opened {3}3 /)
  const [line] = latent('recipients', 'list', 'out', '-i', 'friend.key', '--json').out.split('\n')
  expect(JSON.parse(line!)).toMatchObject({
    files: 3,
    opens: true,
    kinds: ['X25519', 'X25519'],
    recipients: [recipientIn('me.key'), friend],
  })
  expect(latent('recipients', 'remove', 'out', '-i', 'me.key', '-r', friend).code).toBe(0)
  expect(latent('verify', 'out', '-i', 'friend.key').code).toBe(1)
  expect(latent('verify', 'out', '-i', 'me.key').code).toBe(0)
  expect(latent('seal', 'out', '--rewrap', '-i', 'me.key', '-r', friend).out).toMatch(/^rewrapped {3}3 /)
  expect(latent('verify', 'out', '-i', 'friend.key').out).toMatch(/^intact {3}3 /)
})

test('what cannot be done is a coded error with a hint', { timeout: 120_000 }, () => {
  const [me, friend] = [recipientIn('me.key'), recipientIn('friend.key')]
  latent('seal', 'in', '-o', 'two', '-i', 'me.key', '-r', friend)
  const add = ['recipients', 'add', 'two', '-i', 'me.key']
  expect(errorOf(latent(...add))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(latent(...add, '-r', 'age1nonsense'))).toEqual([2, 'E_KEY'])
  // Two recipients, of whom one key is given: age hides the other.
  expect(errorOf(latent(...add, '-r', friend))).toEqual([2, 'E_ARGUMENT'])
  latent('seal', 'in', '-o', 'one', '-i', 'me.key')
  expect(errorOf(latent('recipients', 'remove', 'one', '-i', 'me.key', '-r', me))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(latent('recipients', 'list', 'one'))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(latent('seal', 'in', '-i', 'me.key'))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(latent('seal', 'one', '--rewrap', '-r', friend))).toEqual([2, 'E_ARGUMENT'])
})
