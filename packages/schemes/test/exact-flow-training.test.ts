import { type Image, KeyStream, sha256Of } from '@latent/core'
import { compile, differentiate, initialise, ops, shape, tensor, type Tensor } from '@latent/graph'
import { train } from '@latent/graph/train'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  constantWeights,
  exactFlowCipher,
  knownWeights,
  loopNetworks,
  openExactFlow,
  openFlows,
  parseWeights,
  POSITIONS,
  secondWeights,
  serializeWeights,
  trainedWeights,
  WEIGHT_SETS,
} from '../src/exact-flow/index.ts'
import { patchBatch, PICTURES } from '../src/exact-flow/patches.ts'
import { flowParameters, flowTree, modulo256, quantise, roundNetwork } from '../src/exact-flow/straight-through.ts'
import { findRecipe } from '../src/recipes.ts'
import { openScheme } from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

const KEY = sha256Of(new TextEncoder().encode('exact-flow training tests'))
const drawn = (label: string) => KeyStream.create(KEY, 'latent/v1/test/training', new TextEncoder().encode(label))

/**
 * Networks after some training, as far as rounding is concerned: weights between integers, on ties and out of range.
 */
async function masters(seed: number) {
  const parameters = await initialise(flowParameters(2), seed)
  const stream = await drawn(`masters ${seed}`)
  for (const round of Object.values(parameters)) {
    for (const { weight, bias } of Object.values(round)) {
      const noise = await stream.uniforms(bias.data.length)
      noise.forEach((u, i) => (bias.data[i] = Math.fround(80 * (u - 0.5))))
      weight.data.forEach(
        (value, i) => (weight.data[i] = i % 5 === 0 ? Math.round(value) + 0.5 : i % 7 === 0 ? 1.2 * value : value),
      )
    }
  }
  return parameters
}

describe('straight-through networks', () => {
  test.each([1, 2])(
    'what training computes is what the integer network computes, to the byte (seed %i)',
    async seed => {
      const rows = 5
      const parameters = await masters(seed)
      const networks = loopNetworks(quantise(parameters))
      const input = await (await drawn(`input ${seed}`)).bytes(rows * POSITIONS * 16)
      const planes = Float32Array.from(
        { length: input.length },
        (_, i) => input[(i % (rows * POSITIONS)) * 16 + Math.floor(i / (rows * POSITIONS))]!,
      )
      for (const [round, layers] of Object.values(parameters).entries()) {
        const traced = await compile(
          ({ p, x }) => roundNetwork(p, ops.slice(x, 1, 0, 12), ops.slice(x, 1, 12, 16)).bytes,
          { p: layers, x: shape([1, 16, rows, POSITIONS]) },
          { backend: 'ort-node' },
        )
        const { output } = await traced.run({ x: tensor('f32', [1, 16, rows, POSITIONS], planes) })
        await traced.close()
        const expected = new Uint8Array(rows * POSITIONS * 12)
        await networks.run(round, input, rows, expected)
        const computed = Uint8Array.from(
          { length: expected.length },
          (_, i) => output!.data[(i % 12) * rows * POSITIONS + Math.floor(i / 12)] as number,
        )
        expect(computed).toEqual(expected)
        expect(new Set(expected).size).toBeGreaterThan(200)
      }
    },
  )

  test('derivatives pass rounding, and pass the reduction modulo 256 as if it were not there', async () => {
    const at = tensor('f32', [4], Float32Array.of(3.5, 300.2, -0.4, 255.9))
    const graph = await compile(
      ({ x }) =>
        differentiate(
          y => ({
            loss: ops.sum(
              ops.mul(tensor('f32', [4], Float32Array.of(1, 2, 3, 4)), modulo256(ops.roundStraightThrough(y.y))),
            ),
            aux: modulo256(ops.roundStraightThrough(y.y)),
          }),
          { y: x },
        ),
      { x: shape([4]) },
    )
    const outputs = await graph.run({ x: at })
    await graph.close()
    expect([...(outputs['aux']!.data as Float32Array)]).toEqual([4, 44, 0, 0])
    expect([...(outputs['gradients.y']!.data as Float32Array)]).toEqual([1, 2, 3, 4])
  })
})

const photo = (salt: number): Image<'u8'> => {
  const [width, height] = [260, 210]
  return {
    width,
    height,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from(
      { length: width * height * 3 },
      (_, i) =>
        128 + 90 * Math.sin((Math.floor(i / 3) % width) / (9 + salt) + Math.floor(i / 3 / width) / 13 + (i % 3)),
    ),
  }
}

test('a batch holds every picture three times: as it is, under other maps, and with one byte changed', async () => {
  const { x, y, ...maps } = await patchBatch([photo(1)], 5, 17)
  const third = (value: Tensor<'f32'>, i: number) =>
    value.data.subarray((i * value.data.length) / 3, ((i + 1) * value.data.length) / 3)
  expect(third(x!, 1)).toEqual(third(x!, 0))
  for (const copy of [1, 2]) expect(third(y!, copy)).toEqual(third(y!, 0))
  expect(third(x!, 2).reduce((count, value, i) => count + Number(value !== third(x!, 0)[i]), 0)).toBe(PICTURES)
  const equal = (copy: number) =>
    Object.entries(maps).flatMap(([name, map]) =>
      third(map, copy).every((value, i) => value === third(map, 0)[i]) ? [name] : [],
    )
  expect(equal(1)).toEqual([])
  expect(equal(2)).toEqual(['map0'])
  expect(await patchBatch([photo(1)], 5, 17)).toEqual({ x, y, ...maps })
  expect((await patchBatch([photo(1)], 5, 18))['map0']).not.toEqual(maps['map0'])
})

test.runIf(LONG)(
  `the recipe trains, and what comes out is a set of weights${atLength}`,
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latent-exact-flow-'))
    try {
      const run = await findRecipe('exact-flow').open({
        profile: 'compact',
        seed: 1,
        images: async () => [photo(1), photo(2)],
      })
      const { log, weights, finished } = await train(run.training, {
        ...run,
        name: 'exact-flow-compact',
        steps: 16,
        seed: 1,
        folder,
        resume: false,
        logEvery: 4,
        threads: 1,
      })
      expect(finished).toBe(true)
      expect(log.at(-1)!['cipher']).toBeLessThan(0.995 * log[0]!['cipher']!)
      const set = quantise(flowTree(weights))
      expect(parseWeights(serializeWeights(set.networks))).toEqual(set)
      expect(await run.validation!.score(weights)).toBeGreaterThan(-8)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

describe('sets of weights', () => {
  test('the trained ones are what their card and their file say', async () => {
    const models = new URL('../../../models/', import.meta.url)
    for (const [id, weights, parameters] of [
      ['exact-flow', await trainedWeights(), 69_424],
      ['exact-flow-2', await secondWeights(), 45_760],
    ] as const) {
      const card = JSON.parse(await readFile(new URL(`${id}.json`, models), 'utf8')) as unknown
      expect(card).toMatchObject({ sha256: weights.id, parameters, storage: 'i8' })
      expect(parseWeights(new Uint8Array(await readFile(new URL(`${id}.weights`, models))))).toEqual(weights)
    }
  })

  test('no round of the second ones leaves a tenth of a harmonic, for two of them meet in every half', async () => {
    const weights = await secondWeights()
    const networks = loopNetworks(weights)
    const rows = 8
    const outputs = 12 * weights.block
    for (let round = 0; round < weights.networks.length; round++) {
      const bytes = new Uint8Array(rows * POSITIONS * 12)
      await networks.run(round, await (await drawn(`flat ${round}`)).bytes(rows * POSITIONS * 16), rows, bytes)
      for (const k of [1, 2, 3, 4]) {
        const sums = Array.from({ length: outputs }, () => ({ cos: 0, sin: 0 }))
        for (const [i, byte] of bytes.entries()) {
          sums[i % outputs]!.cos += Math.cos((2 * Math.PI * k * byte) / 256)
          sums[i % outputs]!.sin += Math.sin((2 * Math.PI * k * byte) / 256)
        }
        const places = bytes.length / outputs
        const squares = sums.map(({ cos, sin }) => (cos ** 2 + sin ** 2) / places ** 2 - 1 / places)
        const rms = Math.sqrt(Math.max(0, squares.reduce((sum, square) => sum + square, 0) / outputs))
        expect(rms, `round ${round}, harmonic ${k}`).toBeLessThan(0.08)
      }
    }
  })

  test('are known by hash, and an unknown hash is refused', async () => {
    for (const { id, load } of Object.values(WEIGHT_SETS)) {
      const set = await knownWeights(id)
      expect(set.id).toBe(id)
      expect(await load()).toBe(set)
    }
    await expect(knownWeights('ab'.repeat(32))).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
  })

  test('both in one run, each opened once', async () => {
    let count = 0
    const { flows, close } = openFlows(weights => {
      count++
      return openExactFlow({ weights, loop: true })
    })
    const plain = await (await drawn('both')).bytes(100)
    const ids = [(await constantWeights()).id, (await trainedWeights()).id]
    const ciphers = await Promise.all(
      [...ids, ...ids].map(async id => (await flows(id)).encrypt(KEY, Uint8Array.of(1), plain)),
    )
    expect(ciphers[0]).toEqual(ciphers[2])
    expect(ciphers[1]).toEqual(ciphers[3])
    expect(ciphers[0]).not.toEqual(ciphers[1])
    expect(count).toBe(2)
    await expect(flows('00'.repeat(32))).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
    await close()
  })
})

describe('ablations', () => {
  test.each(['network-only', 'network-fixed-map', 'stream-only'] as const)(
    '%s comes back exactly, and has no name that a sealed file could carry',
    async ablation => {
      const flow = await openExactFlow({ weights: await trainedWeights(), ablation, threads: 1 })
      for (const length of [32, 41, 3073, 100_000]) {
        const plain = await (await drawn(ablation)).bytes(length)
        const cipher = await flow.encrypt(KEY, Uint8Array.of(2), plain)
        expect(cipher).not.toEqual(plain)
        expect(await flow.decrypt(KEY, Uint8Array.of(2), cipher)).toEqual(plain)
      }
      expect(flow.weightsId).not.toMatch(/^[0-9a-f]{64}$/)
      await flow.close()
    },
  )

  test("under a fixed map one byte reaches as far as the networks do; under the source's, everywhere", async () => {
    const plain = new Uint8Array(98_304)
    const changed = plain.with(49_152, 1)
    const share = async (ablation: 'network-only' | 'network-fixed-map') => {
      const flow = await openExactFlow({ weights: await trainedWeights(), ablation, threads: 1 })
      const [a, b] = [
        await flow.encrypt(KEY, Uint8Array.of(3), plain),
        await flow.encrypt(KEY, Uint8Array.of(3), changed),
      ]
      await flow.close()
      return a.reduce((count, value, i) => count + Number(value !== b[i]), 0) / a.length
    }
    // 25 x 25 positions and 19 x 19 of the other half, of 12 bytes.
    expect(await share('network-fixed-map')).toBeLessThan(((625 + 361) * 12) / 98_304)
    expect(await share('network-only')).toBeGreaterThan(0.98)
  })

  test('without networks the weights do not matter', async () => {
    const plain = await (await drawn('stream')).bytes(500)
    const ciphers: Uint8Array[] = []
    for (const weights of [await constantWeights(), await trainedWeights()]) {
      const flow = await openExactFlow({ weights, ablation: 'stream-only' })
      ciphers.push(await flow.encrypt(KEY, Uint8Array.of(4), plain))
    }
    expect(ciphers[0]).toEqual(ciphers[1])
  })
})

describe('pixel mode by scheme', () => {
  test('every set of weights has an id of its own, and takes others from a file', async () => {
    const plain = photo(3)
    const [constant, trained, given] = await Promise.all([
      openScheme('exact-flow'),
      openScheme('exact-flow-trained'),
      openScheme('exact-flow', { weights: serializeWeights((await trainedWeights()).networks) }),
    ])
    const [a, b, c] = await Promise.all([constant, trained, given].map(({ cipher }) => cipher.encrypt(plain, KEY)))
    expect(a!.data).not.toEqual(b!.data)
    expect(c!.data).toEqual(b!.data)
    expect((await trained.cipher.decrypt(b!, KEY)).data).toEqual(plain.data)
    expect([constant, trained].map(scheme => scheme.cipher.id)).toEqual(['exact-flow', 'exact-flow-trained'])
    await Promise.all([constant, trained, given].map(scheme => scheme.close()))
    await expect(openScheme('exact-flow', { weights: new Uint8Array(100) })).rejects.toMatchObject({
      code: 'E_WEIGHTS',
    })
  })

  test('the ablations say what they are', async () => {
    for (const id of [
      'exact-flow-network-only',
      'exact-flow-network-only-untrained',
      'exact-flow-stream-only',
    ] as const) {
      const { cipher, close } = await openScheme(id)
      const plain = photo(4)
      expect((await cipher.decrypt(await cipher.encrypt(plain, KEY), KEY)).data).toEqual(plain.data)
      expect(cipher.id).toBe(id)
      expect(cipher.cost === undefined).toBe(id === 'exact-flow-stream-only')
      expect(cipher.keySpace!.note.includes('nothing is proved')).toBe(id !== 'exact-flow-stream-only')
      await close()
    }
  })

  test('exactFlowCipher and openExactFlow alone are the scheme exact-flow', async () => {
    const flow = await openExactFlow({ loop: true })
    const { cipher, close } = await openScheme('exact-flow')
    const plain: Image<'u8'> = {
      width: 9,
      height: 7,
      channels: 3,
      format: 'u8',
      data: await (await drawn('plain')).bytes(189),
    }
    expect((await exactFlowCipher(flow).encrypt(plain, KEY)).data).toEqual((await cipher.encrypt(plain, KEY)).data)
    await close()
  })
})
