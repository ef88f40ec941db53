import { aes256GcmSeal, LatentError } from '@latent/core'
import { MIN_TILE_BYTES, sealingWeights } from '@latent/schemes/exact-flow'
import { describe, expect, test } from 'vitest'
import { BODY_TYPES, type BodyNeeds, bodyOf, findBody } from '../src/index.ts'
import { flows } from './fixtures.ts'

const { id: weights } = await sealingWeights()
const bytes = (length: number, first: number) => Uint8Array.from({ length }, (_, i) => (first + 7 * i) & 255)
const needs: BodyNeeds = { keys: { body: bytes(32, 1), flow: bytes(32, 2) }, header: bytes(32, 3), weights, flows }

test('names are what headers have said since the first release, and no others are known', () => {
  expect(BODY_TYPES).toEqual(['exact-flow+aes-256-gcm', 'aes-256-gcm'])
  expect(BODY_TYPES.map(type => [bodyOf(type).weights, bodyOf(type).smallestChunk])).toEqual([
    [true, 32],
    [false, 32],
  ])
  for (const name of ['', 'aes-256-gcm ', 'AES-256-GCM', 'exact-flow', 'toString', '__proto__'])
    expect(findBody(name)).toBeUndefined()
})

test('the flow takes the smallest chunk', () => {
  expect(bodyOf('exact-flow+aes-256-gcm').smallestChunk).toBeGreaterThanOrEqual(MIN_TILE_BYTES)
})

describe.each(BODY_TYPES)('%s', type => {
  const { smallestChunk } = bodyOf(type)

  test.each([smallestChunk, smallestChunk + 1, 255, 4096])(
    'a chunk of %i bytes comes back, 16 bytes longer while it is sealed',
    async size => {
      const cipher = await bodyOf(type).open(needs)
      const plain = bytes(size, 9)
      const sealed = await cipher.seal(5, false, plain.slice())
      expect(sealed.length).toBe(size + 16)
      expect(await cipher.open(5, false, sealed.slice())).toEqual(plain)
    },
  )

  test('another place, another end, another header, another key, a changed byte: no chunk', async () => {
    const cipher = await bodyOf(type).open(needs)
    const sealed = await cipher.seal(1, true, bytes(64, 4))
    expect(await cipher.open(1, true, sealed.slice())).toEqual(bytes(64, 4))
    expect(await cipher.open(2, true, sealed.slice())).toBeUndefined()
    expect(await cipher.open(2 ** 32 + 1, true, sealed.slice())).toBeUndefined()
    expect(await cipher.open(1, false, sealed.slice())).toBeUndefined()
    expect(
      await cipher.open(
        1,
        true,
        sealed.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
      ),
    ).toBeUndefined()
    expect(
      await (await bodyOf(type).open({ ...needs, header: bytes(32, 30) })).open(1, true, sealed.slice()),
    ).toBeUndefined()
    expect(
      await (
        await bodyOf(type).open({ ...needs, keys: { ...needs.keys, body: bytes(32, 31) } })
      ).open(1, true, sealed.slice()),
    ).toBeUndefined()
  })
})

test('the plain body is AES-256-GCM under the number of the chunk and a last flag; the flow lies in it', async () => {
  const plain = bytes(100, 8)
  const nonce = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1)
  const expected = await aes256GcmSeal(needs.keys.body, nonce, plain.slice(), needs.header)
  expect(await (await bodyOf('aes-256-gcm').open(needs)).seal(258, true, plain.slice())).toEqual(expected)
  const flow = await flows(weights)
  const permuted = await flow.encrypt(
    needs.keys.flow,
    new TextEncoder().encode('chunk\0\0\0\0\0\0\x01\x02'),
    plain.slice(),
  )
  expect(await (await bodyOf('exact-flow+aes-256-gcm').open(needs)).seal(258, true, plain.slice())).toEqual(
    await aes256GcmSeal(needs.keys.body, nonce, permuted, needs.header),
  )
})

test('weights that are not here are named', async () => {
  const other = bodyOf('exact-flow+aes-256-gcm').open({
    ...needs,
    weights: 'ab'.repeat(32),
    flows: async () => flows(weights),
  })
  await expect(other).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    message: expect.stringContaining('abababababababab'),
  })
  await expect(other).rejects.toBeInstanceOf(LatentError)
})
