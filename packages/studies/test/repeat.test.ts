import { LatentError } from '@latent/core'
import { drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import { baselines } from '../../lab/test/fixtures/ciphers.ts'
import { expect, test } from 'vitest'
import { repeatable } from '../src/repeatable.ts'
import { findStudy, type StudyContext } from '../src/index.ts'

/** Drawn pictures in place of photographs; no other data set. */
const context: StudyContext = {
  seed: 5,
  quick: true,
  progress: () => undefined,
  labels: () => Promise.reject(new LatentError('E_DATA', 'no labels here')),
  file: () => Promise.reject(new LatentError('E_DATA', 'no files here')),
  images: async (source, limit = 2) => {
    if (!source.startsWith('bsds500/')) throw new LatentError('E_DATA', 'no data set here')
    return Promise.all(
      Array.from({ length: Math.min(limit, 2) }, async (_, i) => ({
        id: `drawn-${i}`,
        image: await drawPicture(PROCEDURAL_KINDS[i]!, 256, 256, 90 + i),
      })),
    )
  },
}

test.each(['exact-flow', 'mask-autoencoder-2025'])(
  '%s: a second run writes the same page, pictures and all',
  { timeout: 400_000 },
  async id => {
    const study = await findStudy(id)
    const [once, again] = [await study.run(context), await study.run(context)]
    expect(again).toEqual(once)
    expect(once.sections.flatMap(({ tables = [] }) => tables).length).toBeGreaterThan(2)
  },
)

test('nonces are drawn from the seed, none of them twice, and one that is given is used', async () => {
  const plain = await drawPicture('street', 24, 16)
  const key = new Uint8Array(32)
  const run = async (seed: number) => {
    const cipher = repeatable(baselines['aes-256-ctr']!(), seed)
    return Promise.all([
      cipher.encrypt(plain, key),
      cipher.encrypt(plain, key),
      cipher.encrypt(plain, key, { nonce: Uint8Array.of(7) }),
    ])
  }
  const [a, b] = [await run(1), await run(1)]
  expect(a).toEqual(b)
  expect(a[0].data).not.toEqual(a[1].data)
  const other = await run(2)
  expect(other[0].data).not.toEqual(a[0].data)
  expect(other[2]).toEqual(a[2])
})
