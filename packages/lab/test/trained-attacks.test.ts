import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { openScheme } from '@latent/schemes'
import { describe, expect, test } from 'vitest'
import {
  coloursApart,
  connectedLocally,
  learnClasses,
  learnInverse,
  learnUnpaired,
  linear,
  type Pair,
  type Reconstructor,
  sharedBlocks,
  sharedPixels,
  sizeOf,
} from '../src/attacks/trained/index.ts'
import { quality } from '../src/index.ts'
import { pictures, SIDE } from './fixtures/crops.ts'
import { atLength, LONG } from '../../../test/long.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed & 255, seed >> 8))
const TEST = 8

/** Pairs under one key, or under a key for each, and pictures to open that are in none of them. */
async function pairsOf(
  id: string,
  keys: 'same' | 'different',
  count: number,
): Promise<{ known: Pair[]; secret: Pair[] }> {
  const { cipher, close } = await openScheme(id)
  try {
    const pairs = await Promise.all(
      (await pictures(count + TEST)).map(async (plain, i) => ({
        plain,
        cipher: (await cipher.encrypt(plain, key(keys === 'same' ? 0 : i))) as Image<'u8'>,
      })),
    )
    return { known: pairs.slice(TEST), secret: pairs.slice(0, TEST) }
  } finally {
    await close()
  }
}

const score = (secret: readonly Pair[], found: readonly Image<'u8'>[]) =>
  found.reduce((sum, guess, i) => sum + quality(secret[i]!.plain, guess, 'one').ssim!, 0) / found.length

async function learned(
  network: Reconstructor,
  id: string,
  keys: 'same' | 'different',
  options: { steps: number; rate: number; count?: number },
): Promise<number> {
  const { known, secret } = await pairsOf(id, keys, options.count ?? 160)
  const { open } = await learnInverse(network, known, { ...options, threads: 1 })
  return score(secret, await open(secret.map(({ cipher }) => cipher)))
}

describe.runIf(LONG)(`an inverse network of one key${atLength}`, () => {
  test.each<[string, Reconstructor]>([
    ['identity', linear('pixel')],
    ['pixel-based', linear('pixel')],
    ['pixel-based-shuffle', linear('pixel')],
    ['identity', linear('block')],
    ['tanaka-le', linear('block')],
    ['pixel-based', linear('block')],
  ])('%s: opened from 160 pairs (%o)', async (id, network) => {
    expect(await learned(network, id, 'same', { steps: 200, rate: 0.02 })).toBeGreaterThan(0.7)
  })

  test.each<[string, Reconstructor, 'same' | 'different']>([
    ['aes-256-ctr', linear('pixel'), 'same'],
    ['aes-256-ctr', linear('block'), 'same'],
    ['pixel-based', linear('pixel'), 'different'],
    ['pixel-based', sharedPixels, 'same'],
    ['tanaka-le', linear('pixel'), 'same'],
    ['extended-le', linear('block'), 'same'],
  ])('%s: not opened (%o, %s keys)', async (id, network, keys) => {
    expect(
      await learned(network, id, keys, {
        steps: network === sharedPixels ? 30 : 200,
        rate: network === sharedPixels ? 2e-3 : 0.02,
      }),
    ).toBeLessThan(0.45)
  })

  test('moved pixels need a map of the whole image, whose pairs are many', async () => {
    expect(
      await learned(linear('image'), 'vortex-2024-bijective', 'same', { steps: 150, rate: 3e-3, count: 400 }),
    ).toBeGreaterThan(0.4)
  })

  test('the published networks have their numbers of weights', () => {
    const size = { width: 32, height: 32, channels: 3 }
    expect(sizeOf(sharedPixels, size)).toBe(3 * 64 + 64 * 128 + 128 * 256 + 256 * 3 + 3 + 2 * (64 + 128 + 256))
    expect(sizeOf(sharedBlocks, size)).toBe(48 * 48 + 48 * 48 + 48 * 512 + 32 * 3 + 3 + 2 * (48 + 48 + 512))
    expect(sizeOf(linear('pixel'), size)).toBe(1024 * (6 * 3 + 3))
    expect(sizeOf(linear('block'), size)).toBe(64 * (96 * 48 + 48))
    expect(sizeOf(connectedLocally('pixel'), size)).toBe(1024 * (6 * 3 + 3 + 3 * 24 + 24 + 24 * 3))
    expect(sizeOf(connectedLocally('block'), size)).toBe(64 * (96 * 48 + 48 + 48 * 64 + 64 + 64 * 48))
  })

  test('the published block network learns the identity, and opens in the same way twice', async () => {
    const { known, secret } = await pairsOf('identity', 'same', 64)
    const run = async () =>
      (await learnInverse(sharedBlocks, known, { steps: 150, rate: 4e-3, threads: 1 })).open(
        secret.map(({ cipher }) => cipher),
      )
    const [once, again] = [await run(), await run()]
    expect(score(secret, once)).toBeGreaterThan(0.4)
    expect(once.map(({ data }) => data)).toEqual(again.map(({ data }) => data))
  })

  test('no pairs, pictures of two sizes, sides that hold no blocks', async () => {
    const { known } = await pairsOf('identity', 'same', 2)
    const small = image({ width: 6, height: 6, channels: 3, format: 'u8', data: new Uint8Array(108) })
    await expect(learnInverse(linear('pixel'), [], { steps: 1 })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(
      learnInverse(linear('pixel'), [...known, { plain: small, cipher: small }], { steps: 1 }),
    ).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(learnInverse(linear('block'), [{ plain: small, cipher: small }], { steps: 1 })).rejects.toMatchObject({
      code: 'E_ARGUMENT',
    })
  })
})

test.runIf(LONG)(
  `a hidden layer for each pixel learns a sum that runs over, which a straight map does not${atLength}`,
  async () => {
    const added = sha256Of(Uint8Array.of(9))
    const pairs = (await pictures(480 + TEST)).map(plain => ({
      plain,
      cipher: { ...plain, data: plain.data.map((value, i) => value + added[i % 32]!) },
    }))
    const [known, secret] = [pairs.slice(TEST), pairs.slice(0, TEST)]
    const opened = async (network: Reconstructor, rate: number) => {
      const { open } = await learnInverse(network, known, { steps: 300, rate, threads: 1 })
      return score(secret, await open(secret.map(({ cipher }) => cipher)))
    }
    const [straight, bent] = [await opened(linear('pixel'), 0.02), await opened(connectedLocally('pixel'), 0.03)]
    expect(bent).toBeGreaterThan(0.45)
    expect(bent).toBeGreaterThan(straight + 0.1)
  },
)

test.runIf(LONG)(`classes are learned wherever in a picture they are told, and not of noise${atLength}`, async () => {
  const stream = await KeyStream.create(key(3), 'latent/v1/lab/test')
  /** A bright bar, standing or lying, anywhere. */
  const bar = async (label: number): Promise<Image<'u8'>> => {
    const [x, y] = await stream.integers(2, SIDE - 6)
    const data = Uint8Array.from(await stream.integers(SIDE * SIDE, 60))
    for (let i = 0; i < 6; i++) data[label === 0 ? (y! + i) * SIDE + x! : y! * SIDE + x! + i] = 250
    return image({ width: SIDE, height: SIDE, channels: 1, format: 'u8', data })
  }
  const set = (count: number, draw: (label: number) => Promise<Image<'u8'>>) =>
    Array.from({ length: count }, (_, i) => i % 2).reduce<Promise<{ picture: Image<'u8'>; label: number }[]>>(
      async (sofar, label) => [...(await sofar), { picture: await draw(label), label }],
      Promise.resolve([]),
    )
  const right = async (draw: (label: number) => Promise<Image<'u8'>>) => {
    const name = await learnClasses(await set(120, draw), 2, { steps: 80, rate: 5e-3, threads: 1 })
    const asked = await set(40, draw)
    const named = await name(asked.map(({ picture }) => picture))
    return named.filter((label, i) => label === asked[i]!.label).length / asked.length
  }
  expect(await right(bar)).toBeGreaterThan(0.9)
  const noise = async () =>
    image({ width: SIDE, height: SIDE, channels: 1, format: 'u8', data: await stream.bytes(SIDE * SIDE) })
  expect(await right(noise)).toBeLessThan(0.75)
})

describe('the unpaired attack', () => {
  test('runs both ways, gives pictures of the size, and the discriminator learns', async () => {
    const { known, secret } = await pairsOf('tanaka-le', 'same', 64)
    const losses: Record<string, number>[] = []
    const attack = await learnUnpaired(
      sharedBlocks,
      known.slice(0, 32).map(({ cipher }) => cipher),
      known.slice(32).map(({ plain }) => plain),
      { steps: 20, batch: 16, threads: 1, smoothness: 0.1, onStep: (_, found) => losses.push({ ...found }) },
    )
    const found = await attack.open(secret.map(({ cipher }) => cipher))
    expect(found.map(({ width, height, channels }) => [width, height, channels])).toEqual(
      secret.map(() => [SIDE, SIDE, 3]),
    )
    expect(losses.length).toBe(20)
    for (const { discriminator, generator } of losses)
      expect(Number.isFinite(discriminator) && Number.isFinite(generator)).toBe(true)
    expect(losses.at(-1)!['discriminator']!).toBeLessThan(losses[0]!['discriminator']!)
  })

  test('the attacker is driven by the discriminator alone where smoothness counts nothing', async () => {
    const { known, secret } = await pairsOf('tanaka-le', 'same', 32)
    const attack = async (steps: number) => {
      const generator: number[] = []
      const { open } = await learnUnpaired(
        sharedBlocks,
        known.slice(0, 16).map(({ cipher }) => cipher),
        known.slice(16).map(({ plain }) => plain),
        { steps, batch: 16, rate: 2e-3, threads: 1, onStep: (_, found) => generator.push(found['generator']!) },
      )
      return { generator, opened: await open(secret.map(({ cipher }) => cipher)) }
    }
    const [short, long] = [await attack(1), await attack(25)]
    // ln(1 + e^-score) of a discriminator that knows nothing yet is about ln 2; nowhere near nothing later either.
    expect(short.generator[0]).toBeGreaterThan(0.2)
    for (const value of long.generator) expect(value).toBeGreaterThan(0.05)
    // What it opens changes with training: the gradient reaches it.
    const change = (a: readonly Image<'u8'>[], b: readonly Image<'u8'>[]) =>
      a.reduce(
        (sum, { data }, i) =>
          sum + data.reduce((total, value, j) => total + Math.abs(value - b[i]!.data[j]!), 0) / data.length,
        0,
      ) / a.length
    expect(change(short.opened, long.opened)).toBeGreaterThan(2)
  })
})

describe('how far colours are apart', () => {
  const picture = (...pixels: number[]) =>
    image({ width: pixels.length / 3, height: 1, channels: 3, format: 'u8', data: Uint8Array.from(pixels) })

  test('nothing where the same pixels stand elsewhere; levels where one channel is brighter', () => {
    const some = picture(10, 200, 30, 90, 100, 110)
    expect(coloursApart([some], [picture(90, 100, 110, 10, 200, 30)])).toBe(0)
    // Five levels of the first channel, and of its differences from the two others.
    expect(coloursApart([some], [picture(15, 200, 30, 95, 100, 110)])).toBeCloseTo(15, 9)
  })

  test('channels that only go together otherwise are told', () => {
    const [together, across] = [picture(0, 0, 0, 200, 200, 200), picture(0, 200, 0, 200, 0, 200)]
    expect(coloursApart([together], [across])).toBeGreaterThan(100)
  })

  test('shapes must agree', () => {
    expect(() => coloursApart([picture(1, 2, 3)], [picture(1, 2, 3, 4, 5, 6)])).toThrow(
      expect.objectContaining({ code: 'E_ARGUMENT' }),
    )
  })
})
