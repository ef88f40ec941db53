import { bech32 } from '@scure/base'
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { createAlbum, Keyring } from '../src/index.ts'
import { identityOfWords, identityWords, recoverySheet } from '../src/recovery.ts'

test('an identity comes back from its words, however they are written', async () => {
  for (const identity of [await generateX25519Identity(), await generateHybridIdentity()]) {
    const words = identityWords(identity)
    expect(words.replace(/^pq /, '').split(' ')).toHaveLength(24)
    expect(identityOfWords(words)).toBe(identity)
    const numbered = words.replace(/^pq /, '').split(' ')
    const lines = numbered.map((word, i) => `${i + 1}. ${word.toUpperCase()}`)
    const typed = [...(words.startsWith('pq') ? ['PQ'] : []), ...lines].join(',\r\n')
    expect(identityOfWords(typed)).toBe(identity)
    // And it opens what was sealed for it.
    const { key, envelope } = await createAlbum({ recipients: [await identityToRecipient(identity)] })
    expect(await new Keyring({ identities: [identityOfWords(words)] }).albumKey(envelope)).toEqual(key)
  }
})

// The bytes 1, 2, 3 and so on to 32.
const KNOWN =
  'absurd avoid scissors anxiety gather lottery category door army half long cage ' +
  'bachelor another expect people blade school educate curtain scrub monitor lady beyond'

test('a fixed identity has fixed words', () => {
  const identity = identityOfWords(KNOWN)
  const { bytes } = bech32.decodeToBytes(identity.toLowerCase())
  expect(Array.from(bytes)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1))
  expect(identityWords(identity)).toBe(KNOWN)
})

test('one wrong word, an exchange, a missing one: refused, and nothing is quoted', () => {
  const words = KNOWN.split(' ')
  const refused = (list: readonly string[], message: RegExp) => {
    let error: Error | undefined
    try {
      identityOfWords(list.join(' '))
    } catch (caught) {
      error = caught as Error
    }
    expect(error).toMatchObject({ code: 'E_KEY' })
    expect(error!.message).toMatch(message)
    expect(words.filter(word => word.length > 5 && error!.message.includes(word))).toEqual([])
  }
  refused(words.slice(1), /24 words, and these are 23/)
  refused(words.with(6, 'wrongword'), /none of the list: number 7$/)
  refused(words.with(0, words[1]!).with(1, words[0]!), /their check fails/)
  expect(() => identityWords('-----BEGIN OPENSSH PRIVATE KEY-----')).toThrow('has no words')
  expect(() => identityWords('AGE-SECRET-KEY-1QQQ')).toThrow('has no words')
})

test('the sheet has the words in order, the code, and what to do; text is no markup', async () => {
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  const sheet = recoverySheet(identity, { recipient, vault: 's3://a&b<c' })
  const words = Array.from(sheet.matchAll(/class="word">([a-z]+)</g), ([, word]) => word)
  expect(identityOfWords(words.join(' '))).toBe(identity)
  expect(sheet).toContain(recipient)
  expect(sheet).toContain('s3://a&amp;b&lt;c')
  expect(sheet.match(/<svg /g)).toHaveLength(2)
  expect(sheet).not.toContain(identity)
})
