import { gzipSync } from 'node:zlib'
import { drawPicture } from '@latent/data'
import { readModel } from '@latent/schemes/models'
import { describe, expect, test } from 'vitest'
import { atLength, LONG } from '../../../test/long.ts'
import { Explorer } from '../src/explore/study.ts'
import { digitsOf, drawnDigits } from '../src/train/digits.ts'
import { type TrainEngine, TrainState } from '../src/train/train-state.ts'
import { type Progress, type Samples, Trainer } from '../src/train/trainer.ts'

const PUBLISHED = 'mask-autoencoder-2025-mnist-conv'
const REPAIRED = 'mask-autoencoder-2025-mnist-repaired'
const digits = await drawnDigits(() => undefined, 530)

/** A file in MNIST's format. */
function idx(count: number, side = 28): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16 + count * side * side)
  const view = new DataView(bytes.buffer)
  ;[0x803, count, side, side].forEach((value, i) => view.setUint32(4 * i, value))
  for (let n = 0; n < count; n++)
    bytes.set(digits[n % digits.length]!.data.subarray(0, side * side), 16 + n * side * side)
  return bytes
}

/** Trains until so many steps are done. */
async function trained(trainer: Trainer, steps: number) {
  const [curve, seen]: [Progress[], Samples[]] = [[], []]
  const finished = await trainer.train({
    progress(progress) {
      curve.push(progress)
      if (progress.step >= steps) trainer.pause()
    },
    samples: samples => seen.push(samples),
  })
  return { curve, seen, finished }
}

test('digits are read from a file of MNIST, packed or not, and anything else is refused with what to do', async () => {
  const file = idx(3)
  for (const bytes of [file, gzipSync(file)]) {
    const read = await digitsOf(new Blob([bytes]))
    expect(read.map(({ data }) => data)).toEqual(digits.slice(0, 3).map(({ data }) => data))
  }
  const refused = [
    new Uint8Array(0),
    file.slice(0, -1),
    Uint8Array.of(0x1f, 0x8b, 1, 2, 3),
    gzipSync(file).subarray(0, -9),
  ]
  for (const bytes of refused)
    await expect(digitsOf(new Blob([bytes as Uint8Array<ArrayBuffer>]))).rejects.toMatchObject({
      code: 'E_DATA',
      hint: expect.stringContaining('train-images-idx3-ubyte') as string,
    })
  await expect(digitsOf(new Blob([gzipSync(new Uint8Array(151e6))]))).rejects.toMatchObject({ code: 'E_LIMIT' })
})

test('digits of another size, or too few, are no training', async () => {
  const open = async (count: number, side: number) =>
    Trainer.open({ scheme: PUBLISHED, backend: 'wasm' }, await digitsOf(new Blob([idx(count, side)])), 1)
  await expect(open(600, 20)).rejects.toMatchObject({ code: 'E_DATA' })
  await expect(open(100, 28)).rejects.toMatchObject({ code: 'E_DATA' })
})

describe('a training in the page', () => {
  test.runIf(LONG)(
    `as published: it learns, goes on after a pause, any key opens, its weights are used${atLength}`,
    async () => {
      const trainer = await Trainer.open({ scheme: PUBLISHED, backend: 'wasm' }, digits, 1)
      try {
        expect(trainer.backend).toBe('wasm')
        const first = await trained(trainer, 4)
        expect(first.finished).toBe(false)
        const { step } = trainer.progress
        // Rates rise slowly at first: steps are counted, so that a slow machine learns as much as a fast one.
        const second = await trained(trainer, step + 30)
        const curve = [...first.curve, ...second.curve]
        expect(curve.at(-1)!.loss).toBeLessThan(0.9 * curve[0]!.loss)
        expect(curve.every(({ step }, i) => i === 0 || step > curve[i - 1]!.step)).toBe(true)
        const { plain, cipher, decrypted, wrong } = second.seen.at(-1)!
        expect(wrong).toEqual(decrypted)
        expect([plain, cipher, decrypted].map(({ width, height }) => [width, height])).toEqual(
          Array.from({ length: 3 }, () => [112, 56]),
        )

        const weights = await trainer.weights()
        expect(readModel(weights, { scheme: PUBLISHED, profile: 'compact' }).id).toBe('file')
        const explorer = new Explorer()
        const picture = await drawPicture('lettering', 56, 56)
        const [own, shipped, again] = [
          await explorer.study(PUBLISHED, picture, weights),
          await explorer.study(PUBLISHED, picture),
          await explorer.study(PUBLISHED, picture, weights),
        ]
        expect(own.cipher).not.toEqual(shipped.cipher)
        expect(again.cipher).toEqual(own.cipher)
        await expect(explorer.study(REPAIRED, picture, weights)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
        await explorer.study('identity', picture)
      } finally {
        await trainer.close()
      }
    },
  )

  test('repaired: a wrong key shows nothing of what the right one does', async () => {
    const trainer = await Trainer.open({ scheme: REPAIRED, backend: 'wasm' }, digits, 1)
    try {
      const { seen } = await trained(trainer, 1)
      const { cipher, decrypted, wrong } = seen.at(-1)!
      expect(wrong).not.toEqual(decrypted)
      expect(new Set(cipher.data).size).toBeGreaterThan(200)
    } finally {
      await trainer.close()
    }
  })
})

describe('the train view', () => {
  const progress: Progress = { step: 1, steps: 2, loss: 0.1, imagesPerSecond: 1, secondsLeft: 1 }

  /** An engine whose trainings end when they are told to. */
  function rehearsal() {
    const told: string[] = []
    let say: (progress: Progress) => void = () => undefined
    let end: (finished: boolean) => void = () => undefined
    let fails = false
    const engine: TrainEngine = {
      async digits(file, report) {
        told.push(file ? `digits of ${(file as File).name}` : 'draw digits')
        report(0.5)
        return fails ? { fault: { code: 'E_DATA', message: 'no digits' } } : { value: 600 }
      },
      open: async ({ scheme }) => {
        told.push(`open ${scheme}`)
        return { value: { backend: 'wasm', steps: 2 } }
      },
      train: async () => {
        told.push('train')
        return { value: await new Promise<boolean>(resolve => (end = resolve)) }
      },
      pause: () => end(false),
      weights: async () => ({ value: Uint8Array.of(1) }),
      stop: () => void told.push('stop'),
    }
    const state = new TrainState(async hear => {
      say = hear
      return engine
    })
    const until = async (phase: string) => {
      while (state.phase.value.is !== phase) await new Promise(resolve => setTimeout(resolve, 1))
    }
    return { told, state, until, say: () => say(progress), end: () => end(true), fail: () => void (fails = true) }
  }

  test('trains, pauses, goes on to the end, and says what it trained on', async () => {
    const { told, state, until, say, end } = rehearsal()
    state.file.value = new File([], 'mnist.gz')
    void state.begin()
    await until('training')
    expect(state.running.value).toEqual({ scheme: PUBLISHED, backend: 'wasm', digits: 600, drawn: false })
    say()
    state.pause()
    expect(state.phase.value.is).toBe('pausing')
    await until('paused')
    expect(await state.weights()).toEqual(Uint8Array.of(1))
    void state.goOn()
    await until('training')
    say()
    end()
    await until('done')
    expect(state.curve.value).toHaveLength(2)
    expect(told).toEqual(['digits of mnist.gz', `open ${PUBLISHED}`, 'train', 'train'])
  })

  test('a training that was stopped is heard of no more, and another can begin', async () => {
    const { told, state, until, say } = rehearsal()
    void state.begin()
    await until('training')
    const late = say
    state.stop()
    late()
    expect(state.phase.value.is).toBe('idle')
    expect(state.curve.value).toEqual([])
    expect(await state.weights()).toBeUndefined()
    void state.begin()
    state.stop()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(state.phase.value.is).toBe('idle')
    expect(told.filter(each => each === 'stop')).toHaveLength(2)
  })

  test('what goes wrong is told, and everything can be chosen anew', async () => {
    const { state, fail } = rehearsal()
    fail()
    await state.begin()
    expect(state.fault.value).toEqual({ code: 'E_DATA', message: 'no digits' })
    expect(state.phase.value.is).toBe('idle')
  })
})
