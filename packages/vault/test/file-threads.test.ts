import { LatentError, sha256Of, toHex } from '@latent/core'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { collect, type FlowProvider, streamOf } from '../src/index.ts'
import { FileThreads, type FileResult, openFiles } from '../src/node/index.ts'
import { type SealedWhole, sealWhole, WHOLE_BYTES } from '../src/node/seal-whole.ts'
import { prepareSource } from '../src/node/source-file.ts'
import { BODIES, flows, noise, text } from './fixtures.ts'
import { album, all, keyring, opened, plain, put, seal, sealed, tree } from './folders.ts'

const states = (results: readonly FileResult[]) =>
  results.map(({ source, status, code }) => `${basename(source)}: ${code ?? status}`)

/** Two threads, from the first file on. */
async function withThreads<T>(work: (fileThreads: FileThreads) => Promise<T>, fewFiles = 0): Promise<T> {
  const threads = new FileThreads({ threads: 2, fewFiles })
  try {
    return await work(threads)
  } finally {
    await threads.close()
  }
}

const taskFor = (source: string, body: string, nonce?: Uint8Array) => ({
  source,
  relative: basename(source),
  size: 0,
  how: { album, body: BODIES[body]!, ...(nonce ? { nonce } : {}) },
  check: true,
})

describe('a small file is sealed whole', () => {
  test.each(Object.keys(BODIES))('%s: to the bytes that it is sealed to part by part', async body => {
    const nonce = sha256Of(text('nonce'))
    for (const size of [0, 1, 31, 5000, 900_000]) {
      const bytes = await noise(size, `${size}`)
      const source = await put(join(plain, `${size}.jpg`), bytes)
      const task = taskFor(source, body, nonce)
      const whole = (await sealWhole(task, flows)) as SealedWhole
      const { sealing } = await prepareSource(task.how, task, whole.info, bytes, flows)
      const png = await collect(sealing.png(streamOf(bytes, 1000)))
      expect(Buffer.from(whole.png).equals(png)).toBe(true)
      expect(toHex(whole.sha256)).toBe(toHex(sha256Of(png)))
      expect(toHex(whole.content)).toBe(toHex(sha256Of(bytes)))
      expect(whole.nonce).toEqual(nonce)
    }
  })

  test('one that is sealed already, or has grown, is left alone', async () => {
    const source = await put(join(plain, 'a'), 'content')
    const { png } = (await sealWhole(taskFor(source, 'aes-256-gcm'), flows)) as SealedWhole
    const again = taskFor(await put(join(plain, 'a.png'), png), 'aes-256-gcm')
    expect(await sealWhole(again, flows)).toBe('sealed already')
    const grown = taskFor(await put(join(plain, 'b'), new Uint8Array(WHOLE_BYTES + 1)), 'aes-256-gcm')
    expect(await sealWhole(grown, flows)).toBe('too large')
  })

  test('a cipher that goes wrong on the way back is caught, unless nothing is to be checked', async () => {
    const body = 'exact-flow+aes-256-gcm'
    const wrong: FlowProvider = async (weights, bytes) => {
      const flow = await flows(weights, bytes)
      const decrypt: typeof flow.decrypt = async (...given) => {
        const plain = await flow.decrypt(...given)
        plain[plain.length - 40]! ^= 1
        return plain
      }
      return { ...flow, decrypt }
    }
    const task = taskFor(await put(join(plain, 'a'), await noise(5000, 'a')), body)
    await expect(sealWhole(task, wrong)).rejects.toMatchObject({ code: 'E_HASH' })
    expect(await sealWhole({ ...task, check: false }, wrong)).toMatchObject({ notes: [] })
  })
})

describe('threads that seal small files', () => {
  test.each(Object.keys(BODIES))('%s: a folder of all sizes comes back, and is skipped the next time', async body => {
    for (let i = 0; i < 40; i++) await put(join(plain, `${i % 3}/${i}.jpg`), await noise(i === 7 ? 0 : 997 * i, `${i}`))
    await put(join(plain, 'large'), await noise(WHOLE_BYTES + 1, 'large'))
    await withThreads(async fileThreads => {
      const results = await seal({ body: BODIES[body]!, fileThreads })
      expect(results.map(({ status }) => status)).toEqual(Array(41).fill('done'))
      for (const { plainBytes, sealedBytes, target } of results)
        expect((await readFile(target!)).length).toBe(
          plainBytes === 0 ? sealedBytes : Math.max(sealedBytes!, plainBytes!),
        )
      expect(new Set((await seal({ body: BODIES[body]!, fileThreads })).map(({ status }) => status))).toEqual(
        new Set(['skipped']),
      )
    }, 5)
    const back = await all(openFiles({ inputs: [sealed], output: opened, keyring: keyring(), flows }))
    expect(new Set(back.map(({ status }) => status))).toEqual(new Set(['done']))
    expect(await tree(opened)).toEqual(await tree(plain))
  })

  test('say of each file what would be said without them', async () => {
    await put(join(plain, 'a'), 'content')
    const { png } = (await sealWhole(taskFor(join(plain, 'a'), 'aes-256-gcm'), flows)) as SealedWhole
    await put(join(plain, 'sealed.png'), png)
    await put(join(plain, 'taken'), 'taken')
    await mkdir(sealed)
    await writeFile(join(sealed, 'taken.png'), 'of somebody else')
    const progress = new Map<string, number>()
    const watcher = { progress: (source: string, bytes: number) => void progress.set(basename(source), bytes) }
    await withThreads(async fileThreads => {
      const results = await seal({ fileThreads, watcher })
      expect(states(results)).toEqual(['a: done', 'sealed.png: skipped', 'taken: E_EXISTS'])
      expect(results[1]!.reason).toBe('it is a sealed file already')
    })
    expect(progress.get('a')).toBe(7)
    expect(await readFile(join(sealed, 'taken.png'), 'utf8')).toBe('of somebody else')
  })

  test('a file that goes away meanwhile fails alone', async () => {
    const tasks = ['a', 'gone', 'b'].map(name => taskFor(join(plain, name), 'aes-256-gcm'))
    await put(join(plain, 'a'), 'a')
    await put(join(plain, 'b'), 'b')
    await withThreads(async threads => {
      const [a, gone, b] = await Promise.allSettled(tasks.map(task => threads.seal(task)))
      expect([a!.status, b!.status]).toEqual(['fulfilled', 'fulfilled'])
      const { reason } = gone as PromiseRejectedResult
      expect(reason).toBeInstanceOf(LatentError)
      expect(reason).toMatchObject({ code: 'E_IO', message: expect.stringContaining('cannot read gone') })
    })
  })

  test('nothing of a run that was interrupted appears afterwards', async () => {
    for (let i = 0; i < 90; i++) await put(join(plain, `${i}`), await noise(3000, `${i}`))
    await withThreads(async fileThreads => {
      const stop = new AbortController()
      const watcher = { progress: () => stop.abort() }
      const results = await seal({ fileThreads, signal: stop.signal, watcher })
      const count = (status: string) => results.filter(result => result.status === status).length
      expect([count('done') + count('interrupted'), count('interrupted') > 0]).toEqual([90, true])
      expect(Object.keys(await tree(sealed)).length).toBe(count('done'))
      expect(states(await seal({ fileThreads })).filter(state => state.endsWith('done')).length).toBe(
        count('interrupted'),
      )
    })
  })

  test('are not started for little, and take nothing once they are closed', async () => {
    const task = taskFor(await put(join(plain, 'a'), 'a'), 'aes-256-gcm')
    const threads = new FileThreads({ threads: 1, fewFiles: 2 })
    expect(await Promise.all([threads.seal(task), threads.seal(task)])).toEqual([undefined, undefined])
    expect(await threads.seal(task)).toMatchObject({ notes: [] })
    await threads.close()
    expect(await threads.seal(task)).toBeUndefined()
    await new FileThreads({ threads: 1 }).close()
  })
})
