import { getEventListeners } from 'node:events'
import { Piscina } from 'piscina'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openWorkers } from '../src/node/workers.ts'

const script = new URL('reference/worker.ts', import.meta.url)
interface Task {
  readonly counts?: Int32Array
  readonly wait?: number
  readonly gate?: Int32Array
  readonly value?: number
  readonly fails?: string
  readonly bytes?: Uint8Array
}
const open = (threads: number, signal?: AbortSignal) => openWorkers<Task, number>(script, { threads, signal })
/** Running, the most that ran at once, and done. */
const gateway = () => new Int32Array(new SharedArrayBuffer(4))
const counters = () => new Int32Array(new SharedArrayBuffer(12))
const interrupted = expect.objectContaining({ name: 'LatentError', code: 'E_INTERRUPTED', hint: expect.any(String) })
afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
  vi.doUnmock('node:worker_threads')
})

describe('a pool of threads', () => {
  test('gives what each task gives, as many at once as there are threads', async () => {
    const [workers, counts, taken] = [open(2), counters(), new Map<number, number>()]
    // Long enough that the second thread has started while the first one is at work.
    const tasks = [3, 1, 4, 15, 9, 2].map(value => ({ counts, wait: 250, value }))
    await workers.each(tasks, (outcome, task) => void taken.set(task.value ?? -1, outcome))
    expect([...taken].every(([value, outcome]) => value === outcome)).toBe(true)
    expect([taken.size, ...counts]).toEqual([6, 0, 2, 6])
    expect(await Promise.all([5, 6, 7].map(value => workers.run({ value })))).toEqual([5, 6, 7])
    await workers.close()
  })

  test('takes over memory that it is given, and copies what it is not', async () => {
    const workers = open(1)
    const [moved, kept] = [new Uint8Array(10), new Uint8Array(20)]
    expect([await workers.run({ bytes: moved }, [moved.buffer]), await workers.run({ bytes: kept })]).toEqual([10, 20])
    expect([moved.length, kept.length]).toEqual([0, 20])
    await workers.close()
  })

  test('throws what a task throws, and goes on', async () => {
    const workers = open(1)
    await expect(workers.run({ fails: 'a fault' })).rejects.toThrow('a fault')
    expect(await workers.run({ value: 8 })).toBe(8)
    await workers.close()
  })

  test('of many, the first fault ends the rest: what was begun is finished and handed over', async () => {
    const [workers, counts, taken] = [open(2), counters(), new Array<number>()]
    const tasks = [
      { counts, fails: 'the first' },
      { counts, wait: 60, value: 2 },
      // Those that are begun take long enough for the fault to be heard of meanwhile.
      ...Array.from({ length: 20 }, () => ({ counts, wait: 250, value: 3 })),
    ]
    await expect(workers.each(tasks, outcome => void taken.push(outcome))).rejects.toThrow('the first')
    expect(taken).toContain(2)
    expect(counts[2]).toBeLessThan(10)
    await expect(workers.run({})).rejects.toEqual(interrupted)
    // A fault of whoever takes the outcomes counts as well.
    const others = open(1)
    await expect(others.each([{ value: 1 }], () => Promise.reject(new Error('full')))).rejects.toThrow('full')
    await expect(others.run({})).rejects.toEqual(interrupted)
  })

  test('closed, it waits for what is under way and gives up what is not, once', async () => {
    const destroy = vi.spyOn(Piscina.prototype, 'destroy')
    const [workers, counts, gate] = [open(1), counters(), gateway()]
    const [first, second, third] = [
      workers.run({ counts, gate, value: 1 }),
      workers.run({ counts, value: 2 }),
      workers.run({ counts, value: 3 }),
    ]
    const given = Promise.allSettled([first, second, third])
    await vi.waitFor(() => expect(counts[0]).toBe(1), { timeout: 60_000 })
    const closed = [workers.close(), workers.close()]
    gate[0] = 1
    await Promise.all(closed)
    expect(await given).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: interrupted },
      { status: 'rejected', reason: interrupted },
    ])
    expect([destroy.mock.calls.length, ...counts]).toEqual([1, 0, 1, 1])
  })

  test('a signal closes it, whenever it comes, and is let go of', async () => {
    const [controller, counts, gate] = [new AbortController(), counters(), gateway()]
    const workers = open(1, controller.signal)
    expect(getEventListeners(controller.signal, 'abort').length).toBe(1)
    const running = workers.run({ counts, gate, value: 1 })
    await vi.waitFor(() => expect(counts[0]).toBe(1), { timeout: 60_000 })
    controller.abort()
    await expect(workers.run({})).rejects.toEqual(interrupted)
    gate[0] = 1
    expect(await running).toBe(1)
    await workers.close()
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await expect(open(1, controller.signal).run({})).rejects.toEqual(interrupted)
    const unused = new AbortController()
    await open(1, unused.signal).close()
    expect(getEventListeners(unused.signal, 'abort')).toEqual([])
  })
})

describe('telemetry', () => {
  const forbid = async (isMainThread: boolean) => {
    vi.resetModules()
    vi.doMock('node:worker_threads', async original => ({ ...(await original<object>()), isMainThread }))
    return (await import('../src/node/telemetry.ts')).forbidTelemetry
  }
  const SWITCH = 'ORT_DISABLE_TELEMETRY'

  test('is switched off before any thread starts', async () => {
    vi.stubEnv(SWITCH, undefined)
    const workers = open(1)
    expect(process.env[SWITCH]).toBe('1')
    await workers.close()
    vi.stubEnv(SWITCH, '0')
    expect([(await forbid(true))(), process.env[SWITCH]]).toEqual([true, '1'])
    vi.unstubAllEnvs()
  })

  test.each<[string | undefined, boolean]>([
    ['1', true],
    ['0', false],
    [undefined, false],
  ])('in a thread, the process has %s: the library may be loaded, %s', async (value, allowed) => {
    const forbidTelemetry = await forbid(false)
    const before = (process.report as unknown as { excludeNetwork: boolean }).excludeNetwork
    const asked: boolean[] = []
    const report = vi.spyOn(process.report, 'getReport').mockImplementation(() => {
      asked.push((process.report as unknown as { excludeNetwork: boolean }).excludeNetwork)
      return value === undefined ? {} : { environmentVariables: { [SWITCH]: value } }
    })
    expect([forbidTelemetry(), forbidTelemetry()]).toEqual([allowed, allowed])
    expect([asked, report.mock.calls.length]).toEqual([[true], 1])
    expect((process.report as unknown as { excludeNetwork: boolean }).excludeNetwork).toBe(before)
  })
})
