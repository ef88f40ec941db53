import { drawPicture } from '@latent/data'
import { baselines } from '../../lab/test/fixtures/ciphers.ts'
import { expect, test } from 'vitest'
import { repeatable } from '../src/repeatable.ts'

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
