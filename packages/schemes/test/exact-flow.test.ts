import { type Image, image, KeyStream, sha256Of, toHex } from '@latent/core'
import fc from 'fast-check'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPool } from '../src/exact-flow/pool.ts'
import { openExactFlowPool } from '../src/exact-flow/pool-node.ts'
import {
  type ExactFlow,
  exactFlowCipher,
  type ExactFlowOptions,
  openExactFlow,
  shiftHalfEven,
  TILE_BYTES,
  tileCuts,
  WEIGHT_SETS,
} from '../src/exact-flow/index.ts'
import { publishedVectors, vectorFile } from './exact-flow-vector-files.ts'
import { encryptVector, type FlowVector, VECTOR_INPUTS } from './exact-flow-vectors.ts'
import { atLength, LONG } from '../../../test/long.ts'

const KEY = sha256Of(new TextEncoder().encode('exact-flow tests'))
const tweak = (n: number) => Uint8Array.of(n >>> 8, n & 255)

async function noise(length: number, label: string): Promise<Uint8Array> {
  return (await KeyStream.create(KEY, 'latent/v1/test/noise', new TextEncoder().encode(label))).bytes(length)
}

async function picture(
  width: number,
  height: number,
  channels: number,
  format: 'u8' | 'u16',
): Promise<Image<'u8' | 'u16'>> {
  const bytes = await noise(width * height * channels * 2, `${width}x${height}x${channels}`)
  const data = format === 'u8' ? bytes.slice(0, bytes.length / 2) : new Uint16Array(bytes.buffer)
  return image({ width, height, channels, format, data })
}

describe.each(Object.entries(WEIGHT_SETS))(
  'published vectors of the %s weights, one cipher on every backend',
  (set, { load: weightsOf }) => {
    // LATENT_REGENERATE=1 writes the file anew from the loop; the other backends must then agree. The two longest take
    // the loop a minute: `npm run test:long`, while the others compute them in every run.
    test(`the plain loop${atLength}`, async () => {
      const all = process.env['LATENT_REGENERATE'] || LONG
      const inputs = VECTOR_INPUTS.filter(({ length }) => all || length < 300_000)
      const flow = await openExactFlow({ weights: await weightsOf(), loop: true })
      const computed: FlowVector[] = []
      for (const input of inputs) computed.push(await encryptVector(flow, input))
      if (process.env['LATENT_REGENERATE'])
        await writeFile(vectorFile(set), `${JSON.stringify({ weights: flow.weightsId, vectors: computed }, null, 2)}\n`)
      const { weights, vectors } = await publishedVectors(set)
      expect({ weights: flow.weightsId, vectors: computed }).toEqual({
        weights,
        vectors: vectors.slice(0, inputs.length),
      })
      expect(inputs.length).toBe(all ? 12 : 10)
    })

    const backends: [string, ExactFlowOptions][] = [
      ['native int8', { backend: 'ort-node', arithmetic: 'int8', threads: 1 }],
      ['native float', { backend: 'ort-node', arithmetic: 'float', threads: 2 }],
      ['WASM int8', { backend: 'ort-wasm', arithmetic: 'int8', threads: 2 }],
      ['WASM float', { backend: 'ort-wasm', arithmetic: 'float', threads: 2 }],
      ...(set === 'second' ? [['WASM kernel', { backend: 'kernel' }] as [string, ExactFlowOptions]] : []),
    ]
    test.each(backends)('%s', async (_, options) => {
      const { weights, vectors } = await publishedVectors(set)
      const flow = await openExactFlow({ ...options, weights: await weightsOf() })
      expect(flow.weightsId).toBe(weights)
      for (const vector of vectors) expect(await encryptVector(flow, vector)).toEqual(vector)
      await flow.close()
    })
  },
)

describe('the tile permutation', () => {
  let flow: ExactFlow
  beforeAll(async () => {
    flow = await openExactFlow({ threads: 1 })
  })
  afterAll(() => flow.close())

  test('every length from 32 bytes comes back', async () => {
    const plain = await noise(3200, 'lengths')
    for (const length of [...Array.from({ length: 160 }, (_, i) => 32 + i), 1535, 1536, 1537, 3071, 3072, 3073]) {
      const cipher = await flow.encrypt(KEY, tweak(length), plain.subarray(0, length))
      expect(cipher.length).toBe(length)
      expect(await flow.decrypt(KEY, tweak(length), cipher)).toEqual(plain.subarray(0, length))
    }
  })

  test('random keys, tweaks and bytes come back, and the input is left alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ minLength: 32, maxLength: 2000 }),
        async (key, tweak, plain) => {
          const before = plain.slice()
          const cipher = await flow.encrypt(key, tweak, plain)
          expect(plain).toEqual(before)
          expect(await flow.decrypt(key, tweak, cipher)).toEqual(plain)
        },
      ),
    )
  })

  test('around a full tile', async () => {
    for (const length of [TILE_BYTES - 1, TILE_BYTES, TILE_BYTES + 31]) {
      const plain = await noise(length, 'tile')
      expect(toHex(sha256Of(await flow.decrypt(KEY, tweak(1), await flow.encrypt(KEY, tweak(1), plain))))).toBe(
        toHex(sha256Of(plain)),
      )
    }
  })

  test.each([
    ['31 bytes', 31, 32],
    ['a short key', 100, 16],
  ])('%s are refused', async (_, length, keyLength) => {
    await expect(flow.encrypt(new Uint8Array(keyLength), tweak(0), new Uint8Array(length))).rejects.toMatchObject({
      code: 'E_ARGUMENT',
    })
  })

  // Two-sided limits at the 0.05 level for n = 786,432 (Wu, Noonan, Agaian 2011), z = 1.959964.
  const [meanN, meanU, n] = [255 / 256, 257 / 768, TILE_BYTES]
  const sdN = Math.sqrt(255 / (256 ** 2 * n))
  const sdU = Math.sqrt((257 * (255 ** 2 + 2 * 255 + 3)) / (18 * 256 ** 2 * 255 * n))

  function differs(a: Uint8Array, b: Uint8Array) {
    let [changed, distance] = [0, 0]
    for (let i = 0; i < a.length; i++) {
      if (a[i] !== b[i]) changed++
      distance += Math.abs(a[i]! - b[i]!)
    }
    return { npcr: (changed / a.length - meanN) / sdN, uaci: (distance / a.length / 255 - meanU) / sdU }
  }

  const changes: [string, (trial: number, plain: Uint8Array) => Promise<Uint8Array>][] = [
    [
      'one changed bit',
      async (trial, plain) => {
        const other = plain.slice()
        const [bit] = await (await KeyStream.create(KEY, 'latent/v1/test/bit', tweak(trial))).integers(1, 8 * n)
        other[bit! >>> 3]! ^= 1 << (bit! & 7)
        return flow.encrypt(KEY, tweak(0), other)
      },
    ],
    ['another tweak', (trial, plain) => flow.encrypt(KEY, tweak(trial + 1), plain)],
    [
      'one changed key bit',
      (trial, plain) => {
        const other = KEY.slice()
        other[trial % 32]! ^= 1 << (trial >> 5)
        return flow.encrypt(other, tweak(0), plain)
      },
    ],
  ]
  // A random string is rejected 5 times in 100: more than 5 times in 30 with probability 0.003, more than 11 times in
  // 100 with 0.004.
  const [trials, most] = LONG ? [100, 11] : [30, 5]
  test.each(changes)(`%s: NPCR, UACI as of random strings, ${trials} trials${atLength}`, async (_, change) => {
    // A photo's opposite: a flat tile gives the cipher nothing to start from.
    const plain = new Uint8Array(n).fill(90)
    const cipher = await flow.encrypt(KEY, tweak(0), plain)
    let [rejectedN, rejectedU] = [0, 0]
    for (let trial = 0; trial < trials; trial++) {
      const { npcr, uaci } = differs(cipher, await change(trial, plain))
      if (Math.abs(npcr) > 1.959964) rejectedN++
      if (Math.abs(uaci) > 1.959964) rejectedU++
    }
    expect(rejectedN).toBeLessThanOrEqual(most)
    expect(rejectedU).toBeLessThanOrEqual(most)
  })

  test('decrypting under a wrong key, a wrong tweak or after a flipped bit leaves nothing', async () => {
    const plain = new Uint8Array(n).fill(90)
    const cipher = await flow.encrypt(KEY, tweak(0), plain)
    const flipped = cipher.slice()
    flipped[n - 1]! ^= 128
    for (const [key, used, bytes] of [
      [sha256Of(KEY), tweak(0), cipher],
      [KEY, tweak(1), cipher],
      [KEY, tweak(0), flipped],
    ] as const) {
      const { npcr, uaci } = differs(plain, await flow.decrypt(key, used, bytes))
      // Against a flat 90 the expected distance is that of uniform bytes, not of two ciphers: only
      // the share of changed bytes has the limits above.
      expect(Math.abs(npcr)).toBeLessThan(4)
      expect(Math.abs(uaci)).toBeGreaterThan(10)
    }
  })
})

test('shifts round half to even', () => {
  expect([-5, -3, -2, -1, 0, 1, 2, 3, 5, 6, 7].map(value => shiftHalfEven(value, 1))).toEqual([
    -2, -2, -1, 0, 0, 0, 1, 2, 2, 3, 4,
  ])
})

describe('pixel mode', () => {
  let flow: ExactFlow
  beforeAll(async () => {
    flow = await openExactFlowPool({ workers: 2 })
  })
  afterAll(() => flow.close())

  const shapes = [1, 2, 3, 4].flatMap(channels => [[33, 7, channels, 'u8'] as const, [5, 9, channels, 'u16'] as const])
  test.each([...shapes, [800, 700, 3, 'u8'] as const])(
    '%i x %i, %i channels of %s come back',
    async (width, height, channels, format) => {
      const plain = await picture(width, height, channels, format)
      const cipher = exactFlowCipher(flow)
      const noise = await cipher.encrypt(plain, KEY)
      expect([noise.width, noise.height, noise.channels, noise.format]).toEqual([width, height, channels, format])
      expect(noise.data).not.toEqual(plain.data)
      expect(await cipher.decrypt(noise, KEY)).toEqual(plain)
    },
  )

  test('a nonce travels beside the image and separates equal images', async () => {
    const cipher = exactFlowCipher(flow)
    const plain = await picture(16, 16, 3, 'u8')
    const [a, b, none] = [
      await cipher.encrypt(plain, KEY, { nonce: Uint8Array.of(1) }),
      await cipher.encrypt(plain, KEY, { nonce: Uint8Array.of(2) }),
      await cipher.encrypt(plain, KEY),
    ]
    expect(a.annotations).toEqual({ 'latent:nonce': '01' })
    expect(a.data).not.toEqual(b.data)
    expect(a.data).not.toEqual(none.data)
    expect(await cipher.decrypt(a, KEY)).toEqual(plain)
    expect((await cipher.decrypt({ ...a, annotations: {} }, KEY)).data).not.toEqual(plain.data)
    await expect(cipher.decrypt({ ...a, annotations: { 'latent:nonce': 'xyz' } }, KEY)).rejects.toMatchObject({
      code: 'E_IMAGE',
    })
  })

  test('pictures below 32 bytes and float samples are refused', async () => {
    const cipher = exactFlowCipher(flow)
    await expect(cipher.encrypt(await picture(31, 1, 1, 'u8'), KEY)).rejects.toMatchObject({
      code: 'E_IMAGE',
      hint: expect.stringContaining('seal'),
    })
    await expect(
      cipher.encrypt(image({ width: 8, height: 8, channels: 1, format: 'f32', data: new Float32Array(64) }), KEY),
    ).rejects.toMatchObject({ code: 'E_IMAGE' })
  })

  test('a rest below 32 bytes joins the tile before it', () => {
    expect(tileCuts(32)).toEqual([0])
    expect(tileCuts(TILE_BYTES + 31)).toEqual([0])
    expect(tileCuts(TILE_BYTES + 32)).toEqual([0, TILE_BYTES])
    expect(tileCuts(2 * TILE_BYTES + 31)).toEqual([0, TILE_BYTES])
  })

  test('an error in a worker arrives with its code', async () => {
    await expect(flow.encrypt(KEY, tweak(0), new Uint8Array(5))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('a backend that does not exist is reported', async () => {
    await expect(openExactFlowPool({ workers: 1, backend: 'ort-webgpu' })).rejects.toMatchObject({ code: 'E_BACKEND' })
  })
})

test('a thread that has ended fails its tiles instead of keeping them waiting', async () => {
  let end = () => {}
  const pool = await openPool(
    (answered, failed) => {
      end = () => failed()
      queueMicrotask(() => answered({ ready: { weightsId: 'w', backend: 'b' } }))
      return { post: () => undefined, hold: () => undefined, stop: () => undefined }
    },
    1,
    {},
  )
  const waiting = pool.encrypt(KEY, tweak(0), new Uint8Array(32))
  end()
  await expect(waiting).rejects.toMatchObject({ code: 'E_BACKEND' })
  await expect(pool.encrypt(KEY, tweak(0), new Uint8Array(32))).rejects.toMatchObject({ code: 'E_BACKEND' })
})
