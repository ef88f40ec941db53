import { sha256Of, toHex } from '@latent/core'
import { identityWords } from '@latent/vault/recovery'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FROZEN_FILES, FROZEN_VAULT } from '../../vault/test/conformance/freeze-vault.ts'
import { FOLDER } from '../../vault/test/conformance/generate.ts'
import { readKeys } from '../../vault/test/conformance/keys.ts'
import { parseVector, type Vector } from '../../vault/test/conformance/vector.ts'
import { latentHere } from './command.ts'

// From the words of a sheet, on a machine that has nothing of ours, every format that was ever written opens.

let root: string
const at = (...parts: string[]) => join(root, ...parts)

/** A machine on which nothing is but what was copied there. */
const latent = (...args: string[]) =>
  latentHere(args, {
    cwd: root,
    env: {
      HOME: at('home'),
      XDG_CONFIG_HOME: undefined,
      XDG_CACHE_HOME: undefined,
      XDG_DATA_HOME: undefined,
      XDG_STATE_HOME: undefined,
    },
  })

/** Writes the key that the words of an identity stand for. */
async function recovered(identity: string, name: string): Promise<string> {
  await writeFile(at(`${name}.txt`), identityWords(identity))
  const { code, err } = await latent('recovery', 'use', '--words', `${name}.txt`, '-o', `${name}.key`)
  expect([code, err]).toEqual([0, ''])
  return `${name}.key`
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-recovery-'))
  await mkdir(at('home'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('sealed folders of every release: each body, each set of weights, each kind of key', async () => {
  const { identities } = await readKeys()
  const vectors: Vector[] = []
  for (const name of await readdir(FOLDER))
    vectors.push(parseVector(name, new Uint8Array(await readFile(new URL(name, FOLDER)))))
  for (const who of ['first', 'second', 'hybrid'] as const) {
    const mine = vectors.filter(
      ({ expect: kind, identity, name }) =>
        // Names that would lie over one another, or that file systems refuse, are tested elsewhere.
        kind === 'success' && identity === identities[who] && !/^(?:name|metadata|time)-/.test(name),
    )
    expect(mine.length).toBeGreaterThan(0)
    const key = await recovered(identities[who], who)
    for (const { name, sealed, sha256 } of mine) {
      await mkdir(at(who, name), { recursive: true })
      await writeFile(at(who, name, 'photo.jpg.png'), sealed)
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    }
    const { code, out } = await latent('open', who, '-o', `${who}-opened`, '-i', key)
    expect([code, out.split('\n')[0]?.split(' ').filter(Boolean).slice(0, 2)]).toEqual([
      0,
      ['opened', String(mine.length)],
    ])
    for (const { name, sha256 } of mine) {
      const bytes = await readFile(at(`${who}-opened`, name, 'photo.jpg'))
      expect([name, toHex(sha256Of(bytes))]).toEqual([name, sha256])
    }
  }
  const weights = (set: string) => vectors.filter(({ name }) => name.startsWith(set)).length
  expect(['flow-', 'trained-', 'second-'].map(set => weights(set) > 2)).toEqual([true, true, true])
})

test('a vault of format version 1, copied from wherever it was', async () => {
  const { identities } = await readKeys()
  const key = await recovered(identities.first, 'vault')
  const { code, out } = await latent('vault', 'get', FROZEN_VAULT, '-o', 'photos', '-i', key)
  expect([code, out.split('\n')[0]?.startsWith('got   3 ')]).toEqual([0, true])
  for (const [path, size] of Object.entries(FROZEN_FILES))
    expect((await readFile(at('photos', path))).length).toBe(size)
})

test('what this release writes: hidden names and robust carriers too', async () => {
  const { identities } = await readKeys()
  const key = await recovered(identities.second, 'now')
  await mkdir(at('in/holiday'), { recursive: true })
  await writeFile(at('in/holiday/a.jpg'), 'a photo '.repeat(50))
  for (const [name, ...how] of [['plain'], ['hidden', '--hide-names'], ['robust', '--carrier', 'robust']] as const) {
    expect([name, (await latent('seal', 'in', '-o', name, '-i', key, ...how)).code]).toEqual([name, 0])
    await rm(at('home'), { recursive: true })
    await mkdir(at('home'))
    const again = await recovered(identities.second, `again-${name}`)
    expect([name, (await latent('open', name, '-o', `${name}-opened`, '-i', again)).code]).toEqual([name, 0])
    expect(await readFile(at(`${name}-opened`, 'holiday/a.jpg'), 'utf8')).toBe('a photo '.repeat(50))
  }
})
