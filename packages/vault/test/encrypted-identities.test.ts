import { base64 } from '@scure/base'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { decryptEnvelope, encryptedFile } from '../src/index.ts'
import { text } from './fixtures.ts'

// With the work factor that age chooses, about a second each: apart from the tests that many runs repeat.
const { identity } = JSON.parse(await readFile(new URL('age-and-ssh.json', import.meta.url), 'utf8')) as {
  readonly identity: {
    readonly text: string
    readonly passphrase: string
    readonly encrypted: string
    readonly armored: string
  }
}

test.each([
  ['binary', base64.decode(identity.encrypted)],
  ['armored', text(identity.armored)],
  ['armored, with ends of Windows', text(identity.armored.replaceAll('\n', '\r\n'))],
])('identities that age -p encrypted, %s', async (_, bytes) => {
  const file = encryptedFile(bytes)!
  expect(new TextDecoder().decode(await decryptEnvelope(file, { passphrases: [identity.passphrase] }))).toBe(
    identity.text,
  )
})
