import { type ImageCipher, image, KeyStream, NONCE_ANNOTATION, sha256Of, toHex } from '@latent/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { openScheme } from '../src/index.ts'
import {
  applyMap,
  joinNibbles,
  learnableSchemes,
  nibbleKey,
  permutationsOf,
  splitNibbles,
} from '../src/learnable/index.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const noise = async (width: number, height: number, channels: number, seed: number) =>
  image({
    width,
    height,
    channels,
    format: 'u8',
    data: await (await KeyStream.create(key(seed), 'latent/v1/test')).bytes(width * height * channels),
  })
const flat = (width: number, height: number, channels: number, value: number) =>
  image({ width, height, channels, format: 'u8', data: new Uint8Array(width * height * channels).fill(value) })

describe.each(learnableSchemes.map(scheme => [scheme.id, scheme.nonce.use] as const))('%s', (id, use) => {
  let cipher: ImageCipher
  beforeAll(async () => {
    cipher = (await openScheme(id)).cipher
  })

  test('there and back, on images of many shapes; what it is given stays as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(1, 3, 4),
        fc.nat(255),
        async (across, down, channels, seed) => {
          const plain = await noise(4 * across, 4 * down, channels, seed)
          const before = toHex(plain.data)
          const encrypted = await cipher.encrypt(plain, key(seed))
          expect({ ...encrypted, data: 0, annotations: 0 }).toEqual({
            width: 4 * across,
            height: 4 * down,
            channels,
            format: 'u8',
            data: 0,
            annotations: 0,
          })
          expect(toHex((await cipher.decrypt(encrypted, key(seed))).data as Uint8Array)).toBe(before)
          expect(toHex(plain.data)).toBe(before)
          expect(NONCE_ANNOTATION in (encrypted.annotations ?? {})).toBe(cipher.traits.randomised)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('another key gives another cipher, and does not open it', async () => {
    const plain = await noise(32, 32, 3, 1)
    const nonce = use === 'none' ? {} : { nonce: key(3) }
    const [a, b] = [await cipher.encrypt(plain, key(1), nonce), await cipher.encrypt(plain, key(2), nonce)]
    expect(a.data).not.toEqual(b.data)
    const wrong = (await cipher.decrypt(a, key(2))).data
    expect(plain.data.filter((value, i) => value === wrong[i]).length).toBeLessThan(3072 * 0.6)
    // What was expanded for one key must not serve another.
    expect((await cipher.encrypt(plain, key(1), nonce)).data).toEqual(a.data)
  })

  test('refuses floats and short keys', async () => {
    await expect(
      cipher.encrypt(image({ width: 4, height: 4, channels: 1, format: 'f32', data: new Float32Array(16) }), key(1)),
    ).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(cipher.encrypt(flat(4, 4, 1, 0), new Uint8Array(31))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('golden: the same bytes in every release', async () => {
    const digests = await Promise.all(
      [noise(28, 28, 1, 7), noise(32, 16, 3, 7)].map(async plain =>
        toHex(
          sha256Of(
            (await cipher.encrypt(await plain, key(9), use === 'none' ? {} : { nonce: Uint8Array.of(1, 2, 3) }))
              .data as Uint8Array,
          ),
        ).slice(0, 32),
      ),
    )
    expect(digests).toMatchSnapshot()
  })
})

describe('what each does and no more', () => {
  const open = async (id: string) => (await openScheme(id)).cipher
  const sorted = (bytes: Iterable<number>) => Array.from(bytes).sort((a, b) => a - b)
  const folded = (value: number) => Math.min(value, 255 - value)

  test('learnable encryption: every block alike; equal blocks stay equal', async () => {
    const cipher = await open('tanaka-le')
    const block = await noise(4, 4, 3, 2)
    const plain = image({
      width: 8,
      height: 4,
      channels: 3,
      format: 'u8',
      data: Uint8Array.from({ length: 96 }, (_, i) => block.data[Math.floor(i / 24) * 12 + (i % 12)]!),
    })
    const { data } = await cipher.encrypt(plain, key(1))
    expect(data.filter((_, i) => i % 24 >= 12)).toEqual(data.filter((_, i) => i % 24 < 12))
    expect((await cipher.encrypt(block, key(1))).data).toEqual(data.filter((_, i) => i % 24 < 12))
  })

  test('47 of 96 nibbles are negated by the rule, 8 worked by hand', () => {
    const identity = nibbleKey(Uint32Array.from({ length: 96 }, (_, i) => i))
    expect(identity.flip.every(flip => flip === 0)).toBe(true)
    expect(Array.from({ length: 96 }, (_, entry) => entry > 48).filter(Boolean).length).toBe(47)
    // Entries above 4 at places 0, 3, 6; each output i is negated by own[i] xor own[key[i]].
    expect(Array.from(nibbleKey(Uint32Array.of(5, 0, 1, 7, 2, 3, 6, 4)).flip)).toEqual([15, 15, 0, 15, 0, 15, 0, 0])
  })

  test('a block key is what the published routine does: negate, permute, negate', async () => {
    const order = await (await KeyStream.create(key(6), 'latent/v1/test')).permutation(96)
    const nibbles = splitNibbles((await noise(4, 4, 3, 8)).data)
    const negate = (values: number[]) => values.map((value, i) => (order[i]! > 48 ? 15 - value : value))
    const negated = negate(Array.from(nibbles))
    expect(Array.from(applyMap(nibbles, nibbleKey(order)))).toEqual(
      negate(Array.from(order, source => negated[source]!)),
    )
  })

  test('extended: equal blocks differ', async () => {
    const { data } = await (await open('extended-le')).encrypt(flat(32, 32, 3, 0x5a), key(1))
    const blocks = Array.from({ length: 64 }, (_, b) =>
      Array.from(
        { length: 48 },
        (_, i) => data[((Math.floor(b / 8) * 4 + Math.floor(i / 12)) * 32 + (b % 8) * 4) * 3 + (i % 12)],
      ).join(),
    )
    expect(new Set(blocks).size).toBe(64)
  })

  test('pixel-based: each sample itself or its negative, about half and half; shuffled ones keep theirs', async () => {
    const plain = await noise(32, 32, 3, 3)
    const plainOnes = (await (await open('pixel-based')).encrypt(plain, key(1))).data
    expect(plain.data.every((value, i) => folded(value) === folded(plainOnes[i]!))).toBe(true)
    const negated = plain.data.filter((value, i) => value !== plainOnes[i]).length
    expect(Math.abs(negated - 1536)).toBeLessThan(150)
    const shuffled = (await (await open('pixel-based-shuffle')).encrypt(plain, key(1))).data
    let moved = 0
    for (let p = 0; p < 1024; p++) {
      const [a, b] = [plain.data, shuffled].map(data => Array.from(data.subarray(3 * p, 3 * p + 3), folded))
      expect(sorted(a!)).toEqual(sorted(b!))
      if (String(a) !== String(b)) moved++
    }
    expect(Math.abs(moved / 1024 - 5 / 6)).toBeLessThan(0.06)
  })

  test('block scrambling: blocks are kept whole, and all eight symmetries and both signs occur', async () => {
    const cipher = await open('etc')
    const plain = await noise(64, 64, 3, 4)
    const { data } = await cipher.encrypt(plain, key(1))
    const blockValues = (bytes: ArrayLike<number>, b: number) =>
      sorted(
        Array.from({ length: 48 }, (_, i) =>
          folded(bytes[((Math.floor(b / 16) * 4 + Math.floor(i / 12)) * 64 + (b % 16) * 4) * 3 + (i % 12)]!),
        ),
      ).join()
    const [before, after] = [plain.data, data].map(bytes =>
      Array.from({ length: 256 }, (_, b) => blockValues(bytes, b)),
    )
    expect(after!.toSorted()).toEqual(before!.toSorted())
    expect(after).not.toEqual(before)
    // A block that numbers its places tells its symmetry by its first and second place.
    const numbers = image({
      width: 64,
      height: 64,
      channels: 1,
      format: 'u8',
      data: Uint8Array.from({ length: 4096 }, (_, i) => (Math.floor(i / 64) % 4) * 4 + (i % 4)),
    })
    const turned = (await cipher.encrypt(numbers, key(1))).data
    const states = Array.from({ length: 256 }, (_, b) =>
      [0, 1].map(i => folded(turned[Math.floor(b / 16) * 256 + (b % 16) * 4 + i]!)).join(),
    )
    expect(new Set(states).size).toBe(8)
    const negative = Array.from(
      { length: 256 },
      (_, b) => turned[Math.floor(b / 16) * 256 + (b % 16) * 4]! > 127,
    ).filter(Boolean).length
    expect(Math.abs(negative - 128)).toBeLessThan(40)
  })

  test('permutation an image: the same values, elsewhere every time', async () => {
    const cipher = await open('per-image-permutation')
    const plain = await noise(16, 16, 1, 5)
    const [a, b] = [await cipher.encrypt(plain, key(1)), await cipher.encrypt(plain, key(1))]
    expect(sorted(a.data)).toEqual(sorted(plain.data))
    expect(a.data).not.toEqual(b.data)
  })

  test.each(['tanaka-le', 'extended-le', 'etc'])('%s refuses sides that are not made of blocks', async id => {
    await expect((await open(id)).encrypt(flat(30, 32, 3, 0), key(1))).rejects.toMatchObject({ code: 'E_IMAGE' })
  })

  test('orders and nibbles', () => {
    expect(permutationsOf(3)).toEqual([
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ])
    expect(Array.from(splitNibbles(Uint8Array.of(0xa3)))).toEqual([3, 10])
    expect(joinNibbles(splitNibbles(Uint8Array.of(0, 255, 0x1e)))).toEqual(Uint8Array.of(0, 255, 0x1e))
  })
})
