import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunRecord } from '@latent/training'
import { latentHere, startLatent } from './command.ts'
import { atLength, LONG } from '../../../test/long.ts'

const DATA = process.env['LATENT_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
let root: string
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-cli-train-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

const latent = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => latentHere(args, { cwd: root, env })

test('recipes are listed, unknown ones refused, missing data named', async () => {
  expect((await latent(['train'])).out).toMatch(/^recipe .*\ndenoiser /)
  expect(await latent(['train', 'nope'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('known recipes: denoiser'),
  })
  expect(await latent(['train', 'denoiser', '--data', root])).toMatchObject({
    code: 1,
    err: expect.stringContaining('E_DATA'),
  })
  const cache = join(root, 'cache')
  const fetched = await latent(['train', 'denoiser'], { LATENT_DATA: undefined, XDG_CACHE_HOME: cache })
  expect(fetched, 'where latent data fetch puts sets').toMatchObject({
    code: 1,
    err: expect.stringContaining(`not in ${join(cache, 'latent', 'data')} [E_DATA]`),
  })
  const told = await latent(['train', 'denoiser'], { LATENT_DATA: join(root, 'sets') })
  expect(told).toMatchObject({ code: 1, err: expect.stringContaining(`not in ${join(root, 'sets')} [E_DATA]`) })
  expect(await latent(['train', 'denoiser', '--profile', 'huge'])).toMatchObject({ code: 2 })
})

test.skipIf(!LONG || !existsSync(join(DATA, 'bsds500')))(
  `a run stops at an interrupt with a checkpoint, and resumes to its end${atLength}`,
  async () => {
    const run = ['train', 'denoiser', '--steps', '40', '--out', 'run', '--data', DATA, '--threads', '1']
    const stopped = startLatent(run, { cwd: root })
    await stopped.printed(/"step":20/)
    stopped.kill('SIGINT')
    expect(await stopped.done).toMatchObject({ code: 130, out: '', err: expect.stringContaining('E_INTERRUPTED') })
    expect(await latent(run)).toMatchObject({ code: 1, err: expect.stringContaining('E_EXISTS') })
    const resumed = await latent([...run, '--resume'])
    expect(resumed).toMatchObject({ code: 0, out: `${join('run', 'weights.safetensors')}\n` })
    expect((await readdir(join(root, 'run'))).sort()).toEqual([
      'checkpoint.safetensors',
      'curve.svg',
      'log.jsonl',
      'run.json',
      'weights.safetensors',
    ])
    const record = JSON.parse(await readFile(join(root, 'run', 'run.json'), 'utf8')) as RunRecord
    expect(record.data).toMatchObject([
      { set: 'bsds500/train', pictures: 200, published: true },
      { set: 'bsds500/val', pictures: 100, published: true },
    ])
    expect(record.sessions.map(({ fromStep, toStep }) => [fromStep, toStep])).toEqual([
      [0, expect.any(Number)],
      [record.sessions[0]!.toStep, 40],
    ])
    const log = (await readFile(join(root, 'run', 'log.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { step: number; mse: number })
    expect(log.at(-1)!.step).toBe(40)
    expect(log.at(-1)!.mse).toBeLessThan(log[0]!.mse)
  },
)
