import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPage, chromium, openPage } from '../../../test/browser/page.ts'
import { openScheme } from '../src/index.ts'
import type * as Script from './learned-page.ts'
import { atLength, LONG } from '../../../test/long.ts'

const script = new URL('learned-page.ts', import.meta.url)
const KEY = new Uint8Array(32).fill(5)
const NONCE = new Uint8Array(16).fill(3)

/** Soft gradients with a little noise, so that lossy schemes have something to keep. */
async function picture(width: number, height: number, channels: number): Promise<Image<'u8'>> {
  const noise = await (
    await KeyStream.create(sha256Of(Uint8Array.of(7)), 'latent/v1/test')
  ).bytes(width * height * channels)
  return image({
    width,
    height,
    channels,
    format: 'u8',
    data: noise.map((value, i) => Math.round(64 + ((Math.floor(i / channels) % width) * 96) / width + (value & 15))),
  })
}

/** Backends round differently in the last places of a float: a level in a sample, seldom. */
function expectAlike(a: Image, b: Image): void {
  expect([a.width, a.height, a.channels, a.format]).toEqual([b.width, b.height, b.channels, b.format])
  const unit = a.format === 'f32' ? 1e-4 : 1
  let apart = 0
  for (let i = 0; i < a.data.length; i++) {
    const distance = Math.abs(a.data[i]! - b.data[i]!)
    if (distance > unit) throw new Error(`sample ${i}: ${a.data[i]} and ${b.data[i]}`)
    if (distance > 0) apart++
  }
  expect(apart / a.data.length).toBeLessThanOrEqual(a.format === 'f32' ? 1 : 0.02)
}

describe.skipIf(!chromium || !LONG)(
  `learned schemes in Chromium, with weights that the page fetches${atLength}`,
  () => {
    let page: BrowserPage<typeof Script>
    beforeAll(async () => {
      page = await openPage<typeof Script>(script, {
        folders: { '/models/': new URL('../../../models/', import.meta.url) },
      })
    })
    afterAll(() => page.close())

    test.each([
      ['flowcrypt-2025-compact', 64, 64, 3],
      ['mask-autoencoder-2025-mnist-repaired', 28, 28, 1],
      ['encipher-gan-2023-structured', 64, 48, 3],
      // Its diffusion makes another cipher image of one level in the latent, as it should.
      ['dense-resnet-2024', 64, 64, 3, 'diffuses'],
    ] as const)('%s: the same pictures as in Node', async (id, width, height, channels, diffuses?) => {
      const plain = await picture(width, height, channels)
      const there = await page.call.thereAndBack(id, plain, KEY, NONCE)
      const { cipher, close } = await openScheme(id)
      try {
        const encrypted = await cipher.encrypt(plain, KEY, cipher.traits.randomised ? { nonce: NONCE } : {})
        if (!diffuses) expectAlike(there.cipher, encrypted)
        expect(Object.keys(there.cipher.annotations ?? {}).toSorted()).toEqual(
          Object.keys(encrypted.annotations ?? {}).toSorted(),
        )
        // One cipher image, two decryptions: what a person moves between devices.
        expectAlike(there.restored, await cipher.decrypt(there.cipher, KEY))
      } finally {
        await close()
      }
    })
  },
)

test.skipIf(!chromium || !LONG)(`a page beside which the weights are not served says so${atLength}`, async () => {
  const page = await openPage<typeof Script>(script)
  try {
    expect(await page.call.refusal('dense-resnet-2024')).toBe('E_WEIGHTS')
  } finally {
    await page.close()
  }
})
