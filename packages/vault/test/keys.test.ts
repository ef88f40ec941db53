import { LatentError, sha256Of } from '@latent/core'
import { base64, bech32 } from '@scure/base'
import { armor, Encrypter, generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  createAlbum,
  decodeKeyText,
  decryptEnvelope,
  encryptedFile,
  Keyring,
  mixesQuantumResistance,
  normalRecipient,
  parseIdentities,
  parsePassphraseFile,
  parseRecipients,
  recipientOf,
  sealingPassphrase,
  wrapAlbum,
} from '../src/index.ts'
import { text } from './fixtures.ts'

interface SshKey {
  readonly private: string
  readonly public: string
}

const made = JSON.parse(await readFile(new URL('age-and-ssh.json', import.meta.url), 'utf8')) as {
  readonly ssh: Record<'ed' | 'rsa', SshKey & { readonly sealed: string }>
  readonly unsupported: Record<'ecdsa' | 'protected', SshKey>
  readonly identity: {
    readonly text: string
    readonly sealed: string
    readonly passphrase: string
    readonly encrypted: string
    readonly armored: string
  }
}
const utf8 = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytesOf = (...codes: number[]) => Uint8Array.from(codes)
const utf16 = (value: string, little: boolean): Uint8Array => {
  const bytes = new Uint8Array(2 + 2 * value.length)
  const view = new DataView(bytes.buffer)
  for (const [i, code] of [0xfeff, ...Array.from({ length: value.length }, (_, at) => value.charCodeAt(at))].entries())
    view.setUint16(2 * i, code, little)
  return bytes
}

/** The error that a function throws, its message and hint in one. */
function refusal(run: () => unknown): { code: string; said: string } {
  try {
    run()
  } catch (error) {
    if (error instanceof LatentError) return { code: error.code, said: `${error.message}; ${error.hint}` }
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('text of key files', () => {
  test.each<[string, Uint8Array, string]>([
    ['UTF-8', text('müde\n'), 'müde\n'],
    ['UTF-8 behind a mark', bytesOf(0xef, 0xbb, 0xbf, ...text('key')), 'key'],
    ['UTF-16, little end first', utf16('schlüssel 🔑', true), 'schlüssel 🔑'],
    ['UTF-16, big end first', utf16('schlüssel 🔑', false), 'schlüssel 🔑'],
    ['nothing', bytesOf(), ''],
  ])('%s', (_, bytes, expected) => {
    expect(decodeKeyText(bytes, 'file')).toBe(expected)
  })

  test.each<[string, Uint8Array, string]>([
    ['Latin-1', bytesOf(...text('m'), 0xfc, ...text('de')), 'UTF-8'],
    ['a cut-off character', text('straße').subarray(0, 5), 'UTF-8'],
    ['a surrogate in UTF-8', bytesOf(0xed, 0xa0, 0x80), 'UTF-8'],
    ['an overlong form', bytesOf(0xc0, 0xaf), 'UTF-8'],
    ['UTF-16 with half a pair', utf16('a\ud800b', true), 'UTF-16LE'],
    ['UTF-16 cut in a unit', utf16('abc', false).subarray(0, 7), 'UTF-16BE'],
    ['UTF-16 without a mark', utf16('abc', true).subarray(2), 'NUL'],
    ['UTF-32', bytesOf(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0), 'NUL'],
  ])('%s is refused, not replaced', (_, bytes, named) => {
    expect(refusal(() => decodeKeyText(bytes, 'pw.txt'))).toMatchObject({
      code: 'E_KEY',
      said: expect.stringMatching(new RegExp(`^pw.txt is not text: .*${named}`)),
    })
  })
})

describe('passphrases', () => {
  const sealed = async (passphrase: string) => (await createAlbum({ passphrase, workFactor: 1 })).envelope
  const opens = (envelope: Uint8Array, passphrase: string) =>
    decryptEnvelope(envelope, { passphrases: [passphrase] }).then(
      () => true,
      (error: LatentError) => error.code,
    )

  test.each([
    ['an accent', 'caf\u00e9', 'cafe\u0301'],
    ['a ring', '\u00c5ngstr\u00f6m', 'A\u030angstro\u0308m'],
    ['Hangul', '\ud55c\uae00', '\u1112\u1161\u11ab\u1100\u1173\u11af'],
    ['two marks', '\u1ed9 m\u1ed9t', 'o\u0323\u0302 mo\u0323\u0302t'],
    ['marks in another order', '\u1ed9', 'o\u0302\u0323'],
    ['a sign that is composed alone', '\u212b', '\u00c5'],
  ])('%s: what looks the same opens, whichever way it was typed', async (_, one, other) => {
    for (const [sealing, opening] of [
      [one, other],
      [other, one],
      [one, one],
      [other, other],
    ] as const)
      expect(await opens(await sealed(sealing), opening)).toBe(true)
  })

  test('a file that was sealed decomposed, as release 0.1.0 did, opens whichever way it is typed', async () => {
    const [nfc, nfd] = ['Stra\u00dfe nach K\u00f6ln', 'Stra\u00dfe nach Ko\u0308ln']
    const encrypter = new Encrypter()
    encrypter.setPassphrase(nfd)
    encrypter.setScryptWorkFactor(1)
    const envelope = await encrypter.encrypt(new Uint8Array(32))
    expect([await opens(envelope, nfc), await opens(envelope, nfd)]).toEqual([true, true])
  })

  test.each([
    ['case', 'Word', 'word'],
    ['a space at the end', 'word ', 'word'],
    ['compatibility forms', '\ufb01sh', 'fish'],
    ['a zero', 'o', '0'],
    ['an accent left out', 'cafe', 'caf\u00e9'],
  ])('%s makes another passphrase', async (_, one, other) => {
    expect(await opens(await sealed(one), other)).toBe('E_NO_MATCH')
  })

  test.each([
    ['', 'empty'],
    ['a\ufffdb', 'U+FFFD'],
    ['a\ud800', 'surrogate'],
    ['a\0b', 'control'],
    ['a\nb', 'control'],
    ['tab\there', 'control'],
    ['\u007f', 'control'],
  ])('%j does not seal', async (passphrase, named) => {
    expect(refusal(() => sealingPassphrase(passphrase))).toMatchObject({
      code: 'E_KEY',
      said: expect.stringContaining(named),
    })
    await expect(createAlbum({ passphrase, workFactor: 1 })).rejects.toMatchObject({ code: 'E_KEY' })
  })

  test.each<[string, Uint8Array, object]>([
    ['a line', text('open sesame\n'), { passphrase: 'open sesame', more: false }],
    ['ends of Windows', text('open sesame\r\n'), { passphrase: 'open sesame', more: false }],
    ['spaces are kept', text(' open sesame \n'), { passphrase: ' open sesame ', more: false }],
    ['more lines are seen', text('open\nsesame\n'), { passphrase: 'open', more: true }],
    ['empty lines are no more', text('open\n\n\n'), { passphrase: 'open', more: false }],
    [
      'a mark is no part of it, and was in 0.1.0',
      bytesOf(0xef, 0xbb, 0xbf, ...text('open\n')),
      { passphrase: 'open', former: '\ufeffopen', more: false },
    ],
    ['UTF-16 is understood', utf16('öffnen\r\n', true), { passphrase: 'öffnen', more: false }],
  ])('of a file: %s', (_, bytes, expected) => {
    expect(parsePassphraseFile(bytes, 'pw')).toMatchObject(expected)
  })

  test.each([
    ['no byte', text('')],
    ['an empty line', text('\n')],
    ['an empty line first', text('\nword\n')],
    ['a mark alone', bytesOf(0xef, 0xbb, 0xbf)],
    ['an empty line of Windows', text('\r\nword')],
  ])('of a file with %s: there is none, and it says so', (_, bytes) => {
    const file = parsePassphraseFile(bytes, 'pw')
    expect(file.passphrase).toBeUndefined()
    expect(file.problem).toMatchObject({ code: 'E_KEY', message: 'pw holds no passphrase: its first line is empty' })
  })

  test.each<[string, Uint8Array, Uint8Array]>([
    ['symbols of Latin-1', bytesOf(...text('x'), 0xa3, 0xa9), bytesOf(...text('x'), 0xb5, 0xb6)],
    ['letters of Latin-1', bytesOf(0xe4, 0x20, 0xf6), bytesOf(0xfc, 0x20, 0xdf)],
    ['letters of Shift JIS', bytesOf(0x83, 0x6b), bytesOf(0x82, 0x6b)],
    ['stray continuation bytes', bytesOf(...text('pass'), 0x80), bytesOf(...text('pass'), 0xbf)],
    ['bytes that no UTF-8 has', bytesOf(0xfe, 0x31), bytesOf(0xff, 0x31)],
  ])(
    '%s: two files that once were the same passphrase are none now, and open what 0.1.0 sealed',
    async (_, one, other) => {
      const [first, second] = [parsePassphraseFile(one, 'one'), parsePassphraseFile(other, 'other')]
      expect([first.passphrase, second.passphrase]).toEqual([undefined, undefined])
      expect(first.problem).toMatchObject({ code: 'E_KEY', message: expect.stringContaining('UTF-8') })
      // What Node made of such a file then, and age of that.
      const former = Buffer.from(one).toString('utf8')
      expect([first.former, second.former]).toEqual([former, former])
      const encrypter = new Encrypter()
      encrypter.setPassphrase(former)
      encrypter.setScryptWorkFactor(1)
      const key = sha256Of(one)
      let told = 0
      const opened = await new Keyring({ formerPassphrases: [first.former!], onFormer: () => told++ }).albumKey(
        await encrypter.encrypt(key),
      )
      expect([opened, told]).toEqual([key, 1])
    },
  )

  test('a passphrase that opens is not told as a former one', async () => {
    let told = 0
    const keys = { passphrases: ['open'], formerPassphrases: ['\ufeffopen'], onFormer: () => told++ }
    await decryptEnvelope(await sealed('open'), keys)
    expect(told).toBe(0)
    await expect(decryptEnvelope(await sealed('else'), keys)).rejects.toMatchObject({ code: 'E_NO_MATCH' })
    expect(told).toBe(0)
  })

  test('what is wrong is named: spaces, a passphrase where an identity is needed, and the reverse', async () => {
    const recipients = [await identityToRecipient(await generateX25519Identity())]
    const hint = (envelope: Uint8Array, keys: object) =>
      decryptEnvelope(envelope, keys).then(
        () => '',
        (error: LatentError) => error.hint,
      )
    expect(await hint(await sealed('word'), { passphrases: ['word '] })).toContain('spaces count')
    expect(await hint(await sealed('word'), { passphrases: ['wort'] })).toBe('the passphrase is wrong')
    expect(await hint(await sealed('word'), { identities: [await generateX25519Identity()] })).toContain(
      'sealed with a passphrase',
    )
    const { envelope } = await createAlbum({ recipients })
    expect(await hint(envelope, { passphrases: ['word '] })).toContain('a passphrase does not')
    expect(await hint(envelope, { identities: [await generateX25519Identity()], passphrases: ['word'] })).toContain(
      'other recipients',
    )
  })
})

describe('identities', async () => {
  const [good, hybrid] = [await generateX25519Identity(), await generateHybridIdentity()]
  const broken = `${good.slice(0, -1)}${good.endsWith('Q') ? 'P' : 'Q'}`

  test.each<[string, string, string[]]>([
    ['age-keygen', `# created: today\n# public key: age1...\n${good}\n`, [good]],
    ['both kinds', `${good}\n\n${hybrid}\n`, [good, hybrid]],
    ['ends of Windows, spaces, a mark', `  ${good}  \r\n\r\n${hybrid}\r\n`, [good, hybrid]],
    ['ends of old Macs', `${good}\r${hybrid}\r`, [good, hybrid]],
    ['lower case', good.toLowerCase(), [good]],
    ['no line end', good, [good]],
    ['comments alone', '# nothing\n', []],
  ])('as written by %s', (_, file, identities) => {
    expect(parseIdentities(file)).toEqual({ identities, problems: [] })
  })

  test.each<[string, string, RegExp]>([
    ['a plugin', 'AGE-PLUGIN-YUBIKEY-1QQPQQQQZQQQQQQQQQQQ', /age-plugin-yubikey/],
    ['a plugin with a longer name', 'AGE-PLUGIN-FIDO2-HMAC-1QQPQQQQZQ', /age-plugin-fido2-hmac/],
    ['a character wrong', broken, /malformed/],
    ['a cut-off identity', good.slice(0, 40), /malformed/],
    ['both cases', `${good.slice(0, 30)}${good.slice(30).toLowerCase()}`, /malformed/],
    ['a public recipient', await identityToRecipient(good), /public recipient.*-r.*-R/],
    ['a public recipient of the hybrid', await identityToRecipient(hybrid), /public recipient/],
    ['a public SSH key', made.ssh.ed.public, /public SSH key/],
    ['an SSH key that only signs', made.unsupported.ecdsa.private, /cannot decrypt/],
    ['a protected SSH key', made.unsupported.protected.private, /protected by a passphrase.*ssh-keygen -p/],
    [
      'a key in another form',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX\n-----END RSA PRIVATE KEY-----',
      /form of OpenSSH.*ssh-keygen/,
    ],
    ['a key of PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519', /puttygen/],
    ['an SSH key cut off', made.ssh.rsa.private.slice(0, 300), /malformed|cut off/],
    ['an SSH key with a bit changed', made.ssh.ed.private.replace('AAAAB', 'AAABB'), /malformed/],
    ['an encrypted identity', made.identity.armored, /file of its own/],
    ['a password', 'hunter2', /no identity/],
  ])('%s leaves those before and behind it useful, and is told by its line', (_, bad, reason) => {
    const { identities, problems } = parseIdentities(`# mine\n${good}\n\n${bad}\n`)
    expect(identities).toEqual([good])
    expect(problems.map(({ line }) => line)).toEqual([4])
    const [problem] = problems
    expect(`${problem!.reason}; ${problem!.hint}`).toMatch(reason)
    for (const piece of bad.split(/\s+/).filter(word => word.length > 14))
      expect(JSON.stringify(problems)).not.toContain(piece.slice(-12))
    if (bad.startsWith('-----BEGIN') && !bad.includes('-----END')) return
    expect(parseIdentities(`${bad}\n${good}`)).toMatchObject({ identities: [good], problems: [{ line: 1 }] })
  })

  test('that open are the same for age', async () => {
    const file = parseIdentities(made.identity.text)
    expect(utf8(await decryptEnvelope(base64.decode(made.identity.sealed), file))).toBe('from age')
    expect(await recipientOf(file.identities[0]!)).toBe(/public key: (\S+)/.exec(made.identity.text)![1])
  })

  test.each([
    ['binary', (bytes: Uint8Array) => bytes],
    ['armored', (bytes: Uint8Array) => text(armor.encode(bytes))],
    [
      'armored behind empty lines, with ends of Windows',
      (bytes: Uint8Array) => text(`\n\n${armor.encode(bytes)}`.replaceAll('\n', '\r\n')),
    ],
  ])('that a passphrase encrypted, %s', async (_, written) => {
    const encrypter = new Encrypter()
    encrypter.setPassphrase('door')
    encrypter.setScryptWorkFactor(1)
    const bytes = await encrypter.encrypt(good)
    expect(encryptedFile(written(bytes))).toEqual(bytes)
  })

  test('are not taken for encrypted ones, and damaged armor is told', () => {
    for (const plain of [good, made.ssh.ed.private, '', 'age-encryption.org/v2\n'])
      expect(encryptedFile(text(plain))).toBeUndefined()
    expect(refusal(() => encryptedFile(text(made.identity.armored.slice(0, 200)))).code).toBe('E_KEY')
  })
})

describe.each(['ed', 'rsa'] as const)('SSH keys: %s', kind => {
  const key = made.ssh[kind]
  // Read in each test, not beside them: what runs while a file is loaded, a mutation run repeats for every test.
  const identityHere = () => parseIdentities(key.private).identities[0]!

  test('open what age sealed for them', async () => {
    expect(utf8(await decryptEnvelope(base64.decode(key.sealed), { identities: [identityHere()] }))).toBe('from age')
  })

  test('seal and open, beside another recipient', async () => {
    const other = await generateX25519Identity()
    const album = await createAlbum({ recipients: [key.public, await identityToRecipient(other)] })
    for (const each of [identityHere(), other])
      expect(await new Keyring({ identities: [each] }).albumKey(album.envelope)).toEqual(album.key)
    await expect(
      decryptEnvelope(album.envelope, {
        identities: [parseIdentities(made.ssh[kind === 'ed' ? 'rsa' : 'ed'].private).identities[0]!],
      }),
    ).rejects.toMatchObject({ code: 'E_NO_MATCH' })
  })

  test('are the recipients of their owner, without the comment', async () => {
    expect(await recipientOf(identityHere())).toBe(key.public.split(' ').slice(0, 2).join(' '))
    expect(normalRecipient(`  ${key.public}`)).toBe(await recipientOf(identityHere()))
  })

  test('an altered stanza is refused', async () => {
    const { envelope } = await createAlbum({ recipients: [key.public] })
    const at = utf8(envelope).indexOf('\n', utf8(envelope).indexOf('-> ')) + 3
    const altered = Uint8Array.from(envelope)
    altered[at] = altered[at] === 0x41 ? 0x42 : 0x41
    await expect(decryptEnvelope(altered, { identities: [identityHere()] })).rejects.toMatchObject({ code: 'E_HEADER' })
  })
})

describe('recipients', async () => {
  const [classic, hybrid] = [
    await identityToRecipient(await generateX25519Identity()),
    await identityToRecipient(await generateHybridIdentity()),
  ]
  const secret = await generateX25519Identity()
  const plugin = bech32.encode('age1yubikey', bech32.toWords(new Uint8Array(33).fill(7)))

  test('of a file, with comments, ends of Windows and capitals', () => {
    expect(
      parseRecipients(
        `# friends\r\n${classic}\r\n\r\n  ${hybrid}\r\n${classic.toUpperCase()}\r\n${made.ssh.ed.public}`,
        'r',
      ),
    ).toEqual([classic, hybrid, classic, normalRecipient(made.ssh.ed.public)])
  })

  test.each<[string, string, RegExp]>([
    ['a secret identity', secret, /secret identity/],
    ['a secret identity in lower case', secret.toLowerCase(), /secret identity/],
    ['a private SSH key', made.ssh.ed.private, /secret identity/],
    ['a plugin', plugin, /age-plugin-yubikey/],
    ['an identity of a plugin', 'AGE-PLUGIN-YUBIKEY-1QQPQQQQZ', /identity of an age plugin/],
    ['a character wrong', `${classic.slice(0, -1)}${classic.endsWith('q') ? 'p' : 'q'}`, /malformed/],
    ['a cut-off one', hybrid.slice(0, 200), /malformed/],
    ['a passphrase', 'correct horse battery staple', /not an age recipient/],
    ['a pixel key', '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', /not an age recipient/],
    ['an SSH key that only signs', made.unsupported.ecdsa.public, /cannot encrypt/],
    ['an SSH key with a digit lost', made.ssh.rsa.public.replace('AAAAB3', 'AAAAB'), /malformed/],
    [
      'an RSA key that is too short',
      `ssh-rsa ${base64.encode(
        Uint8Array.from([
          0,
          0,
          0,
          7,
          ...text('ssh-rsa'),
          0,
          0,
          0,
          1,
          3,
          0,
          0,
          0,
          128,
          ...Array<number>(128).fill(0x55),
        ]),
      )}`,
      /1024 bits is too short/,
    ],
  ])('%s: refused by file and line, and never quoted', async (_, bad, reason) => {
    const { code, said } = refusal(() => parseRecipients(`${classic}\n\n${bad}\n`, 'list.txt'))
    expect([code, said]).toEqual(['E_KEY', expect.stringMatching(reason)])
    expect(said).toMatch(/^list\.txt, line 3: /)
    const content = bad.replace(/^-----.*-----\n/, '')
    for (let at = 0; at + 12 <= content.length; at += 6) expect(said).not.toContain(content.slice(at, at + 12))
    const error = await wrapAlbum(new Uint8Array(32), { recipients: [bad] }).catch((thrown: unknown) => thrown)
    // A cause would quote what was given.
    expect([(error as LatentError).code, (error as LatentError).cause]).toEqual(['E_KEY', undefined])
  })

  test('an empty list is told', () => {
    expect(refusal(() => parseRecipients('# nobody\n', 'list.txt')).said).toContain('list.txt holds no recipient')
  })

  test.each<[string, string[], boolean]>([
    ['classic alone', [classic, made.ssh.ed.public], false],
    ['post-quantum alone', [hybrid, hybrid], false],
    ['nobody', [], false],
    ['both', [classic, hybrid], true],
    ['post-quantum and SSH', [hybrid, made.ssh.rsa.public], true],
    ['a post-quantum tag and X25519', ['age1tagpq1xyz', classic], true],
    ['a post-quantum tag and a hybrid', ['age1tagpq1xyz', hybrid], false],
  ])('strengths mixed: %s', (_, recipients, mixed) => {
    expect(mixesQuantumResistance(recipients)).toBe(mixed)
  })
})
