import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostTensor, shape } from '../src/compile.ts'
import { differentiate } from '../src/differentiate.ts'
import {
  batchNormTraining,
  conv2d,
  conv2dParameters,
  dense,
  denseParameters,
  runningStatistics,
  scaleParameters,
} from '../src/layers.ts'
import { lsgan, mse } from '../src/losses.ts'
import * as op from '../src/ops.ts'
import type { Expr } from '../src/ops.ts'
import { initialise, ones } from '../src/parameters.ts'
import { machine } from '@latent/core/node'
import { decodeSafetensors, encodeSafetensors } from '../src/safetensors.ts'
import { tensor } from '../src/tensor.ts'
import type { Tensor } from '../src/tensor.ts'
import {
  adam,
  adamW,
  constantRate,
  cosineRate,
  linearRate,
  sgd,
  stepRate,
  triangularRate,
} from '../src/train/optimisers.ts'
import type { Optimiser } from '../src/train/optimisers.ts'
import { epochOrder } from '../src/train/order.ts'
import { fillSlab, planSlabs, readSlab } from '../src/train/slabs.ts'
import { openStepper } from '../src/train/stepper.ts'
import type { Training } from '../src/train/training.ts'
import { train } from '../src/train/train.ts'
import type { RunOptions } from '../src/train/train.ts'
import { leaves } from '../src/tree.ts'
import { networks, tinyData, tinyTraining } from './fixtures/tiny-training.ts'
import * as reference from './reference/optimisers.ts'
import type { Rule } from './reference/optimisers.ts'
import './agreement.ts'

const native = { backend: 'ort-node', threads: 1 } as const

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'latent-train-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

const run = (options: Partial<RunOptions> = {}) =>
  train(tinyTraining, {
    name: 'tiny',
    steps: 30,
    seed: 5,
    rates: [constantRate(0.01)],
    data: tinyData(5),
    batchSize: 2,
    folder,
    resume: false,
    logEvery: 5,
    checkpointSeconds: 0,
    ...native,
    ...options,
  })

describe('update rules', () => {
  const rules: Record<string, [Optimiser, Rule]> = {
    adam: [adam(), reference.adam(0.01)],
    'adam with decay': [adam({ weightDecay: 0.1, beta1: 0.5 }), reference.adam(0.01, { weightDecay: 0.1, beta1: 0.5 })],
    adamW: [adamW({ weightDecay: 0.1 }), reference.adam(0.01, { weightDecay: 0.1, decoupled: true })],
    'sgd with Nesterov momentum': [sgd({ weightDecay: 0.01 }), reference.sgd(0.01, { weightDecay: 0.01 })],
    'sgd with momentum': [sgd({ nesterov: false }), reference.sgd(0.01, { nesterov: false })],
    'sgd alone': [sgd({ momentum: 0 }), reference.sgd(0.01, { momentum: 0 })],
  }
  test.each(Object.keys(rules))('%s moves as the paper prints it', async name => {
    const [optimiser, rule] = rules[name]!
    // The gradient of sum(w * x) is x itself, so the batch dictates it.
    const training: Training<{ net: { w: ReturnType<typeof ones> } }> = {
      networks: { net: { w: ones([8]) } },
      batch: { x: shape([8]) },
      phases: [
        {
          name: 'main',
          trains: ['net'],
          optimiser,
          loss: ({ networks: { net }, batch }) => ({ loss: op.sum(op.mul(net.w, batch['x']!)) }),
        },
      ],
    }
    const stepper = await openStepper(training, 1, native)
    const expected = Array.from({ length: 8 }, () => 1)
    const state = expected.map((): Record<string, number> => ({}))
    for (let t = 1; t <= 20; t++) {
      const g = Float32Array.from({ length: 8 }, (_, i) => Math.sin(3 * i + t) * 10 ** (i - 5))
      await stepper.advance({ x: tensor('f32', [8], g) }, [0.01])
      expected.forEach((p, i) => (expected[i] = rule.step(p, g[i]!, state[i]!, t)))
    }
    const moved = (await stepper.weights())['net.w']!.data
    expected.forEach((p, i) => expect(Math.abs(moved[i]! - p)).toBeLessThan(1e-5))
    await stepper.close()
  })

  test('schedules', () => {
    expect([0, 250, 500, 999].map(step => stepRate(1)(step, 1000))).toEqual([1, 0.5, 0.25, 0.125])
    expect([0, 499, 750, 1000].map(step => linearRate(1)(step, 1000))).toEqual([1, 1, 0.5, 0])
    expect(cosineRate(1, { warmup: 10 })(4, 110)).toBe(0.5)
    expect(cosineRate(1, { warmup: 10 })(60, 110)).toBeCloseTo(0.5, 12)
    expect(cosineRate(1, { end: 0.1 })(100, 100)).toBeCloseTo(0.1, 12)
    // A step that ends on the peak, halfway down, and the last one.
    expect([24, 49, 74, 98].map(step => Number(triangularRate(2, { rise: 0.5 })(step, 99).toFixed(9)))).toEqual([
      1, 2, 1, 0.04,
    ])
  })
})

describe('a training step', () => {
  test('is what jax-js computes, over ten steps', async () => {
    const stepper = await openStepper(tinyTraining, 5, native)
    let params = (await initialise(networks, 5)) as unknown as { net: Record<string, Record<string, Tensor>> }
    const rule = reference.adam(0.01, { weightDecay: 1e-4 })
    const states = new Map<string, Record<string, number>[]>()
    for (let t = 1; t <= 10; t++) {
      const batch = await tinyData(5)(t - 1)
      const losses = await stepper.advance(batch, [0.01])
      // The same loss through jax-js's interpreter, then clipping and Adam by plain loops.
      const leavesNow = leaves<Tensor>(params.net)
      const traced = {
        first: {
          weight: op.constant(params.net['first']!['weight']!),
          bias: op.constant(params.net['first']!['bias']!),
        },
        second: {
          weight: op.constant(params.net['second']!['weight']!),
          bias: op.constant(params.net['second']!['bias']!),
        },
      }
      const { loss, gradients } = differentiate(
        net => ({
          loss: tinyTraining.phases[0]!.loss({ networks: { net }, state: {}, batch: { x: op.constant(batch.x) } }).loss,
          aux: {},
        }),
        traced,
      )
      expect(losses['blur']).toBeCloseTo(Number(hostTensor(loss).data[0]), 5)
      const slopes = new Map(leaves<Expr>(gradients).map(([path, g]) => [path, hostTensor(g).data as Float32Array]))
      const norm = Math.sqrt([...slopes.values()].reduce((sum, g) => sum + g.reduce((a, b) => a + b * b, 0), 0))
      expect(losses['blur.gradient']).toBeCloseTo(norm, 4)
      const factor = Math.min(1, 1 / (norm + 1e-6))
      const next = new Map(
        leavesNow.map(([path, { dims, data }]) => {
          const state = states.get(path) ?? Array.from(data as Float32Array, () => ({}))
          states.set(path, state)
          return [
            path,
            tensor(
              'f32',
              dims,
              Float32Array.from(data as Float32Array, (p, i) =>
                rule.step(p, slopes.get(path)![i]! * factor, state[i]!, t),
              ),
            ),
          ]
        }),
      )
      params = {
        net: Object.fromEntries(
          ['first', 'second'].map(part => [
            part,
            { weight: next.get(`${part}.weight`)!, bias: next.get(`${part}.bias`)! },
          ]),
        ),
      }
    }
    const weights = await stepper.weights()
    for (const [path, expected] of leaves<Tensor>(params.net)) {
      const got = weights[`net.${path}`]!.data
      expected.data.forEach((value, i) => expect(Math.abs(got[i]! - Number(value))).toBeLessThan(2e-5))
    }
    await stepper.close()
  })

  test('learns', async () => {
    const { log, finished } = await run({ steps: 200 })
    expect(finished).toBe(true)
    expect(log.at(-1)!['blur']).toBeLessThan(0.5 * log[0]!['blur']!)
  })

  test('keeps moving averages and running statistics', async () => {
    const training: Training<
      { net: { conv: ReturnType<typeof conv2dParameters>; norm: ReturnType<typeof scaleParameters> } },
      { norm: ReturnType<typeof runningStatistics> }
    > = {
      networks: { net: { conv: conv2dParameters(1, 2), norm: scaleParameters(2) } },
      state: { norm: runningStatistics(2) },
      batch: { x: shape([4, 1, 6, 6]) },
      average: 0.5,
      phases: [
        {
          name: 'main',
          trains: ['net'],
          optimiser: sgd({ momentum: 0 }),
          loss: ({ networks: { net }, state, batch }) => {
            const { y, running } = batchNormTraining(conv2d(net.conv, batch['x']!), net.norm, state.norm)
            return { loss: mse(y, 1), state: { norm: running } }
          },
        },
      ],
    }
    const stepper = await openStepper(training, 3, native)
    const before = await stepper.weights()
    const x = tensor(
      'f32',
      [4, 1, 6, 6],
      Float32Array.from({ length: 144 }, (_, i) => Math.sin(i) + 2),
    )
    await stepper.advance({ x }, [0.1])
    const after = await stepper.weights()
    const average = await stepper.weights('average')
    const decay = 2 / 11
    for (const [path, { data }] of Object.entries(after))
      data.forEach((value, i) =>
        expect(average[path]!.data[i]).toBeCloseTo(decay * before[path]!.data[i]! + (1 - decay) * value, 6),
      )
    const snapshot = await stepper.snapshot()
    expect(snapshot['state.norm.mean']!.data).not.toEqual(new Float32Array(2))
    expect(snapshot['state.norm.variance']!.dims).toEqual([2])
    expect(await stepper.state()).toEqual({
      'norm.mean': snapshot['state.norm.mean'],
      'norm.variance': snapshot['state.norm.variance'],
    })
    await stepper.close()
  })

  test('trains two networks in turn, each on its own loss', async () => {
    // The generator maps noise to numbers near 3 by way of a discriminator alone.
    const networks = {
      generator: denseParameters(2, 1),
      discriminator: { a: denseParameters(1, 16), b: denseParameters(16, 1) },
    }
    type Nets = typeof networks
    const score = (p: { a: Record<string, Expr>; b: Record<string, Expr> }, x: Expr) =>
      dense(p.b as never, op.leakyRelu(dense(p.a as never, x), 0.2))
    const training: Training<Nets> = {
      networks,
      batch: { noise: shape([64, 2]), real: shape([64, 1]) },
      phases: [
        {
          name: 'discriminator',
          trains: ['discriminator'],
          optimiser: adam({ beta1: 0.5 }),
          loss: ({ networks: n, batch }) => ({
            loss: lsgan.discriminator(
              score(n.discriminator, batch['real']!),
              score(n.discriminator, dense(n.generator, batch['noise']!)),
            ),
          }),
        },
        {
          name: 'generator',
          trains: ['generator'],
          optimiser: adam({ beta1: 0.5 }),
          loss: ({ networks: n, batch }) => ({
            loss: lsgan.generator(score(n.discriminator, dense(n.generator, batch['noise']!))),
            metrics: { mean: op.mean(dense(n.generator, batch['noise']!)) },
          }),
        },
      ],
    }
    const stepper = await openStepper(training, 1, native)
    let last: Record<string, number> = {}
    for (let t = 0; t < 400; t++) {
      const wave = (salt: number, count: number) =>
        Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 64 * t) + salt))
      last = await stepper.advance(
        {
          noise: tensor('f32', [64, 2], wave(1, 128)),
          real: tensor(
            'f32',
            [64, 1],
            wave(2, 64).map(v => 3 + 0.3 * v),
          ),
        },
        [0.01, 0.01],
      )
    }
    expect(Object.keys(last).sort()).toEqual(['discriminator', 'generator', 'generator.mean'])
    expect(Math.abs(last['generator.mean']! - 3)).toBeLessThan(0.6)
    await stepper.close()
  })
})

describe('a run', () => {
  test('repeats exactly from a seed, and differs with another', async () => {
    const one = await run()
    await rm(folder, { recursive: true })
    const two = await run()
    expect(two.weights).toEqual(one.weights)
    await rm(folder, { recursive: true })
    const other = await run({ seed: 6, data: tinyData(6) })
    expect(other.weights).not.toEqual(one.weights)
  })

  test('told to stop, it resumes to the weights of an unbroken run', async () => {
    const whole = await run()
    await rm(folder, { recursive: true })
    const controller = new AbortController()
    const broken = await run({ signal: controller.signal, onProgress: ({ step }) => step >= 10 && controller.abort() })
    expect(broken.finished).toBe(false)
    expect(broken.step).toBeLessThan(30)
    await expect(run()).rejects.toMatchObject({ code: 'E_EXISTS' })
    const resumed = await run({ resume: true })
    expect(resumed.finished).toBe(true)
    expect(resumed.weights).toEqual(whole.weights)
  })

  test('starts from given weights, and refuses those of another network', async () => {
    const { weights } = await run()
    const stepper = await openStepper({ ...tinyTraining, start: weights }, 99, native)
    expect(await stepper.weights()).toEqual(weights)
    await stepper.close()
    const [path, value] = Object.entries(weights)[0]!
    await expect(openStepper({ ...tinyTraining, start: { nobody: value } }, 1, native)).rejects.toMatchObject({
      code: 'E_WEIGHTS',
    })
    await expect(
      openStepper(
        { ...tinyTraining, start: { [path]: tensor('f32', [1, 1, 1, 1, 1], Float32Array.of(1)) } },
        1,
        native,
      ),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })

  test('killed at any moment, it resumes to the weights of an unbroken run', async () => {
    const script = fileURLToPath(new URL('fixtures/tiny-run.ts', import.meta.url))
    const start = (target: string) => spawn(process.execPath, [script, target, '3000'], { stdio: 'ignore' })
    const done = (child: ReturnType<typeof start>) => new Promise(resolve => child.once('exit', resolve))
    const whole = join(folder, 'whole')
    expect(await done(start(whole))).toBe(0)
    const broken = join(folder, 'broken')
    for (const wait of [700, 900, 1100]) {
      const child = start(broken)
      const exit = done(child)
      await new Promise(resolve => setTimeout(resolve, wait))
      child.kill('SIGKILL')
      await exit
    }
    expect(await done(start(broken))).toBe(0)
    const [a, b] = await Promise.all([whole, broken].map(target => readFile(join(target, 'weights.safetensors'))))
    expect(b!.equals(a!)).toBe(true)
    const log = (await readFile(join(broken, 'log.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { step: number })
    expect(log.map(entry => entry.step)).toEqual(Array.from({ length: 600 }, (_, i) => 5 * (i + 1)))
    expect((await readdir(broken)).sort()).toEqual([
      'checkpoint.safetensors',
      'curve.svg',
      'log.jsonl',
      'weights.safetensors',
    ])
  })

  test('refuses a checkpoint of another recipe or seed, and one that is damaged', async () => {
    await run({ steps: 10 })
    await expect(run({ resume: true, name: 'other' })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(run({ resume: true, seed: 9 })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    const path = join(folder, 'checkpoint.safetensors')
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, bytes.length - 4))
    await expect(run({ resume: true })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })

  test.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['no step', '{"name":"tiny","seed":5}'],
    ['a step that is a text', '{"name":"tiny","seed":5,"step":"10"}'],
    ['a negative step', '{"name":"tiny","seed":5,"step":-1}'],
  ])('refuses a checkpoint whose position is %s', async (_, position) => {
    await run({ steps: 10 })
    const path = join(folder, 'checkpoint.safetensors')
    const { tensors } = decodeSafetensors(await readFile(path))
    await writeFile(path, encodeSafetensors({ tensors, metadata: { position } }))
    await expect(run({ resume: true })).rejects.toMatchObject({
      code: 'E_WEIGHTS',
      message: expect.stringContaining('which step'),
    })
  })

  test('two in one folder at once: the second is refused, the first goes on to its end', async () => {
    let second: Promise<unknown> | undefined
    const first = await run({
      onProgress: () =>
        void (second ??= run({ resume: true }).then(
          () => 'ran',
          (error: unknown) => error,
        )),
    })
    expect(first.finished).toBe(true)
    expect(await second).toMatchObject({ code: 'E_EXISTS', message: expect.stringContaining('is training into') })
    expect(await readdir(folder)).not.toContain('train.lock')
  })

  test('a lock that a killed run left, or a log without a checkpoint, does not hold up the next', async () => {
    const { weights } = await run({ steps: 10 })
    await rm(join(folder, 'checkpoint.safetensors'))
    await rm(join(folder, 'weights.safetensors'))
    await writeFile(
      join(folder, 'train.lock'),
      JSON.stringify({ machine: machine(), process: 999_999_999, token: 'x' }),
    )
    const again = await run({ steps: 10 })
    expect(again.weights).toEqual(weights)
    expect(again.log.map(({ step }) => step)).toEqual([5, 10])
  })

  test('weights that no checkpoint shows to be its own are not replaced; best ones of an early kill are', async () => {
    const validation = { every: 5, patience: 100, score: () => Promise.resolve(1) }
    await run({ steps: 10, validation })
    const [weights, best, checkpoint] = ['weights', 'best', 'checkpoint'].map(name =>
      join(folder, `${name}.safetensors`),
    ) as [string, string, string]
    await rm(checkpoint)
    const before = await readFile(weights)
    await expect(run({ steps: 10, validation })).rejects.toMatchObject({
      code: 'E_EXISTS',
      message: expect.stringContaining('weights.safetensors'),
    })
    expect(await readFile(weights)).toEqual(before)
    await rm(weights)
    await expect(run({ steps: 10, validation, name: 'other' })).rejects.toMatchObject({
      code: 'E_EXISTS',
      message: expect.stringContaining('best.safetensors'),
    })
    expect((await run({ steps: 10, validation })).finished).toBe(true)
    await expect(run({ folder: best })).rejects.toMatchObject({ code: 'E_EXISTS' })
  })

  test('says how it goes in figures: where this process began, seconds, images a second, backend', async () => {
    await run({ steps: 10 })
    const seen: object[] = []
    const { log } = await run({ steps: 20, resume: true, onProgress: progress => seen.push(progress) })
    expect(seen.at(-1)).toMatchObject({
      step: 20,
      steps: 20,
      firstStep: 10,
      seconds: expect.any(Number),
      imagesPerSecond: expect.any(Number),
      secondsLeft: 0,
      backend: 'ort-node',
    })
    expect(log.at(-1)).toMatchObject({ imagesPerSecond: expect.any(Number), seconds: expect.any(Number) })
  })

  test('stops early when the score no longer rises, keeping the best weights', async () => {
    const scores = [1, 2, 1.5, 1.4, 1.3, 9]
    const result = await run({
      steps: 100,
      validation: { every: 5, patience: 10, score: () => Promise.resolve(scores.shift()!) },
    })
    expect(result.step).toBe(20)
    const best = decodeSafetensors(await readFile(join(folder, 'best.safetensors')))
    expect(best.metadata).toMatchObject({ steps: '10', score: '2' })
  })

  test('figures for the log are taken on the way and at the end, and choose nothing', async () => {
    const result = await run({
      watch: {
        every: 10,
        measure: (weights, state) =>
          Promise.resolve({ watched: Object.keys(weights).length + Object.keys(state).length }),
      },
    })
    expect(result.log.flatMap(({ step, watched }) => (watched === undefined ? [] : [[step, watched]]))).toEqual([
      [10, 4],
      [20, 4],
      [30, 4],
    ])
    expect(result.state).toEqual({})
    expect((await readdir(folder)).sort()).toEqual([
      'checkpoint.safetensors',
      'curve.svg',
      'log.jsonl',
      'weights.safetensors',
    ])
  })

  test('says when it diverges', async () => {
    await expect(
      run({
        steps: 50,
        data: () => Promise.resolve({ x: tensor('f32', [2, 2, 6, 6], new Float32Array(144).fill(1e30)) }),
      }),
    ).rejects.toMatchObject({ code: 'E_GRAPH', message: expect.stringContaining('diverged') })
  })
})

describe('safetensors', () => {
  const named = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 8 }).filter(name => name !== '__metadata__' && name !== '__proto__'),
    fc.float32Array({ maxLength: 9 }).map(data => tensor('f32', [data.length], Float32Array.from(data))),
  )

  test('round trip', () => {
    fc.assert(
      fc.property(named, fc.string(), (tensors, note) => {
        const file = decodeSafetensors(encodeSafetensors({ tensors, metadata: { note } }))
        expect(file.metadata).toEqual({ note })
        expect(file.tensors).toEqual({ ...tensors })
      }),
    )
  })

  test('half storage keeps eleven significant bits and reads back as float32', () => {
    fc.assert(
      fc.property(named, tensors => {
        const whole = encodeSafetensors({ tensors, metadata: {} })
        const half = encodeSafetensors({ tensors, metadata: {} }, { half: true })
        expect(half.length).toBeLessThanOrEqual(whole.length)
        for (const [name, { dtype, dims, data }] of Object.entries(decodeSafetensors(half).tensors)) {
          expect([dtype, dims]).toEqual(['f32', tensors[name]!.dims])
          expect([...(data as Float32Array)]).toEqual(Array.from(tensors[name]!.data, value => Math.f16round(value)))
        }
      }),
    )
  })

  test('any damage to the structure is refused', () => {
    const file = encodeSafetensors({
      tensors: { a: tensor('f32', [2], Float32Array.of(1, 2)), b: tensor('i64', [1], BigInt64Array.of(3n)) },
      metadata: {},
    })
    for (let length = 0; length < file.length; length++)
      expect(() => decodeSafetensors(file.subarray(0, length))).toThrow(expect.objectContaining({ code: 'E_WEIGHTS' }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'E_WEIGHTS' }))
      }),
    )
  })
})

describe('layout', () => {
  test('slabs hold every parameter once, large ones alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 12 }), sizes => {
        const parameters = sizes.map((size, i): [string, number[]] => [`p${i}`, [size]])
        const slabs = planSlabs(parameters)
        expect(slabs.flatMap(slab => slab.members.map(member => member.path)).sort()).toEqual(
          parameters.map(([path]) => path).sort(),
        )
        for (const { members, size } of slabs) expect(members.length === 1 || size <= 2 ** 16).toBe(true)
        const values = Object.fromEntries(
          parameters.map(([path, dims], i) => [path, tensor('f32', dims, new Float32Array(dims[0]!).fill(i + 1))]),
        )
        expect(Object.fromEntries(slabs.flatMap(slab => readSlab(slab, fillSlab(slab, values))))).toEqual(values)
      }),
      { numRuns: 30 },
    )
  })

  test('epochs go through every item once, each in an order of its own', async () => {
    const order = epochOrder(1, 10, 4)
    const steps = await Promise.all(Array.from({ length: 5 }, (_, i) => order(i)))
    const drawn = steps.flatMap(picked => [...picked])
    expect(drawn.slice(0, 10).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(drawn.slice(10, 20).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(drawn.slice(0, 10)).not.toEqual(drawn.slice(10, 20))
    expect([...(await epochOrder(1, 10, 4)(3))]).toEqual([...steps[3]!])
  })
})
