import { toHex } from '@latent/core'
import { expect, test } from 'vitest'
import { collect, inspectSealed, type Metadata, prepareSeal, readCarrier, streamOf } from '../src/index.ts'
import { BODIES, flows, noise, testAlbum, text } from './fixtures.ts'

// What a sealed file shows to whoever has no key: docs/security.md holds this list.

const { album } = await testAlbum()

async function sealed(
  bytes: Uint8Array,
  metadata: Partial<Metadata> = {},
  body = BODIES['exact-flow+aes-256-gcm']!,
): Promise<Uint8Array> {
  const sealing = await prepareSeal({
    album,
    flows,
    body,
    metadata: { name: 'photo.jpg', type: 'image/jpeg', size: bytes.length, modified: 1_700_000_000_000, ...metadata },
  })
  return collect(sealing.png(streamOf(bytes)))
}
const pixels = async (png: Uint8Array) => Buffer.from(await collect((await readCarrier(streamOf(png))).pixels))

/** Everything that anyone can read off it, but for the nonce, which is drawn. */
async function shown(png: Uint8Array): Promise<object> {
  const { geometry, header, headerSize, chunks } = await inspectSealed(streamOf(png))
  return {
    geometry,
    headerSize,
    chunks,
    ...header,
    nonce: header.nonce.length,
    envelope: toHex(header.envelope),
    size: png.length,
  }
}

test.each(Object.entries(BODIES))(
  '%s: files that differ in content, name, type, time and mode show the same',
  async (_, body) => {
    const [zeros, noisy] = [new Uint8Array(5000), await noise(5000, 'tells')]
    const plain = await shown(await sealed(zeros, {}, body))
    const others: [Uint8Array, Partial<Metadata>][] = [
      [noisy, {}],
      [zeros, { name: 'a' }],
      [zeros, { name: 'Scan of my passport, page 2.pdf' }],
      [zeros, { type: 'application/pdf' }],
      [zeros, { modified: -1 }],
      [zeros, { modified: Number.MAX_SAFE_INTEGER }],
      [zeros, { mode: 0o600 }],
      [zeros, { name: 'b\udce4r.jpg', mode: 0o640 }],
    ]
    for (const [bytes, metadata] of others) expect(await shown(await sealed(bytes, metadata, body))).toEqual(plain)
  },
)

test.each(Object.entries(BODIES))('%s: neither name, type, time nor content stands in it', async (_, body) => {
  const secret = text('a very secret line of text, many times over. '.repeat(100))
  const found = await pixels(await sealed(secret, { name: 'holiday in Trieste.jpg', mode: 0o640 }, body))
  for (const word of ['secret', 'Trieste', 'image/jpeg', '1700000000000', 'mode', '{"name"'])
    expect([word, found.includes(word)]).toEqual([word, false])
})

test.each(Object.entries(BODIES))(
  '%s: one file sealed twice has nothing in common but what is not of the file',
  async (_, body) => {
    const bytes = new Uint8Array(20_000)
    const [a, b] = [await sealed(bytes, {}, body), await sealed(bytes, {}, body)]
    const { headerSize } = await inspectSealed(streamOf(a))
    const [x, y] = [(await pixels(a)).subarray(headerSize), (await pixels(b)).subarray(headerSize)]
    expect(x.length).toBe(y.length)
    const equal = x.reduce((sum, byte, i) => sum + (byte === y[i] ? 1 : 0), 0)
    // One byte in 256 agrees by chance: 79 of these, give or take nine.
    expect(equal).toBeGreaterThan(79 - 5 * 9)
    expect(equal).toBeLessThan(79 + 5 * 9)
  },
)

test('what shows: size, in steps of 128 bytes the length of a long name, that files share an envelope', async () => {
  const size = async (bytes: number, metadata: Partial<Metadata> = {}) =>
    inspectSealed(streamOf(await sealed(new Uint8Array(bytes), metadata, { type: 'aes-256-gcm' })))
  expect((await size(1000)).chunks.sealedSize).not.toBe((await size(1001)).chunks.sealedSize)
  const regions = await Promise.all(
    [1, 30, 100, 255].map(async length => (await size(1000, { name: 'n'.repeat(length) })).header.metadata),
  )
  expect(regions).toEqual([128, 128, 256, 384])
  expect((await size(1)).header.envelope).toEqual((await size(2)).header.envelope)
})
