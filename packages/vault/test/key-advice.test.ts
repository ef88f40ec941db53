import { LatentError } from '@latent/core'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { type Identity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import {
  createAlbum,
  decodeKeyText,
  decryptEnvelope,
  drawPassphrase,
  normalRecipient,
  parseIdentities,
  parsePassphraseFile,
  parseRecipients,
  recipientKinds,
  sealingPassphrase,
  strengthOf,
} from '../src/index.ts'
import { parseSshPrivateKey, parseSshPublicKey } from '../src/keys/ssh.ts'

/** What is said beside a refusal, how passphrases are drawn and judged, and what an envelope shows of itself. */

const { ssh } = JSON.parse(await readFile(new URL('age-and-ssh.json', import.meta.url), 'utf8')) as {
  readonly ssh: Record<'ed' | 'rsa', { readonly private: string; readonly public: string }>
}
const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)

async function hintOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
  } catch (error) {
    if (error instanceof LatentError) return error.hint
    throw error
  }
  throw new Error('it was taken')
}

describe('every refusal of a key says what to do', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['an empty passphrase', () => sealingPassphrase(''), /several words/],
    ['one that was misread', () => sealingPassphrase('caf\ufffd'), /as UTF-8/],
    ['half a character', () => sealingPassphrase('\ud83d'), /as UTF-8/],
    ['control characters', () => sealingPassphrase('a\tb'), /without/],
    ['bytes that are no text', () => decodeKeyText(Uint8Array.of(0x61, 0xe9), 'x'), /iconv/],
    ['NUL characters', () => decodeKeyText(Uint8Array.of(0x61, 0), 'x'), /as UTF-8/],
    ['a secret for a recipient', () => normalRecipient(identity), /public recipient/],
    ['an identity of a plugin for a recipient', () => normalRecipient('AGE-PLUGIN-X-1QQ'), /start with age1/],
    ['a recipient of a plugin', () => normalRecipient('age1x1qqqq'), /latent keygen/],
    ['a recipient that is cut off', () => normalRecipient(recipient.slice(0, 40)), /start with age1/],
    ['a file without recipients', () => parseRecipients('\n  # nobody\n', 'x'), /into each line/],
    ['an SSH key that only signs', () => parseSshPublicKey('ecdsa-sha2-nistp256 AAAA'), /only sign/],
    ['half an SSH key', () => parseSshPublicKey('ssh-ed25519 AAAA'), /whole and unchanged/],
    [
      'half a private SSH key',
      () => parseSshPrivateKey('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----'),
      /whole and unchanged/,
    ],
    [
      'no passphrase in a file',
      () => {
        throw parsePassphraseFile(Uint8Array.of(10), 'x').problem
      },
      /first line/,
    ],
  ])('%s', async (_, run, expected) => expect(await hintOf(run)).toMatch(expected))

  test.each<[string, string, RegExp]>([
    ['a plugin', 'AGE-PLUGIN-YUBIKEY-1QQQQ', /latent keygen/],
    ['a public recipient', recipient, /give it with -r/],
    ['a public SSH key', ssh.ed.public, /without \.pub/],
    ['PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519', /puttygen/],
    ['anything', 'hello', /start with AGE-SECRET-KEY-/],
    ['a secret that is cut off', identity.slice(0, -4), /copied whole/],
    ['an encrypted one', '-----BEGIN AGE ENCRYPTED FILE-----\nAA\n-----END AGE ENCRYPTED FILE-----', /of its own/],
    ['another form', '-----BEGIN RSA PRIVATE KEY-----\nAA\n-----END RSA PRIVATE KEY-----', /ssh-keygen -p/],
    ['a block of something else', '-----BEGIN X-----\nAA\n-----END X-----', /from BEGIN to END/],
    ['a private key behind other words', '-----BEGIN X-----\n-----BEGIN EC PRIVATE KEY-----\n-----END', /from BEGIN/],
  ])('among identities: %s', (_, text, expected) => {
    const { identities, problems } = parseIdentities(text)
    expect(identities).toEqual([])
    expect(problems.map(({ line }) => line)).toEqual([1])
    expect(problems[0]!.hint).toMatch(expected)
  })
})

describe('passphrases', () => {
  test('are ten words of the list, every one as free as the next', async () => {
    const drawn = await Promise.all(Array.from({ length: 300 }, async () => (await drawPassphrase()).split('-')))
    const list = new Set(wordlist)
    expect(drawn.every(words => words.length === 10 && words.every(word => list.has(word)))).toBe(true)
    // 300 draws of 2,048 words find 279 of them on average; of the 256 that one byte alone could name, 177.
    for (let place = 0; place < 10; place++)
      expect(new Set(drawn.map(words => words[place])).size, `place ${place}`).toBeGreaterThan(240)
    expect(new Set(drawn.flat()).size).toBeGreaterThan(1400)
  })

  test.each<[string, string, string]>([
    ['abc', 'refused', '13'],
    ['#7k', 'refused', '1,001'],
    ['#7kQ', 'weak', '10,001'],
    ['#7kQ!z2', 'weak', '10^7'],
    ['#7kQ!z2v~x', 'strong', '10^10'],
  ])('%s is %s: %s guesses', async (passphrase, verdict, guesses) => {
    expect(await strengthOf(passphrase)).toEqual({ verdict, guesses })
  })

  test('one as long as a page is looked at in part, and strong', async () => {
    expect(await strengthOf('correct horse '.repeat(5000))).toMatchObject({ verdict: 'strong' })
    const same = '#7kQ'.padEnd(128, 'a')
    expect(await strengthOf(`${same}#K!x${'q7'.repeat(400)}`)).toEqual(await strengthOf(same))
  })
})

describe('an envelope', () => {
  test('shows the kinds of its recipients, and not what only looks like one', async () => {
    const { envelope } = await createAlbum({ recipients: [recipient, ssh.ed.public, ssh.rsa.public] })
    expect(recipientKinds(envelope)).toEqual(['X25519', 'ssh-ed25519', 'ssh-rsa'])
    expect(recipientKinds((await createAlbum({ passphrase: 'x', workFactor: 2 })).envelope)).toEqual(['scrypt'])
    const text =
      'age-encryption.org/v1\n-> X25519 AA\nAA\n-> grease-not B\n-> some-grease C\n x-> no\n--- mac\n-> later D\n'
    expect(recipientKinds(new TextEncoder().encode(text))).toEqual(['X25519', 'grease-not'])
  })

  test('that nothing opens says what was missing', async () => {
    const locked = (await createAlbum({ passphrase: 'right', workFactor: 2 })).envelope
    const hint = (keys: object) => hintOf(() => decryptEnvelope(locked, keys))
    expect(await hint({ passphrases: ['a'], formerPassphrases: ['b'] })).toBe('the passphrase is wrong')
    expect(await hint({ identities: [identity] })).toMatch(/none was given/)
    const { envelope } = await createAlbum({ recipients: [recipient] })
    const stranger: Identity = { unwrapFileKey: () => null }
    const other = await generateX25519Identity()
    expect(await hintOf(() => decryptEnvelope(envelope, { identities: [other], others: [stranger] }))).toBe(
      'it was sealed for other recipients',
    )
  })

  test('is opened by what an earlier release made of a passphrase, whoever listens', async () => {
    const { envelope, key } = await createAlbum({ passphrase: 'right', workFactor: 2 })
    expect(await decryptEnvelope(envelope, { formerPassphrases: ['right'] })).toEqual(key)
    const onFormer = vi.fn<() => void>()
    await decryptEnvelope(envelope, { passphrases: ['wrong'], formerPassphrases: ['right'], onFormer })
    expect(onFormer).toHaveBeenCalledOnce()
  })

  test('says what a key of the caller says', async () => {
    const { envelope } = await createAlbum({ recipients: [recipient] })
    const broken: Identity = {
      unwrapFileKey() {
        throw new LatentError('E_KEY', 'the passkey was not touched')
      },
    }
    await expect(decryptEnvelope(envelope, { others: [broken] })).rejects.toThrow('the passkey was not touched')
  })
})

describe('recipients', () => {
  test('are of one case, and behind white space a comment is one', () => {
    expect(normalRecipient(recipient.toUpperCase())).toBe(recipient)
    expect(() => normalRecipient(`A${recipient.slice(1)}`)).toThrow('not an age recipient')
    expect(parseRecipients(`  # me\n\t${recipient}  \n`, 'x')).toEqual([recipient])
  })

  test('of SSH stand behind any white space', () => {
    const [type, key] = ssh.ed.public.split(' ')
    expect(parseSshPublicKey(` ${type}  \t${key} me `)).toEqual(parseSshPublicKey(ssh.ed.public))
  })
})
