import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { initialise, leaves, type Tree } from '@latent/graph'
import { expect, test } from 'vitest'
import type { CompressorWeights } from '../src/autoencoders/network.ts'
import { compressorParameters } from '../src/autoencoders/network.ts'
import { dnaAndBoxes, replacedParameters, slidAndMasked } from '../src/autoencoders/planes.ts'
import { COMPRESSOR, compressorSystems } from '../src/autoencoders/scheme.ts'
import { openScheme } from '../src/index.ts'
import { writeModel } from '../src/models/index.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const noise = async (count: number) => (await KeyStream.create(key(9), 'latent/v1/test')).bytes(count)

test.each([
  ['dna', dnaAndBoxes],
  ['slides', slidAndMasked],
] as const)('the cipher behind the auto-encoder (%s) is exact, and hides a flat plane', async (_, plane) => {
  const size = { width: 64, height: 40 }
  const bytes = await noise(size.width * size.height)
  const hidden = await plane.encrypt(bytes.slice(), { key: key(1), ...size })
  expect(await plane.decrypt(hidden.slice(), { key: key(1), ...size })).toEqual(bytes)
  expect(await plane.decrypt(hidden.slice(), { key: key(2), ...size })).not.toEqual(bytes)
  const flat = await plane.encrypt(new Uint8Array(bytes.length).fill(7), { key: key(1), ...size })
  expect(new Set(flat).size).toBeGreaterThan(200)
})

test('slides go round: every byte is kept, in another place', async () => {
  const size = { width: 16, height: 8 }
  const bytes = Uint8Array.from({ length: 128 }, (_, i) => i)
  const [a, b] = await Promise.all(
    [bytes, new Uint8Array(128)].map(one => slidAndMasked.encrypt(one.slice(), { key: key(1), ...size })),
  )
  const moved = a!.map((byte, i) => byte ^ b![i]!)
  expect(moved.toSorted()).toEqual(bytes)
  expect(moved).not.toEqual(bytes)
})

test('replaced parameters turn codes and move places, and errs by two levels at most', async () => {
  const size = { width: 64, height: 40 }
  const bytes = await noise(size.width * size.height)
  const hidden = await replacedParameters.encrypt(bytes.slice(), { key: key(1), ...size })
  const apart = async (seed: number) => {
    const back = await replacedParameters.decrypt(hidden.slice(), { key: key(seed), ...size })
    return back.map((byte, i) => Math.abs(byte - bytes[i]!))
  }
  expect(Math.max(...(await apart(1)))).toBeLessThanOrEqual(2)
  const wrong = await apart(2)
  expect(wrong.reduce((sum, value) => sum + value, 0) / wrong.length).toBeGreaterThan(50)
  // The matrix is orthogonal: codes keep their length, at half of the range.
  const energy = (plane: Uint8Array) => plane.reduce((sum, byte) => sum + (byte - 127.5) ** 2, 0)
  expect(energy(hidden) / energy(bytes)).toBeCloseTo(0.25, 2)
})

test.each(compressorSystems.map(scheme => [scheme.id, scheme] as const))(
  '%s makes one plane of three, for any size and up to four channels',
  async (_, scheme) => {
    const tree = (await initialise(compressorParameters(), 1)) as Tree<CompressorWeights['encoder']['enter']['weight']>
    const weights = writeModel({ ...COMPRESSOR, tensors: Object.fromEntries(leaves(tree)) }, { half: false })
    const { cipher, close } = await openScheme(scheme, { weights })
    for (const channels of [1, 4]) {
      const plain = image({ width: 9, height: 5, channels, format: 'u8', data: await noise(45 * channels) })
      const hidden = (await cipher.encrypt(plain, key(1))) as Image<'u8'>
      expect([hidden.width, hidden.height, hidden.channels]).toEqual([10, channels === 1 ? 6 : 12, 1])
      const back = await cipher.decrypt(hidden, key(1))
      expect([back.width, back.height, back.channels]).toEqual([9, 5, channels])
      // What comes back is what the auto-encoder alone gives: chaos is undone to the byte, a matrix nearly.
      const other = await cipher.decrypt(await cipher.encrypt(plain, key(2)), key(2))
      const apart = Array.from(other.data, (value, i) => Math.abs(value - back.data[i]!))
      expect(Math.max(...apart)).toBeLessThanOrEqual(scheme.id === 'wang-lo-2024' ? 8 : 0)
    }
    await close()
  },
)
