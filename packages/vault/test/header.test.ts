import { concatBytes, deriveKey, hmacSha256, LatentError, sha256Of, toHex } from '@latent/core'
import { describe, expect, test } from 'vitest'
import {
  announcement,
  encodeHeader,
  FAMILY,
  fileKeys,
  type Header,
  headerId,
  headerSize,
  MAX_ENVELOPE,
  MAX_FILLER,
  MAX_HEADER,
  parseHeader,
  sizeFault,
  START_BYTES,
} from '../src/index.ts'
import { album, BODIES, sealBytes, text, WEIGHTS } from './cheap.ts'

const NONCE = sha256Of(text('a nonce'))
// Made in each test, not beside them: what runs while a file is loaded, a mutation run repeats for every test.
const fileKeysHere = () => fileKeys(album.key, NONCE)
const HEADER: Header = { body: 'aes-256-gcm', chunk: 4096, metadata: 128, nonce: NONCE, envelope: album.envelope }
const FLOW: Header = { ...HEADER, body: 'exact-flow+aes-256-gcm', weights: WEIGHTS }
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

/** The error that parsing ends with. */
function refusal(bytes: Uint8Array): { code: string; message: string } | undefined {
  try {
    parseHeader(bytes)
    return undefined
  } catch (error) {
    if (error instanceof LatentError && error.hint !== undefined) return { code: error.code, message: error.message }
    throw error
  }
}

describe.each([
  ['aes-256-gcm', HEADER],
  ['exact-flow+aes-256-gcm', FLOW],
] as const)('a header of %s', (_, header) => {
  test.each([0, 1, 999, MAX_FILLER])(
    'with %i bytes of filler has the lines of the format, and comes back',
    async filler => {
      const keys = await fileKeysHere()
      const bytes = await encodeHeader(header, keys, filler)
      expect(bytes.length).toBe(headerSize(header, filler))
      const fixed =
        `latent sealed 1\nbody ` +
        `${header.body}\n${header.weights === undefined ? '' : `weights ${WEIGHTS}\n`}chunk ` +
        `4096\nmetadata 128\nnonce ${toHex(NONCE)}\n`
      const front =
        `${fixed}envelope ${album.envelope.length}\n${latin1(album.envelope)}\nfiller ` +
        `${String(filler).padStart(5, '0')}\n`
      const covered = bytes.subarray(0, front.length + filler + 1)
      expect(latin1(bytes.subarray(0, front.length))).toBe(front)
      const noise =
        filler === 0
          ? new Uint8Array(0)
          : await deriveKey(keys.filler, 'latent/v1/sealed/filler-bytes', undefined, filler)
      expect(Buffer.from(bytes.subarray(front.length, front.length + filler)).equals(noise)).toBe(true)
      expect(latin1(bytes.subarray(front.length + filler))).toBe(
        `\nmac ${toHex(await hmacSha256(keys.header, [covered]))}\n`,
      )
      expect(headerId(header)).toEqual(sha256Of(text(fixed)))
      const parsed = parseHeader(concatBytes(bytes, text('the body')))!
      expect(parsed).toMatchObject({ header, size: bytes.length })
      expect('weights' in parsed.header).toBe(header.weights !== undefined)
      expect(await parsed.authenticate(keys)).toBe(true)
      expect(await parsed.authenticate(await fileKeys(album.key, sha256Of(NONCE)))).toBe(false)
    },
  )

  test('that is not all there is awaited, wherever it is cut', async () => {
    const keys = await fileKeysHere()
    const bytes = await encodeHeader(header, keys, 5)
    for (let length = 0; length < bytes.length; length++) expect(parseHeader(bytes.subarray(0, length))).toBeUndefined()
  })

  test('in which any byte that decides something was changed is refused, or its code is wrong', async () => {
    const keys = await fileKeysHere()
    const bytes = await encodeHeader(header, keys, 40)
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice()
      altered[at]! ^= 2
      let wrong: boolean
      try {
        const parsed = parseHeader(altered)
        wrong = parsed === undefined || !(await parsed.authenticate(keys))
      } catch {
        wrong = true
      }
      expect([at, wrong]).toEqual([at, true])
    }
  })
})

test('a filler above its limit is a fault of the program', async () => {
  await expect(encodeHeader(HEADER, await fileKeysHere(), MAX_FILLER + 1)).rejects.toMatchObject({ code: 'E_INTERNAL' })
})

test('the keys of a file are four, of the album and of its nonce', async () => {
  const file = await deriveKey(album.key, 'latent/v1/sealed/file', NONCE)
  const keys = await fileKeysHere()
  expect(keys).toEqual({
    body: await deriveKey(file, 'latent/v1/sealed/body'),
    flow: await deriveKey(file, 'latent/v1/sealed/flow'),
    header: await deriveKey(file, 'latent/v1/sealed/header'),
    filler: await deriveKey(file, 'latent/v1/sealed/filler'),
    note: await deriveKey(file, 'latent/v1/sealed/note'),
  })
  expect(await fileKeys(album.key, sha256Of(NONCE))).not.toEqual(keys)
})

describe('lines that are not of the format', () => {
  const header = async () => latin1(await encodeHeader(FLOW, await fileKeysHere(), 3))
  const hex = toHex(NONCE)
  const changed = async (from: string, to: string) => Buffer.from((await header()).replace(from, to), 'latin1')
  const withMac = async (to: (mac: string) => string) =>
    Buffer.from((await header()).replace(/mac [0-9a-f]{64}\n$/, to), 'latin1')

  test.each<[string, string, string, string]>([
    ['latent sealed 1', 'latent sealed ', 'E_HEADER', 'its first line is malformed'],
    ['latent sealed 1', 'latent sealed A', 'E_HEADER', 'its first line is malformed'],
    ['latent sealed 1', 'latent sealed 1 ', 'E_HEADER', 'its first line is malformed'],
    ['latent sealed 1', `latent sealed ${'1'.repeat(17)}`, 'E_HEADER', 'a line is too long'],
    [
      'latent sealed 1',
      `latent sealed ${'1'.repeat(16)}`,
      'E_UNSUPPORTED',
      `the format "latent sealed ${'1'.repeat(16)}"`,
    ],
    [
      'latent sealed 1',
      'latent sealed 2.0-rc',
      'E_UNSUPPORTED',
      '"latent sealed 2.0-rc", and this release reads "latent sealed 1"',
    ],
    ['exact-flow+', 'Exact-flow+', 'E_HEADER', 'its body line is malformed'],
    ['body exact', 'bode exact', 'E_HEADER', 'its body line is malformed'],
    ['body exact', 'body  exact', 'E_HEADER', 'its body line is malformed'],
    ['exact-flow+aes-256-gcm', '', 'E_HEADER', 'its body line is malformed'],
    ['exact-flow+aes-256-gcm', 'x'.repeat(65), 'E_HEADER', 'a line is too long'],
    ['exact-flow+aes-256-gcm', 'x'.repeat(64), 'E_UNSUPPORTED', `the body type ${'x'.repeat(64)}`],
    ['exact-flow+aes-256-gcm', 'aes-256-gcm', 'E_HEADER', 'a line is too long'],
    [WEIGHTS, WEIGHTS.toUpperCase(), 'E_HEADER', 'its weights line is malformed'],
    [WEIGHTS, WEIGHTS.slice(1), 'E_HEADER', 'its weights line is malformed'],
    [WEIGHTS, ` ${WEIGHTS.slice(1)}`, 'E_HEADER', 'its weights line is malformed'],
    ['chunk 4096', 'chunk 04096', 'E_HEADER', 'its chunk line is malformed'],
    ['chunk 4096', 'chunk 4', 'E_HEADER', 'its chunk line is malformed'],
    ['chunk 4096', 'chunk 123456789', 'E_HEADER', 'its chunk line is malformed'],
    ['chunk 4096', 'chunk 4096 ', 'E_HEADER', 'its chunk line is malformed'],
    ['chunk 4096', 'chunk 127', 'E_HEADER', 'its chunk size is out of range'],
    ['chunk 4096', 'chunk 16777217', 'E_HEADER', 'its chunk size is out of range'],
    ['metadata 128', 'metadata 0', 'E_HEADER', 'its metadata line is malformed'],
    ['metadata 128', 'metadata 128x', 'E_HEADER', 'its metadata line is malformed'],
    ['metadata 128', 'metadata 1234567', 'E_HEADER', 'its metadata line is malformed'],
    ['metadata 128', 'metadata 129', 'E_HEADER', 'its metadata size is out of range'],
    ['metadata 128', 'metadata 64', 'E_HEADER', 'its metadata size is out of range'],
    ['metadata 128', 'metadata 4224', 'E_HEADER', 'its metadata size is out of range'],
    [hex, hex.slice(1), 'E_HEADER', 'its nonce line is malformed'],
    [hex, `${hex.slice(1)}g`, 'E_HEADER', 'its nonce line is malformed'],
    [hex, `g${hex.slice(1)}`, 'E_HEADER', 'its nonce line is malformed'],
    [hex, `${hex}0`, 'E_HEADER', 'a line is too long'],
    [`envelope ${album.envelope.length}`, 'envelope 0', 'E_HEADER', 'its envelope line is malformed'],
    [`envelope ${album.envelope.length}`, 'envelope x31', 'E_HEADER', 'its envelope line is malformed'],
    [`envelope ${album.envelope.length}`, 'envelope 31x', 'E_HEADER', 'its envelope line is malformed'],
    [`envelope ${album.envelope.length}`, 'envelope 1000000', 'E_HEADER', 'its envelope line is malformed'],
    [
      `envelope ${album.envelope.length}`,
      `envelope ${MAX_ENVELOPE + 1}`,
      'E_HEADER',
      'its age envelope is larger than allowed',
    ],
    [`envelope ${album.envelope.length}`, `envelope ${album.envelope.length - 1}`, 'E_HEADER', 'a line end is missing'],
    [`envelope ${album.envelope.length}`, 'envelope 1', 'E_HEADER', 'a line end is missing'],
    ['filler 00003', 'filler 3', 'E_HEADER', 'its filler line is malformed'],
    ['filler 00003', 'filler 000003', 'E_HEADER', 'its filler line is malformed'],
    ['filler 00003', 'filler 0000x', 'E_HEADER', 'its filler line is malformed'],
    ['filler 00003', 'filler x00003', 'E_HEADER', 'its filler line is malformed'],
    ['filler 00003', `filler 0${MAX_FILLER + 1}`, 'E_HEADER', 'its filler is larger than allowed'],
    ['filler 00003', 'filler 00002', 'E_HEADER', 'a line end is missing'],
  ])('%j as %j', async (from, to, code, message) => {
    expect(refusal(await changed(from, to))).toEqual({ code, message: expect.stringContaining(message) })
  })

  test.each<[string, (mac: string) => string, string]>([
    ['capitals', mac => mac.toUpperCase(), 'its mac line is malformed'],
    ['a digit less', mac => `${mac.slice(0, -2)}\n`, 'its mac line is malformed'],
    ['a last digit that is none', mac => `${mac.slice(0, -2)}g\n`, 'its mac line is malformed'],
    ['a first digit that is none', mac => `mac g${mac.slice(5)}`, 'its mac line is malformed'],
    ['no end', mac => `${mac.slice(0, -1)}${'0'.repeat(70)}`, 'a line is too long'],
  ])('a code with %s', async (_, to, message) => {
    expect(refusal(await withMac(to))).toEqual({ code: 'E_HEADER', message: expect.stringContaining(message) })
  })

  test.each<[string, string]>([
    ['chunk 4096', 'chunk 128'],
    ['chunk 4096', 'chunk 16777216'],
    ['metadata 128', 'metadata 4096'],
  ])('%j may be %j', async (from, to) => {
    expect(refusal(await changed(from, to))).toBeUndefined()
    expect(parseHeader(await changed(from, to))!.size).toBe((await header()).length - from.length + to.length)
  })

  test('the largest filler is taken', async () => {
    const good = await header()
    const mac = good.slice(-69)
    expect(
      parseHeader(
        concatBytes(
          text(good.slice(0, good.indexOf('filler'))),
          text(`filler 0${MAX_FILLER}\n`),
          new Uint8Array(MAX_FILLER),
          text(`\n${mac}`),
        ),
      ),
    ).toBeDefined()
    // All that the limit lets pass is less than a reader looks at.
    expect(
      headerSize({ ...FLOW, chunk: 1 << 24, metadata: 1 << 16, envelope: new Uint8Array(MAX_ENVELOPE) }, MAX_FILLER),
    ).toBeLessThan(MAX_HEADER)
  })

  test('a line that goes on is awaited up to its limit, and no further', () => {
    expect(parseHeader(text(`latent sealed ${'1'.repeat(16)}`))).toBeUndefined()
    expect(refusal(text(`latent sealed ${'1'.repeat(17)}`))).toMatchObject({
      message: expect.stringContaining('a line is too long'),
    })
    expect(parseHeader(text(`latent sealed 1\nbody ${'x'.repeat(64)}`))).toBeUndefined()
    expect(refusal(text(`latent sealed 1\nbody ${'x'.repeat(65)}`))).toMatchObject({
      message: expect.stringContaining('a line is too long'),
    })
  })

  test('pixels that begin otherwise are no header', () => {
    for (const bytes of [text('x'), text('latent sealex'), text('Latent sealed 1\n'), new Uint8Array(40)])
      expect(refusal(bytes)).toEqual({
        code: 'E_REENCODED',
        message: expect.stringContaining('do not start with a Latent header'),
      })
    expect(parseHeader(new Uint8Array(0))).toBeUndefined()
  })
})

describe('sizes', () => {
  const fault = (change: Partial<Header>) => sizeFault({ ...HEADER, ...change })

  test.each<[Partial<Header>, string | undefined]>([
    [{ envelope: new Uint8Array(0) }, 'its age envelope is larger than allowed'],
    [{ envelope: new Uint8Array(1) }, undefined],
    [{ envelope: new Uint8Array(MAX_ENVELOPE) }, undefined],
    [{ envelope: new Uint8Array(MAX_ENVELOPE + 1) }, 'its age envelope is larger than allowed'],
    [{ chunk: 127 }, 'its chunk size is out of range'],
    [{ chunk: 128 }, undefined],
    [{ chunk: 1 << 24 }, undefined],
    [{ chunk: (1 << 24) + 1 }, 'its chunk size is out of range'],
    [{ metadata: 0 }, 'its metadata size is out of range'],
    [{ metadata: 127 }, 'its metadata size is out of range'],
    [{ metadata: 4096 }, undefined],
    [{ metadata: 4096 + 128 }, 'its metadata size is out of range'],
    [{ metadata: 130 }, 'its metadata size is out of range'],
    [{ chunk: 1 << 20, metadata: 1 << 16 }, undefined],
    [{ chunk: 1 << 20, metadata: (1 << 16) + 128 }, 'its metadata size is out of range'],
  ])('case %#', (change, expected) => {
    expect(fault(change)).toBe(expected)
  })
})

describe('what the first bytes of a file announce', () => {
  const start = async (body = BODIES[0]![1]) => (await sealBytes(text('x'), { body })).slice(0, START_BYTES)

  test('a sealed file as we write it, as soon as the family is there', async () => {
    for (const [, body] of BODIES) {
      const file = await start(body)
      for (const length of [49 + FAMILY.length, START_BYTES])
        expect(announcement(file.subarray(0, length))).toBe('sealed')
      for (let length = 33; length < 49 + FAMILY.length; length++)
        expect(announcement(file.subarray(0, length))).toBe('open')
    }
  })

  test.each([49, 55, 62])('another file, where byte %i differs', async at => {
    const file = (await start()).map((byte, i) => (i === at ? byte ^ 1 : byte))
    expect(announcement(file)).toBe('other')
    expect(announcement(file.subarray(0, 63))).toBe('other')
  })

  test.each([37, 40, 41, 42, 48])(
    'another layout, where byte %i differs in a file that ends early; in a longer one it does not count',
    async at => {
      const file = (await start()).map((byte, i) => (i === at ? byte ^ 1 : byte))
      expect(announcement(file.subarray(0, at + 1))).toBe('other')
      expect(announcement(file.subarray(0, 62))).toBe('other')
      expect(announcement(file.subarray(0, at))).toBe('open')
      expect(announcement(file)).toBe('sealed')
    },
  )

  test.each([36, 43, 47])('byte %i between the two does not count', async at => {
    expect(announcement((await start()).map((byte, i) => (i === at ? byte ^ 1 : byte)).subarray(0, 60))).toBe('open')
  })
})
