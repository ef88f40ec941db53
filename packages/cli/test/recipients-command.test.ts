import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ended, latentHere } from './command.ts'

let root: string

const latent = (...args: string[]) => latentHere(args, { cwd: root })

const recipientIn = (file: string) => /age1[0-9a-z]+/.exec(readFileSync(join(root, file), 'utf8'))![0]
const errorOf = ({ code, err }: Ended) => [code, /\[(E_[A-Z_]+)\]\nhint: /.exec(err)?.[1] ?? err.trim()]

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'latent-recipients-'))
  mkdirSync(join(root, 'in'))
  for (let i = 0; i < 3; i++) writeFileSync(join(root, `in/${i}.jpg`), `photo ${i}`)
  for (const key of ['me.key', 'friend.key']) await latent('keygen', '-o', key)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('people are added to a sealed folder, seen, and left out', { timeout: 120_000 }, async () => {
  const friend = recipientIn('friend.key')
  expect((await latent('seal', 'in', '-o', 'out', '-i', 'me.key')).code).toBe(0)
  expect((await latent('recipients', 'add', 'out', '-i', 'me.key', '-r', friend)).out).toMatch(/^rewrapped {3}3 /)
  expect((await latent('open', 'out', '-o', 'back', '-i', 'friend.key')).out).toMatch(/^opened {3}3 /)
  const [line] = (await latent('recipients', 'list', 'out', '-i', 'friend.key', '--json')).out.split('\n')
  expect(JSON.parse(line!)).toMatchObject({
    files: 3,
    opens: true,
    kinds: ['X25519', 'X25519'],
    recipients: [recipientIn('me.key'), friend],
  })
  expect((await latent('recipients', 'remove', 'out', '-i', 'me.key', '-r', friend)).code).toBe(0)
  expect((await latent('verify', 'out', '-i', 'friend.key')).code).toBe(1)
  expect((await latent('verify', 'out', '-i', 'me.key')).code).toBe(0)
  expect((await latent('seal', 'out', '--rewrap', '-i', 'me.key', '-r', friend)).out).toMatch(/^rewrapped {3}3 /)
  expect((await latent('verify', 'out', '-i', 'friend.key')).out).toMatch(/^intact {3}3 /)
})

test('what cannot be done is a coded error with a hint', { timeout: 120_000 }, async () => {
  const [me, friend] = [recipientIn('me.key'), recipientIn('friend.key')]
  await latent('seal', 'in', '-o', 'two', '-i', 'me.key', '-r', friend)
  const add = ['recipients', 'add', 'two', '-i', 'me.key']
  expect(errorOf(await latent(...add))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(await latent(...add, '-r', 'age1nonsense'))).toEqual([2, 'E_KEY'])
  // Two recipients, of whom one key is given: age hides the other.
  expect(errorOf(await latent(...add, '-r', friend))).toEqual([2, 'E_ARGUMENT'])
  await latent('seal', 'in', '-o', 'one', '-i', 'me.key')
  expect(errorOf(await latent('recipients', 'remove', 'one', '-i', 'me.key', '-r', me))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(await latent('recipients', 'list', 'one'))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(await latent('seal', 'in', '-i', 'me.key'))).toEqual([2, 'E_ARGUMENT'])
  expect(errorOf(await latent('seal', 'one', '--rewrap', '-r', friend))).toEqual([2, 'E_ARGUMENT'])
})
