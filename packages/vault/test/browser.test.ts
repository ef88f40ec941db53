import { image, KeyStream, platform, sha256Of, toHex } from '@latent/core'
import { decodePng, encodePng } from '@latent/core/png'
import { type ExactFlows, openExactFlow, openFlows, sealingWeights, WEIGHT_SETS } from '@latent/schemes/exact-flow'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPage, chromium, openPage } from '../../../test/browser/page.ts'
import {
  collect,
  createAlbum,
  Keyring,
  type Lock,
  type Metadata,
  openSealed,
  prepareSeal,
  streamOf,
} from '../src/index.ts'
import type * as Script from './vault-page.ts'
import { atLength, LONG } from '../../../test/long.ts'

/** Several chunks, and a last one that is not whole. */
const SIZE = 2 * 786_432 + 12_345
const PASSPHRASE = 'correct horse battery staple'

// That the page loads at all shows that nothing the vault's entry imports needs Node: the bundle is refused otherwise.
describe.skipIf(!chromium || !LONG)(`sealed files between Node and Chromium${atLength}`, () => {
  let page: BrowserPage<typeof Script>
  let opened: ExactFlows
  let identity: string
  let plain: Uint8Array
  let metadata: Metadata
  beforeAll(async () => {
    page = await openPage<typeof Script>(new URL('vault-page.ts', import.meta.url))
    opened = openFlows(weights => openExactFlow({ weights, threads: 1 }))
    identity = await generateIdentity()
    plain = await (await KeyStream.create(sha256Of(Uint8Array.of(1)), 'latent/v1/test/browser')).bytes(SIZE)
    metadata = { name: 'été.jpg', type: 'image/jpeg', size: SIZE, modified: 1_700_000_000_000 }
  })
  afterAll(async () => {
    await opened.close()
    await page.close()
  })

  async function sealInNode(lock: Lock, weights = sealingWeights): Promise<Uint8Array> {
    const body = { type: 'exact-flow+aes-256-gcm', weights: (await weights()).id } as const
    const sealing = await prepareSeal({ album: await createAlbum(lock), metadata, flows: opened.flows, body })
    return collect(sealing.png(streamOf(plain)))
  }

  // Digests first: a difference of megabytes is not worth printing.
  function expectPlain(bytes: Uint8Array): void {
    expect(bytes.length).toBe(SIZE)
    expect(toHex(sha256Of(bytes))).toBe(toHex(sha256Of(plain)))
  }

  test('each side uses its own primitives', async () => {
    expect(platform).toBe('node:crypto')
    expect(await page.call.primitives()).toBe('webcrypto')
  })

  test('sealed in Node, opened in Chromium', async () => {
    const found = await page.call.open(await sealInNode({ recipients: [await identityToRecipient(identity)] }), {
      identities: [identity],
    })
    expect(found.metadata).toEqual(metadata)
    expectPlain(found.bytes)
  })

  test('sealed in Chromium, opened in Node', async () => {
    const png = await page.call.seal(plain, metadata, { recipients: [await identityToRecipient(identity)] })
    const found = await openSealed(streamOf(png, 10_000), new Keyring({ identities: [identity] }), opened.flows)
    expect(found.metadata).toEqual(metadata)
    expectPlain(await collect(found.bytes))
  })

  test('a passphrase works both ways', async () => {
    const lock = { passphrase: PASSPHRASE, workFactor: 10 }
    expectPlain((await page.call.open(await sealInNode(lock), { passphrases: [PASSPHRASE] })).bytes)
    const found = await openSealed(
      streamOf(await page.call.seal(plain, metadata, lock)),
      new Keyring({ passphrases: [PASSPHRASE] }),
      opened.flows,
    )
    expectPlain(await collect(found.bytes))
  })

  test('files of every set of weights open in Chromium, one after the other', async () => {
    for (const { load: weights } of Object.values(WEIGHT_SETS)) {
      expectPlain(
        (
          await page.call.open(await sealInNode({ passphrase: PASSPHRASE, workFactor: 10 }, weights), {
            passphrases: [PASSPHRASE],
          })
        ).bytes,
      )
    }
  })

  test('Chromium notices a changed pixel and a stranger', async () => {
    const png = await sealInNode({ recipients: [await identityToRecipient(identity)] })
    await expect(page.call.open(png, { identities: [await generateIdentity()] })).rejects.toThrow(
      /none of the given keys/,
    )
    png[png.length >> 1]! ^= 1
    await expect(page.call.open(png, { identities: [identity] })).rejects.toThrow(/chunk 2 of 3 is damaged/)
  })

  test.each(['u8', 'u16'] as const)('the PNG codec gives the same %s samples in both', async format => {
    const samples =
      format === 'u8' ? plain.slice(0, 40 * 30 * 4) : new Uint16Array(plain.slice(0, 40 * 30 * 4 * 2).buffer)
    const drawn = image({
      width: 40,
      height: 30,
      channels: 4,
      format,
      data: samples,
      annotations: { Comment: 'drawn' },
    })
    const recoded = await page.call.recode(encodePng(drawn))
    expect(recoded.image).toEqual(drawn)
    expect(decodePng(recoded.png)).toEqual(drawn)
  })
})
