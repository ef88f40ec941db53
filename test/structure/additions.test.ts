import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADDITIONS, addTo } from './additions.ts'

const ROOT = resolve(import.meta.dirname, '../..')
let copy: string
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'latent-additions-'))
  const modules = join(copy, 'node_modules')
  mkdirSync(join(modules, '@latent'), { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@latent' && name !== '.bin') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const [from, to] = [join(ROOT, 'packages', name), join(copy, 'packages', name)]
    mkdirSync(to, { recursive: true })
    for (const part of readdirSync(from))
      if (part === 'src' || part === 'package.json') cpSync(join(from, part), join(to, part), { recursive: true })
      else if (part !== 'node_modules') symlinkSync(join(from, part), join(to, part))
    symlinkSync(to, join(modules, '@latent', name))
  }
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

// What CONTRIBUTING says of adding a scheme, a test, an attack and a store, followed to the letter with the examples.
test('one new file and two lines of one that is there add a scheme, a test of the lab, an attack and a store', () => {
  for (const addition of ADDITIONS) addTo(copy, addition)
  const program = `
    import { openScheme } from '@latent/schemes'
    import { findAttack, TEST_IDS } from '@latent/lab'
    import { openStore } from '@latent/vault/node'
    const { cipher, close } = await openScheme('running-sum')
    const plain = { width: 2, height: 1, channels: 1, format: 'u8', data: Uint8Array.of(7, 9) }
    const key = new Uint8Array(32)
    const back = await cipher.decrypt(await cipher.encrypt(plain, key), key)
    await close()
    const store = await openStore('sqlite::memory:')
    console.log([...back.data], TEST_IDS.includes('lowest-bit'), findAttack('steps').id, store.address)
    await store.close()`
  const said = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
    cwd: copy,
    encoding: 'utf8',
  })
  expect(said).toBe('[ 7, 9 ] true steps sqlite::memory:\n')
})
