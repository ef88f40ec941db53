import { type Image, image, imageFromBytes, NONCE_ANNOTATION, sampleBytes } from '@latent/core'
import { decodePng, encodePng, type PngChunk, readPng } from '@latent/core/png'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  decryptPicture,
  encryptPicture,
  type EncryptPictureOptions,
  findScheme,
  openScheme,
  type OpenScheme,
  openSchemeFor,
  schemeOf,
  schemes,
} from '../src/index.ts'
import { modelFile } from '../src/models/file-node.ts'

const key = Uint8Array.from({ length: 32 }, (_, i) => 7 * i)
const wrong = key.map(byte => byte ^ 1)
const plain: Image<'u8'> = image({
  width: 32,
  height: 16,
  channels: 3,
  format: 'u8',
  data: Uint8Array.from({ length: 32 * 16 * 3 }, (_, i) => (i * i) >>> 4),
})
const beside: PngChunk[] = [
  { type: 'gAMA', data: Uint8Array.of(0, 0, 177, 143) },
  { type: 'tEXt', data: new TextEncoder().encode('Place\0on the dunes') },
]

/** As it travels: through a PNG and back. */
async function sent(scheme: OpenScheme, options: EncryptPictureOptions = {}, source: Image = plain) {
  const made = await encryptPicture(scheme, source, key, options)
  return { ...readPng(encodePng(made.image, 0, made.chunks)), fresh: made.fresh }
}

const opened: OpenScheme[] = []
const open = async (id: string) => {
  const scheme = await openScheme(id)
  opened.push(scheme)
  return scheme
}
let flow: OpenScheme
let trained: OpenScheme
beforeAll(async () => {
  flow = await open('exact-flow')
  trained = await open('exact-flow-trained')
})
afterAll(() => Promise.all(opened.map(({ close }) => close())))

describe('whatever the picture, it comes back', () => {
  const wide = image({
    width: 9,
    height: 7,
    channels: 2,
    format: 'u16',
    data: Uint16Array.from({ length: 126 }, (_, i) => i * 499),
  })

  test.each([
    'exact-flow',
    'exact-flow-trained',
    'exact-flow-2',
    'aes-256-ctr',
    'aes-256-gcm',
    'chacha20',
    'fixed-permutation',
  ])('%s: 8 and 16 bits, with what stood beside the pixels', async id => {
    const scheme = await open(id)
    for (const source of [plain, wide]) {
      const { image: cipher, beside: chunks } = await sent(scheme, { beside }, source)
      expect(schemeOf(cipher)).toBe(id)
      const back = await decryptPicture(scheme, cipher, key, { chunks })
      expect(back).toEqual({
        image: source,
        beside: beside.map(({ type, data }) => ({ type, data: new Uint8Array(data) })),
        key: 'right',
        picture: 'as written',
        besideLost: false,
      })
    }
  })

  test('every scheme that takes an 8-bit picture and a 32-byte key names itself and knows its key', async () => {
    let tried = 0
    for (const { id, reversible, wire: wires } of schemes) {
      if (/gan|flowcrypt|dense|ito/.test(id)) continue
      const scheme = await open(id)
      // What is written as floats by default travels in a PNG as integers.
      const wire = wires === 'as plain' || wires[0] !== 'f32' ? undefined : 'u16'
      const { image: cipher } = await sent(scheme, wire === undefined ? {} : { wire }, plain)
      expect(schemeOf(cipher)).toBe(id)
      await expect(decryptPicture(scheme, cipher, wrong)).rejects.toMatchObject({ code: 'E_NO_MATCH' })
      const back = !reversible ? plain : (await decryptPicture(scheme, cipher, key)).image
      expect(back.data.length).toBe(plain.data.length)
      tried++
    }
    expect(tried).toBeGreaterThan(25)
  })

  test('a cipher picture encrypted again keeps its labels inside', async () => {
    const inner = await sent(flow, { beside })
    const outer = await sent(trained, { beside: inner.beside }, inner.image)
    const once = await decryptPicture(trained, outer.image, key, { chunks: outer.beside })
    const file = readPng(encodePng(once.image, 0, once.beside))
    expect((await decryptPicture(flow, file.image, key, { chunks: file.beside })).image).toEqual(plain)
  })
})

describe('nonces', () => {
  test('equal pictures give other cipher pictures, unless nothing is to be drawn', async () => {
    const [first, second] = [await sent(flow), await sent(flow)]
    expect(first.image.annotations![NONCE_ANNOTATION]).toMatch(/^[0-9a-f]{32}$/)
    expect(first.image.data).not.toEqual(second.image.data)
    expect(first.fresh).toBe(true)
    const [third, fourth] = [
      await encryptPicture(flow, plain, key, { deterministic: true, beside }),
      await encryptPicture(flow, plain, key, { deterministic: true, beside }),
    ]
    expect(third).toEqual(fourth)
    expect(third.fresh).toBe(false)
    expect(NONCE_ANNOTATION in third.image.annotations!).toBe(false)
    expect((await decryptPicture(flow, third.image, key, { chunks: third.chunks })).image.data).toEqual(plain.data)
  })

  test('two texts beside one picture, nothing drawn: no nonce is used twice', async () => {
    const with1 = async (text: string) =>
      (
        await encryptPicture(flow, plain, key, {
          deterministic: true,
          beside: [{ type: 'tEXt', data: new TextEncoder().encode(`a\0${text}`) }],
        })
      ).chunks[0]!.data.subarray(0, 12)
    expect(await with1('x')).not.toEqual(await with1('y'))
  })

  test('a cipher without a nonce says it is not fresh; one that always draws cannot be deterministic', async () => {
    expect((await sent(await open('fixed-permutation'))).fresh).toBe(false)
    await expect(encryptPicture(await open('aes-256-gcm'), plain, key, { deterministic: true })).rejects.toMatchObject({
      code: 'E_ARGUMENT',
    })
    await expect(
      encryptPicture(flow, plain, key, { deterministic: true, nonce: Uint8Array.of(1) }),
    ).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})

describe('one key file for several ciphers', () => {
  test('no two ciphers and no two sets of weights share what they derive', async () => {
    const nonce = Uint8Array.of(1)
    const ids = [
      'exact-flow',
      'exact-flow-trained',
      'exact-flow-2',
      'exact-flow-stream-only',
      'exact-flow-network-only',
      'exact-flow-network-only-untrained',
    ]
    const black = image({ width: 16, height: 16, channels: 1, format: 'u8', data: new Uint8Array(256) })
    const direct = new Set<string>()
    const made = new Set<string>()
    for (const id of ids) {
      const scheme = await open(id)
      const { image: cipher } = await encryptPicture(scheme, black, key, { nonce })
      made.add(String(cipher.data))
      direct.add(String((await scheme.cipher.encrypt(black, key, { nonce })).data))
      for (const other of ids.filter(other => other !== id))
        await expect(decryptPicture(await open(other), cipher, key, { nonce })).rejects.toMatchObject({
          code: 'E_IMAGE',
          message: expect.stringContaining(id),
        })
    }
    for (const one of direct) expect(made.has(one)).toBe(false)
    expect(made.size).toBe(ids.length)
  })

  test('the cipher alone, and pictures of before, are as they were', async () => {
    const cipher = await flow.cipher.encrypt(plain, key, { nonce: Uint8Array.of(1, 2) })
    const old = decodePng(encodePng(cipher, 0))
    expect(await decryptPicture(flow, old, key)).toEqual({
      image: plain,
      beside: [],
      key: 'unknown',
      picture: 'unknown',
      besideLost: false,
    })
    expect((await decryptPicture(flow, old, wrong)).image.data).not.toEqual(plain.data)
  })
})

describe('a picture names the weights it was made with', () => {
  const weightsOf = (id: string) => modelFile(`${id}.safetensors`)

  test.each([
    ['flowcrypt-2025-compact', 'flowcrypt-2025-compact-quality'],
    ['dense-resnet-2024', 'dense-resnet-2024-structured-paper'],
    ['dense-resnet-2024-repaired', 'dense-resnet-2024-structured-paper'],
  ])('%s of %s, which may have been its own in an earlier release: opened with them', async (id, named) => {
    const scheme = findScheme(id)
    const weights = await weightsOf(named)
    const then = await openScheme(scheme, { weights })
    opened.push(then)
    const { image: cipher } = await sent(then, { wire: 'u8' })
    const now = await openSchemeFor(cipher, scheme)
    opened.push(now)
    expect(now.weights).toBe(then.weights)
    const [back, expected] = [await decryptPicture(now, cipher, key), await decryptPicture(then, cipher, key)]
    expect(back).toEqual(expected)
    expect(back.key).toBe('right')
    // The scheme's own weights refuse it; those of others are not looked for.
    await expect(decryptPicture(await open(id), cipher, key)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    const strange = await openSchemeFor(relabelled(cipher, { 'latent:weights': '0123456789abcdef' }), scheme)
    opened.push(strange)
    expect(strange.weights).toBe((await open(id)).weights)
  })

  test('weights that are given come before those that it names', async () => {
    const scheme = findScheme('flowcrypt-2025-compact')
    const [named, given] = [await weightsOf(`${scheme.id}-quality`), await weightsOf(`${scheme.id}-statistics`)]
    const then = await openScheme(scheme, { weights: named })
    opened.push(then)
    const { image: cipher } = await sent(then, { wire: 'u8' })
    const now = await openSchemeFor(cipher, scheme, { weights: given })
    opened.push(now)
    expect(now.weights).not.toBe(then.weights)
    await expect(decryptPicture(now, cipher, key)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })
})

describe('what goes wrong is said', () => {
  test.each<
    [
      string,
      (
        cipher: Image,
        chunks: readonly PngChunk[],
      ) => { cipher?: Image; chunks?: readonly PngChunk[]; key?: Uint8Array },
      string,
    ]
  >([
    ['another key', () => ({ key: wrong }), 'E_NO_MATCH'],
    ['one changed bit', cipher => ({ cipher: changed(cipher, 1000) }), 'E_HASH'],
    ['another nonce', cipher => ({ cipher: relabelled(cipher, { [NONCE_ANNOTATION]: '00'.repeat(16) }) }), 'E_HASH'],
    ['no derivation', cipher => ({ cipher: relabelled(cipher, { 'latent:derivation': undefined }) }), 'E_HASH'],
    [
      'a derivation of later',
      cipher => ({ cipher: relabelled(cipher, { 'latent:derivation': '3' }) }),
      'E_UNSUPPORTED',
    ],
    [
      'other weights',
      cipher => ({ cipher: relabelled(cipher, { 'latent:weights': '0123456789abcdef' }) }),
      'E_WEIGHTS',
    ],
    ['half a check value', cipher => ({ cipher: relabelled(cipher, { 'latent:key-check': '00' }) }), 'E_IMAGE'],
    [
      'a code that is no code',
      cipher => ({ cipher: relabelled(cipher, { 'latent:mac': 'zz'.repeat(16) }) }),
      'E_IMAGE',
    ],
    ['no check value', cipher => ({ cipher: relabelled(cipher, { 'latent:key-check': undefined }) }), 'E_HASH'],
    [
      'no code',
      cipher => ({ cipher: relabelled(cipher, { 'latent:mac': undefined, 'latent:beside': undefined }) }),
      'E_HASH',
    ],
    [
      'neither check value nor what stood beside',
      cipher => ({ cipher: relabelled(cipher, { 'latent:key-check': undefined, 'latent:beside': undefined }) }),
      'E_HASH',
    ],
    [
      'its rows exchanged',
      cipher => ({
        cipher: imageFromBytes(Uint8Array.from(sampleBytes(cipher as Image<'u8'>)).toReversed(), cipher as Image<'u8'>),
      }),
      'E_HASH',
    ],
  ])('%s: %s', async (_, spoil, code) => {
    const { image: cipher, beside: chunks } = await sent(flow, { beside })
    const spoiled = { cipher, chunks, key, ...spoil(cipher, chunks) }
    const given =
      spoiled.cipher === cipher || spoiled.cipher.annotations
        ? spoiled.cipher
        : { ...spoiled.cipher, annotations: cipher.annotations! }
    await expect(decryptPicture(flow, given, spoiled.key, { chunks: spoiled.chunks })).rejects.toMatchObject({ code })
  })

  test('an altered picture comes back if asked for, and says so', async () => {
    const { image: cipher } = await sent(await open('aes-256-ctr'))
    const back = await decryptPicture(await open('aes-256-ctr'), changed(cipher, 5), key, { altered: true })
    expect(back.picture).toBe('altered')
    expect(back.image.data.findIndex((value, i) => value !== plain.data[i])).toBe(5)
  })

  test('a lossy cipher makes do with an altered picture, and says so', async () => {
    const scheme = await open('mask-autoencoder-2025-mnist-repaired')
    const { image: cipher } = await sent(scheme)
    expect((await decryptPicture(scheme, cipher, key)).picture).toBe('as written')
    expect((await decryptPicture(scheme, changed(cipher, 9), key)).picture).toBe('altered')
    await expect(decryptPicture(scheme, changed(cipher, 9), wrong)).rejects.toMatchObject({ code: 'E_NO_MATCH' })
  })

  test('what stood beside was dropped or exchanged: the picture comes back, and says so', async () => {
    const [one, other] = [await sent(flow, { beside }), await sent(flow, { beside: beside.slice(1) })]
    for (const chunks of [[], other.beside])
      expect(await decryptPicture(flow, one.image, key, { chunks })).toMatchObject({
        image: plain,
        beside: [],
        besideLost: true,
        picture: 'as written',
      })
  })

  test('texts of others may be added on the way', async () => {
    const { image: cipher } = await sent(flow)
    expect((await decryptPicture(flow, relabelled(cipher, { Software: 'a cloud' }), key)).picture).toBe('as written')
  })

  test('without codes nothing is claimed', async () => {
    const { image: cipher } = await sent(flow, { check: false })
    expect(await decryptPicture(flow, cipher, wrong)).toMatchObject({ key: 'unknown', picture: 'unknown' })
    const kept = await sent(flow, { check: false, beside })
    expect(await decryptPicture(flow, changed(kept.image, 3), key, { chunks: kept.beside })).toMatchObject({
      key: 'right',
      picture: 'unknown',
      besideLost: false,
    })
  })

  test('what stands beside is not to be read without the key', async () => {
    const { chunks, image: cipher } = await encryptPicture(flow, plain, key, { beside })
    const file = Buffer.from(encodePng(cipher, 0, chunks))
    for (const word of ['dunes', 'gAMA', 'Place']) expect(file.includes(word)).toBe(false)
  })
})

const changed = (source: Image, at: number): Image => ({
  ...source,
  data: (source.data as Uint8Array).map((value, i) => (i === at ? value ^ 4 : value)),
})

function relabelled(source: Image, labels: Readonly<Record<string, string | undefined>>): Image {
  const annotations = Object.entries({ ...source.annotations, ...labels }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return { ...source, annotations: Object.fromEntries(annotations) }
}
