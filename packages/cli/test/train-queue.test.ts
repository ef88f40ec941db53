import { holdLock } from '@latent/core/node'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deadline, readQueue } from '@latent/training'
import { latentHere, startLatent } from './command.ts'
import { drawPhotos } from './drawn.ts'
import { atLength, LONG } from '../../../test/long.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-queue-'))
  await drawPhotos(join(root, 'data'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const training = (file: string, more: readonly string[] = []) => [
  'train',
  '--queue',
  file,
  '--data',
  'data',
  '--threads',
  '1',
  ...more,
]
const queue = (file: string, more?: readonly string[]) => latentHere(training(file, more), { cwd: root })

/** Ends it without warning, the launcher's child included, when it has printed this. */
async function killed(file: string, when: RegExp): Promise<void> {
  const run = startLatent(training(file), { cwd: root, detached: true })
  await run.printed(when)
  process.kill(-run.pid, 'SIGKILL')
  expect((await run.done).code).toBe(null)
}

const logOf = async (file: string) =>
  (await readFile(join(root, `${file}.log`), 'utf8'))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { event: string; run: string; step: number; error?: string })
const stepsOf = async (run: string) =>
  (await readFile(join(root, run, 'log.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map(line => (JSON.parse(line) as { step: number }).step)
const line = (recipe: string, steps: number, out: string, more: object = {}) =>
  `${JSON.stringify({ recipe, steps, out, ...more })}\n`

describe('the file', () => {
  const read = async (text: string) => {
    const file = join(root, 'read.jsonl')
    await writeFile(file, text)
    return readQueue(file, { data: 'd', threads: 2 })
  }

  test('is JSON lines or one array; the command fills in what a line leaves out', async () => {
    const expected = [
      { recipe: 'denoiser', profile: 'compact', steps: 5, seed: 1, out: 'a', data: 'd', threads: 2, resume: true },
      { recipe: 'flowcrypt', profile: 'paper', steps: 7, seed: 3, data: 'd', threads: 1, resume: true },
    ]
    const lines = [
      '{"recipe":"denoiser","steps":5,"out":"a"}',
      '{"recipe":"flowcrypt","profile":"paper","steps":7,"seed":3,"threads":1}',
    ]
    expect(await read(`# the first\n${lines.join('\n\n')}\n`)).toEqual(expected)
    expect(await read(`[${lines.join(',')}]`)).toEqual(expected)
  })

  test.each([
    ['{"recipe":"denoiser","steps":5', 'line 1 .* is no JSON'],
    ['{"recipe":"denoiser","steps":5}\n{"steps":5}', 'line 2 .* has no recipe'],
    ['{"recipe":"denoiser"}', 'has no steps'],
    ['{"recipe":"denoiser","steps":1.5}', 'a whole number is expected'],
    ['{"recipe":"denoiser","steps":-2}', 'a whole number is expected'],
    ['{"recipe":"denoiser","steps":"5"}', 'a whole number is expected'],
    ['{"recipe":"denoiser","steps":5,"profile":"huge"}', 'compact or paper'],
    ['{"recipe":"denoiser","steps":5,"stepz":5}', 'unknown field "stepz"'],
    ['{"recipe":"denoiser","steps":5,"constructor":"x"}', 'unknown field "constructor"'],
    ['{"recipe":"denoisr","steps":5}', 'there is no recipe "denoisr"'],
    ['["x"]', 'entry 1 .* is no object'],
    ['3', 'line 1 .* is no object'],
  ])('is refused when wrong: %s', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'E_ARGUMENT', message: expect.stringMatching(message) })
  })

  test('that is not there is named', async () => {
    await expect(readQueue(join(root, 'nothing.jsonl'), { data: 'd' })).rejects.toMatchObject({ code: 'E_IO' })
  })
})

test('times of day and durations', () => {
  const now = new Date(2026, 10, 26, 4, 30)
  expect(deadline('06:30', now)).toEqual(new Date(2026, 10, 26, 6, 30))
  expect(deadline('4:30', now)).toEqual(new Date(2026, 10, 27, 4, 30))
  expect(deadline('23:59', now)).toEqual(new Date(2026, 10, 26, 23, 59))
  expect(deadline('90s', now)).toEqual(new Date(2026, 10, 26, 4, 31, 30))
  expect(deadline('1.5h', now)).toEqual(new Date(2026, 10, 26, 6, 0))
  for (const text of ['24:00', '6', '2d', '-1h', '6:5', '']) expect(() => deadline(text, now)).toThrow(/time of day/)
})

test('options that contradict each other are refused', async () => {
  for (const args of [['denoiser'], ['--until', '06:30', '--for', '2h'], ['--for', '2 hours']])
    expect(await queue('none.jsonl', args)).toMatchObject({
      code: expect.toSatisfy((code: number) => code === 1 || code === 2),
    })
  expect((await queue('none.jsonl', ['denoiser'])).err).toContain('E_ARGUMENT')
})

// A checkpoint and a line of the log come every 20 steps, and at the end.
describe('trains', { timeout: 240_000 }, () => {
  test.runIf(LONG)(
    `one run after the other, over kills and failures, and skips what is finished${atLength}`,
    async () => {
      // `from` names no file: this run fails, and the one after it is trained all the same.
      await writeFile(
        join(root, 'q.jsonl'),
        line('denoiser', 22, 'first') +
          line('denoiser', 1, 'broken', { from: 'no-such-weights' }) +
          line('denoiser', 1, 'second', { seed: 2 }),
      )
      await killed('q.jsonl', /"step":20/)
      // What it left behind does not stop the next one.
      expect(existsSync(join(root, 'q.jsonl.lock'))).toBe(true)
      const rest = await queue('q.jsonl')
      expect(rest).toMatchObject({ code: 1, err: expect.stringMatching(/broken \[E_PARTIAL\]/) })
      expect(await stepsOf('first')).toEqual([20, 22])
      expect(await stepsOf('second')).toEqual([1])
      expect((await logOf('q.jsonl')).map(({ event, run }) => `${event} ${run}`)).toEqual([
        'start first',
        'start first',
        'finished first',
        'start broken',
        'failed broken',
        'start second',
        'finished second',
      ])
      expect(existsSync(join(root, 'q.jsonl.lock'))).toBe(false)

      // Killed and started again, it ends at the bytes of an unbroken run.
      await writeFile(join(root, 'whole.jsonl'), line('denoiser', 22, 'whole'))
      expect((await queue('whole.jsonl')).code).toBe(0)
      expect(await readFile(join(root, 'first', 'weights.safetensors'))).toEqual(
        await readFile(join(root, 'whole', 'weights.safetensors')),
      )

      // Finished: nothing to do, and no line in the log.
      expect((await queue('whole.jsonl')).code).toBe(0)
      expect((await logOf('whole.jsonl')).map(({ event }) => event)).toEqual(['start', 'finished'])
      // More steps: it goes on from where it was.
      await writeFile(join(root, 'whole.jsonl'), line('denoiser', 23, 'whole'))
      expect((await queue('whole.jsonl')).code).toBe(0)
      expect((await logOf('whole.jsonl')).at(-2)).toMatchObject({ event: 'start', step: 22 })
    },
  )

  test.runIf(LONG)(`until a time, with a checkpoint${atLength}`, async () => {
    await writeFile(join(root, 'timed.jsonl'), line('denoiser', 100_000, 'timed'))
    expect(await queue('timed.jsonl', ['--for', '4s'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('E_PARTIAL'),
    })
    const { step } = (await logOf('timed.jsonl')).find(({ event }) => event === 'stopped')!
    expect(step).toBeGreaterThan(0)
    expect((await stepsOf('timed')).at(-1)).toBe(step)
  })

  test('not twice at once, and not after a damaged checkpoint without a word', async () => {
    await writeFile(join(root, 'held.jsonl'), line('denoiser', 1, 'held'))
    const lock = await holdLock(join(root, 'held.jsonl.lock'), 'is working on this queue')
    expect(await queue('held.jsonl')).toMatchObject({
      code: 1,
      err: expect.stringContaining('is working on this queue'),
    })
    await lock.release()
    expect((await queue('held.jsonl')).code).toBe(0)
    await writeFile(join(root, 'held', 'checkpoint.safetensors'), 'damaged')
    expect(await queue('held.jsonl')).toMatchObject({ code: 1, err: expect.stringContaining('held') })
    expect((await logOf('held.jsonl')).at(-1)).toMatchObject({ event: 'failed', run: 'held' })
  })
})
