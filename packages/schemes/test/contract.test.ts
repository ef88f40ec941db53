import {
  type Image,
  image,
  KeyStream,
  LatentError,
  NONCE_ANNOTATION,
  type SampleFormat,
  sha256Of,
  toHex,
} from '@latent/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  defineScheme,
  findScheme,
  MAX_NONCE_BYTES,
  openScheme,
  type OpenScheme,
  type Scheme,
  schemes,
} from '../src/index.ts'

// What a scheme says of itself decides which refusals are expected of it.
/* oxlint-disable vitest/no-conditional-expect */

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const NONCE = Uint8Array.from({ length: 16 }, (_, i) => i + 1)

async function noise(width: number, height: number, channels: number, format: SampleFormat): Promise<Image> {
  const count = width * height * channels
  const bytes = await (await KeyStream.create(key(77), 'latent/v1/test')).bytes(2 * count)
  const data =
    format === 'u8'
      ? bytes.slice(0, count)
      : format === 'u16'
        ? new Uint16Array(bytes.buffer, bytes.byteOffset, count).slice()
        : Float32Array.from({ length: count }, (_, i) => bytes[i]! / 255)
  return image({ width, height, channels, format, data })
}

const FORMATS: readonly SampleFormat[] = ['u8', 'u16', 'f32']
const BYTES: Readonly<Record<SampleFormat, number>> = { u8: 1, u16: 2, f32: 4 }

/** Odd sizes from one pixel on, those that the scheme says it takes; networks meet fewer, each compiles. */
function shapes({ accepts, weights }: Scheme): [number, number, number, SampleFormat][] {
  const { channels = [1, 2, 3, 4], sides: { minimum = 1, multiple = 1 } = {}, bytes = 1, formats } = accepts
  const sizes =
    weights === undefined
      ? [
          [1, 1],
          [1, 7],
          [5, 3],
          [9, 8],
          [17, 33],
        ]
      : [
          [1, 3],
          [minimum + 1, minimum + 4],
        ]
  const fitting = sizes.map(([w, h]) => [w!, h!].map(side => Math.ceil(Math.max(side, minimum) / multiple) * multiple))
  // What is below the smallest that it takes becomes that one: once is enough.
  const distinct = fitting.filter((size, i) => fitting.findIndex(other => String(other) === String(size)) === i)
  return distinct
    .flatMap(([width, height], size) =>
      channels.flatMap((count, c) =>
        formats
          // A network's second size: every format and every number of channels, not each with each.
          .filter((_, f) => weights === undefined || size === 0 || f === c % formats.length)
          .map((format): [number, number, number, SampleFormat] => [width!, height!, count, format]),
      ),
    )
    .filter(([w, h, c, f]) => w * h * c * BYTES[f] >= bytes)
}

const print = ({ data }: Image): string =>
  toHex(sha256Of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))
const code = (expected: string | RegExp) =>
  expect.objectContaining({ code: typeof expected === 'string' ? expected : expect.stringMatching(expected) })
/** A picture that the scheme takes for certain. */
const usual = ({ accepts: { formats, channels = [3] } }: Scheme) =>
  noise(16, 32, channels.includes(3) ? 3 : channels[0]!, formats[0]!)

test('every scheme describes itself, once', () => {
  expect(new Set(schemes.map(({ id }) => id)).size).toBe(schemes.length)
  for (const { id, title, role, paper, nonce, wire, accepts } of schemes) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    expect(title.length).toBeGreaterThan(3)
    if (role === 'published' || role === 'repaired') expect(paper?.year).toBeGreaterThan(1990)
    if (nonce.use !== 'none') expect(nonce.bytes).toBeGreaterThanOrEqual(8)
    expect(accepts.formats.length).toBeGreaterThan(0)
    expect(wire === 'as plain' || wire.length > 0).toBe(true)
  }
  expect(() => findScheme('enigma')).toThrow(LatentError)
})

describe.each(schemes.map(scheme => [scheme.id, scheme] as const))('%s', (_, scheme) => {
  let opened: OpenScheme
  beforeAll(async () => {
    opened = await openScheme(scheme)
  })
  afterAll(() => opened.close())
  const given = scheme.nonce.use === 'none' ? {} : { nonce: NONCE }

  test('there and back, in every format and number of channels that it takes', { timeout: 120_000 }, async () => {
    const all = shapes(scheme)
    expect(all.length).toBeGreaterThan(0)
    for (const [width, height, channels, format] of all) {
      const plain = await noise(width, height, channels, format)
      const [own, secret, before] = [key(1), NONCE.slice(), print(plain)]
      const hidden = await opened.cipher.encrypt(plain, own, given.nonce ? { nonce: secret } : {})
      expect([print(plain), toHex(own), toHex(secret)]).toEqual([before, toHex(key(1)), toHex(NONCE)])
      if (scheme.wire === 'as plain')
        expect({ ...hidden, data: 0, annotations: 0 }).toEqual({ ...plain, data: 0, annotations: 0 })
      else expect(hidden.format).toBe(scheme.wire[0])
      expect(hidden.data.length).toBe(hidden.width * hidden.height * hidden.channels)
      const sealed = print(hidden)
      if (!scheme.reversible) {
        await expect(opened.cipher.decrypt(hidden, own)).rejects.toEqual(code('E_UNSUPPORTED'))
        continue
      }
      const back = await opened.cipher.decrypt(hidden, own)
      expect({ ...back, data: 0, annotations: 0 }).toEqual({ ...plain, data: 0, annotations: 0 })
      if (scheme.exact) expect(print(back)).toBe(before)
      expect(print(hidden)).toBe(sealed)
    }
  })

  test('the wire format that is asked for, or a refusal', { timeout: 120_000 }, async () => {
    const plain = await usual(scheme)
    const offered = scheme.wire === 'as plain' ? [plain.format] : scheme.wire
    for (const wire of FORMATS) {
      const made = opened.cipher.encrypt(plain, key(1), { ...given, wire })
      if (offered.includes(wire)) expect((await made).format).toBe(wire)
      else await expect(made).rejects.toEqual(code('E_ARGUMENT'))
    }
  })

  test('formats, channels and sides that it does not take are refused as images', async () => {
    const {
      formats,
      channels = [1, 2, 3, 4],
      sides: { minimum = 1, multiple = 1, maximum = Infinity } = {},
      bytes = 1,
    } = scheme.accepts
    const encrypt = (plain: Image) => opened.cipher.encrypt(plain, key(1))
    for (const format of FORMATS.filter(one => !formats.includes(one)))
      await expect(encrypt(await noise(32, 32, channels[0]!, format))).rejects.toEqual(code('E_IMAGE'))
    for (const count of [1, 2, 3, 4, 5].filter(one => !channels.includes(one)))
      await expect(encrypt(await noise(32, 32, count, formats[0]!))).rejects.toEqual(code('E_IMAGE'))
    if (minimum > 1)
      await expect(encrypt(await noise(minimum - 1, 64, 3, formats[0]!))).rejects.toEqual(code('E_IMAGE'))
    if (multiple > 1)
      await expect(encrypt(await noise(multiple + 1, multiple, 3, formats[0]!))).rejects.toEqual(code('E_IMAGE'))
    if (bytes > 1) await expect(encrypt(await noise(1, bytes - 1, 1, 'u8'))).rejects.toEqual(code('E_IMAGE'))
    if (Number.isFinite(maximum))
      await expect(encrypt(await noise(maximum + multiple, multiple, 3, formats[0]!))).rejects.toEqual(code('E_LIMIT'))
    const plain = await usual(scheme)
    await expect(encrypt({ ...plain, width: plain.width + 1 })).rejects.toEqual(code('E_ARGUMENT'))
    await expect(encrypt({ ...plain, width: 0, data: new Uint8Array(0) })).rejects.toEqual(code('E_ARGUMENT'))
  })

  test('keys of the wrong kind are refused, and a wrong key opens nothing', { timeout: 120_000 }, async () => {
    const plain = await usual(scheme)
    const bad = [
      new Uint8Array(0),
      ...(scheme.key === 'bytes'
        ? []
        : [new Uint8Array(31), new Uint8Array(33), new TextEncoder().encode('{"vortices": 3}')]),
    ]
    for (const wrong of bad)
      await expect(opened.cipher.encrypt(plain, wrong)).rejects.toEqual(code(/^E_(ARGUMENT|KEY)$/))
    await expect(opened.cipher.encrypt(plain, 'k'.repeat(32) as unknown as Uint8Array)).rejects.toEqual(
      code('E_ARGUMENT'),
    )
    if (!scheme.reversible || scheme.secret === 'weights' || scheme.secret === 'none') return
    const hidden = await opened.cipher.encrypt(plain, key(1), given)
    await expect(opened.cipher.decrypt(hidden, new Uint8Array(0))).rejects.toEqual(code(/^E_(ARGUMENT|KEY)$/))
    const under = await opened.cipher.decrypt(hidden, key(2)).catch((error: unknown) => error)
    if (under instanceof LatentError) expect(under.code).toMatch(/^E_(NO_MATCH|IMAGE)$/)
    else expect(print(under as Image)).not.toBe(print(plain))
  })

  test('a check value where it has one, a refusal where not', { timeout: 120_000 }, async () => {
    const plain = await usual(scheme)
    if (!scheme.checkable)
      return expect(opened.cipher.encrypt(plain, key(1), { check: true })).rejects.toEqual(code('E_ARGUMENT'))
    const hidden = await opened.cipher.encrypt(plain, key(1), { ...given, check: true })
    await expect(opened.cipher.decrypt(hidden, key(2))).rejects.toEqual(code('E_NO_MATCH'))
    expect((await opened.cipher.decrypt(hidden, key(1))).width).toBe(plain.width)
  })

  test(
    'nonces: refused where there is no use for them, drawn where they must be fresh, and travelling',
    { timeout: 120_000 },
    async () => {
      const plain = await usual(scheme)
      const encrypt = (nonce: unknown) => opened.cipher.encrypt(plain, key(1), { nonce: nonce as Uint8Array })
      await expect(encrypt(new Uint8Array(MAX_NONCE_BYTES + 1))).rejects.toEqual(code('E_ARGUMENT'))
      await expect(encrypt('0102')).rejects.toEqual(code('E_ARGUMENT'))
      if (scheme.nonce.use === 'none') return expect(encrypt(NONCE)).rejects.toEqual(code('E_ARGUMENT'))
      const [once, twice] = [await encrypt(NONCE), await encrypt(NONCE)]
      expect(print(once)).toBe(print(twice))
      expect(print(await encrypt(key(5)))).not.toBe(print(once))
      expect(once.annotations?.[NONCE_ANNOTATION]).toMatch(/^[0-9a-f]+$/)
      const [drawn, again] = [await opened.cipher.encrypt(plain, key(1)), await opened.cipher.encrypt(plain, key(1))]
      expect(print(drawn) === print(again)).toBe(scheme.nonce.use === 'optional')
      await expect(
        opened.cipher.decrypt({ ...once, annotations: { ...once.annotations, [NONCE_ANNOTATION]: 'zz' } }, key(1)),
      ).rejects.toEqual(code('E_IMAGE'))
      if (scheme.nonce.use === 'fresh')
        await expect(opened.cipher.decrypt({ ...once, annotations: {} }, key(1))).rejects.toEqual(code('E_IMAGE'))
    },
  )

  test('weights: none where it has none, and not those of another', async () => {
    const bytes = new Uint8Array(64)
    await expect(openScheme(scheme, { weights: bytes })).rejects.toEqual(
      code(scheme.weights ? 'E_WEIGHTS' : 'E_ARGUMENT'),
    )
  })
})

test("a cipher of one's own is held to the same contract", async () => {
  const mine = defineScheme({
    id: 'mirror',
    title: 'Every byte complemented',
    accepts: { formats: ['u8'], channels: [3] },
    load: async () => {
      const turned = async (plain: Image): Promise<Image> => ({
        ...plain,
        data: (plain.data as Uint8Array).map(value => 255 - value),
      })
      return { encrypt: turned, decrypt: turned }
    },
  })
  const { cipher, close } = await openScheme(mine)
  const plain = await noise(4, 4, 3, 'u8')
  const hidden = await cipher.encrypt(plain, key(1))
  expect(print(hidden)).not.toBe(print(plain))
  expect(print(await cipher.decrypt(hidden, key(1)))).toBe(print(plain))
  await expect(cipher.encrypt(await noise(4, 4, 1, 'u8'), key(1))).rejects.toEqual(code('E_IMAGE'))
  await expect(cipher.encrypt(plain, key(1), { nonce: NONCE })).rejects.toEqual(code('E_ARGUMENT'))
  await close()
})
