import './quick-passphrases.ts'
import { image } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { Encrypter } from 'age-encryption'
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere, LAUNCHER, runLatent } from './command.ts'

const posix = process.platform !== 'win32'
let root: string
const at = (...parts: string[]) => join(root, ...parts)

/** Everything that the command ever printed here. */
const printed: string[] = []

/** Another program, with the command in it. */
function run(
  command: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, LATENT_DEBUG: '1' } })
    let [out, err] = ['', '']
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (err += data.toString()))
    child.on('close', code => {
      printed.push(out, err)
      resolve({ code, out, err })
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

async function latent(args: readonly string[], input?: string | Uint8Array) {
  const ended = await latentHere(args, {
    cwd: root,
    env: { LATENT_DEBUG: '1' },
    ...(input === undefined ? {} : { input }),
  })
  printed.push(ended.out, ended.err)
  return ended
}
const seal = (output: string, ...args: string[]) =>
  latent(['seal', 'a.txt', '-o', output, '--cipher', 'aes-256-gcm', '--threads', '1', ...args])
const verify = (folder: string, ...args: string[]) => latent(['verify', folder, '--threads', '1', ...args])
const write = (name: string, content: string | Uint8Array, mode = 0o600) => writeFile(at(name), content, { mode })
const identityIn = async (name: string) =>
  (await readFile(at(name), 'utf8')).split('\n').find(line => line.startsWith('AGE-SECRET-KEY-'))!
const STRONG = 'seventeen damp lanterns over Óbidos'

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-keys-'))
  await write('a.txt', 'hello')
  await write(
    'one.png',
    encodePng(
      image({ width: 8, height: 8, channels: 3, format: 'u8', data: Uint8Array.from({ length: 192 }, (_, i) => i) }),
    ),
  )
  await Promise.all([
    latent(['keygen', '-o', 'me.key']),
    latent(['keygen', '-o', 'other.key']),
    latent(['keygen', '--post-quantum', '-o', 'pq.key']),
  ])
  await seal('mine', '-i', 'me.key')
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('keygen', () => {
  test
    .runIf(posix)
    .each([
      ['a key pair'],
      ['a hybrid', '--post-quantum'],
      ['a cipher key', '--cipher'],
      ['a passphrase', '--passphrase'],
      ['another in its place', '--force'],
    ])('%s is private from its first byte, whatever the mask', async (name, ...flags) => {
    const folder = at(`made ${name}`)
    await mkdir(folder)
    const seen = new Set<string>()
    const child = { ended: false }
    const made = run('sh', [
      '-c',
      'umask 0; exec "$@"',
      'sh',
      process.execPath,
      LAUNCHER,
      'keygen',
      '-o',
      join(folder, 'new.key'),
      ...flags,
    ]).then(result => ((child.ended = true), result))
    while (!child.ended) {
      for (const file of readdirSync(folder)) {
        const info = lstatSync(join(folder, file), { throwIfNoEntry: false })
        if (info) seen.add((info.mode & 0o777).toString(8))
      }
      await new Promise(resolve => setImmediate(resolve))
    }
    expect((await made).code).toBe(0)
    expect(
      [...seen, ...readdirSync(folder).map(file => (lstatSync(join(folder, file)).mode & 0o777).toString(8))].filter(
        mode => mode !== '600',
      ),
    ).toEqual([])
    expect(await readdir(folder)).toEqual(['new.key'])
  })

  test('says that losing it loses all; a second one does not replace it; --force keeps the old ones', async () => {
    const first = await latent(['keygen', '-o', 'kept.key'])
    expect(first.err).toBe(
      'Keep a copy of kept.key in another place: whoever loses it loses everything that is sealed for it, and ' +
        'nobody can help then.\n',
    )
    const old = await readFile(at('kept.key'), 'utf8')
    expect(await latent(['keygen', '-o', 'kept.key'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/E_EXISTS[\s\S]*--force keeps the old key as FILE\.old/),
    })
    expect(await readFile(at('kept.key'), 'utf8')).toBe(old)
    expect(await latent(['keygen', '-o', 'kept.key', '--force'])).toMatchObject({
      code: 0,
      err: expect.stringContaining('The old key is now kept.key.old'),
    })
    const second = await readFile(at('kept.key'), 'utf8')
    expect(await latent(['keygen', '--cipher', '-o', 'kept.key', '--force'])).toMatchObject({
      code: 0,
      err: expect.stringContaining('kept.key.old2'),
    })
    expect([await readFile(at('kept.key.old'), 'utf8'), await readFile(at('kept.key.old2'), 'utf8')]).toEqual([
      old,
      second,
    ])
    expect(await readFile(at('kept.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
  })

  test('--force by several at once: whoever is told of a key finds it, in one file or another', async () => {
    const first = await latent(['keygen', '-o', 'crowd.key'])
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => runLatent(['keygen', '-o', 'crowd.key', '--force'], { cwd: root })),
    )
    const refused = runs.filter(({ code }) => code !== 0)
    for (const { out, err } of refused) {
      expect(out).toBe('')
      expect(err).toMatch(/process \d+ is making crowd\.key anew \[E_EXISTS\]\nhint: /)
    }
    const files = (await readdir(root)).filter(name => name.startsWith('crowd.key'))
    const held = await Promise.all(files.map(name => readFile(at(name), 'utf8')))
    const told = [first, ...runs].filter(({ code }) => code === 0).map(({ out }) => out.trim())
    expect(held.map(text => /public key: (\S+)/.exec(text)![1]!).toSorted()).toEqual(told.toSorted())
    expect(files.some(name => name.endsWith('.lock'))).toBe(false)
  })

  test('several at once without --force: one makes it, the others say that it exists', async () => {
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => runLatent(['keygen', '-o', 'single.key'], { cwd: root })),
    )
    const refused = runs.filter(({ code }) => code !== 0)
    expect(refused).toHaveLength(4)
    for (const { err } of refused) expect(err).toMatch(/single\.key.* already exists \[E_EXISTS\]\nhint: /)
  })

  test.runIf(posix)('--force does not follow a link', async () => {
    await write('target.txt', 'not a key')
    await symlink(at('target.txt'), at('link.key'))
    expect(await latent(['keygen', '-o', 'link.key', '--force'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('not a regular file'),
    })
    expect(await readFile(at('target.txt'), 'utf8')).toBe('not a key')
  })

  test('ten words, other ones each time, which seal without a warning', async () => {
    const [one, other] = await Promise.all([latent(['keygen', '--passphrase']), latent(['keygen', '--passphrase'])])
    for (const { code, out } of [one, other])
      expect([code, out]).toEqual([0, expect.stringMatching(/^[a-z]+(-[a-z]+){9}\n$/)])
    expect(one.out).not.toBe(other.out)
    expect(
      await latent(['seal', 'a.txt', '-o', 'worded', '--cipher', 'aes-256-gcm', '--passphrase-file', '-'], one.out),
    ).toMatchObject({ code: 0, err: '' })
  })

  test
    .runIf(posix)
    .each([
      ['a closed stream', '>&-', 'leads nowhere'],
      ['the device that swallows everything', '>/dev/null', 'leads nowhere'],
      ['a reader that has left', '| exec true', 'nobody reads it any more'],
      ...(existsSync('/dev/full') ? [['a full disk', '>/dev/full', 'no space is left']] : []),
    ])('a secret that goes to %s is not taken for made', async (_, where, why) => {
    for (const kind of ['--cipher', '--passphrase', '--post-quantum']) {
      // The reader is gone before anything is written: starting takes longer than leaving.
      const { code, out, err } = await run('bash', [
        '-c',
        `set -o pipefail; "$0" "$1" keygen ${kind} ${where}`,
        process.execPath,
        LAUNCHER,
      ])
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toMatch(/^latent: error: .* \[E_IO\]\nhint: give a file with -o\n$/)
      expect(err).toContain(why)
    }
  })

  test('two kinds at once are refused', async () => {
    expect(await latent(['keygen', '--cipher', '--passphrase'])).toMatchObject({ code: 2, out: '' })
  })
})

describe('identity files', () => {
  test.each<[string, (good: string) => string]>([
    ['a plugin', good => `AGE-PLUGIN-TPM-1QQPQQQQZQQQQ\n${good}\n`],
    [
      'an SSH key that only signs',
      good => `${good}\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n`,
    ],
    ['a public recipient', good => `age1qqqq\n${good}\n`],
    ['half a line', good => `${good.slice(0, 30)}\n${good}\n`],
    ['a note to oneself', good => `my key for the photos:\n${good}\n`],
  ])('with %s beside a good identity: it opens, and the other is told by file and line', async (_, make) => {
    await write('mixed.key', make(await identityIn('me.key')))
    const { code, out, err } = await verify('mine', '-i', 'mixed.key', '--json')
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/^warning: mixed\.key, line [12]: .*passed over \[W_IDENTITY_SKIPPED\]\n {2}hint: /),
    ])
    expect(JSON.parse(out.split('\n')[0]!)).toMatchObject({
      warning: { code: 'W_IDENTITY_SKIPPED', message: expect.stringContaining('mixed.key, line') },
    })
  })

  test('a comment that is no UTF-8 is only a comment; marks and UTF-16 of Windows are read', async () => {
    const good = await identityIn('me.key')
    await write('latin.key', Buffer.from(`# cl\u00e9 de No\u00ebl\n${good}\n`, 'latin1'))
    await write('utf16.key', Buffer.from(`\ufeff${good}\r\n`, 'utf16le'))
    await write('mark.key', `\ufeff# a comment\r\n${good}\r\n`)
    for (const name of ['latin.key', 'utf16.key', 'mark.key'])
      expect(await verify('mine', '-i', name)).toMatchObject({ code: 0, err: '' })
  })

  test.each<[string, string, string, RegExp]>([
    ['nothing', 'empty.key', '# later\n', /empty\.key: the file holds no identity/],
    [
      'a public recipient alone',
      'public.key',
      'age1qqqq\n',
      /public\.key, line 1: this is a public recipient.*\[E_KEY\]\nhint: give the file that holds AGE-SECRET-KEY/,
    ],
    [
      'a plugin alone',
      'plugin.key',
      '\nAGE-PLUGIN-SE-1QQPQ\n',
      /plugin\.key, line 2: this identity needs the plugin age-plugin-se/,
    ],
    ['a passphrase', 'phrase.key', 'correct horse battery staple\n', /phrase\.key, line 1: this is no identity/],
    [
      'an encrypted identity without its passphrase',
      'enc.key',
      'age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\nAAAA\n--- AAAA\n',
      /enc\.key: the identity is encrypted.*\nhint: give --identity-passphrase-file/,
    ],
    ['a name that would move the cursor', 'bad\u001b[2K.key', 'x\n', /^latent: error: bad\\x1b\[2K\.key, line 1/],
  ])('with %s: exit 2, by name', async (_, name, content, message) => {
    await write(name, content)
    const { code, err } = await verify('mine', '-i', name)
    expect(err).toMatch(message)
    expect(code).toBe(2)
  })

  test('encrypted by age -p open with the passphrase, and only with that', async () => {
    const encrypter = new Encrypter()
    encrypter.setPassphrase('caf\u00e9 at six')
    encrypter.setScryptWorkFactor(4)
    await write('locked.key', await encrypter.encrypt(`${await identityIn('me.key')}\n`))
    await write('locked.pw', 'cafe\u0301 at six\n')
    expect(await verify('mine', '-i', 'locked.key', '--identity-passphrase-file', 'locked.pw')).toMatchObject({
      code: 0,
      err: '',
    })
    expect(await seal('locked', '-i', 'locked.key', '--identity-passphrase-file', 'locked.pw')).toMatchObject({
      code: 0,
    })
    expect(await verify('locked', '-i', 'me.key')).toMatchObject({ code: 0 })
    await write('locked.pw', 'cafe at six\n')
    expect(await verify('mine', '-i', 'locked.key', '--identity-passphrase-file', 'locked.pw')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/locked\.key: the passphrase does not open.*E_NO_MATCH/),
    })
    // Beside a good one it is passed over.
    expect(await verify('mine', '-i', 'locked.key', '-i', 'me.key')).toMatchObject({
      code: 0,
      err: expect.stringContaining('locked.key: the identity is encrypted'),
    })
  })

  test('SSH keys seal and open', async () => {
    const made = JSON.parse(await readFile(new URL('../../vault/test/age-and-ssh.json', import.meta.url), 'utf8')) as {
      ssh: Record<string, { private: string; public: string }>
    }
    for (const [kind, key] of Object.entries(made.ssh)) {
      await write(kind, key.private)
      expect(await seal(`for ${kind}`, '-r', key.public.trim())).toMatchObject({ code: 0, err: '' })
      expect(await verify(`for ${kind}`, '-i', kind)).toMatchObject({ code: 0, err: '' })
      expect(await verify(`for ${kind}`, '-i', 'me.key')).toMatchObject({
        code: 1,
        err: expect.stringContaining('sealed for other recipients'),
      })
    }
  })

  test.runIf(posix)('from a pipe, and never more of one than a key can have', async () => {
    const [node, script] = [process.execPath, LAUNCHER]
    expect(await run('bash', ['-c', `"${node}" "${script}" verify mine -i <(cat me.key)`])).toMatchObject({
      code: 0,
      err: '',
    })
    expect(await latent(['verify', 'mine', '-i', '-'], await readFile(at('me.key'), 'utf8'))).toMatchObject({
      code: 0,
      err: '',
    })
    for (const path of ['/dev/zero', '-'])
      expect(await latent(['verify', 'mine', '-i', path], new Uint8Array((1 << 20) + 1))).toMatchObject({
        code: 2,
        err: expect.stringContaining('too large for a key file'),
      })
  })

  test.each([
    [['verify', 'mine', '-i', '-', '--passphrase-file', '-']],
    [['seal', 'a.txt', '-o', 'twice', '-i', '-', '-R', '-']],
    [['verify', 'mine', '-i', '-', '-i', '-']],
  ])('standard input asked for twice is refused: %j', async args => {
    expect(await latent(args, `${await identityIn('me.key')}\n`)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/standard input is asked for twice.*E_ARGUMENT/),
    })
  })

  test.runIf(posix)('that others can read are told, public lists are not', async () => {
    await write('open.key', await readFile(at('me.key')))
    for (const [mode, shown] of [
      [0o644, '644'],
      [0o640, '640'],
      [0o606, '606'],
    ] as const) {
      await chmod(at('open.key'), mode)
      expect(await verify('mine', '-i', 'open.key')).toMatchObject({
        code: 0,
        err: expect.stringContaining(`open.key (mode ${shown}) [W_KEY_READABLE]`),
      })
    }
    await write('friends', (await readFile(at('me.key'), 'utf8')).match(/age1\w+/)![0])
    await chmod(at('friends'), 0o644)
    expect(await seal('friendly', '-R', 'friends')).toMatchObject({ code: 0, err: '' })
  })
})

describe('passphrases', () => {
  test.each(['abc', 'password', '111111', 'qwerty', 'iloveyou'])(
    '%s is refused, and seals if it has to',
    async weak => {
      await write('weak.pw', `${weak}\n`)
      const refused = await seal(`weak ${weak}`, '--passphrase-file', 'weak.pw')
      expect(refused).toMatchObject({
        code: 2,
        err: expect.stringMatching(
          /the passphrase is too weak.*guesses \[E_KEY\]\nhint: .*keygen --passphrase.*--weak-passphrase/,
        ),
      })
      expect(await stat(at(`weak ${weak}`)).catch(() => 'nothing')).toBe('nothing')
      expect(await seal(`weak ${weak}`, '--passphrase-file', 'weak.pw', '--weak-passphrase')).toMatchObject({
        code: 0,
        err: expect.stringContaining('[W_PASSPHRASE_WEAK]'),
      })
    },
  )

  test('one that is neither weak nor strong is told, a strong one is not', async () => {
    await write('some.pw', 'Tuesday7\n')
    expect(await seal('some', '--passphrase-file', 'some.pw', '--json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('W_PASSPHRASE_WEAK'),
      err: expect.stringMatching(/about (10\^[5-9]|\d+,\d+) guesses/),
    })
    await write('strong.pw', `${STRONG}\n`)
    expect(await seal('strong', '--passphrase-file', 'strong.pw')).toMatchObject({ code: 0, err: '' })
  })

  test('opens however it is encoded, if it is the same text; spaces count and are told', async () => {
    await write('strong.pw', `${STRONG}\n`)
    expect((await seal('encoded', '--passphrase-file', 'strong.pw')).code).toBe(0)
    const ways: Record<string, Uint8Array> = {
      decomposed: Buffer.from(STRONG.normalize('NFD')),
      'UTF-16': Buffer.from(`\ufeff${STRONG}\r\n`, 'utf16le'),
      'with a mark': Buffer.from(`\ufeff${STRONG}\r\n`),
    }
    for (const bytes of Object.values(ways)) {
      await write('again.pw', bytes)
      expect(await verify('encoded', '--passphrase-file', 'again.pw')).toMatchObject({ code: 0, err: '' })
    }
    await write('again.pw', `${STRONG} \n`)
    expect(await verify('encoded', '--passphrase-file', 'again.pw')).toMatchObject({
      code: 1,
      err: expect.stringContaining('spaces count'),
    })
    await write('again.pw', Buffer.from(STRONG, 'latin1'))
    expect(await verify('encoded', '--passphrase-file', 'again.pw')).toMatchObject({
      code: 1,
      err: expect.stringContaining('tried only as release 0.1.0 read it'),
    })
    expect(await seal('latin', '--passphrase-file', 'again.pw')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/again\.pw is not text.*E_KEY/),
    })
    await write('again.pw', `${STRONG}\nsecond line\n`)
    expect(await verify('encoded', '--passphrase-file', 'again.pw')).toMatchObject({
      code: 0,
      err: expect.stringContaining('[W_PASSPHRASE_LINES]'),
    })
  })
})

describe('recipients', () => {
  test('post-quantum ones mixed with others are told, in JSON too', async () => {
    const mixed = await seal('quantum', '-i', 'pq.key', '-i', 'me.key', '--json')
    expect(mixed).toMatchObject({ code: 0, err: expect.stringContaining('[W_MIXED_RECIPIENTS]') })
    expect(JSON.parse(mixed.out.split('\n')[0]!)).toMatchObject({ warning: { code: 'W_MIXED_RECIPIENTS' } })
    expect(await seal('quantum only', '-i', 'pq.key')).toMatchObject({ code: 0, err: '' })
  })
})

describe('cipher keys', () => {
  const encrypt = (key: string, ...args: string[]) =>
    latent([
      'encrypt',
      'one.png',
      'cipher.png',
      '--force',
      '--key-file',
      key,
      '--nonce',
      '01',
      '--scheme',
      'aes-256-ctr',
      ...args,
    ])
  const raw = Uint8Array.from({ length: 32 }, (_, i) => (i * 73 + 151) % 256)

  test.each<[string, Uint8Array, string]>([
    ['zeros', new Uint8Array(32), 'all zeros'],
    ['a sentence', Buffer.from('my cat is called Ferdinand, yes!'), 'it is text'],
    ['a sentence of Latin-1', Buffer.from('Der K\u00f6nig wohnt in gro\u00dfer Stadt.', 'latin1'), 'it is text'],
    ['a key of 16 bytes as digits', Buffer.from('00112233445566778899aabbccddeeff'), 'it is text'],
    [
      'the start of a picture',
      Uint8Array.from([
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 2, 128, 0, 0, 1, 224, 8, 2, 0, 0, 0, 186,
        179, 75,
      ]),
      'repeat',
    ],
    ['half a key twice', Uint8Array.from([...raw.subarray(0, 16), ...raw.subarray(0, 16)]), 'repeat'],
  ])('%s of 32 bytes is no raw key for new pictures, and opens old ones', async (_, bytes, reason) => {
    expect(bytes.length).toBe(32)
    await write('raw.key', bytes)
    expect(await encrypt('raw.key')).toMatchObject({
      code: 2,
      err: expect.stringMatching(new RegExp(`${reason}.*E_KEY`)),
    })
    // The same bytes, said to be a key: what release 0.1.0 made with the file.
    await write('said.key', `${Buffer.from(bytes).toString('hex')}\n`)
    expect(await encrypt('said.key')).toMatchObject({ code: 0, err: expect.stringContaining('[W_KEY_NOT_RANDOM]') })
    expect(
      await latent([
        'decrypt',
        'cipher.png',
        'back.png',
        '--force',
        '--key-file',
        'raw.key',
        '--scheme',
        'aes-256-ctr',
      ]),
    ).toMatchObject({ code: 0, err: expect.stringContaining('[W_KEY_NOT_RANDOM]') })
  })

  test('32 bytes that look drawn are a key, as ever', async () => {
    await write('raw.key', raw)
    expect(await encrypt('raw.key')).toMatchObject({ code: 0, err: '' })
  })

  test.each<[string, string, string, string]>([
    [
      'the key file of another scheme',
      'vortex.json',
      '{"imageSide":8,"profileDivisor":1,"vortices":[]}',
      'key file of another scheme',
    ],
    ['an identity', 'id.txt', 'AGE-SECRET-KEY-1QQQQ\n', 'that is an age identity'],
    ['two keys', 'two.key', `${'a1'.repeat(32)}\n${'b2'.repeat(32)}\n`, 'more than one key'],
    ['too few digits', 'few.key', 'a1'.repeat(31), 'does not hold a cipher key'],
    ['too many digits', 'many.key', 'a1'.repeat(33), 'does not hold a cipher key'],
  ])('%s is refused', async (_, name, content, message) => {
    await write(name, content)
    expect(await encrypt(name)).toMatchObject({ code: 2, err: expect.stringContaining(message) })
  })
})

test('nothing that was ever printed here, errors and traces included, holds a piece of a secret', async () => {
  const secret = (await identityIn('other.key')).slice('AGE-SECRET-KEY-1'.length)
  const pixel = (await latentHere(['keygen', '--cipher'])).out.trim()
  const phrase = 'umbrella tango seventy mosaic'
  await write('pixel.key', `${pixel}\n`)
  await write('phrase.pw', `${phrase}\n`)
  await write('broken.key', `AGE-SECRET-KEY-1${secret.slice(0, -3)}QQQ\n`)
  const sessions = [
    ['seal', 'a.txt', '-o', 'never', '-R', 'phrase.pw'],
    ['seal', 'a.txt', '-o', 'never', '-R', 'pixel.key'],
    ['seal', 'a.txt', '-o', 'never', '-R', 'other.key'],
    ['seal', 'a.txt', '-o', 'never', '-r', `AGE-SECRET-KEY-1${secret}`],
    ['seal', 'a.txt', '-o', 'never', '-r', phrase, '--json'],
    ['seal', 'a.txt', '-o', 'never', '-i', 'phrase.pw'],
    ['seal', 'a.txt', '-o', 'spoken', '--passphrase-file', 'phrase.pw', '--json', '--cipher', 'aes-256-gcm'],
    ['verify', 'spoken', '--passphrase-file', 'phrase.pw', '--json'],
    ['verify', 'mine', '-i', 'broken.key', '--json'],
    ['verify', 'mine', '-i', 'pixel.key'],
    ['verify', 'mine', '-i', 'other.key', '--passphrase-file', 'phrase.pw'],
    ['verify', 'spoken', '--passphrase-file', 'pixel.key'],
    ['open', 'mine', '-o', 'never', '-i', 'other.key', '--salvage'],
    ['encrypt', 'one.png', 'never.png', '--key-file', 'other.key'],
    ['encrypt', 'one.png', 'never.png', '--key-file', 'phrase.pw'],
    ['encrypt', 'one.png', 'secretly.png', '--key-file', 'pixel.key', '--nonce', '01', '--scheme', 'aes-256-ctr'],
    ['inspect', 'spoken/a.txt.png', '--json'],
    ['dataset', 'encrypt', 'mine', 'never-set', '--scheme', 'etc', '--key-file', 'phrase.pw'],
  ]
  const codes = []
  for (const args of sessions) codes.push((await latent(args)).code)
  expect(codes).toEqual([2, 2, 2, 2, 2, 2, 0, 0, 2, 2, 1, 1, 1, 2, 2, 0, 0, 2])
  const all = printed.join('\n')
  const WINDOW = 8
  for (const text of [
    secret,
    pixel,
    phrase,
    STRONG,
    await identityIn('me.key').then(line => line.slice('AGE-SECRET-KEY-1'.length)),
  ]) {
    for (let start = 0; start + WINDOW <= text.length; start++)
      expect(all).not.toContain(text.slice(start, start + WINDOW))
  }
})
