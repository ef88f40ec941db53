import { EventEmitter } from 'node:events'
import { expect, test, vi } from 'vitest'
import { FileThreads } from '../src/node/index.ts'

/** Threads that do nothing but end when a test says so. */
const started = vi.hoisted((): { end(): void; readonly told: unknown[] }[] => [])
vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  Worker: class extends EventEmitter {
    readonly told: unknown[] = []
    constructor() {
      super()
      started.push(this)
    }
    postMessage(request: unknown) {
      this.told.push(request)
    }
    end() {
      this.emit('error', new Error('out of memory'))
      this.emit('exit', 1)
    }
    ref() {}
    unref() {}
    terminate = async () => 1
  },
}))

const task = (name: string) => ({ source: name, relative: name, size: 100_000, how: {} as never, check: true })

test('what threads had that ended by themselves is given back, and so is what comes after', async () => {
  const threads = new FileThreads({ threads: 2, fewFiles: 0 })
  const asked = Array.from({ length: 20 }, (_, i) => threads.seal(task(`${i}`)))
  await new Promise(setImmediate)
  expect(started.map(({ told }) => told.length)).toEqual([2, 2])
  started[0]!.end()
  // Its two batches of two are whoever's who asked; the other thread has as much as it takes, and the rest waits.
  const settled = new Set<number>()
  asked.forEach((each, i) => void each.then(() => settled.add(i)))
  await new Promise(setImmediate)
  expect(settled.size).toBe(4)
  started[1]!.end()
  expect(await Promise.all(asked)).toEqual(asked.map(() => undefined))
  expect(await threads.seal(task('later'))).toBeUndefined()
  await threads.close()
})
