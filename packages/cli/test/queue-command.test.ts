import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere, startLatent } from './command.ts'
import { REDIS, RedisServer } from '../../vault/test/redis-server.ts'

const SECRET = 'not-to-be-shown'
let root: string
let redis: RedisServer

const latent = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => latentHere(args, { cwd: root, env })

describe.skipIf(!REDIS)('latent worker and latent vault add --queue', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'latent-queue-cli-'))
    redis = await RedisServer.start('--requirepass', SECRET)
    await mkdir(join(root, 'in/holiday'), { recursive: true })
    for (let i = 0; i < 6; i++) await writeFile(join(root, `in/holiday/${i}.jpg`), `photo ${i}`)
    await latent(['keygen', '-o', 'me.key'])
    await latent(['vault', 'init', 'vault', '-i', 'me.key'])
  })
  afterAll(async () => {
    await redis.stop()
    await rm(root, { recursive: true, force: true })
  })

  test('a planner and a worker, with a password from the environment that nobody prints', async () => {
    const environment = { LATENT_QUEUE: redis.url.replace('//', `//:${SECRET}@`) }
    const worker = startLatent(['worker', 'vault', 'in', '-i', 'me.key', '--json'], { cwd: root, env: environment })
    const add = await latent(['vault', 'add', 'vault', 'in', '-i', 'me.key', '--queue'], environment)
    expect(add).toMatchObject({ code: 0, err: expect.stringContaining(`--queue ${redis.url} -i IDENTITY`) })
    expect(add.out).toMatch(/^added {3}6 /)
    worker.kill('SIGINT')
    const { code, out, err } = await worker.done
    expect([code, err]).toEqual([0, 'latent: interrupted; ending in order (once more to end at once)\n'])
    const lines = out.trim().split('\n')
    expect(JSON.parse(lines.at(-1)!)).toEqual({ summary: { files: 6, added: 6, skipped: 0, failed: 0 } })
    // Whoever keeps its log learns no names.
    expect(out).not.toContain('holiday')
    expect(add.out + add.err + out + err).not.toContain(SECRET)
    const verified = await latent(['vault', 'verify', 'vault', '-i', 'me.key'])
    expect(verified.out).toMatch(/^intact {3}6 /)
  })

  test('what cannot be done is a coded error with a hint', async () => {
    const fails = async (args: readonly string[], environment: NodeJS.ProcessEnv = {}) => {
      const { code, out, err } = await latent(args, environment)
      expect(out + err).not.toContain(SECRET)
      return [code, /error: .*\[(E_[A-Z_]+)\]/.exec(err)?.[1], err.includes('hint: '), /\[(W_[A-Z_]+)\]/.exec(err)?.[1]]
    }
    const worker = ['worker', 'vault', 'in', '-i', 'me.key']
    expect(await fails(worker)).toEqual([2, 'E_ARGUMENT', true, undefined])
    expect(await fails([...worker, '--queue', `http://${SECRET}`])).toEqual([2, 'E_ARGUMENT', true, undefined])
    expect(await fails([...worker, '--queue', redis.url, '--jobs', '0'])).toEqual([2, 'E_ARGUMENT', true, undefined])
    expect(await fails([...worker, '--queue', redis.url])).toEqual([1, 'E_CREDENTIALS', true, undefined])
    const wrong = redis.url.replace('//', `//:${SECRET}x@`)
    expect(await fails([...worker, '--queue', wrong])).toEqual([1, 'E_CREDENTIALS', true, 'W_PASSWORD_IN_ARGUMENT'])
    const environment = { LATENT_REDIS_PASSWORD: SECRET }
    const nowhere = ['worker', 'vault', 'nowhere', '-i', 'me.key', '--queue', redis.url]
    expect(await fails(nowhere, environment)).toEqual([1, 'E_IO', true, undefined])
    const add = ['vault', 'add', 'vault', 'in', '-i', 'me.key', '--queue', 'redis://127.0.0.1:1']
    expect(await fails(add)).toEqual([1, 'E_QUEUE', true, undefined])
  })
})
