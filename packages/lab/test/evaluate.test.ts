import { image, KeyStream } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { drawPicture } from '@latent/data'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  claims,
  CONTROL_IDS,
  type ImageRow,
  measuredCounterpart,
  parseRows,
  PUBLISHED,
  rowName,
  summarise,
  type Summary,
} from '../src/index.ts'
import { evaluate, randomness, randomnessControls } from '../src/node.ts'
import { gallery, renderComparison, renderReport } from '../src/report/index.ts'
import { latentHere, startLatent } from '../../cli/test/command.ts'
import { baselines } from './fixtures/ciphers.ts'
import { atLength, LONG } from '../../../test/long.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-lab-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

async function pictures(name: string, count: number, width = 72, height = 64): Promise<string> {
  const folder = join(scratch, name)
  mkdirSync(folder)
  const kinds = ['landscape', 'street', 'marble', 'dunes', 'weave'] as const
  for (let i = 0; i < count; i++)
    writeFileSync(join(folder, `${i}.png`), encodePng(await drawPicture(kinds[i % 5]!, width, height, i)))
  return folder
}

const rowsIn = (out: string) => parseRows(readFileSync(join(out, 'rows.jsonl'), 'utf8')).rows

describe('a run', () => {
  let summary: Summary
  let out: string
  beforeAll(async () => {
    out = join(scratch, 'run')
    ;({ summary } = await evaluate({
      schemes: ['chacha20', 'arnold-cat-map'],
      data: await pictures('five', 5),
      out,
      robustness: 1,
      keys: 64,
    }))
  })

  test('measures what was asked for and every control, a row an image', () => {
    const ids = ['chacha20', 'arnold-cat-map', ...CONTROL_IDS]
    expect(summary.results.map(({ id }) => id)).toEqual(ids)
    expect(
      summary.results.every(
        ({ images, failures, timing }) => images === 5 && failures.length === 0 && timing !== undefined,
      ),
    ).toBe(true)
    expect(rowsIn(out)).toHaveLength(ids.length * 7)
    expect(new Set(rowsIn(out).map(rowName)).size).toBe(ids.length * 7)
    expect(readdirSync(out).sort()).toEqual(['evidence.jsonl', 'rows.jsonl', 'run.json', 'summary.json'])
  })

  test('started again it only reads what it has', async () => {
    const before = readFileSync(join(out, 'rows.jsonl'), 'utf8')
    const again = await evaluate({
      schemes: ['chacha20', 'arnold-cat-map'],
      data: join(scratch, 'five'),
      out,
      robustness: 1,
      keys: 64,
    })
    expect(readFileSync(join(out, 'rows.jsonl'), 'utf8')).toBe(before)
    expect(again.summary.results).toEqual(summary.results)
  })

  test('cut off in the middle of a line it goes on, and ends up the same', async () => {
    const rows = rowsIn(out)
    // Among the pictures: keys and timings come after 45 of them.
    const CUT = 38
    expect(rows[CUT]!.kind).toBe('image')
    const kept = rows.slice(0, CUT)
    writeFileSync(join(out, 'rows.jsonl'), kept.map(row => `${JSON.stringify(row)}\n`).join(''))
    appendFileSync(join(out, 'rows.jsonl'), JSON.stringify(rows[CUT]).slice(0, 50))
    const again = await evaluate({
      schemes: ['chacha20', 'arnold-cat-map'],
      data: join(scratch, 'five'),
      out,
      robustness: 1,
      keys: 64,
    })
    expect(rowsIn(out).slice(0, CUT)).toEqual(kept)
    const byName = (list: readonly { kind: string }[]) =>
      Object.fromEntries((list as ImageRow[]).filter(row => row.kind === 'image').map(row => [rowName(row), row]))
    expect(byName(rowsIn(out))).toEqual(byName(rows))
    expect(again.summary.results.map(({ tests }) => tests)).toEqual(summary.results.map(({ tests }) => tests))
  })

  test('with other arguments the folder is refused', async () => {
    await expect(
      evaluate({ schemes: ['chacha20'], data: join(scratch, 'five'), out, robustness: 1, keys: 64 }),
    ).rejects.toMatchObject({ code: 'E_EXISTS' })
  })

  test('its page is whole, offline and static, and says what the results say', async () => {
    const shown = [baselines['chacha20']!(), baselines['aes-256-gcm']!(), baselines['identity']!()]
    const page = await renderReport(summary, [
      await gallery('a street <drawn>', await drawPicture('street', 48, 36), shown),
    ])
    expect(page).not.toMatch(/<script|<link|@import|url\(|src="(?!data:image\/png;base64,)|href="/)
    expect(page.match(/<svg/g)!.length).toBeGreaterThan(10)
    expect(page).toContain('a street &lt;drawn&gt;')
    expect(page).toContain('Arnold cat map permutation')
    expect(page).toMatch(/prefers-color-scheme: dark/)
    expect(page).toMatch(/@media print/)
    // In the text alone: three letters may stand in the base64 of a picture.
    expect(page.replace(/base64,[^"]*/g, '')).not.toMatch(/NaN|undefined|\[object|Infinity/)
    const comparison = renderComparison(summary.results.slice(0, 2).map(result => ({ summary, result })))
    expect(comparison).toContain('Arnold')
    expect(comparison).not.toMatch(/NaN|undefined|\[object/)
  })

  test('published figures stand beside measured ones, with their conditions', () => {
    const result = { ...summary.results[1]!, id: 'encipher-gan-2023' }
    const page = renderComparison([{ summary, result }])
    for (const text of [
      '39.9703 dB',
      'wire format and image size not stated',
      'exact through a u8 cipher',
      'outside the null band',
    ])
      expect(page).toContain(text)
    expect(measuredCounterpart(result, 'accuracy')).toBeUndefined()
    // A publication whose figures are not open to us says what else is known of it, or what is missing.
    const silent = PUBLISHED.filter(
      ({ citation, figures, remarks, missing }) =>
        citation.length <= 10 || (figures.length === 0 && remarks.length === 0 && missing === undefined),
    )
    expect(silent.map(({ id }) => id)).toEqual([])
  })

  test('a scheme that failed everywhere is a row of dashes, before and after its summary was stored', () => {
    const failed = {
      ...summarise(summary, [
        { kind: 'failure', scheme: 'chacha20', image: 'a', seed: 0, code: 'E_IMAGE', message: 'm' },
      ]).results[0]!,
      id: 'failed',
    }
    const stored = JSON.parse(JSON.stringify({ ...summary, results: [failed, ...summary.results] })) as Summary
    for (const { results } of [stored, { results: [failed] }]) {
      const page = renderComparison(results.map(result => ({ summary, result })))
      expect(page).not.toMatch(/NaN|undefined|Infinity|null/)
      expect(page.match(/title="not measured">–/g)!.length).toBeGreaterThanOrEqual(4)
      expect(claims(results[0]!).filter(({ standing }) => standing === 'not contradicted')).toEqual([])
      expect(measuredCounterpart(results[0]!, 'psnr')).toBeUndefined()
    }
  })

  test('a page of a run whose controls deviate is refused', async () => {
    await expect(
      renderReport({ ...summary, controlDeviations: ['random-bytes fails histogram'] }, []),
    ).rejects.toMatchObject({ code: 'E_CONTROLS' })
  })
})

describe('bad input', () => {
  test('an unreadable picture and one too small for a scheme are recorded, and the rest is measured', async () => {
    const folder = await pictures('mixed', 4)
    writeFileSync(join(folder, 'broken.jpg'), 'no picture')
    writeFileSync(
      join(folder, 'dot.png'),
      encodePng(image({ width: 2, height: 2, channels: 3, format: 'u8', data: new Uint8Array(12).fill(90) })),
    )
    writeFileSync(join(folder, 'tall.png'), encodePng(await drawPicture('gradient', 40, 90)))
    const { summary } = await evaluate({
      schemes: ['aes-256-gcm'],
      data: folder,
      out: join(scratch, 'mixed-run'),
      robustness: 1,
      keys: 64,
      workers: 1,
    })
    const of = (id: string) => summary.results.find(result => result.id === id)!
    expect(of('aes-256-gcm').failures.map(({ image, code }) => [image, code])).toEqual([['broken.jpg', 'E_IMAGE']])
    expect(
      of('aes-256-cbc')
        .failures.map(({ image }) => image)
        .sort(),
    ).toEqual(['broken.jpg', 'dot.png'])
    expect(of('aes-256-gcm')).toMatchObject({ images: 6, exactShare: 1 })
    expect(of('aes-256-gcm').plainShapes).toHaveLength(3)
  })

  test('broken pictures in front do not take the place of those that controls need; each is tried once', async () => {
    const folder = join(scratch, 'mostly-broken')
    mkdirSync(folder)
    const whole = encodePng(await drawPicture('marble', 72, 64, 5))
    for (let i = 0; i < 30; i++) writeFileSync(join(folder, `a${i}.png`), whole.slice(0, 60 + i * 9))
    for (let i = 0; i < 6; i++)
      writeFileSync(join(folder, `b${i}.png`), encodePng(await drawPicture('street', 72, 64, i)))
    const out = join(scratch, 'mostly-broken-run')
    const { summary } = await evaluate({
      schemes: ['chacha20'],
      data: folder,
      out,
      robustness: 1,
      keys: 64,
      workers: 1,
    })
    for (const { images, failures } of summary.results)
      expect([images, failures.length, new Set(failures.map(({ code }) => code))]).toEqual([
        6,
        30,
        new Set(['E_IMAGE']),
      ])
    const rows = readFileSync(join(out, 'rows.jsonl'), 'utf8')
    await evaluate({ schemes: ['chacha20'], data: folder, out, robustness: 1, keys: 64, workers: 1 })
    expect(readFileSync(join(out, 'rows.jsonl'), 'utf8')).toBe(rows)
  })

  test('large pictures are measured on their middle, and that is told', async () => {
    const folder = await pictures('large', 4, 90, 80)
    writeFileSync(join(folder, 'wide.png'), encodePng(await drawPicture('dunes', 400, 50, 3)))
    const { summary, rows } = await evaluate({
      schemes: ['chacha20'],
      data: folder,
      out: join(scratch, 'large-run'),
      largest: 8000,
      robustness: 1,
      keys: 64,
      workers: 1,
    })
    const cut = rows.filter(row => row.kind === 'image' && row.middleOf !== undefined) as ImageRow[]
    expect(new Set(cut.map(({ image, plain, middleOf }) => [image, plain, middleOf].join()))).toEqual(
      new Set(['wide.png,252x31x3 u8,400x50x3 u8']),
    )
    expect(summary.results[0]!.cut).toBe(1)
    expect(await renderReport(summary, [])).toContain('1 of 5 pictures')
  })

  test('what lies beside the pictures is told: other kinds of files, folders', async () => {
    const folder = await pictures('beside', 3)
    mkdirSync(join(folder, 'more'))
    for (const name of ['clip.mov', 'IMG_1.HEIC', 'notes', '.private']) writeFileSync(join(folder, name), 'x')
    // Folders by the name of a picture, and what would be waited for: a pipe, a link to a device.
    mkdirSync(join(folder, 'album.png'))
    const odd = process.platform === 'win32' ? [] : ['pipe.png', 'silent.jpg']
    if (odd.length > 0) {
      execFileSync('mkfifo', [join(folder, odd[0]!)])
      symlinkSync('/dev/null', join(folder, odd[1]!))
    }
    const { summary } = await evaluate({
      schemes: ['chacha20'],
      data: folder,
      out: join(scratch, 'beside-run'),
      robustness: 1,
      keys: 64,
      workers: 1,
    })
    expect(summary.passedOver).toEqual(
      ['.private', 'IMG_1.HEIC', 'album.png/', 'clip.mov', 'more/', 'notes', ...odd].toSorted(),
    )
    expect(await renderReport(summary, [])).toContain('IMG_1.HEIC')
  })

  test(`one pixel, one row, grey with alpha, 16 bits, all in one folder${atLength}`, async () => {
    const folder = await pictures('shapes', 3)
    const shapes = [
      [1, 1, 1, 'u8'],
      [1, 1, 4, 'u16'],
      [700, 1, 1, 'u8'],
      [1, 500, 3, 'u8'],
      [40, 30, 2, 'u8'],
      [40, 30, 4, 'u8'],
      [30, 40, 3, 'u16'],
      [30, 40, 4, 'u16'],
    ] as const
    for (const [i, [width, height, channels, format]] of shapes.entries()) {
      const values = Array.from({ length: width * height * channels }, (_, at) => at * 37 + i)
      const shape = { width, height, channels }
      writeFileSync(
        join(folder, `shape-${i}.png`),
        encodePng(
          format === 'u8'
            ? image({ ...shape, format, data: Uint8Array.from(values) })
            : image({ ...shape, format, data: Uint16Array.from(values) }),
        ),
      )
    }
    const { summary, rows } = await evaluate({
      schemes: ['exact-flow', 'chacha20'],
      data: folder,
      out: join(scratch, 'shapes-run'),
      robustness: LONG ? 11 : 0,
      keys: 64,
      workers: 1,
    })
    // The exact flow takes pictures of 32 bytes or more.
    for (const [id, images] of [
      ['exact-flow', 9],
      ['chacha20', 11],
      ['aes-256-ctr', 11],
    ] as const) {
      const result = summary.results.find(candidate => candidate.id === id)!
      expect(result).toMatchObject({ images, exactShare: 1, contradicted: [] })
      expect(result.failures).toHaveLength(11 - images)
      expect(Object.entries(result.tests).filter(([, { verdict }]) => verdict === 'fails')).toEqual([])
    }
    // What is too small for a cipher is refused with a code.
    const failures = rows.filter(row => row.kind === 'failure')
    expect(new Set(failures.map(({ scheme, image, code }) => `${scheme} ${image} ${code}`))).toEqual(
      new Set([
        'exact-flow shape-0.png E_IMAGE',
        'exact-flow shape-1.png E_IMAGE',
        'aes-256-cbc shape-0.png E_IMAGE',
        'aes-256-cbc shape-1.png E_IMAGE',
      ]),
    )
    expect(await renderReport(summary, [])).not.toMatch(/NaN|undefined|Infinity|null/)
  })

  test('images that leave too little to see are not judged at all', async () => {
    const folder = join(scratch, 'flat')
    mkdirSync(folder)
    writeFileSync(join(folder, 'a.jpg'), 'no picture')
    await expect(
      evaluate({ schemes: ['chacha20'], data: folder, out: join(scratch, 'flat-run') }),
    ).rejects.toMatchObject({ code: 'E_CONTROLS' })
    expect(existsSync(join(scratch, 'flat-run', 'summary.json'))).toBe(false)
  })

  test.each([
    ['no scheme', { schemes: [] }, 'E_ARGUMENT'],
    ['an unknown scheme', { schemes: ['rot13'] }, 'E_ARGUMENT'],
    ['a scheme that nothing decrypts', { schemes: ['chacha20', 'ito-transform-2021'] }, 'E_ARGUMENT'],
    ['no such folder', { data: '/nowhere/at/all' }, 'E_DATA'],
  ])('%s', async (_, options, code) => {
    await expect(
      evaluate({ schemes: ['chacha20'], data: 'procedural:1', out: join(scratch, 'never'), ...options }),
    ).rejects.toMatchObject({ code })
    expect(existsSync(join(scratch, 'never'))).toBe(false)
  })
})

describe('SP 800-22 over sequences', () => {
  test('of schemes and of files, with controls', async () => {
    await randomnessControls({ sequences: 8, bits: 20_000 })
    const stream = await randomness({ source: { scheme: 'chacha20', plain: 'black' }, sequences: 12, bits: 20_000 })
    expect(stream.verdict).toMatchObject({ consistent: true })
    const file = join(scratch, 'counter.bin')
    writeFileSync(
      file,
      Uint8Array.from({ length: 30_000 }, (_, i) => i & 255),
    )
    expect((await randomness({ source: { file }, sequences: 12, bits: 20_000 })).verdict.consistent).toBe(false)
    await expect(randomness({ source: { file }, sequences: 13, bits: 20_000 })).rejects.toMatchObject({
      code: 'E_DATA',
    })
    await expect(
      randomness({ source: { file: join(scratch, 'none') }, sequences: 3, bits: 20_000 }),
    ).rejects.toMatchObject({ code: 'E_IO' })
    for (const sequences of [0, 1, 2])
      await expect(randomness({ source: { file }, sequences, bits: 20_000 })).rejects.toMatchObject({
        code: 'E_ARGUMENT',
        message: expect.stringContaining('a verdict rests on how many of them pass') as string,
      })
  })

  test('bits written as letters are told from bytes, and read where that is asked for', async () => {
    const stream = await (await KeyStream.create(new Uint8Array(32), 'latent/v1/test')).bytes(12 * 2500)
    const letters = Array.from(stream, byte => byte.toString(2).padStart(8, '0')).join('')
    const file = join(scratch, 'letters.txt')
    writeFileSync(file, letters.replaceAll(/(.{60})/g, '$1\n'))
    await expect(randomness({ source: { file }, sequences: 12, bits: 20_000 })).rejects.toMatchObject({
      code: 'E_DATA',
      hint: expect.stringContaining('--ascii') as string,
    })
    const { pValues, verdict } = await randomness({ source: { file, ascii: true }, sequences: 12, bits: 20_000 })
    expect(verdict.consistent).toBe(true)
    const bytes = join(scratch, 'letters.bin')
    writeFileSync(bytes, stream)
    expect(pValues).toEqual((await randomness({ source: { file: bytes }, sequences: 12, bits: 20_000 })).pValues)
    await expect(randomness({ source: { file, ascii: true }, sequences: 13, bits: 20_000 })).rejects.toMatchObject({
      code: 'E_DATA',
    })
    await expect(
      randomness({ source: { file: bytes, ascii: true }, sequences: 12, bits: 20_000 }),
    ).rejects.toMatchObject({ code: 'E_DATA', message: expect.stringContaining('letters') as string })
  })
})

describe('the command', () => {
  const latent = (...args: string[]) => latentHere(args, { cwd: scratch, env: { LATENT_DATA: scratch } })

  test.runIf(LONG)(`evaluate, killed and started again, then compare${atLength}`, async () => {
    const args = [
      'lab',
      'evaluate',
      '-s',
      'pwlcm-xor',
      '-d',
      'procedural:2',
      '-o',
      'killed',
      '--pictures',
      'procedural',
      '--robustness',
      '1',
      '--keys',
      '64',
    ]
    const rowsPath = join(scratch, 'killed', 'rows.jsonl')
    const run = startLatent(args, { cwd: scratch })
    await new Promise<void>(resolve => {
      const timer = setInterval(() => {
        if (!existsSync(rowsPath) || rowsIn(join(scratch, 'killed')).length < 5) return
        clearInterval(timer)
        run.kill('SIGKILL')
        resolve(run.done.then(() => undefined))
      }, 20)
    })
    const kept = rowsIn(join(scratch, 'killed'))
    expect(existsSync(join(scratch, 'killed', 'summary.json'))).toBe(false)
    const resumed = await latent(...args)
    expect(resumed).toMatchObject({ code: 0 })
    expect(resumed.out).toMatch(/^pwlcm-xor +exact +fails pixel-npcr, pixel-uaci, pixel-avalanche, mask-reuse$/m)
    expect(rowsIn(join(scratch, 'killed')).slice(0, kept.length)).toEqual(kept)
    expect(readFileSync(join(scratch, 'killed', 'report.html'), 'utf8')).toContain('a street, drawn by latent')

    const compared = await latent('lab', 'compare', 'killed', '-s', 'pwlcm-xor', 'aes-256-ctr', '-o', 'compared.html')
    expect(compared.out).toMatch(
      /^ {2}contradicted +Second use of a key: One known pair opens other images under the key\.$/m,
    )
    expect(compared.out).toMatch(/^ {2}not measured +Security/m)
    expect(existsSync(join(scratch, 'compared.html'))).toBe(true)
    // As earlier versions stored a scheme that failed on every picture.
    const stored = JSON.parse(readFileSync(join(scratch, 'killed', 'summary.json'), 'utf8')) as Summary
    const { title, traits, id } = stored.results[0]!
    const failed = {
      id,
      title,
      traits,
      images: 0,
      failures: [],
      tests: {},
      exactShare: null,
      wires: [],
      maxError: 0,
      expansion: null,
      contradicted: [],
      wire: [],
      plainShapes: [],
      robustness: [],
    }
    mkdirSync(join(scratch, 'failed'))
    writeFileSync(
      join(scratch, 'failed', 'summary.json'),
      JSON.stringify({ ...stored, results: [failed, ...stored.results.slice(1)] }),
    )
    const withFailed = await latent('lab', 'compare', 'failed', '-o', 'with-failed.html')
    expect(withFailed).toMatchObject({
      code: 0,
      out: expect.stringMatching(/not measured +Recovery: Nothing was recovered/) as string,
    })
    mkdirSync(join(scratch, 'later'))
    writeFileSync(join(scratch, 'later', 'summary.json'), '{"version":2}')
    expect(await latent('lab', 'compare', 'later')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[E_UNSUPPORTED]') as string,
    })
    expect(await latent('lab', 'compare', '.')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[E_DATA]') as string,
    })
  })

  test.each([
    [['lab', 'evaluate', '-s', 'rot13', '-d', 'procedural:1', '-o', 'x'], 2, 'E_ARGUMENT'],
    [['lab', 'evaluate', '-s', 'chacha20', '-d', 'mnist/test', '-o', 'x'], 1, 'E_DATA'],
    [['lab', 'evaluate', '-s', 'chacha20', '-d', 'procedural:1', '-o', 'x', '--images', 'many'], 2, 'E_ARGUMENT'],
    [['lab', 'randomness'], 2, 'E_ARGUMENT'],
    [['lab', 'randomness', '-s', 'chacha20', '--sequences', '1', '--bits', '20000'], 2, 'E_ARGUMENT'],
    [['data', 'fetch', 'imagenet'], 2, 'E_ARGUMENT'],
    [['data', 'check', 'mnist'], 1, 'E_HASH'],
  ])('%j ends with %i', async (args, code, name) => {
    const ended = await latent(...args)
    expect(ended).toMatchObject({ code, out: expect.not.stringMatching(/error/) as string })
    expect(ended.err).toContain(`[${name}]`)
  })

  test('data draw and data list', async () => {
    expect(await latent('data', 'draw', 'drawn', '-n', '2', '--width', '32', '--height', '24')).toMatchObject({
      code: 0,
    })
    expect(readdirSync(join(scratch, 'drawn')).sort()).toEqual(['landscape-0.png', 'street-0.png'])
    expect((await latent('data', 'list')).out).toMatch(/mnist +not fetched/)
    expect((await latent('lab', 'list')).out).toMatch(/^identity +control +.*\(positive control of every run\)$/m)
  })
})
