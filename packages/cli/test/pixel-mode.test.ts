import { type Image, image, LatentError, sha256Of, toHex } from '@latent/core'
import { decodePng, encodePng, readPng, readPngTexts } from '@latent/core/png'
import { openScheme } from '@latent/schemes'
import { Command } from 'commander'
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { cryptCommands } from '../src/commands/crypt.ts'
import { dataCommand } from '../src/commands/data.ts'
import { datasetCommand } from '../src/commands/dataset.ts'
import { demoCommand } from '../src/commands/demo.ts'
import { keygenCommand } from '../src/commands/keygen.ts'
import { labCommand } from '../src/commands/lab.ts'
import { openCommand, verifyCommand } from '../src/commands/open.ts'
import { sealCommand } from '../src/commands/seal.ts'
import { trainCommand } from '../src/commands/train.ts'
import { checkPaths } from '../src/local-paths.ts'
import { errorLines } from '../src/terminal.ts'
import { latentHere } from './command.ts'

const KEY = sha256Of(new TextEncoder().encode('a key for tests'))
let root: string
const at = (...parts: string[]) => join(root, ...parts)
const read = async (name: string) => new Uint8Array(await readFile(at(name)))
const plain: Image<'u8'> = image({
  width: 24,
  height: 18,
  channels: 3,
  format: 'u8',
  data: Uint8Array.from({ length: 24 * 18 * 3 }, (_, i) => (i * 5) & 255),
})

/** The command in this process: a new one takes seconds to start, and there are a hundred to run. */
async function latent(args: readonly string[]): Promise<{ code: string; out: string; err: string }> {
  const program = new Command().exitOverride()
  for (const register of [
    cryptCommands,
    sealCommand,
    openCommand,
    verifyCommand,
    datasetCommand,
    dataCommand,
    demoCommand,
    trainCommand,
    keygenCommand,
    labCommand,
  ])
    register(program)
  program.hook('preAction', (_, command) => checkPaths(command))
  const written = { out: '', err: '' }
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(text => ((written.out += String(text)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation(text => ((written.err += String(text)), true)),
  ]
  try {
    await program.parseAsync(args, { from: 'user' })
    return { code: 'done', ...written }
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
    return { code: error.code, ...written, err: written.err + errorLines(error) }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** The whole command, with something piped into it. */
const piped = (args: readonly string[], input: Uint8Array) => latentHere(args, { cwd: root, input })

const json = ({ out }: { out: string }) => JSON.parse(out) as Record<string, unknown>
const withKey = (command: string, from: string, to: string, ...more: string[]) =>
  latent([command, at(from), at(to), '--key-file', at('k'), ...more])

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-pixel-'))
  await writeFile(at('k'), toHex(KEY), { mode: 0o600 })
  await writeFile(at('other.key'), toHex(KEY.toReversed()), { mode: 0o600 })
  await writeFile(at('plain.png'), encodePng(plain))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('encrypt and decrypt', () => {
  test('a nonce is drawn for every picture; the result is JSON; nothing is said where nothing is amiss', async () => {
    const [first, second] = [
      await withKey('encrypt', 'plain.png', 'n1.png', '--json'),
      await withKey('encrypt', 'plain.png', 'n2.png', '--json'),
    ]
    expect([first.err, second.err]).toEqual(['', ''])
    expect(json(first)).toMatchObject({
      scheme: 'exact-flow',
      width: 24,
      height: 18,
      channels: 3,
      sampleBits: 8,
      nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
      checked: true,
      exact: true,
      lost: [],
      carried: [],
    })
    expect(json(first)['nonce']).not.toBe(json(second)['nonce'])
    expect(await read('n1.png')).not.toEqual(await read('n2.png'))
    const back = await withKey('decrypt', 'n1.png', 'n1-back.png', '--json')
    expect([back.err, json(back)]).toEqual([
      '',
      expect.objectContaining({ key: 'right', cipherPicture: 'as written', schemeNamed: true }),
    ])
    expect(decodePng(await read('n1-back.png'))).toEqual(plain)
  })

  test('--deterministic draws nothing and says what follows', async () => {
    const ended = [
      await withKey('encrypt', 'plain.png', 'd1.png', '--deterministic'),
      await withKey('encrypt', 'plain.png', 'd2.png', '--deterministic'),
    ]
    for (const { code, err } of ended)
      expect([code, err]).toEqual(['done', expect.stringContaining('equal pictures give equal cipher pictures')])
    expect(await read('d1.png')).toEqual(await read('d2.png'))
  })

  test('streams: a picture through a pipe, there and back', async () => {
    const made = await piped(['encrypt', '-', '-', '--key-file', 'k'], await read('plain.png'))
    const back = await piped(['decrypt', '-', '-', '--key-file', 'k'], made.bytes)
    expect(decodePng(back.bytes)).toEqual(plain)
  })

  test.each<[string, string[], string, string[], string]>([
    ['another scheme than the usual one, unasked', ['--scheme', 'chacha20'], 'k', [], 'E_ARGUMENT'],
    [
      'another scheme than the one that is asked for',
      ['--scheme', 'exact-flow-trained'],
      'k',
      ['--scheme', 'exact-flow'],
      '--scheme exact-flow-trained',
    ],
    [
      'a sibling without its whitening',
      ['--scheme', 'exact-flow-network-only'],
      'k',
      ['--scheme', 'exact-flow-trained'],
      'E_ARGUMENT',
    ],
    ['a baseline taken for another', ['--scheme', 'aes-256-ctr'], 'k', ['--scheme', 'aes-256-cbc'], 'E_ARGUMENT'],
    ['a learnable one', ['--scheme', 'pixel-based'], 'k', [], 'give --scheme pixel-based'],
    ['another key', [], 'other.key', [], 'E_NO_MATCH'],
    ['another key, another scheme', ['--scheme', 'chacha20'], 'other.key', ['--scheme', 'chacha20'], 'E_NO_MATCH'],
  ])('no noise for %s', async (name, encrypting, key, decrypting, message) => {
    const file = `${name.replaceAll(' ', '-')}.png`
    expect((await withKey('encrypt', 'plain.png', file, ...encrypting)).code).toBe('done')
    const ended = await latent(['decrypt', at(file), at('noise.png'), '--key-file', at(key), ...decrypting])
    expect([ended.code, ended.err]).toEqual([expect.stringMatching(/^E_/), expect.stringContaining(message)])
    expect(await stat(at('noise.png')).catch(() => 'nothing')).toBe('nothing')
  })

  test('a scheme of a later release is named as such', async () => {
    await writeFile(at('later.png'), encodePng({ ...plain, annotations: { 'latent:scheme': 'later-2031/paper' } }))
    expect(await withKey('decrypt', 'later.png', 'noise.png')).toMatchObject({ code: 'E_UNSUPPORTED' })
  })

  test('a picture of before still decrypts, and what cannot be known is said', async () => {
    const { cipher, close } = await openScheme('exact-flow')
    await writeFile(at('old.png'), encodePng(await cipher.encrypt(plain, KEY, { nonce: Uint8Array.of(1, 2) }), 0))
    await close()
    const ended = await withKey('decrypt', 'old.png', 'old-back.png')
    expect(ended.code).toBe('done')
    expect(ended.err).toContain('does not name its cipher')
    expect(ended.err).toContain('cannot be told')
    expect(decodePng(await read('old-back.png'))).toEqual(plain)
  })

  test.each([
    ['encrypt', 'cipher.jpg'],
    ['encrypt', 'cipher.WEBP'],
    ['decrypt', 'back.jpeg'],
    ['decrypt', 'back.heic'],
    ['decrypt', 'back.tif'],
  ])('%s writes no PNG that is called %s', async (command, name) => {
    await withKey('encrypt', 'plain.png', 'kind.png', '--force')
    expect(await withKey(command, command === 'encrypt' ? 'plain.png' : 'kind.png', name)).toMatchObject({
      code: 'E_ARGUMENT',
      err: expect.stringContaining('let the name end in .png'),
    })
    expect(await stat(at(name)).catch(() => 'nothing')).toBe('nothing')
  })

  test('codes that were taken out on the way are missed', async () => {
    await withKey('encrypt', 'plain.png', 'coded.png')
    await withKey('encrypt', 'plain.png', 'uncoded.png', '--no-check')
    const { image: cipher } = readPng(await read('coded.png'))
    for (const [i, code] of ['latent:mac', 'latent:key-check'].entries()) {
      const annotations = Object.fromEntries(Object.entries(cipher.annotations!).filter(([label]) => label !== code))
      await writeFile(at(`stripped${i}.png`), encodePng({ ...(cipher as Image<'u8'>), annotations }, 0))
      expect(await withKey('decrypt', `stripped${i}.png`, 'noise.png')).toMatchObject({ code: 'E_HASH' })
    }
    expect(await withKey('decrypt', 'uncoded.png', 'uncoded-back.png')).toMatchObject({
      code: 'done',
      err: expect.stringContaining('cannot be told'),
    })
  })

  test('a changed picture is refused, and comes back with a warning if asked for', async () => {
    await withKey('encrypt', 'plain.png', 'whole.png')
    const { image: cipher, beside } = readPng(await read('whole.png'))
    const data = (cipher.data as Uint8Array).slice()
    data[77]! ^= 1
    await writeFile(
      at('changed.png'),
      encodePng(
        { ...(cipher as Image<'u8'>), data },
        0,
        beside.filter(({ type }) => type !== 'tEXt'),
      ),
    )
    expect(await withKey('decrypt', 'changed.png', 'noise.png')).toMatchObject({ code: 'E_HASH' })
    expect(await withKey('decrypt', 'changed.png', 'asked.png', '--altered')).toMatchObject({
      code: 'done',
      err: expect.stringContaining('not as it was written'),
    })
  })
})

describe('what pixels are not', () => {
  const chunks = [
    { type: 'gAMA', data: Uint8Array.of(0, 0, 177, 143) },
    { type: 'iCCP', data: new TextEncoder().encode('mine\0\0profile') },
    { type: 'pHYs', data: new Uint8Array(9).fill(1) },
    { type: 'cICP', data: Uint8Array.of(9, 16, 0, 1) },
    { type: 'eXIf', data: new TextEncoder().encode('II*\0\x08\0\0\0\0\0') },
    { type: 'tEXt', data: new TextEncoder().encode('Author\0a secret name') },
    { type: 'iTXt', data: new TextEncoder().encode('XML:com.adobe.xmp\0\0\0\0\0<x/>') },
  ]

  test('profile, gamma, resolution, EXIF and texts come back, and are not to be read meanwhile', async () => {
    await writeFile(at('full.png'), encodePng(plain, 6, chunks))
    expect(json(await withKey('encrypt', 'full.png', 'full-c.png', '--json'))['carried']).toEqual(
      chunks.map(({ type }) => type),
    )
    expect(Buffer.from(await read('full-c.png')).includes('secret name')).toBe(false)
    expect((await withKey('decrypt', 'full-c.png', 'full-b.png')).code).toBe('done')
    const { beside } = readPng(await read('full-b.png'))
    expect(beside.slice(0, chunks.length).map(({ type, data }) => [type, toHex(data)])).toEqual(
      chunks.map(({ type, data }) => [type, toHex(data)]),
    )
  })

  test('frames are named as lost', async () => {
    await writeFile(
      at('apng.png'),
      encodePng(plain, 6, [
        { type: 'acTL', data: new Uint8Array(8) },
        { type: 'fcTL', data: new Uint8Array(26) },
        { type: 'fcTL', data: new Uint8Array(26) },
        { type: 'fdAT', data: new Uint8Array(9) },
      ]),
    )
    expect(await withKey('encrypt', 'apng.png', 'apng-c.png')).toMatchObject({
      code: 'done',
      err: expect.stringMatching(/warning: not kept: the other pictures of its animation \(1\).*latent seal/),
    })
  })

  test.each(['jpeg', 'webp', 'avif', 'tiff', 'gif'] as const)(
    'a %s: its pixels come back, and seal is named',
    async format => {
      const file = await sharp(plain.data, { raw: { width: 24, height: 18, channels: 3 } })
        .toFormat(format)
        .withMetadata({ orientation: format === 'jpeg' ? 6 : 1 })
        .toBuffer()
      await writeFile(at(`photo.${format}`), file)
      const ended = await withKey('encrypt', `photo.${format}`, `${format}-c.png`)
      expect([ended.code, ended.out]).toEqual([
        'done',
        expect.stringMatching(/not the file; latent seal keeps the file/),
      ])
      expect((await withKey('decrypt', `${format}-c.png`, `${format}-b.png`)).code).toBe('done')
      const back = decodePng(await read(`${format}-b.png`))
      const shown = await sharp(file).autoOrient().toColourspace('srgb').raw().toBuffer()
      expect([back.width, Buffer.from(back.data)]).toEqual([format === 'jpeg' ? 18 : 24, shown])
    },
  )

  test('a picture that nobody else may read stays so', async () => {
    await writeFile(at('private.png'), encodePng(plain))
    await chmod(at('private.png'), 0o600)
    await withKey('encrypt', 'private.png', 'private-c.png')
    await withKey('decrypt', 'private-c.png', 'private-b.png')
    for (const name of ['private-c.png', 'private-b.png']) expect((await stat(at(name))).mode & 0o777).toBe(0o600)
  })
})

describe('nothing of the user is replaced', () => {
  test('--force replaces what an earlier run wrote, and nothing else', async () => {
    expect((await withKey('encrypt', 'plain.png', 'forced.png')).code).toBe('done')
    expect(await withKey('encrypt', 'plain.png', 'forced.png')).toMatchObject({ code: 'E_EXISTS' })
    expect((await withKey('encrypt', 'plain.png', 'forced.png', '--force')).code).toBe('done')
    expect((await withKey('decrypt', 'forced.png', 'forced-back.png')).code).toBe('done')
    expect((await withKey('decrypt', 'forced.png', 'forced-back.png', '--force')).code).toBe('done')
    await writeFile(at('mine.png'), encodePng(plain))
    await writeFile(at('notes.txt'), 'mine')
    await link(at('plain.png'), at('same-file.png'))
    await mkdir(at('a-folder'))
    for (const [command, from] of [
      ['encrypt', 'plain.png'],
      ['decrypt', 'forced.png'],
    ] as const) {
      for (const target of ['mine.png', 'notes.txt', 'same-file.png', 'a-folder', 'k', from]) {
        expect(await withKey(command, from, target, '--force')).toMatchObject({ code: 'E_EXISTS' })
      }
    }
    expect(await read('mine.png')).toEqual(encodePng(plain))
    expect(decodePng(await read('plain.png'))).toEqual(plain)
    expect('latent:scheme' in readPngTexts(await read('forced.png'))).toBe(true)
  })
})

describe('limits are looked at before anything is decoded', () => {
  test('a picture that says it is enormous, and one above the limit that was given', async () => {
    const huge = Buffer.from(
      encodePng(image({ width: 1, height: 1, channels: 1, format: 'u8', data: new Uint8Array(1) })),
    )
    huge.writeUInt32BE(30000, 16)
    huge.writeUInt32BE(30000, 20)
    huge.writeUInt32BE(crc(huge.subarray(12, 29)), 29)
    await writeFile(at('huge.png'), huge)
    expect(await withKey('encrypt', 'huge.png', 'x.png')).toMatchObject({
      code: 'E_LIMIT',
      err: expect.stringMatching(/E_LIMIT[\s\S]*hint: .*latent seal/),
    })
    expect(await withKey('encrypt', 'plain.png', 'x.png', '--max-pixels', '400')).toMatchObject({
      code: 'E_LIMIT',
      err: expect.stringMatching(/E_LIMIT[\s\S]*--max-pixels/),
    })
    expect(await withKey('encrypt', 'plain.png', 'x.png', '--max-pixels', 'many')).toMatchObject({
      code: 'E_ARGUMENT',
      err: expect.stringContaining('--max-pixels'),
    })
  })

  function crc(bytes: Uint8Array): number {
    let value = ~0
    for (const byte of bytes) {
      value ^= byte
      for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
    }
    return ~value >>> 0
  }
})

describe('an address is no folder', () => {
  test.each<[string, string[]]>([
    ['an S3 bucket', ['seal', 'plain.png', '-o', 's3://bucket/x', '-i', 'k']],
    ['an S3 bucket, to open', ['open', 'plain.png', '-o', 's3://bucket/x', '-i', 'k']],
    ['an rclone remote', ['seal', 'plain.png', '-o', 'remote:photos', '-i', 'k']],
    ['a place for scp', ['encrypt', 'plain.png', 'me@host:c.png', '--key-file', 'k']],
    ['a web address to read', ['encrypt', 'https://example.org/p.png', 'c.png', '--key-file', 'k']],
    ['a file address', ['verify', 'file:///tmp/x', '-i', 'k']],
    ['a stream where none is', ['seal', '-', '-o', 'sealed', '-i', 'k']],
    ['a stream as folder', ['dataset', 'encrypt', 'plain.png', '-', '--scheme', 'etc', '--key-file', 'k']],
    ['a stream to draw into', ['data', 'draw', '-']],
    ['a stream of weights', ['encrypt', 'plain.png', 'c.png', '--key-file', 'k', '--weights', '-']],
    ['an empty variable', ['seal', 'plain.png', '-o', '', '-i', 'k']],
    ['a home that nobody replaced', ['seal', 'plain.png', '-o', '~/sealed', '-i', 'k']],
    ['a variable that nobody replaced', ['demo', '-o', '$HOME/demo']],
    ['a bucket for training', ['train', 'denoiser', '--out', 'gs://bucket/run']],
    ['a remote for a key', ['keygen', '-o', 'usb:me.key']],
    ['a remote of one letter', ['seal', 'plain.png', '-o', 'b:photos', '-i', 'k']],
    ['a key on a remote of one letter', ['keygen', '-o', 'k:me.key']],
    ['a drive of another system', ['encrypt', 'plain.png', 'C:\\Users\\me\\c.png', '--key-file', 'k']],
    ['a drive of another system, with slashes', ['open', 'plain.png', '-o', 'd:/restored', '-i', 'k']],
    ['a drive of another system to read', ['verify', 'E:\\sealed', '-i', 'k']],
    ['a share of a Windows server', ['seal', 'plain.png', '-o', '\\\\server\\share', '-i', 'k']],
    ['such a share to read', ['verify', '\\\\nas\\photos\\sealed', '-i', 'k']],
    ['a variable inside', ['open', 'plain.png', '-o', '/backup/$USER/x', '-i', 'k']],
    ['one in braces', ['encrypt', 'plain.png', 'out/${NAME}', '--key-file', 'k']],
    ['a phone', ['seal', 'plain.png', '-o', 'mtp:host=Phone/DCIM', '-i', 'k']],
    ['an rsync module', ['open', 'plain.png', '-o', 'nas::backup/x', '-i', 'k']],
    ['a host in brackets', ['seal', 'plain.png', '-o', '[fe80::1]:x', '-i', 'k']],
    ['a bucket for a page', ['lab', 'evaluate', '-s', 'identity', '-d', 'procedural:1', '--out', 'b2:page']],
  ])('%s', async (_, args) => {
    const before = (await readdir('.')).sort()
    const ended = await latent(args)
    expect([ended.code, ended.err]).toEqual(['E_ARGUMENT', expect.stringMatching(/\[E_ARGUMENT\]\nhint: /)])
    expect((await readdir('.')).sort()).toEqual(before)
  })

  test('a local name that only looks like one', async () => {
    await writeFile(at('trip:day 1.png'), encodePng(plain))
    const ended = await piped(['encrypt', 'trip:day 1.png', './trip:cipher.png', '--key-file', 'k'], new Uint8Array(0))
    expect([ended.code, (await stat(at('trip:cipher.png'))).isFile()]).toEqual([0, true])
  })
})
