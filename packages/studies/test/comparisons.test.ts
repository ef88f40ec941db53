import { image } from '@latent/core'
import { publishedFor } from '@latent/lab'
import { drawPicture } from '@latent/data'
import { describe, expect, test } from 'vitest'
import { isRegistered, type Measured, measureSystem } from '../src/comparisons/measure.ts'
import { glanceSection } from '../src/comparisons/glance.ts'
import { COMPARISONS } from '../src/comparisons/tables.ts'
import { wall } from '../src/comparisons/wall.ts'
import { comparedFigures, printedNumber, verdict } from '../src/comparisons/verdict.ts'

const dot = (grey: number) => image({ width: 1, height: 1, channels: 1, format: 'u8', data: Uint8Array.of(grey) })
const EXACT: Measured = {
  exact: true,
  encryptMs: 1,
  decryptMs: 1,
  entropy: 7.99,
  correlation: [0.01, -0.002, 0.003],
  shown: { plain: dot(1), cipher: dot(2), decrypted: dot(1) },
}
const LOSSY: Measured = { ...EXACT, exact: false, psnr: 36.2, ssim: 0.88, entropy: 7.91 }

test('every system of a comparison runs, or its missing parts are said', () => {
  for (const { systems } of COMPARISONS) {
    expect(new Set(systems).size).toBe(systems.length)
    expect(systems.filter(id => !isRegistered(id) && publishedFor(id)?.missing === undefined)).toEqual([])
  }
})

test.each([
  ['36.514 dB', 36.514],
  ['infinite', Infinity],
  ['about 100 dB', 100],
  ['-0.0021', -0.0021],
  ['not a number', undefined],
])('%s is %d', (text, value) => {
  expect(printedNumber(text)).toBe(value)
})

describe('verdicts', () => {
  const deepedn = publishedFor('deepedn-2021')
  test('as printed, missed, and better', () => {
    expect(verdict(deepedn, LOSSY)).toBe('PSNR as printed; SSIM missed by 0.020; entropy missed by 0.040')
    expect(verdict(deepedn, { ...LOSSY, psnr: 20, ssim: 0.95, entropy: 7.94 })).toBe(
      'PSNR missed by 16.5 dB; SSIM better by 0.050; entropy as printed',
    )
  })
  test('exact ciphers, and lossy ones where exact was printed', () => {
    const maniyath = publishedFor('maniyath-2020')
    expect(verdict(maniyath, { ...EXACT, ssim: 1 })).toBe(
      'PSNR as printed: exact; SSIM as printed; correlation as printed; entropy as printed',
    )
    expect(verdict(maniyath, LOSSY)).toMatch(/^PSNR not reached: 36.2 dB, not exact/)
    expect(verdict(deepedn, EXACT)).toMatch(/^PSNR above: exact; SSIM not measured/)
  })
  test('what was printed of damaged ciphers is not compared with whole ones', () => {
    const mended = publishedFor('optical-denoiser-2019')!
    expect(verdict(mended, LOSSY)).toBe(
      'PSNR printed of damaged ciphers: not compared; SSIM printed of damaged ciphers: not compared',
    )
    expect(comparedFigures(mended, LOSSY).map(({ met }) => met)).toEqual([undefined, undefined])
  })
  test('nothing printed, nothing compared', () => {
    expect(verdict(undefined, EXACT)).toBe('no figure that is open to us')
  })
})

test('a figure is met as printed or better, and not where it was not measured', () => {
  const deepedn = publishedFor('deepedn-2021')!
  const met = (measured: Measured) => comparedFigures(deepedn, measured).map(figure => figure.met)
  expect(met(LOSSY)).toEqual([true, false, false])
  expect(met({ ...LOSSY, psnr: 50, ssim: 0.99, entropy: 7.99 })).toEqual([true, true, true])
  expect(met(EXACT)).toEqual([true, false, true])
})

describe('at a glance', () => {
  const section = glanceSection(
    new Map([
      ['maniyath-2020', { ...EXACT, ssim: 1, npcr: 0.001, keyBits: 208 }],
      ['lossy', { ...LOSSY, npcr: 0.996, keyBits: 0 }],
    ]),
    7,
  )
  test('ten lines that are computed', () => {
    const lines = section.text[0]!.split('\n')
    expect(lines).toHaveLength(10)
    expect(lines[0]).toBe('* 2 of 7 systems ran; of the rest the last table but one says what is missing.')
    expect(lines[3]).toBe('* Every figure printed of them was met or passed by `maniyath-2020`.')
    expect(lines[6]).toMatch(/^\* Of those 1 keep .*: `maniyath-2020`\.$/)
    expect(lines[7]).toMatch(/ in `lossy`\.$/)
    expect(lines[8]).toMatch(/ of `lossy`: those here are public\.$/)
  })
  test('a picture that stands alone, three of each system', () => {
    const [figure] = section.figures!
    const svg = figure && 'svg' in figure ? figure.svg : ''
    expect(svg.match(/<use /g)).toHaveLength(6)
    // Two systems share the plain picture, which also came back: two pictures are in the file.
    expect(svg.match(/<image /g)).toHaveLength(2)
    expect(svg).not.toMatch(/href="(?!data:|#)/)
  })
})

test('a wall escapes names and frames what is missing', () => {
  const svg = wall([{ label: 'a <b> & c', pictures: [{ caption: 'x', image: dot(3) }, { caption: 'never' }] }], 'all')
  expect(svg).toContain('a &lt;b&gt; &amp; c')
  expect(svg.match(/<rect /g)).toHaveLength(1)
})

test('times are those of the clock that is given', async () => {
  const image = await drawPicture('landscape', 16, 16)
  let now = 0
  const { encryptMs, decryptMs } = await measureSystem('xor-reused-mask', [{ id: 'drawn', image }], 1, () => (now += 5))
  expect([encryptMs, decryptMs]).toEqual([5, 5])
})

test('measures a stream cipher as one: exact, flat, and without diffusion', async () => {
  const image = await drawPicture('landscape', 48, 48)
  const measured = await measureSystem('xor-reused-mask', [{ id: 'drawn', image }], 1)
  expect(measured).toMatchObject({ exact: true, ssim: 1, keyBits: 256 })
  expect(measured.entropy).toBeGreaterThan(7.9)
  expect(measured.npcr).toBeCloseTo(1 / (48 * 48 * image.channels), 6)
})

test('of pictures that nobody decrypts, cipher images are measured and nothing else', async () => {
  const image = await drawPicture('landscape', 32, 32)
  const measured = await measureSystem('ito-transform-2021', [{ id: 'drawn', image }], 1)
  expect(measured).toMatchObject({ exact: false, keyBits: 0 })
  expect(measured).not.toHaveProperty('psnr')
  expect(measured).not.toHaveProperty('ssim')
  expect(measured).not.toHaveProperty('decryptMs')
  expect(measured.shown).not.toHaveProperty('decrypted')
  expect(measured.entropy).toBeGreaterThan(1)
  expect(measured.correlation).toHaveLength(3)
  // Convolutions: one sample changes something, and only around it.
  expect(measured.npcr).toBeGreaterThan(0)
})
