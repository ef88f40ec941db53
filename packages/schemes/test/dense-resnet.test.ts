import { type Image, image, type ImageCipher, KeyStream, type SampleFormat, sha256Of, toHex } from '@latent/core'
import { initialise, leaves, parameterCount, type Tensor, type Tree } from '@latent/graph'
import { train } from '@latent/graph/train'
import fc from 'fast-check'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  denseResnetCipher,
  denseResnetModel,
  type DenseNetworks,
  DESCRIBED,
  diffuse,
  type Diffusion,
  DIFFUSION_RULES,
  intermediateCipher,
  networkParameters,
  openIntermediate,
  openNetworks,
  type PassKey,
  passKeys,
  REPAIRED,
  undiffuse,
  WIDTHS,
} from '../src/dense-resnet/index.ts'
import { structuredStart } from '../src/dense-resnet/structured-start.ts'
import { writeModel } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'
import { diffuse as slowDiffuse, substitute } from './reference/diffusion.ts'
import { atLength, LONG } from '../../../test/long.ts'

const key = sha256Of(new TextEncoder().encode('dense-resnet tests'))
const none = new Uint8Array(0)
const stream = (seed: number) => KeyStream.create(sha256Of(Uint8Array.of(seed & 255, seed >> 8)), 'latent/v1/test')
const bytesOf = async (seed: number, length: number) => (await stream(seed)).bytes(length)
const xor = (a: Uint8Array, b: Uint8Array) => a.map((value, i) => value ^ b[i]!)
/** What an attacker has: the rule, and no key at all. */
const noKeys = (passes: number, length: number): PassKey[] =>
  Array.from({ length: passes }, () => ({ start: 0, mask: new Uint8Array(length), turns: new Uint8Array(length) }))

describe('the diffusion', () => {
  const cases = fc.record({
    rule: fc.constantFrom(...DIFFUSION_RULES),
    passes: fc.integer({ min: 1, max: 4 }),
    bytes: fc.uint8Array({ maxLength: 70 }),
    secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    nonce: fc.uint8Array({ maxLength: 20 }),
  })

  test('has an exact inverse, in every rule, for any length', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rule, passes, bytes, secret, nonce }) => {
        const keys = await passKeys({ rule, passes }, bytes.length, secret, nonce)
        const before = bytes.slice()
        expect(undiffuse(rule, diffuse(rule, bytes, keys), keys)).toEqual(bytes)
        expect(bytes).toEqual(before)
      }),
    )
  })

  test('is what its formulas say: the slow twin', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rule, passes, bytes, secret, nonce }) => {
        const keys = await passKeys({ rule, passes }, bytes.length, secret, nonce)
        const plain = keys.map(({ start, mask, turns = none }) => ({ start, mask: [...mask], turns: [...turns] }))
        expect([...diffuse(rule, bytes, keys)]).toEqual(slowDiffuse(rule, [...bytes], plain))
      }),
    )
  })

  // Any change of key derivation, stream order or formula changes these. S-box values: FIPS 197, figure 7.
  test('known answers', async () => {
    expect([0x00, 0x01, 0x53, 0xff].map(substitute)).toEqual([0x63, 0x7c, 0xed, 0x16])
    const plain = Uint8Array.from({ length: 12 }, (_, i) => 7 * i)
    const found = await Promise.all(
      DIFFUSION_RULES.map(async rule => [
        rule,
        toHex(diffuse(rule, plain, await passKeys({ rule, passes: 2 }, plain.length, key, Uint8Array.of(1)))),
      ]),
    )
    expect(Object.fromEntries(found)).toMatchInlineSnapshot(`
      {
        "xor-add": "2778bf7ec7ab61dcc30db547",
        "xor-chain": "61cee9d2af97d954cff3b1c7",
        "xor-rot": "ac9de9b9da5dc77ee03d27ce",
        "xor-sbox": "54f2e5f3e706addc1379fff0",
      }
    `)
  })

  test('keys, nonces and passes have streams of their own', async () => {
    const of = async (secret: Uint8Array, nonce: Uint8Array) =>
      (await passKeys({ rule: 'xor-chain', passes: 2 }, 32, secret, nonce)).map(({ mask }) => toHex(mask))
    const streams = [
      ...(await of(key, none)),
      ...(await of(key, Uint8Array.of(1))),
      ...(await of(key.with(0, key[0]! ^ 1), none)),
    ]
    expect(new Set(streams).size).toBe(6)
    await expect(passKeys({ rule: 'xor-chain', passes: 0 }, 1, key, none)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('xor-chain: one changed byte is a constant difference behind it, alternating after a second pass', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 80 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (bytes, where, delta) => {
          const at = where % bytes.length
          const changed = bytes.with(at, bytes[at]! ^ delta)
          const difference = async (passes: number) => {
            const keys = await passKeys({ rule: 'xor-chain', passes }, bytes.length, key, none)
            return xor(diffuse('xor-chain', bytes, keys), diffuse('xor-chain', changed, keys))
          }
          expect(await difference(1)).toEqual(Uint8Array.from(bytes, (_, i) => (i < at ? 0 : delta)))
          const behind = bytes.length - at
          // Backwards over `behind` bytes of delta: delta, 0, delta, 0, ... from the end, and what it arrives at stays.
          expect(await difference(2)).toEqual(
            Uint8Array.from(bytes, (_, i) => (i >= at ? ((bytes.length - i) % 2) * delta : (behind % 2) * delta)),
          )
        },
      ),
    )
  })

  /** Share of P ^ P' that taking the diffusion off C ^ C' without a key gives. */
  async function peeledShare(rule: Diffusion['rule'], passes: number): Promise<number> {
    const [a, b] = [await bytesOf(1, 3000), await bytesOf(2, 3000)]
    const keys = await passKeys({ rule, passes }, a.length, key, none)
    const peeled = undiffuse(rule, xor(diffuse(rule, a, keys), diffuse(rule, b, keys)), noKeys(passes, a.length))
    return xor(a, b).filter((value, i) => value === peeled[i]).length / a.length
  }

  test('xor-chain peels off two ciphers without the key, whatever the passes; no other rule does', async () => {
    const passes = [1, 2, 3, 5]
    expect(await Promise.all(passes.map(count => peeledShare('xor-chain', count)))).toEqual([1, 1, 1, 1])
    // One rotation in eight is none, so that parts of one pass of xor-rot peel as well.
    for (const [rule, most] of [
      ['xor-rot', 0.2],
      ['xor-add', 0.06],
      ['xor-sbox', 0.06],
    ] as const) {
      for (const count of passes) expect(await peeledShare(rule, count)).toBeLessThan(most)
    }
  })

  test('one wrong cipher byte damages passes + 1 bytes, side by side', async () => {
    const plain = await bytesOf(3, 400)
    for (const rule of DIFFUSION_RULES) {
      for (const passes of [1, 2, 3]) {
        const keys = await passKeys({ rule, passes }, plain.length, key, none)
        const cipher = diffuse(rule, plain, keys)
        const damaged = [...undiffuse(rule, cipher.with(200, cipher[200]! ^ 0x55), keys)].flatMap((value, i) =>
          value === plain[i] ? [] : [i],
        )
        expect(damaged.length).toBeLessThanOrEqual(passes + 1)
        expect(damaged.length).toBeGreaterThan(0)
        expect(damaged.at(-1)! - damaged[0]!).toBeLessThanOrEqual(passes)
      }
    }
  })

  /**
   * Trials in which NPCR, and UACI, of one byte raised by 1 lie within the two-sided limits at 0.05 (Wu, Noonan and
   * Agaian 2011).
   */
  async function withinLimits({ rule, passes }: Diffusion, trials: number): Promise<{ npcr: number; uaci: number }> {
    const n = 65536
    const counts = { npcr: 0, uaci: 0 }
    const draws = await stream(passes)
    for (let trial = 0; trial < trials; trial++) {
      const plain = await draws.bytes(n)
      const at = (await draws.integers(1, n))[0]!
      const keys = await passKeys({ rule, passes }, n, key, Uint8Array.of(trial))
      const [a, b] = [diffuse(rule, plain, keys), diffuse(rule, plain.with(at, plain[at]! + 1), keys)]
      let [changed, distance] = [0, 0]
      for (let i = 0; i < n; i++) {
        if (a[i] !== b[i]) changed++
        distance += Math.abs(a[i]! - b[i]!)
      }
      // Means and deviations for n = 65536; 1.96 deviations either way.
      if (Math.abs(changed / n - 255 / 256) < (1.96 * Math.sqrt(255 / n)) / 256) counts.npcr++
      if (distance / n / 255 > 0.332824 && distance / n / 255 < 0.336447) counts.uaci++
    }
    return counts
  }

  test('xor-sbox in three passes: NPCR and UACI within two-sided limits in at least 85 of 100 trials', async () => {
    const { npcr, uaci } = await withinLimits({ rule: 'xor-sbox', passes: 3 }, 100)
    expect(npcr).toBeGreaterThanOrEqual(85)
    expect(uaci).toBeGreaterThanOrEqual(85)
  })

  test('xor-chain: never', async () => {
    for (const passes of [1, 2, 3])
      expect(await withinLimits({ rule: 'xor-chain', passes }, 30)).toEqual({ npcr: 0, uaci: 0 })
  })
})

/** A drawn photograph: sky, hills and texture in three colours that belong together. */
function drawn(
  width: number,
  height: number,
  { channels = 3, format = 'u8', salt = 0 }: { channels?: number; format?: SampleFormat; salt?: number } = {},
): Image {
  const count = width * height * channels
  const peak = format === 'u8' ? 255 : format === 'u16' ? 65535 : 1
  const value = (i: number) => {
    const [x, y, c] = [Math.floor(i / channels) % width, Math.floor(i / channels / width), i % channels]
    const grain = ((Math.imul(x + 31 * salt, 374761393) ^ Math.imul(y, 668265263)) >>> 24) / 255
    const ground = y > height * (0.5 + 0.2 * Math.sin((x + 40 * salt) / 23))
    return ground ? 0.35 + 0.12 * Math.sin(x / 3 + c) + 0.1 * grain : 0.8 - (0.4 * y) / height - 0.08 * c + 0.02 * grain
  }
  const data =
    format === 'u8' ? new Uint8Array(count) : format === 'u16' ? new Uint16Array(count) : new Float32Array(count)
  for (let i = 0; i < count; i++) data[i] = format === 'f32' ? value(i) : Math.round(peak * value(i))
  return image({ width, height, channels, format, data })
}

function psnr(a: Image, b: Image): number {
  const peak = a.format === 'u8' ? 255 : a.format === 'u16' ? 65535 : 1
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += ((a.data[i]! - b.data[i]!) / peak) ** 2
  return -10 * Math.log10(sum / a.data.length)
}

const flat = (tree: unknown): Record<string, Tensor<'f32'>> => Object.fromEntries(leaves(tree as Tree<Tensor<'f32'>>))
const pictures = [0, 1, 2, 3].map(salt => drawn(256, 192, { salt }) as Image<'u8'>)

describe('networks from their start, before any training', () => {
  let start: Record<string, Tensor<'f32'>>
  let networks: DenseNetworks
  let ciphers: Record<'described' | 'repaired', ImageCipher>
  let file: Uint8Array
  beforeAll(async () => {
    start = flat(await structuredStart(WIDTHS.compact, pictures, 1))
    file = writeModel({ scheme: 'dense-resnet-2024', profile: 'compact', tensors: start }, { half: true })
    networks = openNetworks(await denseResnetModel(file))
    ciphers = { described: denseResnetCipher(networks, DESCRIBED), repaired: denseResnetCipher(networks, REPAIRED) }
  }, 60_000)
  afterAll(() => networks.close())

  test.each([
    ['a photograph', 96, 64, {}],
    ['odd sides', 51, 37, {}],
    ['grey', 33, 40, { channels: 1 }],
    ['grey and alpha', 16, 9, { channels: 2 }],
    ['alpha', 20, 21, { channels: 4 }],
    ['16 bits', 40, 30, { format: 'u16' }],
    ['floats', 24, 24, { format: 'f32' }],
    ['the smallest', 8, 8, {}],
    ['more than one tile', 300, 20, {}],
  ] as const)('%s comes back, nearly', async (_, width, height, kind) => {
    const plain = drawn(width, height, kind)
    for (const cipher of Object.values(ciphers)) {
      const encrypted = await cipher.encrypt(plain, key)
      expect([encrypted.width % 4, encrypted.height % 4, encrypted.channels, encrypted.format]).toEqual([0, 0, 3, 'u8'])
      const back = await cipher.decrypt(encrypted, key)
      expect([back.width, back.height, back.channels, back.format]).toEqual([
        width,
        height,
        plain.channels,
        plain.format,
      ])
      expect(psnr(back, plain)).toBeGreaterThan(20)
    }
  })

  test('the diffusion loses nothing: with and without it, the same picture comes back', async () => {
    const plain = drawn(64, 48)
    const open = await openIntermediate(networks, await intermediateCipher(networks, plain), plain)
    for (const cipher of Object.values(ciphers))
      expect((await cipher.decrypt(await cipher.encrypt(plain, key), key)).data).toEqual(open.data)
  })

  test('as described, equal pictures give equal ciphers; repaired, never', async () => {
    const plain = drawn(32, 32)
    const [first, second] = await Promise.all([1, 2].map(() => ciphers.described.encrypt(plain, key)))
    expect(first).toEqual(second)
    const [a, b] = await Promise.all([1, 2].map(() => ciphers.repaired.encrypt(plain, key)))
    expect(a!.data).not.toEqual(b!.data)
    const nonce = Uint8Array.of(5)
    expect(await ciphers.repaired.encrypt(plain, key, { nonce })).toEqual(
      await ciphers.repaired.encrypt(plain, key, { nonce }),
    )
    expect((await ciphers.described.encrypt(plain, key, { nonce })).data).not.toEqual(first!.data)
  })

  test('a wrong key gives noise, and an error where a check value travels', async () => {
    const plain = drawn(64, 64)
    const wrong = key.with(31, key[31]! ^ 1)
    for (const cipher of Object.values(ciphers)) {
      expect(psnr(await cipher.decrypt(await cipher.encrypt(plain, key), wrong), plain)).toBeLessThan(15)
      await expect(cipher.decrypt(await cipher.encrypt(plain, key, { check: true }), wrong)).rejects.toMatchObject({
        code: 'E_NO_MATCH',
      })
    }
  })

  test('what does not fit is refused, with a code', async () => {
    const { described, repaired } = ciphers
    const plain = drawn(32, 32)
    const cipher = await described.encrypt(plain, key)
    await expect(described.encrypt(drawn(7, 30), key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(described.encrypt(plain, key.subarray(1))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(described.encrypt(plain, key, { wire: 'u16' })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(repaired.decrypt(cipher, key)).rejects.toMatchObject({
      code: 'E_IMAGE',
      hint: expect.stringContaining('dense-resnet-2024'),
    })
    const { annotations: _, ...bare } = cipher
    await expect(described.decrypt(bare, key)).rejects.toMatchObject({
      code: 'E_IMAGE',
      hint: expect.stringContaining('JPEG'),
    })
    const smaller = image({
      width: 16,
      height: 32,
      channels: 3,
      format: 'u8',
      data: (cipher.data as Uint8Array).slice(0, 16 * 32 * 3),
    })
    await expect(described.decrypt({ ...smaller, annotations: cipher.annotations! }, key)).rejects.toMatchObject({
      code: 'E_IMAGE',
    })
    const wide = { ...cipher, format: 'u16' as const, data: Uint16Array.from(cipher.data, value => 257 * value) }
    await expect(described.decrypt(wide, key)).rejects.toMatchObject({ code: 'E_IMAGE' })
  })

  test('weights of another scheme, profile or shape, and broken ones, are refused', async () => {
    const other = openNetworks(
      await denseResnetModel(
        writeModel(
          {
            scheme: 'dense-resnet-2024',
            profile: 'compact',
            tensors: {
              ...start,
              'encryption.last.bias': { ...start['encryption.last.bias']!, data: Float32Array.of(0.1, 0, 0) },
            },
          },
          { half: true },
        ),
      ),
    )
    await expect(
      denseResnetCipher(other, DESCRIBED).decrypt(await ciphers.described.encrypt(drawn(32, 32), key), key),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS', hint: expect.stringContaining('--weights') })
    await expect(
      denseResnetModel(writeModel({ scheme: 'flowcrypt-2025', profile: 'compact', tensors: start }, { half: true })),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(
      denseResnetModel(writeModel({ scheme: 'dense-resnet-2024', profile: 'huge', tensors: start }, { half: true })),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(denseResnetModel(file.subarray(0, file.length - 1))).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    for (const profile of ['paper', 'published']) {
      const mistaken = await denseResnetModel(
        writeModel({ scheme: 'dense-resnet-2024', profile, tensors: start }, { half: true }),
      )
      expect(() => openNetworks(mistaken)).toThrow(expect.objectContaining({ code: 'E_WEIGHTS' }))
    }
  })

  test('says what it costs', () => {
    const paper = networkParameters('own', WIDTHS.paper)
    // One dense block: 128 to 32, 160 to 32, 192 to 32 channels by 3x3, 224 to 128 by 1x1, and biases.
    expect(parameterCount(paper.blocks[0]!)).toBe(9 * 32 * (128 + 160 + 192) + 224 * 128 + 3 * 32 + 128)
    const { parameters, macs } = ciphers.described.cost!({ width: 256, height: 256, channels: 3 })
    expect(parameters).toBe(2 * parameterCount(networkParameters('own', WIDTHS.compact)))
    expect(macs).toBeGreaterThan(1e9)
    expect(ciphers.described.cost!({ width: 254, height: 256, channels: 3 }).macs).toBe(macs)
  })
})

describe('the recipes', () => {
  // The structured start is a cipher already; random weights are none yet.
  test.runIf(LONG).each([
    ['dense-resnet', 20, 50],
    ['dense-resnet-published', 0, 20],
  ] as const)(`%s trains and is measured${atLength}`, { timeout: 120_000 }, async (id, least, most) => {
    const folder = await mkdtemp(join(tmpdir(), 'latent-dense-'))
    const run = await findRecipe(id).open({ profile: 'compact', seed: 1, images: () => Promise.resolve(pictures) })
    try {
      const { log, weights } = await train(run.training, {
        ...run,
        name: id,
        steps: 6,
        seed: 1,
        folder,
        resume: false,
        logEvery: 3,
        threads: 1,
      })
      expect(Object.values(log.at(-1)!).every(Number.isFinite)).toBe(true)
      const score = await run.validation!.score(weights)
      expect(score).toBeGreaterThan(least)
      expect(score).toBeLessThan(most)
    } finally {
      await run.close?.()
      await rm(folder, { recursive: true })
    }
  })

  test('training starts where the structure is, and the rest is drawn by seed', async () => {
    const [one, again, other] = await Promise.all(
      [1, 1, 2].map(async seed => flat(await structuredStart(WIDTHS.compact, pictures.slice(0, 1), seed))),
    )
    expect(one).toEqual(again)
    expect(one).not.toEqual(other)
    const random = flat(await initialise({ encryption: networkParameters('own', WIDTHS.compact) }, 1))
    expect(Object.keys(random).every(path => one![path]!.dims.join() === random[path]!.dims.join())).toBe(true)
  })
})

describe.skipIf(!existsSync(new URL('../../../models/dense-resnet-2024-paper.safetensors', import.meta.url)))(
  'the weights that come with Latent',
  () => {
    test('give drawn pictures back above 36 dB, and a cipher without structure', async () => {
      const networks = openNetworks(await denseResnetModel())
      try {
        const cipher = denseResnetCipher(networks, REPAIRED)
        const plain = drawn(256, 192)
        const encrypted = await cipher.encrypt(plain, key)
        expect(psnr(await cipher.decrypt(encrypted, key), plain)).toBeGreaterThan(36)
        const counts = new Float64Array(256)
        for (const value of encrypted.data) counts[value]!++
        const expected = encrypted.data.length / 256
        // Chi-square with 255 degrees of freedom: above 341 in one of 5,000.
        expect(counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(341)
      } finally {
        await networks.close()
      }
    })
  },
)
