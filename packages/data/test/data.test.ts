import { type Image, image, LatentError, sha256Of, toHex } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import sharp from 'sharp'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { create, Header } from 'tar'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cutSheet, parseCifarBatch, parseIdxImages } from '../src/raster-sets.ts'
import { drawPicture, PROCEDURAL_KINDS, proceduralSet } from '../src/drawings/procedural.ts'
import { decodeImage, decodePicture, jpegRoundTrip } from '../src/node/decode.ts'
import { digestOf, fetchData, mismatches, type Source, SOURCES } from '../src/node/fetch.ts'
import { openData } from '../src/node/sets.ts'

const LATENT_DATA = process.env['LATENT_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname
const hasData = existsSync(join(LATENT_DATA, 'bsds500'))

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-data-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

const folder = (name: string) => {
  const path = join(scratch, name)
  mkdirSync(path, { recursive: true })
  return path
}

const idx = (count: number, body: number) => {
  const bytes = new Uint8Array(16 + body)
  new DataView(bytes.buffer).setUint32(0, 0x803)
  for (const [i, value] of [count, 2, 3].entries()) new DataView(bytes.buffer).setUint32(4 + 4 * i, value)
  return bytes.map((v, i) => (i < 16 ? v : i))
}

const shapes = async (name: string) => {
  const { pictures } = await openData(name, LATENT_DATA)
  const { width, height, channels } = await pictures.at(-1)!.load()
  return `${pictures.length} ${width}x${height}x${channels}`
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

describe('procedural pictures', () => {
  test.each(PROCEDURAL_KINDS)('%s: the same bytes in every release, and another variant differs', async kind => {
    const picture = await drawPicture(kind, 64, 48)
    expect(toHex(sha256Of(picture.data)).slice(0, 32)).toMatchSnapshot()
    expect((await drawPicture(kind, 64, 48, 1)).data).not.toEqual(picture.data)
  })

  test('a set takes kinds in turn', () => {
    expect(proceduralSet(10).map(({ id }) => id)).toEqual([
      ...PROCEDURAL_KINDS.map(kind => `${kind}-0`),
      'landscape-1',
      'street-1',
    ])
  })
})

describe('formats of small pictures', () => {
  test('IDX', () => {
    const [first, second] = parseIdxImages(idx(2, 12))
    expect(first).toMatchObject({ width: 3, height: 2, channels: 1 })
    expect(Array.from(second!.data)).toEqual([22, 23, 24, 25, 26, 27])
    const [own] = parseIdxImages(Buffer.from(idx(2, 12)))
    own!.data.slice()[0] = 99
    expect(own!.data[0]).toBe(16)
    for (const bad of [new Uint8Array(3), new Uint8Array(16), idx(3, 12), idx(2, 11)])
      expect(() => parseIdxImages(bad)).toThrow(LatentError)
  })

  test('CIFAR-10 batches', () => {
    const record = Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? 7 : Math.floor((i - 1) / 1024)))
    expect(Array.from(parseCifarBatch(record)[0]!.data.subarray(0, 6))).toEqual([0, 1, 2, 0, 1, 2])
    for (const bad of [new Uint8Array(0), new Uint8Array(3072)]) expect(() => parseCifarBatch(bad)).toThrow(LatentError)
  })

  test('sheets', () => {
    const sheet = image({
      width: 4,
      height: 4,
      channels: 1,
      format: 'u8',
      data: Uint8Array.from({ length: 16 }, (_, i) => i),
    })
    expect(cutSheet(sheet, 2).map(tile => Array.from(tile.data))).toEqual([
      [0, 1, 4, 5],
      [2, 3, 6, 7],
      [8, 9, 12, 13],
      [10, 11, 14, 15],
    ])
    expect(() => cutSheet(sheet, 3)).toThrow(LatentError)
  })
})

describe('sources', () => {
  test('a folder of pictures of mixed kinds and sizes; other files are passed over', async () => {
    const path = folder('mixed')
    writeFileSync(
      join(path, 'b.png'),
      encodePng(image({ width: 2, height: 1, channels: 1, format: 'u16', data: Uint16Array.of(1, 65535) })),
    )
    writeFileSync(
      join(path, 'a.png'),
      encodePng(image({ width: 1, height: 1, channels: 3, format: 'u8', data: Uint8Array.of(1, 2, 3) })),
    )
    writeFileSync(join(path, 'notes.txt'), 'not a picture')
    const { pictures } = await openData(path)
    expect(pictures.map(({ id }) => id)).toEqual(['a.png', 'b.png'])
    expect(await pictures[1]!.load()).toMatchObject({ format: 'u16', width: 2 })
  })

  test.each([
    ['an empty folder', () => folder('empty')],
    ['no folder', () => join(scratch, 'nowhere')],
    ['a set that is not there', () => 'mnist/test'],
  ])('%s is refused by code', async (_, source) => {
    await expect(openData(source(), folder('root'))).rejects.toMatchObject({ code: 'E_DATA' })
  })

  test.each(['', '0', '-3', '1.5', '1e2', '24x', '2O', ' 4', '0x10', '4:5', '100000', 'abc'])(
    'procedural:%s is no number of pictures: refused, and not another one',
    async count => {
      await expect(openData(`procedural:${count}`)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    },
  )

  test('procedural sets are as large as they are asked to be, 16 if nothing is said', async () => {
    expect((await openData('procedural:3')).pictures).toHaveLength(3)
    expect((await openData('procedural')).pictures).toHaveLength(16)
    await expect(openData('procedural:3@0')).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('an unreadable picture is refused when it is loaded', async () => {
    const path = folder('broken')
    writeFileSync(join(path, 'a.jpg'), 'this is no JPEG')
    const { pictures } = await openData(path)
    await expect(pictures[0]!.load()).rejects.toMatchObject({ code: 'E_IMAGE' })
  })

  test('JPEG there and back keeps the shape and loses little at high quality', async () => {
    const grey = image({
      width: 24,
      height: 16,
      channels: 1,
      format: 'u8',
      data: Uint8Array.from({ length: 384 }, (_, i) => (i % 24) * 10),
    })
    const back = await jpegRoundTrip(grey, 95)
    expect(back).toMatchObject({ width: 24, height: 16, channels: 1 })
    expect(Math.max(...back.data.map((v, i) => Math.abs(v - grey.data[i]!)))).toBeLessThan(12)
    expect((await jpegRoundTrip(await drawPicture('shapes', 32, 24), 50)).channels).toBe(3)
  })

  test.skipIf(!hasData)('the published sets', async () => {
    expect(await shapes('bsds500/val')).toMatch(/^100 (481x321|321x481)x3$/)
    expect(await shapes('cifar10/train')).toBe('50000 32x32x3')
    expect(await shapes('mnist/test')).toBe('10000 28x28x1')
    expect(await shapes('fashion-mnist/train')).toBe('60000 28x28x1')
  })

  test.skipIf(!hasData)('their content is what `latent data fetch` checks for', async () => {
    const known = SOURCES.filter(({ name }) => name !== 'cifar10')
    expect(await Promise.all(known.map(source => mismatches(source, LATENT_DATA)))).toEqual(known.map(() => []))
  })
})

describe('fetching', () => {
  let server: Server
  let mirror: string
  const served = new Map<string, Buffer>()
  beforeAll(async () => {
    server = createServer((request, response) => {
      const body = served.get(request.url!)
      response.writeHead(body ? 200 : 404).end(body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    mirror = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    const stage = folder('stage/top/pictures')
    writeFileSync(join(stage, 'x.jpg'), 'picture')
    writeFileSync(join(scratch, 'stage/top/other.txt'), 'unwanted')
    const chunks: Buffer[] = []
    for await (const chunk of create({ gzip: true, cwd: join(scratch, 'stage') }, ['top']))
      chunks.push(Buffer.from(chunk))
    served.set('/set.tgz', Buffer.concat(chunks))
    served.set('/numbers.gz', gzipSync('numbers'))
  })
  afterAll(() => new Promise(resolve => server.close(resolve)))

  const source: Source = {
    name: 'tiny',
    title: 'a tiny set',
    terms: 'none',
    archives: [
      { url: 'https://example.org/set.tgz', members: { 'top/pictures': 'val' } },
      { url: 'https://example.org/numbers.gz' },
    ],
    contents: { val: hash(`x.jpg ${hash('picture')}\n`), 'numbers.gz': hash('numbers') },
  }

  test('a set that no archive holds is refused with how to come by it, unless it is there', async () => {
    const byHand = SOURCES.filter(({ archives }) => archives.length === 0)
    expect(byHand.map(({ name }) => name)).toEqual(['open-photos'])
    for (const source of byHand)
      await expect(fetchData(source, folder('by-hand'))).rejects.toMatchObject({ code: 'E_DATA', hint: source.byHand })
    const there = hasData ? ['present'] : []
    expect(await Promise.all((hasData ? byHand : []).map(source => fetchData(source, LATENT_DATA)))).toEqual(there)
  })

  test('downloads, unpacks what is wanted, checks, and next time finds it there', async () => {
    const root = folder('fetched')
    const files: string[] = []
    expect(await fetchData(source, root, { mirror, onProgress: file => files.push(file) })).toBe('fetched')
    expect(readdirSync(join(root, 'tiny')).sort()).toEqual(['numbers.gz', 'val'])
    expect(await digestOf(join(root, 'tiny/val'))).toBe(source.contents['val'])
    expect(new Set(files)).toEqual(new Set(['set.tgz', 'numbers.gz']))
    expect(await fetchData(source, root, { mirror: 'http://127.0.0.1:1' })).toBe('present')
    writeFileSync(join(root, 'tiny/val/x.jpg'), 'altered')
    expect(await mismatches(source, root)).toEqual(['val'])
  })

  /** A tar archive of members as they are named here, whatever their names and kinds. */
  async function archiveOf(
    members: readonly {
      readonly path: string
      readonly type?: 'File' | 'SymbolicLink' | 'Link' | 'CharacterDevice'
      readonly linkpath?: string
      readonly text?: string
      readonly size?: number
    }[],
  ): Promise<Buffer> {
    const blocks = members.map(({ path, type = 'File', linkpath, text = '', size = Buffer.byteLength(text) }) => {
      const block = Buffer.alloc(512)
      new Header({
        path,
        type,
        size: type === 'File' ? size : 0,
        mode: 0o644,
        mtime: new Date(0),
        ...(linkpath === undefined ? {} : { linkpath }),
      }).encode(block)
      const body = Buffer.alloc(512 * Math.ceil(Buffer.byteLength(text) / 512))
      body.write(text)
      return Buffer.concat([block, body])
    })
    return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
  }
  const good = { path: 'top/pictures/x.jpg', text: 'picture' }

  test.each<[string, string, Parameters<typeof archiveOf>[0]]>([
    ['a member above its folder', 'E_DATA', [good, { path: 'top/pictures/../../../../escaped.jpg', text: 'x' }]],
    ['one that begins above', 'E_DATA', [good, { path: '../escaped.jpg', text: 'x' }]],
    ['an absolute one', 'E_DATA', [good, { path: '/tmp/latent-escaped.jpg', text: 'x' }]],
    ['one on a drive', 'E_DATA', [good, { path: 'C:\\escaped.jpg', text: 'x' }]],
    ['one above by backslashes', 'E_DATA', [good, { path: 'top/pictures/..\\..\\escaped.jpg', text: 'x' }]],
    [
      'a symbolic link',
      'E_DATA',
      [good, { path: 'top/pictures/y.jpg', type: 'SymbolicLink', linkpath: '/etc/hostname' }],
    ],
    ['a folder that is a link', 'E_DATA', [{ path: 'top/pictures/sub', type: 'SymbolicLink', linkpath: '/tmp' }, good]],
    ['a hard link', 'E_DATA', [good, { path: 'top/pictures/y.jpg', type: 'Link', linkpath: '../../x' }]],
    ['a device', 'E_DATA', [good, { path: 'top/pictures/y.jpg', type: 'CharacterDevice' }]],
    ['another picture beside the published ones', 'E_HASH', [good, { path: 'top/pictures/y.png', text: 'foreign' }]],
    ['nothing of what is wanted', 'E_HASH', [{ path: 'other/x.jpg', text: 'picture' }]],
    ['a member larger than any set', 'E_LIMIT', [{ path: 'top/pictures/x.jpg', size: 2 ** 31 + 512 }]],
  ])('an archive with %s is refused, and leaves nothing', async (name, code, members) => {
    served.set('/hostile/set.tgz', await archiveOf(members))
    served.set('/hostile/numbers.gz', served.get('/numbers.gz')!)
    const root = folder(`hostile ${name}`)
    await expect(fetchData(source, root, { mirror: `${mirror}/hostile` })).rejects.toMatchObject({
      name: 'LatentError',
      code,
    })
    expect(readdirSync(root)).toEqual([])
    expect(existsSync(join(scratch, 'escaped.jpg')) || existsSync('/tmp/latent-escaped.jpg')).toBe(false)
  })

  test.each(['', 'no archive at all', 'cut'])(
    'an archive that is damaged is refused, and leaves nothing: %j',
    async text => {
      served.set('/damaged/set.tgz', text === 'cut' ? served.get('/set.tgz')!.subarray(0, 60) : Buffer.from(text))
      const root = folder(`damaged ${text}`)
      await expect(fetchData(source, root, { mirror: `${mirror}/damaged` })).rejects.toMatchObject({
        code: expect.stringMatching(/^E_(DATA|HASH|IO)$/),
      })
      expect(readdirSync(root)).toEqual([])
    },
  )

  test.each([
    'ftp://example.org/x',
    's3://bucket/x',
    'data:text/plain,x',
    'javascript:1',
    'example.org',
    '',
    '-',
    '/srv/data',
    'https://me:secret@example.org/',
    'https://example.org/?a=b',
    'https://example.org/#a',
  ])('a mirror that is no address of a folder is refused before anything happens: %j', async address => {
    const root = join(scratch, 'no-mirror')
    const refusal = await fetchData(source, root, { mirror: address }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'LatentError', code: 'E_ARGUMENT' })
    expect((refusal as Error).message).not.toContain('secret')
    expect(existsSync(root)).toBe(false)
  })

  test('a mirror may be a folder on the disk', async () => {
    const disk = folder('a mirror, on disk')
    for (const name of ['set.tgz', 'numbers.gz']) writeFileSync(join(disk, name), served.get(`/${name}`)!)
    const root = folder('from-disk')
    expect(await fetchData(source, root, { mirror: pathToFileURL(disk).href })).toBe('fetched')
    expect(await mismatches(source, root)).toEqual([])
    await expect(
      fetchData(source, folder('from-nowhere'), { mirror: pathToFileURL(join(scratch, 'nowhere')).href }),
    ).rejects.toMatchObject({ code: 'E_IO' })
  })

  test('a download that was cut off goes on where it stopped; from a server that cannot, it begins again', async () => {
    for (const ranges of [true, false]) {
      const asked: (string | undefined)[] = []
      let cut = true
      const flaky = createServer((request, response) => {
        const body = served.get(request.url!)!
        asked.push(request.headers.range)
        const start = ranges && request.headers.range ? Number(/\d+/.exec(request.headers.range)![0]) : 0
        response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length - start })
        if (cut) response.write(body.subarray(start, start + 40), () => setTimeout(() => response.destroy(), 50))
        else response.end(body.subarray(start))
      })
      await new Promise<void>(resolve => flaky.listen(0, '127.0.0.1', resolve))
      const address = `http://127.0.0.1:${(flaky.address() as { port: number }).port}`
      const root = folder(`flaky-${ranges}`)
      try {
        await expect(fetchData(source, root, { mirror: address })).rejects.toMatchObject({
          code: 'E_IO',
          hint: expect.stringContaining('goes on'),
        })
        expect(readdirSync(root)).toEqual(['.tiny.fetch'])
        cut = false
        expect(await fetchData(source, root, { mirror: address })).toBe('fetched')
      } finally {
        await new Promise(resolve => flaky.close(resolve))
      }
      expect(asked).toEqual([undefined, 'bytes=40-', undefined])
      expect(readdirSync(root)).toEqual(['tiny'])
      expect(await mismatches(source, root)).toEqual([])
    }
  })

  test('what lay in the place of a part is moved aside, and what is no part is left alone', async () => {
    const root = folder('aside')
    mkdirSync(join(root, 'tiny/val'), { recursive: true })
    writeFileSync(join(root, 'tiny/val/x.jpg'), 'my own picture')
    writeFileSync(join(root, 'tiny/notes.txt'), 'my notes')
    const moved: string[] = []
    expect(await fetchData(source, root, { mirror, onMovedAside: part => moved.push(part) })).toBe('fetched')
    expect(moved).toEqual(['val'])
    expect(readdirSync(join(root, 'tiny')).sort()).toEqual(['notes.txt', 'numbers.gz', 'val', 'val.replaced'])
    expect(readFileSync(join(root, 'tiny/val.replaced/x.jpg'), 'utf8')).toBe('my own picture')
    writeFileSync(join(root, 'tiny/val/x.jpg'), 'altered again')
    expect(await fetchData(source, root, { mirror })).toBe('fetched')
    expect(
      readdirSync(join(root, 'tiny'))
        .filter(name => name.startsWith('val'))
        .sort(),
    ).toEqual(['val', 'val.replaced', 'val.replaced-2'])
  })

  test('two at once: one fetches', async () => {
    const root = folder('both')
    const tries = await Promise.allSettled([fetchData(source, root, { mirror }), fetchData(source, root, { mirror })])
    expect(tries.flatMap(one => (one.status === 'rejected' ? [one.reason as unknown] : []))).toEqual([
      expect.objectContaining({ code: 'E_EXISTS', message: expect.stringContaining('is fetching tiny') }),
    ])
    expect(await mismatches(source, root)).toEqual([])
  })

  test('checking finds all that is wrong: a picture too many, a damaged or foreign one, a folder instead', async () => {
    const root = folder('checked')
    await fetchData(source, root, { mirror })
    const spoil = async (part: string, change: () => void) => {
      change()
      expect(await mismatches(source, root)).toEqual([part])
      rmSync(join(root, 'tiny'), { recursive: true })
      await fetchData(source, root, { mirror })
      expect(await mismatches(source, root)).toEqual([])
    }
    await spoil('val', () => writeFileSync(join(root, 'tiny/val/more.png'), 'x'))
    await spoil('val', () => rmSync(join(root, 'tiny/val/x.jpg')))
    await spoil('numbers.gz', () => writeFileSync(join(root, 'tiny/numbers.gz'), gzipSync('numbers').subarray(0, 15)))
    await spoil('numbers.gz', () => writeFileSync(join(root, 'tiny/numbers.gz'), 'no gzip'))
    await spoil('numbers.gz', () => {
      rmSync(join(root, 'tiny/numbers.gz'))
      mkdirSync(join(root, 'tiny/numbers.gz'))
    })
    // Leavings of a file manager are no pictures, and spoil nothing.
    writeFileSync(join(root, 'tiny/val/._x.jpg'), 'x')
    expect(await mismatches(source, root)).toEqual([])
  })

  test('leaves nothing behind when the content, the archive or the connection is wrong', async () => {
    const root = folder('refused')
    const altered = { ...source, contents: { ...source.contents, 'numbers.gz': hash('others') } }
    await expect(fetchData(altered, root, { mirror })).rejects.toMatchObject({ code: 'E_HASH' })
    await expect(
      fetchData({ ...source, archives: [{ ...source.archives[0]!, md5: '00' }] }, root, { mirror }),
    ).rejects.toMatchObject({ code: 'E_HASH' })
    await expect(fetchData(source, root, { mirror: `${mirror}/nothing` })).rejects.toMatchObject({ code: 'E_IO' })
    await expect(fetchData(source, root, { mirror: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'E_IO' })
    expect(readdirSync(root)).toEqual([])
  })
})

describe('decoding other formats than PNG', () => {
  const raw = Uint8Array.from({ length: 40 * 30 * 4 }, (_, i) => (i * 7) & 255)
  const rgba = () => sharp(raw, { raw: { width: 40, height: 30, channels: 4 } })

  test('alpha is kept, as in PNG', async () => {
    const source: Image = image({ width: 2, height: 2, channels: 4, format: 'u8', data: new Uint8Array(16).fill(200) })
    expect((await decodeImage(encodePng(source))).channels).toBe(4)
    const decoded = await decodeImage(await rgba().webp({ lossless: true, exact: true }).toBuffer())
    expect([decoded.channels, decoded.data]).toEqual([4, raw])
  })

  test('16 bits are kept', async () => {
    const wide = Uint16Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 301) & 0xffff)
    const file = await sharp(wide, { raw: { width: 40, height: 30, channels: 3 } })
      .toColourspace('rgb16')
      .tiff({ compression: 'none' })
      .toBuffer()
    expect(await decodeImage(file)).toMatchObject({ channels: 3, format: 'u16', data: wide })
  })

  test('a turned camera is turned back, and what is left out is named', async () => {
    const file = await rgba()
      .removeAlpha()
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: 'me' } })
      .toBuffer()
    expect(await decodePicture(file)).toMatchObject({
      format: 'JPEG',
      turned: true,
      image: { width: 30, height: 40 },
      lost: expect.arrayContaining(['EXIF']),
    })
    const frame = await rgba().png().toBuffer()
    const frames = await sharp([frame, await rgba().negate().png().toBuffer(), frame], { join: { animated: true } })
      .gif()
      .toBuffer()
    expect(await decodePicture(frames)).toMatchObject({ image: { width: 40, height: 30 }, lost: ['2 more pictures'] })
  })

  test.each<[string, () => Promise<Uint8Array> | Uint8Array, string, string]>([
    [
      'a drawing',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      'E_IMAGE',
      'latent seal',
    ],
    [
      'half a JPEG',
      async () => (await rgba().removeAlpha().jpeg().toBuffer()).subarray(0, 700),
      'E_IMAGE',
      'latent seal',
    ],
    ['floats', () => floatTiff(), 'E_IMAGE', 'float'],
    ['a JPEG of more pixels than allowed', () => rgba().removeAlpha().jpeg().toBuffer(), 'E_LIMIT', '--max-pixels'],
    ['text', () => Buffer.from('no picture'), 'E_IMAGE', 'latent seal'],
  ])('%s is refused with a hint', async (_, make, code, hint) => {
    const refused = await decodePicture(await make(), code === 'E_LIMIT' ? { maxPixels: 1000 } : {}).catch(
      (error: unknown) => error as LatentError,
    )
    expect([
      (refused as LatentError).code,
      `${(refused as LatentError).message} ${(refused as LatentError).hint}`,
    ]).toEqual([code, expect.stringContaining(hint)])
  })

  /** Two grey pixels of 32-bit floats: nine entries of tag, type, count and value. */
  function floatTiff(): Uint8Array {
    const entries = [
      [256, 3, 2],
      [257, 3, 1],
      [258, 3, 32],
      [259, 3, 1],
      [262, 3, 1],
      [273, 4, 122],
      [277, 3, 1],
      [278, 3, 1],
      [279, 4, 8],
      [339, 3, 3],
    ] as const
    const file = Buffer.alloc(10 + 12 * entries.length + 4 + 16)
    file.write('II*\0\x08\0\0\0', 'latin1')
    file.writeUInt16LE(entries.length, 8)
    for (const [i, [tag, type, value]] of entries.entries()) {
      file.writeUInt16LE(tag, 10 + 12 * i)
      file.writeUInt16LE(type, 12 + 12 * i)
      file.writeUInt32LE(1, 14 + 12 * i)
      file.writeUInt32LE(tag === 273 ? 10 + 12 * entries.length + 4 : value, 18 + 12 * i)
    }
    return file
  }
})
