import { concatBytes, LatentError, sha256Of } from '@latent/core'
import { base64 } from '@scure/base'
import { Encrypter, generateX25519Identity, identityToRecipient, Stanza } from 'age-encryption'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  createAlbum,
  decodeKeyLines,
  decodeKeyText,
  decryptEnvelope,
  encryptedFile,
  Keyring,
  linesOf,
  mixesQuantumResistance,
  normalRecipient,
  parseIdentities,
  parsePassphraseFile,
  parseRecipients,
  recipientOf,
  sealingPassphrase,
  wrapAlbum,
} from '../src/index.ts'
import { openingForms, overlooked } from '../src/keys/passphrase.ts'
import { parseSshPrivateKey, parseSshPublicKey, SSH_PUBLIC_LINE } from '../src/keys/ssh.ts'
import { sshIdentity, sshRecipient } from '../src/keys/ssh-age.ts'
import { text } from './cheap.ts'
import { atLength, LONG } from '../../../test/long.ts'

const { ssh } = JSON.parse(await readFile(new URL('age-and-ssh.json', import.meta.url), 'utf8')) as {
  readonly ssh: Record<'ed' | 'rsa', { readonly private: string; readonly public: string }>
}

/** Code, message and hint of what a function throws. */
function said(run: () => unknown): string {
  try {
    run()
    return 'nothing'
  } catch (error) {
    return error instanceof LatentError ? `${error.code}: ${error.message}; ${error.hint}` : String(error)
  }
}
const rejected = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) =>
      error instanceof LatentError ? `${error.code}: ${error.message}; ${error.hint}` : String(error),
  )

const u32 = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
const field = (value: Uint8Array | string) =>
  concatBytes(u32(value.length), typeof value === 'string' ? text(value) : value)
const bytes = (length: number, first = 0x55) => new Uint8Array(length).fill(0x55).fill(first, 0, 1)

describe('SSH public keys', () => {
  const ed = (point = bytes(32), ...more: Uint8Array[]) => concatBytes(field('ssh-ed25519'), field(point), ...more)
  const rsa = (n: Uint8Array, e = Uint8Array.of(1, 0, 1), ...more: Uint8Array[]) =>
    concatBytes(field('ssh-rsa'), field(e), field(n), ...more)
  const line = (type: string, wire: Uint8Array) => `${type} ${base64.encode(wire)} me@here`
  const malformed = 'E_KEY: an SSH key is malformed; copy it again, whole and unchanged'

  test('their parts', () => {
    expect(parseSshPublicKey(`  ${line('ssh-ed25519', ed())}`)).toEqual({
      type: 'ssh-ed25519',
      wire: ed(),
      point: bytes(32),
    })
    for (const length of [256, 300, 2048])
      expect(parseSshPublicKey(line('ssh-rsa', rsa(bytes(length))))).toEqual({
        type: 'ssh-rsa',
        wire: rsa(bytes(length)),
        n: bytes(length),
        e: Uint8Array.of(1, 0, 1),
      })
    // A zero keeps a number with its top bit set from being negative.
    expect(parseSshPublicKey(line('ssh-rsa', rsa(concatBytes(Uint8Array.of(0), bytes(256, 0x80)))))).toMatchObject({
      n: bytes(256, 0x80),
    })
    expect(parseSshPublicKey(line('ssh-rsa', rsa(bytes(256, 0x7f))))).toMatchObject({ n: bytes(256, 0x7f) })
  })

  test.each<[string, string, string]>([
    ['a point of 31 bytes', line('ssh-ed25519', ed(bytes(31))), malformed],
    ['a point of 33 bytes', line('ssh-ed25519', ed(bytes(33))), malformed],
    ['something behind the point', line('ssh-ed25519', ed(bytes(32), Uint8Array.of(0))), malformed],
    ['a byte missing', line('ssh-ed25519', ed().subarray(0, -1)), malformed],
    ['no length', line('ssh-ed25519', field('ssh-ed25519')), malformed],
    ['half a length', line('ssh-ed25519', concatBytes(field('ssh-ed25519'), Uint8Array.of(0, 0, 0))), malformed],
    [
      'a length that goes beyond',
      line('ssh-ed25519', concatBytes(field('ssh-ed25519'), Uint8Array.of(0, 1, 0, 32), bytes(32))),
      malformed,
    ],
    [
      'a length with its top bit set',
      line('ssh-ed25519', concatBytes(field('ssh-ed25519'), Uint8Array.of(255, 255, 255, 224), bytes(32))),
      malformed,
    ],
    ['the name of another kind outside', line('ssh-rsa', ed()), malformed],
    [
      'the name of another kind inside',
      line('ssh-ed25519', concatBytes(field('ssh-ed25518'), field(bytes(32)))),
      malformed,
    ],
    ['something behind the modulus', line('ssh-rsa', rsa(bytes(256), Uint8Array.of(3), Uint8Array.of(0))), malformed],
    ['a negative modulus', line('ssh-rsa', rsa(bytes(256, 0x80))), malformed],
    ['a modulus of nothing', line('ssh-rsa', rsa(new Uint8Array(0))), malformed],
    ['a modulus of zeros', line('ssh-rsa', rsa(new Uint8Array(256))), malformed],
    ['a negative exponent', line('ssh-rsa', rsa(bytes(256), Uint8Array.of(0x80))), malformed],
    ['no base64', 'ssh-ed25519 AAAA!', malformed],
    ['nothing', 'ssh-ed25519', malformed],
    [
      'a modulus of 2,040 bits',
      line('ssh-rsa', rsa(bytes(255))),
      'E_KEY: an RSA key of 2040 bits is too short; keys of 2,048 to 16,384 bits are taken',
    ],
    [
      'a modulus of 16,392 bits',
      line('ssh-rsa', rsa(bytes(2049))),
      'E_KEY: an RSA key of 16392 bits is too long; keys of 2,048 to 16,384 bits are taken',
    ],
    [
      'another kind',
      'ssh-dss AAAA',
      'E_KEY: this kind of SSH key cannot encrypt; age and Latent know ssh-ed25519 and ssh-rsa; ' +
        'security keys and ECDSA keys only sign',
    ],
  ])('with %s are refused', (_, given, expected) => {
    expect(said(() => parseSshPublicKey(given))).toBe(expected)
  })

  test.each<[string, boolean]>([
    ['ssh-ed25519 AAAAC3', true],
    ['sk-ssh-ed25519@openssh.com AAAAG', true],
    ['ecdsa-sha2-nistp256 AAAAE', true],
    ['sk-ecdsa-sha2-nistp256@openssh.com AAAAI', true],
    ['ssh-rsa AAAAB', true],
    ['x ssh-rsa AAAAB', false],
    ['ssh-rsa  AAAAB', false],
    ['ssh-rsa BAAAB', false],
    ['ssh- AAAAB', false],
    ['xsh-rsa AAAAB', false],
    ['sshrsa AAAAB', false],
    ['ssh-RSA AAAAB', false],
  ])('%j begins as one: %s', (given, is) => {
    expect(SSH_PUBLIC_LINE.test(given)).toBe(is)
  })
})

describe('SSH private keys', () => {
  const seed = sha256Of(text('seed'))
  const point = sha256Of(text('point'))
  const wire = concatBytes(field('ssh-ed25519'), field(point))
  const pem = (body: Uint8Array) =>
    '-----BEGIN OPENSSH PRIVATE ' +
    `KEY-----\n${base64.encode(body).replaceAll(/.{70}/g, '$&\n')}\n-----END OPENSSH PRIVATE ` +
    `KEY-----\n`
  const outside = { magic: 'openssh-key-v1\0', cipher: 'none', count: 1, declared: wire }
  const edSecret = ({
    first = 7,
    second = 7,
    type = 'ssh-ed25519',
    inner = point,
    pair = concatBytes(seed, point),
  } = {}) => concatBytes(u32(first), u32(second), field(type), field(inner), field(pair), field('a comment'))
  const key = (secret: Uint8Array, change: Partial<typeof outside> = {}) => {
    const { magic, cipher, count, declared } = { ...outside, ...change }
    return pem(
      concatBytes(text(magic), field(cipher), field('none'), field(''), u32(count), field(declared), field(secret)),
    )
  }
  const [n, e, d, qi, p, q] = [bytes(256), Uint8Array.of(1, 0, 1), bytes(255), bytes(127), bytes(128), bytes(128, 0x56)]
  const rsaWire = concatBytes(field('ssh-rsa'), field(e), field(n))
  const rsaSecret = (change: Partial<Record<'n' | 'e', Uint8Array>> = {}) =>
    concatBytes(
      u32(7),
      u32(7),
      field('ssh-rsa'),
      field(change.n ?? n),
      field(change.e ?? e),
      field(d),
      field(qi),
      field(p),
      field(q),
    )

  test('their parts', () => {
    expect(parseSshPrivateKey(key(edSecret()))).toEqual({ type: 'ssh-ed25519', wire, seed })
    expect(parseSshPrivateKey(key(rsaSecret(), { declared: rsaWire }))).toEqual({
      type: 'ssh-rsa',
      wire: rsaWire,
      n,
      e,
      d,
      qi,
      p,
      q,
    })
  })

  test.each<[string, string]>([
    ['another beginning', key(edSecret(), { magic: 'openssh-key-v2\0' })],
    ['nothing in them', pem(new Uint8Array(0))],
    ['two keys', key(edSecret(), { count: 2 })],
    ['no key', key(edSecret(), { count: 0 })],
    ['check numbers that differ', key(edSecret({ second: 8 }))],
    ['another public half', key(edSecret({ inner: sha256Of(point) }))],
    ['another public half beside the seed', key(edSecret({ pair: concatBytes(seed, sha256Of(point)) }))],
    ['a pair of 63 bytes', key(edSecret({ pair: concatBytes(seed, point).subarray(0, 63) }))],
    ['a pair of 65 bytes', key(edSecret({ pair: concatBytes(seed, point, Uint8Array.of(0)) }))],
    ['a short public half', key(edSecret({ inner: point.subarray(0, 31) }))],
    ['a public key of the other kind outside', key(edSecret(), { declared: rsaWire })],
    ['a public key of the other kind outside, for RSA', key(rsaSecret(), { declared: wire })],
    ['another modulus', key(rsaSecret({ n: bytes(256, 0x54) }), { declared: rsaWire })],
    ['a longer modulus', key(rsaSecret({ n: bytes(257) }), { declared: rsaWire })],
    ['another exponent', key(rsaSecret({ e: Uint8Array.of(3) }), { declared: rsaWire })],
  ])('with %s are malformed', (_, given) => {
    expect(said(() => parseSshPrivateKey(given))).toBe(
      'E_KEY: an SSH key is malformed; copy it again, whole and unchanged',
    )
  })

  test('that are protected, or of another kind, say so', () => {
    expect(said(() => parseSshPrivateKey(key(edSecret(), { cipher: 'aes256-ctr' })))).toMatch(
      /^E_KEY: this SSH key is protected by a passphrase; .*ssh-keygen -p/,
    )
    expect(said(() => parseSshPrivateKey(key(edSecret({ type: 'ssh-dss' }))))).toBe(
      'E_KEY: this kind of SSH key cannot decrypt; age and Latent know ssh-ed25519 and ssh-rsa',
    )
  })
})

describe.each(['ed', 'rsa'] as const)('the stanza of age for SSH keys: %s', kind => {
  // Read in each test, not beside them: what runs while a file is loaded, a mutation run repeats for every test.
  const mine = () => parseSshPublicKey(ssh[kind].public)
  const fileKey = sha256Of(text('file key')).slice(0, 16)
  const wrapped = async (key = fileKey) => (await sshRecipient(mine()).wrapFileKey(key))[0]!
  const unwrap = async (...stanzas: Stanza[]) =>
    sshIdentity(parseSshPrivateKey(ssh[kind].private)).unwrapFileKey(stanzas)

  test('opens, among others', async () => {
    const stanza = await wrapped()
    expect(stanza.args.slice(0, 2)).toEqual([
      mine().type,
      base64.encode(sha256Of(mine().wire).subarray(0, 4)).replace(/=+$/, ''),
    ])
    expect(
      await unwrap(
        new Stanza(['X25519', 'AAAA'], new Uint8Array(32)),
        new Stanza([stanza.args[0]!, 'AAAAAA', ...stanza.args.slice(2)], stanza.body),
        stanza,
      ),
    ).toEqual(fileKey)
    expect(await unwrap()).toBeNull()
    expect(await unwrap(new Stanza(['ssh-dss', ...stanza.args.slice(1)], stanza.body))).toBeNull()
    expect(await unwrap(new Stanza([stanza.args[0]!, 'AAAAAA', ...stanza.args.slice(2)], stanza.body))).toBeNull()
  })

  test('of too few or too many words, or of another length, is malformed', async () => {
    const { args, body } = await wrapped()
    for (const wrong of [args.slice(0, -1), [...args, 'AAAA']].filter(each => each.length >= 2))
      await expect(unwrap(new Stanza(wrong, body))).rejects.toThrow('a malformed SSH stanza')
    // One byte less at the end: without a first byte of zero an RSA ciphertext is the same number.
    for (const wrong of [body.subarray(0, -1), concatBytes(body, Uint8Array.of(0))])
      await expect(unwrap(new Stanza(args, wrong))).rejects.toThrow(
        kind === 'ed' ? 'a malformed SSH stanza' : /operation/,
      )
    await expect(
      unwrap(
        new Stanza(
          args,
          body.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
        ),
      ),
    ).rejects.toThrow(/tag|operation/)
  })

  test('that holds no file key is refused', async () => {
    for (const length of [15, 17])
      await expect(wrapped(new Uint8Array(length)).then(async stanza => unwrap(stanza))).rejects.toThrow(
        kind === 'ed' ? 'a malformed SSH stanza' : 'an SSH stanza holds no file key',
      )
  })
})

describe('files of identities', async () => {
  const good = await generateX25519Identity()
  const told = (file: string) =>
    parseIdentities(file).problems.map(({ line, reason, hint }) => `${line}: ${reason}; ${hint}`)

  test.each<[string, RegExp]>([
    ['x AGE-PLUGIN-YUBIKEY-1QQ', /^1: this is no identity;/],
    ['AGE-PLUGIN--1QQ', /^1: this is no identity;/],
    ['age-plugin-a+b._c-1qq', /^1: this identity needs the plugin age-plugin-a\+b\._c, /],
    ['x AGE1QQ', /^1: this is no identity;/],
    ['age1qq', /^1: this is a public recipient/],
    ['x ssh-ed25519 AAAAC3', /^1: this is no identity;/],
    ['ssh-ed25519 AAAAC3', /^1: this is a public SSH key/],
    ['x PuTTY-User-Key-File-3', /^1: this is no identity;/],
    [
      '# a comment\n\n   # and one that is indented\n x -----BEGIN OPENSSH PRIVATE KEY-----',
      /^4: this is no identity;/,
    ],
    [
      '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----',
      /^1: this private key is not in the form of OpenSSH; ssh-keygen -p/,
    ],
    [
      '-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----',
      /^1: this private key is not in the form of OpenSSH/,
    ],
    ['-----BEGIN PRIVATE KEY----- x\nMIIB\n-----END PRIVATE KEY-----', /^1: this is no identity, or it is cut off/],
    ['-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', /^1: this is no identity, or it is cut off/],
    ['\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA', /^2: this is no identity, or it is cut off/],
    [
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
      /^1: an SSH key is malformed; copy it again, whole and unchanged$/,
    ],
    [
      '-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----',
      /^1: an encrypted identity stands among others;/,
    ],
  ])('%j is told by its line', (file, expected) => {
    expect(told(file)).toEqual([expect.stringMatching(expected)])
    expect(parseIdentities(file).identities).toEqual([])
  })

  test('what stands behind a key that does not end is not taken for one', () => {
    expect(parseIdentities(`-----BEGIN OPENSSH PRIVATE KEY-----\n${good}`)).toMatchObject({
      identities: [],
      problems: [{ line: 1 }],
    })
    expect(parseIdentities(`${ssh.ed.private}\n${good}`).identities).toEqual([ssh.ed.private.trim(), good])
    expect(
      parseIdentities(
        ssh.ed.private
          .split('\n')
          .map(line => `  ${line} `)
          .join('\r\n'),
      ).identities,
    ).toEqual([ssh.ed.private.trim()])
  })

  test('a recipient belongs to an identity that is whole', async () => {
    expect(await recipientOf(good)).toBe(await identityToRecipient(good))
    expect(await rejected(recipientOf(good.slice(0, -1)))).toMatch(/^E_KEY: an age identity is malformed/)
  })

  test('an encrypted file begins as one, armored behind white space at most', () => {
    const binary = text('age-encryption.org/v1\n-> scrypt')
    expect(encryptedFile(binary)).toBe(binary)
    for (const plain of [
      concatBytes(text(' '), binary),
      text('x -----BEGIN AGE ENCRYPTED FILE-----'),
      text('age-encryption.org/v1'),
    ])
      expect(encryptedFile(plain)).toBeUndefined()
    expect(said(() => encryptedFile(text(' \n-----BEGIN AGE ENCRYPTED FILE-----\nAA')))).toMatch(
      /^E_KEY: the armor of the encrypted identity is damaged; copy/,
    )
  })
})

describe('recipients', async () => {
  const recipient = await identityToRecipient(await generateX25519Identity())

  test.each<[string, RegExp]>([
    ['age-secret-key-1qq', /^E_KEY: a secret identity was given/],
    ['-----begin private key-----', /^E_KEY: a secret identity was given/],
    ['-----BEGIN RSA PRIVATE KEY-----', /^E_KEY: a secret identity was given/],
    ['x AGE-SECRET-KEY-1QQ', /^E_KEY: this is not an age recipient/],
    ['x -----BEGIN PRIVATE KEY-----', /^E_KEY: this is not an age recipient/],
    ['-----BEGIN PUBLIC KEY-----', /^E_KEY: this is not an age recipient/],
    ['age-plugin-x-1qq', /^E_KEY: an identity of an age plugin was given/],
    ['x age-plugin-x-1qq', /^E_KEY: this is not an age recipient/],
    [
      'age1se1qgg72x2qfk9wg3wh0qg9u0v7l5dkq4jx69fv80p6wdus3ftg6flwg5dz2dp',
      /^E_KEY: this recipient needs the plugin age-plugin-se, /,
    ],
    ['AGE1SE1QGG72X2', /^E_KEY: this recipient needs the plugin age-plugin-se, /],
    ['age1tag1qgg72x2', /^E_KEY: an age recipient is malformed/],
    ['age1tagpq1qgg72x2', /^E_KEY: an age recipient is malformed/],
    ['age1pq1qgg72x2', /^E_KEY: an age recipient is malformed/],
    ['age1se1qgg72x2b', /^E_KEY: an age recipient is malformed/],
    ['xage1se1qgg72x2', /^E_KEY: this is not an age recipient/],
    ['age11qgg72x2', /^E_KEY: an age recipient is malformed/],
    ['age1tags1qgg72x2', /^E_KEY: this recipient needs the plugin age-plugin-tags, /],
    ['', /^E_KEY: this is not an age recipient/],
  ])('%j', (given, expected) => {
    expect(said(() => normalRecipient(given))).toMatch(expected)
  })

  test('are told by line, with the hint that there is', () => {
    expect(parseRecipients(`\n  # none\n${recipient}`, 'list')).toEqual([recipient])
    expect(said(() => parseRecipients(`${recipient}\n\nssh-ed25519 AAAA`, 'list'))).toBe(
      'E_KEY: list, line 3: an SSH key is malformed; copy it again, whole and unchanged',
    )
    expect(said(() => parseRecipients('nobody', 'list'))).toMatch(
      /^E_KEY: list, line 1: this is not an age recipient; recipients start with age1/,
    )
    expect(said(() => parseRecipients('', 'list'))).toBe(
      'E_KEY: list holds no recipient; write one into each line: age1... or ssh-ed25519 ...',
    )
  })

  test.each<[string[], boolean]>([
    [['AGE1PQ1XY', recipient], true],
    [[`x age1pq1`, recipient], false],
    [['age1pq1xy', 'age1tagpq1xy'], false],
    [['age1tag1xy', recipient], false],
    [['age1pqx', 'age1pq1x'], true],
  ])('%j mix strengths: %s', (given, mixed) => {
    expect(mixesQuantumResistance(given)).toBe(mixed)
  })
})

describe('passphrases', () => {
  test.each(['\0', '\u001f', '\u007f', 'a\tb'])('%j holds what nobody can type', given => {
    expect(said(() => sealingPassphrase(given))).toMatch(/^E_KEY: the passphrase holds control characters/)
  })

  test.each([
    [' ', ' '],
    ['~', '~'],
    ['\u0080', '\u0080'],
    ['e\u0301', '\u00e9'],
  ])('%j seals as %j', (given, sealed) => {
    expect(sealingPassphrase(given)).toBe(sealed)
  })

  test('are tried in as many forms as they have', () => {
    expect(openingForms('word')).toEqual(['word'])
    expect(openingForms('\u00e9')).toEqual(['\u00e9', 'e\u0301'])
    expect(openingForms('\u212b')).toEqual(['\u212b', '\u00c5', 'A\u030a'])
  })

  test.each<[string[], boolean]>([
    [['word'], false],
    [[' word'], true],
    [['word\t'], true],
    [['two words'], false],
    [['word', ' '], true],
    [[], false],
  ])('%j has what is overlooked: %s', (given, is) => {
    expect(overlooked(given) !== undefined).toBe(is)
  })

  test.each<[string, Uint8Array, object]>([
    ['a word', text('word'), { passphrase: 'word', more: false }],
    ['decomposed, as it always was', text('e\u0301\n'), { passphrase: 'e\u0301', more: false }],
    [
      'a mark',
      concatBytes(Uint8Array.of(0xef, 0xbb, 0xbf), text('word\nmore')),
      { passphrase: 'word', former: '\ufeffword', more: true },
    ],
    ['an old Mac', text('word\rmore'), { passphrase: 'word', former: 'word\rmore', more: true }],
    ['more behind an empty line', text('word\n\nmore'), { passphrase: 'word', more: true }],
  ])('of a file with %s', (_, file, expected) => {
    expect(parsePassphraseFile(file, 'pw')).toEqual(expected)
  })

  test('of a file that has none', () => {
    expect(parsePassphraseFile(text('\nmore'), 'pw')).toEqual({
      problem: expect.objectContaining({ message: 'pw holds no passphrase: its first line is empty' }),
      more: true,
    })
    expect(parsePassphraseFile(text(''), 'pw')).toMatchObject({ more: false })
    expect(parsePassphraseFile(Uint8Array.of(0xe4, 10, 0x61), 'pw')).toEqual({
      problem: expect.objectContaining({ code: 'E_KEY' }),
      more: false,
      former: '\ufffd',
    })
    expect(parsePassphraseFile(Uint8Array.of(10, 0xe4), 'pw')).toEqual({
      problem: expect.objectContaining({ code: 'E_KEY' }),
      more: false,
    })
  })
})

describe('text', () => {
  test.each<[string, number[], string]>([
    ['half a mark of UTF-16', [0xff, 0x61], 'UTF-8'],
    ['the other half', [0x61, 0xfe], 'UTF-8'],
    ['half a mark the other way', [0xfe, 0x61], 'UTF-8'],
    ['the other half the other way', [0x61, 0xff], 'UTF-8'],
    ['one unit of UTF-16 and a byte', [0xff, 0xfe, 0x61], 'UTF-16LE'],
    ['one and a byte the other way', [0xfe, 0xff, 0x61], 'UTF-16BE'],
  ])('%s is none', (_, codes, named) => {
    expect(said(() => decodeKeyText(Uint8Array.from(codes), 'file'))).toMatch(
      new RegExp(`^E_KEY: file is not text: its bytes are not ${named}; `),
    )
    expect(decodeKeyLines(Uint8Array.from(codes))).toBe(new TextDecoder('latin1').decode(Uint8Array.from(codes)))
  })

  test('of files of keys is read in every encoding, and lines end as they do anywhere', () => {
    expect(decodeKeyLines(Uint8Array.of(0xff, 0xfe, 0x61, 0))).toBe('a')
    expect(decodeKeyLines(Uint8Array.of(0xfe, 0xff, 0, 0x61))).toBe('a')
    expect(decodeKeyLines(text('ä'))).toBe('ä')
    expect(decodeKeyText(text('ä'), 'file')).toBe('ä')
    expect(linesOf('a\nb\r\nc\rd\n\re')).toEqual(['a', 'b', 'c', 'd', '', 'e'])
  })
})

describe('envelopes', async () => {
  const [mine, other] = [await generateX25519Identity(), await generateX25519Identity()]
  const key = sha256Of(text('key'))
  const albumHere = async () => wrapAlbum(key, { recipients: [await identityToRecipient(mine)] })

  test('hold the key that was given, or one of 32 bytes that was drawn', async () => {
    const album = await albumHere()
    expect(album.key).toBe(key)
    expect(await decryptEnvelope(album.envelope, { identities: [other, mine] })).toEqual(key)
    const [one, two] = [
      await createAlbum({ passphrase: 'a', workFactor: 1 }),
      await createAlbum({ passphrase: 'a', workFactor: 1 }),
    ]
    expect([one.key.length, Buffer.from(one.key).equals(two.key)]).toEqual([32, false])
    expect(Buffer.from(one.envelope).toString('latin1')).toMatch(/^age-encryption\.org\/v1\n-> scrypt \S+ 1\n/)
  })

  test.runIf(LONG)(
    `take whoever guesses a passphrase 2^18 steps a guess, unless told otherwise${atLength}`,
    async () => {
      const { envelope } = await createAlbum({ passphrase: 'a' })
      expect(Buffer.from(envelope).toString('latin1')).toMatch(/^age-encryption\.org\/v1\n-> scrypt \S+ 18\n/)
    },
  )

  test('nobody, or too many, get none', async () => {
    expect(await rejected(wrapAlbum(key, { recipients: [] }))).toMatch(/^E_KEY: there is no recipient; make a key pair/)
    expect(await rejected(wrapAlbum(key, { recipients: ['age1x'] }))).toMatch(/^E_KEY: an age recipient is malformed/)
  })

  test('what is altered, or costs too much to try, is told', async () => {
    const album = await albumHere()
    const bad = album.envelope.map((byte, i) => (i === album.envelope.length - 1 ? byte ^ 1 : byte))
    expect(await rejected(decryptEnvelope(bad, { identities: [mine] }))).toMatch(
      /^E_HEADER: the age envelope in the header is malformed or altered; download/,
    )
    const dear = text(
      `age-encryption.org/v1\n-> scrypt ${'A'.repeat(22)} 30\n${'A'.repeat(43)}\n--- ${'A'.repeat(43)}\n`,
    )
    expect(await rejected(decryptEnvelope(concatBytes(dear, new Uint8Array(48)), { passphrases: ['word'] }))).toMatch(
      /^E_LIMIT: trying a passphrase on this file would take more than 1 GiB of memory/,
    )
    expect(await rejected(decryptEnvelope(text('no envelope'), { identities: [mine] }))).toMatch(/^E_HEADER/)
  })

  test.each<[string, object, string]>([
    ['nothing', {}, 'the identity of one of them opens it, a passphrase does not'],
    ['a passphrase', { passphrases: ['x'] }, 'the identity of one of them opens it, a passphrase does not'],
    ['another identity', { identities: [other] }, 'it was sealed for other recipients'],
  ])('for recipients, with %s', async (_, keys, hint) => {
    const album = await albumHere()
    expect(await rejected(decryptEnvelope(album.envelope, keys))).toMatch(
      new RegExp(`^E_NO_MATCH: none of the given keys or passphrases opens this file; .*${hint}$`),
    )
  })

  test.each<[string, object, string]>([
    ['nothing', {}, 'it was sealed with a passphrase, and none was given'],
    ['an identity', { identities: [other] }, 'it was sealed with a passphrase, and none was given'],
    ['another passphrase', { passphrases: ['x'] }, 'the passphrase is wrong'],
    ['a former passphrase alone', { formerPassphrases: ['x'] }, 'the passphrase is wrong'],
    [
      'one with a space',
      { passphrases: ['a '] },
      'the passphrase that was given begins or ends with a space, and spaces count',
    ],
  ])('for a passphrase, with %s', async (_, keys, hint) => {
    const { envelope } = await createAlbum({ passphrase: 'a', workFactor: 1 })
    expect(await rejected(decryptEnvelope(envelope, keys))).toBe(
      `E_NO_MATCH: none of the given keys or passphrases opens this file; ${hint}`,
    )
  })

  test('a keyring opens each once, and takes 32 bytes for a key alone', async () => {
    const album = await albumHere()
    const ring = new Keyring({ identities: [mine] })
    const [one, two] = [ring.albumKey(album.envelope), ring.albumKey(album.envelope.slice())]
    expect(one).toBe(two)
    expect(await one).toEqual(key)
    for (const length of [0, 31, 33]) {
      const encrypter = new Encrypter()
      encrypter.addRecipient(await identityToRecipient(mine))
      expect(await rejected(ring.albumKey(await encrypter.encrypt(new Uint8Array(length))))).toBe(
        'E_HEADER: the age envelope in the header does not hold an album key; undefined',
      )
    }
    expect(await new Keyring().remember(album).albumKey(album.envelope)).toBe(key)
    expect(await rejected(new Keyring().albumKey(album.envelope))).toMatch(/^E_NO_MATCH/)
    expect(said(() => new Keyring({ identities: ['x'] }))).toMatch(/^E_KEY: an age identity is malformed/)
  })
})
