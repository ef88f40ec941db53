import { type Image, type ImageCipher, image, KeyStream, sha256Of } from '@latent/core'
import { openScheme, type OpenScheme } from '@latent/schemes'
import { mapStatistics, vortexMap, drawVortexKey, GREY_SETTINGS } from '@latent/schemes/vortex'
import { drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  advancedFeatureReconstruction,
  assembleBlocks,
  attackPictures,
  featureReconstruction,
  imageCorrelation,
  layBlocks,
  neighbourhoodsKept,
  type Opened,
  type Oracle,
  quality,
  recolourings,
  recoverBlockNibbles,
  recoverCoordinateMap,
  recoverExtendedBlockNibbles,
  recoverMapFromPairs,
  recoverPixelBased,
  recoverSampleMap,
  type TargetShape,
} from '../src/index.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const opened = new Map<string, OpenScheme>()
afterAll(() => Promise.all(Array.from(opened.values(), scheme => scheme.close())))

async function cipherOf(id: string): Promise<ImageCipher> {
  const scheme = opened.get(id) ?? (await openScheme(id))
  opened.set(id, scheme)
  return scheme.cipher
}

const noise = async ({ width, height, channels }: TargetShape, seed: number) =>
  image({
    width,
    height,
    channels,
    format: 'u8',
    data: await (await KeyStream.create(key(seed), 'latent/v1/test')).bytes(width * height * channels),
  })

type Attack = (oracle: Oracle, shape: TargetShape) => Promise<Opened | undefined>

/** Attacks under an unknown key, then opens a cipher image that the attacker did not choose. */
async function attack(
  id: string,
  run: Attack,
  shape: TargetShape,
  seed = 1,
): Promise<{ exact: boolean; queries: number } | undefined> {
  const cipher = await cipherOf(id)
  let queries = 0
  const oracle: Oracle = async chosen => {
    queries++
    return cipher.encrypt(chosen, key(seed))
  }
  const found = await run(oracle, shape)
  if (!found) return undefined
  expect(found.queries).toBe(queries)
  const secret = await noise(shape, seed + 1)
  const back = found.open((await cipher.encrypt(secret, key(seed))) as Image<'u8'>)
  return { exact: back.data.every((value, i) => value === secret.data[i]), queries }
}

const RGB: TargetShape = { width: 32, height: 32, channels: 3 }
const GREY: TargetShape = { width: 28, height: 28, channels: 1 }

describe('what is broken: every image under the key opens', () => {
  test.each<[string, Attack, TargetShape, number]>([
    ['vortex-2024-bijective', recoverCoordinateMap, RGB, 1],
    ['vortex-2024-bijective', recoverCoordinateMap, GREY, 2],
    ['fixed-permutation', recoverCoordinateMap, RGB, 1],
    ['fixed-permutation', recoverCoordinateMap, GREY, 2],
    ['fixed-permutation', recoverCoordinateMap, { width: 300, height: 20, channels: 3 }, 1],
    ['fixed-permutation', recoverCoordinateMap, { width: 300, height: 260, channels: 3 }, 2],
    ['arnold-cat-map', recoverCoordinateMap, RGB, 1],
    ['identity', recoverCoordinateMap, RGB, 1],
    ['tanaka-le', recoverBlockNibbles, RGB, 1],
    ['tanaka-le', recoverBlockNibbles, GREY, 1],
    ['tanaka-le', recoverBlockNibbles, { width: 8, height: 4, channels: 4 }, 1],
    ['extended-le', recoverExtendedBlockNibbles, RGB, 3],
    ['extended-le', recoverExtendedBlockNibbles, GREY, 3],
    ['tanaka-le', recoverExtendedBlockNibbles, RGB, 3],
    ['pixel-based', recoverPixelBased, RGB, 1],
    ['pixel-based', recoverPixelBased, GREY, 1],
    ['pixel-based-shuffle', recoverPixelBased, RGB, 1],
    ['pixel-based-shuffle', recoverSampleMap, RGB, 2],
    ['etc', recoverSampleMap, RGB, 2],
    ['etc', recoverSampleMap, { width: 96, height: 80, channels: 3 }, 3],
    ['fixed-permutation', recoverSampleMap, GREY, 2],
  ])('%s %#: exact, %o, %o, chosen images: %i', async (id, run, shape, queries) => {
    expect(await attack(id, run, shape)).toEqual({ exact: true, queries })
  })

  test('over 100 random keys each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 250 }), async seed => {
        for (const [id, run] of [
          ['tanaka-le', recoverBlockNibbles],
          ['pixel-based-shuffle', recoverPixelBased],
          ['vortex-2024-bijective', recoverCoordinateMap],
          ['etc', recoverSampleMap],
        ] as const) {
          expect(await attack(id, run, { width: 16, height: 12, channels: 3 }, seed)).toMatchObject({ exact: true })
        }
      }),
      { numRuns: 100 },
    )
  })

  test('the lossy vortex: the map itself comes back, and opens at least what the key opens', async () => {
    const cipher = await cipherOf('vortex-2024')
    const found = await recoverCoordinateMap(chosen => cipher.encrypt(chosen, key(1)), GREY)
    const drawn = await drawVortexKey(await KeyStream.create(key(1), 'latent/v1/vortex-2024'), GREY, GREY_SETTINGS)
    const map = vortexMap(drawn, 'gather')
    expect(found?.map).toEqual(map)
    const secret = await noise(GREY, 3)
    const back = found!.open((await cipher.encrypt(secret, key(1))) as Image<'u8'>)
    expect(secret.data.filter((value, i) => value === back.data[i]).length).toBeGreaterThanOrEqual(
      mapStatistics(map, 28).sources,
    )
  })
})

// Attacks that must fail: the ciphers that are meant to hold, a key that changes with every image, and attacks aimed at
// another scheme.
describe('what holds, and what an attack is not for', () => {
  const attacks: [string, Attack][] = [
    ['coordinate map', recoverCoordinateMap],
    ['sample map', recoverSampleMap],
    ['pixel-based', recoverPixelBased],
    ['block nibbles', recoverBlockNibbles],
    ['extended block nibbles', recoverExtendedBlockNibbles],
  ]
  const pairs = ['aes-256-ctr', 'exact-flow', 'per-image-permutation', 'pixel-based-shuffle-fresh'].flatMap(id =>
    attacks.map(([name, run]) => [id, name, run] as const),
  )
  test.each(pairs)('%s against %s', async (id, _, run) => {
    // An answer that happens to look right would still have to open another image.
    expect((await attack(id, run, RGB))?.exact ?? false).toBe(false)
  })

  test.each<[string, Attack]>([
    ['tanaka-le', recoverPixelBased],
    ['tanaka-le', recoverSampleMap],
    ['extended-le', recoverBlockNibbles],
    ['pixel-based', recoverCoordinateMap],
    ['etc', recoverCoordinateMap],
  ])('%s %#: not what the attack is for', async (id, run) => {
    expect(await attack(id, run, RGB)).toBeUndefined()
  })

  test('an answer that fits by chance opens nothing: (1, 2, 3) everywhere hides that blocks move', async () => {
    expect(await attack('etc', recoverPixelBased, RGB)).toEqual({ exact: false, queries: 1 })
  })

  test('a cipher that answers in another shape is refused', async () => {
    for (const [, run] of attacks)
      expect(
        await run(async chosen => ({ ...chosen, format: 'f32', data: new Float32Array(chosen.data.length) }), RGB),
      ).toBeUndefined()
  })

  test('sides that hold no blocks', async () => {
    await expect(
      recoverBlockNibbles(async chosen => chosen, { width: 30, height: 32, channels: 3 }),
    ).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(
      recoverBlockNibbles(async chosen => chosen, { width: 4, height: 4, channels: 3 }),
    ).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})

describe('feature reconstruction', () => {
  const outcome = async (id: string) => {
    const cipher = await cipherOf(id)
    const plain = await drawPicture('landscape', 64, 64)
    return {
      plain: featureReconstruction(plain),
      found: featureReconstruction((await cipher.encrypt(plain, key(1))) as Image<'u8'>),
    }
  }

  test.each(['pixel-based', 'pixel-based-fresh', 'identity'])(
    '%s: what the plain image gives, whatever the key',
    async id => {
      const { plain, found } = await outcome(id)
      expect(found.data).toEqual(plain.data)
    },
  )

  test.each(['aes-256-ctr', 'exact-flow'])('%s: nothing', async id => {
    const { plain, found } = await outcome(id)
    const { value, band } = {
      value: imageCorrelation(plain.data, found.data)!.value,
      band: 4 / Math.sqrt(plain.data.length),
    }
    expect(Math.abs(value)).toBeLessThan(band)
  })

  test('a second time changes nothing', async () => {
    const once = featureReconstruction(await noise(RGB, 9))
    expect(featureReconstruction(once).data).toEqual(once.data)
    expect(Math.max(...once.data)).toBe(127)
  })
})

describe('advanced feature reconstruction', () => {
  const nonce = new Uint8Array(16)
  const best = (plain: Image<'u8'>, found: Image<'u8'>) =>
    Math.max(...recolourings(found).map(picture => quality(plain, picture, 'one').ssim!))
  const outcome = async (id: string, neighbours: 'published' | 'both') => {
    const plain = await drawPicture('landscape', 64, 48)
    const cipher = (await (await cipherOf(id)).encrypt(plain, key(1), { nonce })) as Image<'u8'>
    return { before: best(plain, cipher), after: best(plain, advancedFeatureReconstruction(cipher, { neighbours })) }
  }

  test.each(['published', 'both'] as const)(
    'channels shuffled, a key for each image: the picture up to one recolouring (%s)',
    async neighbours => {
      const { before, after } = await outcome('pixel-based-shuffle-fresh', neighbours)
      expect(before).toBeLessThan(0.1)
      expect(after).toBeGreaterThan(0.3)
    },
  )

  test.each(['aes-256-ctr', 'exact-flow'])('%s: nothing', async id => {
    expect((await outcome(id, 'both')).after).toBeLessThan(0.1)
  })

  test('a smooth picture with the right first pixel comes back whole; a recoloured cipher, a recolouring', async () => {
    const plain = image({
      width: 24,
      height: 16,
      channels: 3,
      format: 'u8',
      data: Uint8Array.from(
        { length: 24 * 16 * 3 },
        (_, i) => 10 + 40 * (i % 3) + (((Math.floor(i / 3) % 24) + Math.floor(i / 72)) >> 1),
      ),
    })
    const cipher = (await (
      await cipherOf('pixel-based-shuffle-fresh')
    ).encrypt(plain, key(1), { nonce })) as Image<'u8'>
    const first = Array.from(plain.data.subarray(0, 3))
    const found = advancedFeatureReconstruction(cipher, { first })
    expect(found.data).toEqual(plain.data)
    const all = recolourings(found).map(({ data }) => data.join())
    expect(new Set(all).size).toBe(48)
    for (const turned of recolourings(cipher))
      expect(all).toContain(advancedFeatureReconstruction(turned, {}).data.join())
  })

  test('grey pictures have two recolourings; a first pixel of another depth is refused', async () => {
    expect(recolourings(await noise(GREY, 1)).length).toBe(2)
    expect(() =>
      advancedFeatureReconstruction(image({ width: 1, height: 1, channels: 1, format: 'u8', data: Uint8Array.of(1) }), {
        first: [1, 2, 3],
      }),
    ).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

describe('known pairs', () => {
  const natural = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        drawPicture(PROCEDURAL_KINDS[i % PROCEDURAL_KINDS.length]!, 32, 32, 50 + i),
      ),
    )
  const fromPairs = async (id: string, count: number) => {
    const cipher = await cipherOf(id)
    const pairs = await Promise.all(
      (await natural(count)).map(async plain => ({
        plain,
        cipher: (await cipher.encrypt(plain, key(1))) as Image<'u8'>,
      })),
    )
    return { cipher, found: recoverMapFromPairs(pairs) }
  }

  test.each(['vortex-2024-bijective', 'fixed-permutation', 'identity'])('%s: exact from three pictures', async id => {
    const { cipher, found } = await fromPairs(id, 3)
    expect(found).toMatchObject({ queries: 0, certain: 1024 })
    const secret = await noise(RGB, 5)
    expect(found!.open((await cipher.encrypt(secret, key(1))) as Image<'u8'>).data).toEqual(secret.data)
  })

  test('the lossy vortex: its map', async () => {
    const { found } = await fromPairs('vortex-2024', 4)
    const chosen = await recoverCoordinateMap(
      async image => (await cipherOf('vortex-2024')).encrypt(image, key(1)),
      RGB,
    )
    expect(found?.map).toEqual(chosen!.map)
  })

  test.each(['aes-256-ctr', 'exact-flow', 'pixel-based', 'tanaka-le'])('%s: no map', async id => {
    expect((await fromPairs(id, 1)).found).toBeUndefined()
  })

  test('a key for each image leaves no source in two pairs', async () => {
    expect((await fromPairs('per-image-permutation', 3)).found).toBeUndefined()
  })

  test('no pairs, and pairs of two shapes', async () => {
    expect(() => recoverMapFromPairs([])).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
    expect(() =>
      recoverMapFromPairs([
        {
          plain: { ...image({ width: 1, height: 2, channels: 1, format: 'u8', data: new Uint8Array(2) }) },
          cipher: image({ width: 2, height: 1, channels: 1, format: 'u8', data: new Uint8Array(2) }),
        },
      ]),
    ).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

describe('jigsaw', () => {
  /** Which block of the cipher image belongs where: found with two numbered pictures, as no solver could. */
  async function orderOf(cipher: ImageCipher, { width, height, channels }: TargetShape): Promise<Uint32Array> {
    const across = width / 4
    const order = new Uint32Array((across * height) / 4)
    const numbers = Uint8Array.from(
      { length: width * height * channels },
      (_, i) =>
        Math.floor(Math.floor(i / channels) / width / 4) * across + Math.floor((Math.floor(i / channels) % width) / 4),
    )
    const { data } = await cipher.encrypt(image({ width, height, channels, format: 'u8', data: numbers }), key(1))
    for (let b = 0; b < order.length; b++) {
      const value = data[(Math.floor(b / across) * 4 * width + (b % across) * 4) * channels]!
      order[Math.min(value, 255 - value)] = b
    }
    return order
  }
  const kept = async (id: string, plain: Image<'u8'>) => {
    const cipher = await cipherOf(id)
    const { order } = assembleBlocks((await cipher.encrypt(plain, key(1))) as Image<'u8'>)
    return neighbourhoodsKept(await orderOf(await cipherOf('etc'), plain), order, plain.width / 4)
  }

  test('blocks whose edges meet without a step are put together again but for one state of the whole', async () => {
    const cells = (await noise({ width: 7, height: 5, channels: 3 }, 4)).data
    const data = Uint8Array.from(
      { length: 24 * 16 * 3 },
      (_, i) => cells[((Math.floor(i / 72) + 2) >> 2) * 21 + (((Math.floor(i / 3) % 24) + 2) >> 2) * 3 + (i % 3)]!,
    )
    expect(await kept('etc', image({ width: 24, height: 16, channels: 3, format: 'u8', data }))).toBe(1)
  })

  test('a street: many times what chance gives; nothing of AES', async () => {
    const plain = await drawPicture('street', 32, 32)
    // 112 neighbourhoods of 2016 pairs.
    expect(await kept('etc', plain)).toBeGreaterThan(2 * (112 / 2016))
    expect(await kept('aes-256-ctr', plain)).toBeLessThan(2 * (112 / 2016))
  })

  test('pictures that no order of their own tells are told together, each laid as the others', async () => {
    const cipher = await cipherOf('etc')
    const plains = (await attackPictures('scenes', 'others', 64)).map(({ plain }) => plain)
    const pile = (await Promise.all(plains.map(plain => cipher.encrypt(plain, key(1))))) as Image<'u8'>[]
    const across = plains[0]!.width / 4
    const keptBy = async (found: Uint32Array) => neighbourhoodsKept(await orderOf(cipher, plains[0]!), found, across)
    const { order, states, picture } = assembleBlocks(pile)
    expect(await keptBy(order)).toBe(1)
    expect(await keptBy(assembleBlocks(pile[0]!).order)).toBeLessThan(0.5)
    expect(layBlocks(pile[0]!, { order, states }, 4)).toEqual(picture)
    // One state of the whole is not known: its symmetry and recolouring keep how far samples are from the mean.
    const spread = ({ data }: Image<'u8'>) =>
      Array.from(data, value => Math.abs(value - 127.5)).toSorted((a, b) => a - b)
    expect(spread(layBlocks(pile[5]!, { order, states }, 4))).toEqual(spread(plains[5]!))
  })

  test('a pile of several shapes, or of nothing', () => {
    const flat = (side: number) =>
      image({ width: side, height: 8, channels: 1, format: 'u8', data: new Uint8Array(8 * side) })
    for (const pile of [[flat(8), flat(12)], []])
      expect(() => assembleBlocks(pile)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })

  test('sides that hold no blocks', async () => {
    expect(() =>
      assembleBlocks(image({ width: 30, height: 4, channels: 1, format: 'u8', data: new Uint8Array(120) })),
    ).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})
