import { sha256Of, toHex } from '@latent/core'
import { encodeSafetensors, type Parameter, tensor } from '@latent/graph'
import { readdir, readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { knownWeights, trainedWeights, weightsFrom } from '../src/exact-flow/known.ts'
import { TRAINED, TRAINED_SHA256 } from '../src/exact-flow/trained.ts'
import { modelFile as fromPage } from '../src/models/file-web.ts'
import { modelFile } from '../src/models/file-node.ts'
import { readCard } from '../src/models/model.ts'
import { schemes } from '../src/index.ts'
import {
  loadModel,
  type ModelCard,
  modelFor,
  networkWeights,
  otherWeights,
  readModel,
  writeModel,
} from '../src/models/index.ts'

const MODELS = new URL('../../../models/', import.meta.url)
const cards = await Promise.all(
  (await readdir(MODELS))
    .filter(name => name.endsWith('.json'))
    .map(async name => JSON.parse(await readFile(new URL(name, MODELS), 'utf8')) as ModelCard),
)
/** The smallest first: any will do. */
const trees = cards.filter(({ storage }) => storage !== 'i8').sort((a, b) => a.bytes - b.bytes)
const refusal = expect.objectContaining({ name: 'LatentError', code: 'E_WEIGHTS', hint: expect.any(String) })

/** The folder `models` with some files replaced. */
const served = (files: Readonly<Record<string, Uint8Array>>) => async (name: string) =>
  files[name] ?? (await modelFile(name))
const text = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('weights that come with Latent, and their cards', () => {
  const { id, scheme, profile, ...rest } = trees[0]!
  const other = trees.find(card => card.scheme !== scheme)!
  test.each<[string, unknown]>([
    ['another SHA-256', { id, scheme, profile, ...rest, sha256: '00'.repeat(32) }],
    [
      'a SHA-256 with one digit altered',
      { id, scheme, profile, ...rest, sha256: rest.sha256.slice(0, -1) + (rest.sha256.endsWith('0') ? '1' : '0') },
    ],
    ['half a SHA-256', { id, scheme, profile, ...rest, sha256: rest.sha256.slice(0, 32) }],
    ['no SHA-256', { id, scheme, profile, ...rest, sha256: undefined }],
    ['a SHA-256 that is a number', { id, scheme, profile, ...rest, sha256: 7 }],
    ['another name', { ...rest, id: other.id, scheme, profile }],
    ['another scheme', { ...rest, id, scheme: other.scheme, profile }],
    ['another profile', { ...rest, id, scheme, profile: 'tiny' }],
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"text"'],
    ['a digit too many', { id, scheme, profile, ...rest, sha256: `${rest.sha256}0` }],
    ['a digit before', { id, scheme, profile, ...rest, sha256: `0${rest.sha256}` }],
    ['capital digits', { id, scheme, profile, ...rest, sha256: rest.sha256.toUpperCase() }],
    ['no size', { id, scheme, profile, ...rest, bytes: undefined }],
    ['a size of nothing', { id, scheme, profile, ...rest, bytes: 0 }],
    ['a size that is no whole number', { id, scheme, profile, ...rest, bytes: 1000.5 }],
    ['a size above the limit', { id, scheme, profile, ...rest, bytes: 2 ** 28 + 1 }],
    ['a line behind', { id, scheme, profile, ...rest, sha256: `${rest.sha256}\n` }],
  ])('a card with %s is refused', async (_, card) => {
    await expect(loadModel(id, { scheme, profile }, served({ [`${id}.json`]: text(card) }))).rejects.toThrow(refusal)
  })

  test('a card that is not UTF-8 is refused, whatever the bytes stand in', async () => {
    const bytes = text({ id, scheme, profile, ...rest, title: '?' })
    await expect(
      loadModel(id, { scheme, profile }, served({ [`${id}.json`]: bytes.map(byte => (byte === 63 ? 255 : byte)) })),
    ).rejects.toThrow(refusal)
    expect((await loadModel(id, { scheme, profile }, served({ [`${id}.json`]: bytes }))).id).toBe(id)
  })

  test('a card by itself is read without asking what for, and must be whole', () => {
    const card = { id, scheme, profile, ...rest }
    expect(readCard(text(card), id)).toEqual(card)
    for (const bytes of [1, 2 ** 28]) expect(readCard(text({ ...card, bytes }), id).bytes).toBe(bytes)
    for (const change of [{ scheme: undefined }, { scheme: 7 }, { bytes: -1 }, { sha256: null }, { id: 'other' }])
      expect(() => readCard(text({ ...card, ...change }), id)).toThrow(refusal)
    // Of other weights than are wanted, each by itself.
    for (const wanted of [
      { scheme: 'other', profile },
      { scheme, profile: 'other' },
    ])
      expect(() => readCard(text(card), id, wanted)).toThrow(refusal)
  })

  test('what is loaded says what it is, and which card and file disagree is said', async () => {
    const model = await loadModel(id, { scheme, profile })
    expect({ ...model, tensors: Object.keys(model.tensors).length > 0 }).toEqual({
      id,
      scheme,
      profile,
      sha256: rest.sha256,
      tensors: true,
    })
    const wrong = served({ [`${id}.safetensors`]: Uint8Array.of(1) })
    await expect(loadModel(id, { scheme, profile }, wrong)).rejects.toThrow(
      `have the SHA-256 ${toHex(sha256Of(Uint8Array.of(1))).slice(0, 16)}..., and their card ` +
        `says ${rest.sha256.slice(0, 16)}...`,
    )
  })

  test('weights that a user gives come first; else those of the scheme, or of the id that it names', async () => {
    const named = trees.find(card => card.id === card.scheme)!
    expect((await modelFor({ scheme: named.scheme, profile: named.profile }, undefined)).sha256).toBe(named.sha256)
    expect((await modelFor({ scheme, profile, id }, undefined)).sha256).toBe(rest.sha256)
    const given = writeModel({ scheme, profile, tensors: {} }, { half: false })
    expect(await modelFor({ scheme, profile, id }, given)).toEqual({
      id: 'file',
      scheme,
      profile,
      sha256: toHex(sha256Of(given)),
      tensors: {},
    })
    await expect(modelFor({ scheme, profile: 'tiny', id }, given)).rejects.toThrow(refusal)
  })

  test('other weights of a scheme are found by the digits of their hash, and are what their card says', async () => {
    const [first, second] = cards.filter(card => card.scheme === 'flowcrypt-2025-compact')
    const wanted = { scheme: first!.scheme, profile: first!.profile, others: [first!.id, second!.id] }
    for (const { sha256 } of [first!, second!])
      expect(toHex(sha256Of((await otherWeights(wanted, sha256.slice(0, 16)))!))).toBe(sha256)
    expect(await otherWeights(wanted, '0'.repeat(16))).toBeUndefined()
    expect(await otherWeights({ ...wanted, others: [first!.id] }, second!.sha256.slice(0, 16))).toBeUndefined()
    const name = `${first!.id}.safetensors`
    const altered = served({ [name]: flipped(await modelFile(name), 5000) })
    await expect(otherWeights(wanted, first!.sha256.slice(0, 16), altered)).rejects.toThrow(refusal)
    await expect(otherWeights({ ...wanted, others: [other.id] }, first!.sha256.slice(0, 16))).rejects.toThrow(refusal)
  })

  test('what schemes name as other weights are weights of their own networks, and not those they have', async () => {
    const naming = schemes.flatMap(({ weights }) => (weights?.others ? [weights] : []))
    expect(naming.length).toBeGreaterThan(2)
    for (const { scheme, profile, id = scheme, others } of naming)
      for (const name of others!) {
        expect(cards.find(card => card.id === name)).toMatchObject({ scheme, profile })
        expect(name).not.toBe(id)
      }
  })

  test('a card of another set of weights, and weights of another set', async () => {
    await expect(
      loadModel(id, { scheme, profile }, served({ [`${id}.json`]: await modelFile(`${other.id}.json`) })),
    ).rejects.toThrow(refusal)
    await expect(
      loadModel(id, { scheme, profile }, served({ [`${id}.safetensors`]: await modelFile(`${other.id}.safetensors`) })),
    ).rejects.toThrow(refusal)
  })

  test.each([
    ['Node', modelFile],
    ['a page', fromPage],
  ])('a file that is not there, in %s', async (_, read) => {
    await expect(read('no-such-weights.json')).rejects.toThrow(refusal)
    await expect(loadModel('no-such-weights', { scheme, profile }, read)).rejects.toThrow(refusal)
  })

  describe('in a page', () => {
    beforeEach(() => void vi.stubGlobal('location', { href: 'https://example.org/app/index.html' }))
    afterEach(() => void vi.unstubAllGlobals())

    test('are what the server beside the code answers', async () => {
      const asked: string[] = []
      vi.stubGlobal('fetch', (url: URL) => {
        asked.push(url.href)
        return Promise.resolve(new Response(Uint8Array.of(1, 2, 3)))
      })
      expect(await fromPage('toy.json')).toEqual(Uint8Array.of(1, 2, 3))
      expect(asked).toEqual(['https://example.org/app/models/toy.json'])
    })

    test.each<[string, () => Promise<Response>]>([
      ['a page that says that there is none', () => Promise.resolve(new Response('no such file', { status: 404 }))],
      ['a fault of the server', () => Promise.resolve(new Response('oops', { status: 500 }))],
      ['no answer', () => Promise.reject(new TypeError('failed to fetch'))],
      [
        'half an answer',
        () =>
          Promise.resolve({ ok: true, arrayBuffer: () => Promise.reject(new TypeError('network error')) } as Response),
      ],
    ])('%s is no weights', async (_, answer) => {
      vi.stubGlobal('fetch', answer)
      await expect(fromPage('toy.json')).rejects.toThrow(refusal)
    })
  })
})

describe('the exact flow, whose weights travel in a module', () => {
  test('are those of the folder models', async () => {
    expect((await trainedWeights()).id).toBe(TRAINED_SHA256)
    expect(toHex(sha256Of(await modelFile('exact-flow.weights')))).toBe(TRAINED_SHA256)
    expect((await knownWeights(TRAINED_SHA256)).id).toBe(TRAINED_SHA256)
    await expect(knownWeights(TRAINED_SHA256.replace(/.$/, '7'))).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
  })

  test('one weight altered: refused, though it is a set of weights like any other', () => {
    const bytes = Uint8Array.from(atob(TRAINED), character => character.charCodeAt(0))
    const altered = flipped(bytes, 100)
    expect(() => weightsFrom(Buffer.from(altered).toString('base64'), toHex(sha256Of(altered)))).not.toThrow()
    expect(() => weightsFrom(Buffer.from(altered).toString('base64'), TRAINED_SHA256)).toThrow(refusal)
  })
})

describe('weights from anywhere', () => {
  const wanted = { scheme: 'toy', profile: 'small' }
  const tensors = {
    'net.weight': tensor('f32', [2, 2], Float32Array.of(1, 2, 3, 4)),
    'net.bias': tensor('f32', [2], Float32Array.of(5, 6)),
  }
  const good = () => writeModel({ ...wanted, tensors }, { half: false })
  const parameter = (...dims: number[]): Parameter => ({ dtype: 'f32', dims, init: { kind: 'constant', value: 0 } })
  const parameters = { weight: parameter(2, 2), bias: parameter(2) }

  test('are read as they were written, and named by their hash', () => {
    expect(readModel(good(), wanted)).toEqual({ id: 'file', ...wanted, sha256: toHex(sha256Of(good())), tensors })
    expect(networkWeights(readModel(good(), wanted), 'net', parameters)).toEqual({
      weight: tensors['net.weight'],
      bias: tensors['net.bias'],
    })
  })

  const withBias = (values: readonly number[], half = false) =>
    writeModel(
      { ...wanted, tensors: { ...tensors, 'net.bias': tensor('f32', [2], Float32Array.from(values)) } },
      { half },
    )
  test.each<[string, () => Uint8Array, RegExp]>([
    [
      'of another scheme',
      () => writeModel({ ...wanted, scheme: 'other', tensors }, { half: false }),
      /of other, and toy was asked for/,
    ],
    [
      'of another profile',
      () => writeModel({ ...wanted, profile: 'large', tensors }, { half: false }),
      /of the profile large, and small was asked for/,
    ],
    ['with NaN', () => withBias([5, NaN]), /net\.bias holds values that are no numbers/],
    [
      'with integers',
      () =>
        encodeSafetensors({
          tensors: { ...tensors, 'net.bias': tensor('i32', [2], Int32Array.of(5, 6)) },
          metadata: { ...wanted },
        }),
      /expected floats for net\.bias, received i32/,
    ],
  ])('%s: what is wrong is said', (_, bytes, message) => {
    expect(() => readModel(bytes(), wanted)).toThrow(message)
  })

  test('are stored with 16 bits where that is asked for', () => {
    const half = writeModel({ ...wanted, tensors }, { half: true })
    expect([half, good()].map(file => new TextDecoder('latin1').decode(file).match(/F16|F32/g))).toEqual([
      ['F16', 'F16'],
      ['F32', 'F32'],
    ])
    expect(readModel(half, wanted).tensors).toEqual(tensors)
  })

  test.each<[string, () => Uint8Array]>([
    ['cut short', () => good().subarray(0, good().length - 1)],
    ['with a byte too many', () => Uint8Array.of(...good(), 0)],
    ['with NaN', () => withBias([5, NaN])],
    ['with infinity', () => withBias([Infinity, 6])],
    ['with minus infinity', () => withBias([5, -Infinity])],
    ['too large for halves', () => withBias([5, 70_000], true)],
    [
      'with integers',
      () =>
        encodeSafetensors({
          tensors: { ...tensors, 'net.bias': tensor('i32', [2], Int32Array.of(5, 6)) },
          metadata: { ...wanted },
        }),
    ],
    ['of another scheme', () => writeModel({ ...wanted, scheme: 'other', tensors }, { half: false })],
    ['of another profile', () => writeModel({ ...wanted, profile: 'large', tensors }, { half: false })],
    ['without a scheme', () => encodeSafetensors({ tensors, metadata: { profile: 'small' } })],
    ['without a profile', () => encodeSafetensors({ tensors, metadata: { scheme: 'toy' } })],
  ])('%s: refused', (_, bytes) => {
    expect(() => readModel(bytes(), wanted)).toThrow(
      expect.objectContaining({ name: 'LatentError', code: 'E_WEIGHTS' }),
    )
  })

  test.each([{}, { scheme: 'toy' }, { profile: 'small' }])(
    'that do not say what they are of are told what to do: %j',
    metadata => {
      expect(() => readModel(encodeSafetensors({ tensors, metadata }), wanted)).toThrow(
        expect.objectContaining({
          message: expect.stringContaining('does not say which scheme'),
          hint: expect.stringContaining('latent model add'),
        }),
      )
    },
  )

  test('above the limit: refused before it is read', () => {
    expect(() => readModel({ length: 2 ** 28 + 1 } as Uint8Array, wanted)).toThrow(
      expect.objectContaining({ code: 'E_LIMIT', hint: expect.any(String) }),
    )
    // As large as may be, it is read: and is no weights.
    expect(() => readModel(new Uint8Array(2 ** 28), wanted)).toThrow(refusal)
  })

  test.each<[string, Record<string, Parameter>]>([
    ['a shape turned over', { weight: parameter(4), bias: parameter(2) }],
    ['another number of outputs', { weight: parameter(2, 2), bias: parameter(3) }],
    ['an array that is not there', { weight: parameter(2, 2), bias: parameter(2), scale: parameter(2) }],
    ['an array that no network has', { weight: parameter(2, 2) }],
    ['another name', { weight: parameter(2, 2), biases: parameter(2) }],
  ])('%s does not fit a network', (_, expected) => {
    expect(() => networkWeights(readModel(good(), wanted), 'net', expected)).toThrow(refusal)
  })

  test('what does not fit is named, with what was expected', () => {
    const model = readModel(good(), wanted)
    expect(() => networkWeights(model, 'net', { weight: parameter(2, 2), bias: parameter(3) })).toThrow(
      'expected net.bias with dims [3], received [2]',
    )
    expect(() =>
      networkWeights(model, 'net', { weight: parameter(2, 2), bias: parameter(2), scale: parameter(2) }),
    ).toThrow('expected net.scale with dims [2], received none')
    expect(() => networkWeights(model, 'net', { weight: parameter(2, 2) })).toThrow(
      'expected 1 arrays in net, received 2',
    )
    expect(() => networkWeights(model, 'other', parameters)).toThrow(
      'expected other.weight with dims [2, 2], received none',
    )
  })

  test('a network is not taken for one whose name begins alike', () => {
    const both = readModel(
      writeModel(
        { ...wanted, tensors: { ...tensors, 'network.weight': tensor('f32', [1], Float32Array.of(9)) } },
        { half: false },
      ),
      wanted,
    )
    expect(networkWeights(both, 'net', parameters)).toEqual({
      weight: tensors['net.weight'],
      bias: tensors['net.bias'],
    })
  })
})
