import { stopAt } from '@latent/training'
import { setFlagsFromString } from 'node:v8'
import { setTimeout as pause } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('the time of a queue comes, whatever the garbage collector takes meanwhile', async () => {
  const { signal } = stopAt(new Date(Date.now() + 400), new AbortController().signal)
  for (let i = 0; i < 40 && !signal.aborted; i++) {
    await pause(25)
    collect()
  }
  expect(signal.aborted).toBe(true)
})

test('an interruption comes at once, a time that has passed too, and a far one waits', () => {
  const interrupted = new AbortController()
  const far = stopAt(new Date(Date.now() + 1e12), interrupted.signal)
  expect(far.signal.aborted).toBe(false)
  interrupted.abort()
  expect(far.signal.aborted).toBe(true)
  far.release()
  expect(stopAt(new Date(Date.now() - 1), new AbortController().signal).signal.aborted).toBe(true)
  const late = stopAt(new Date(Date.now() + 1e6), interrupted.signal)
  expect(late.signal.aborted).toBe(true)
  late.release()
})

test('released, it is given no more', async () => {
  const { signal, release } = stopAt(new Date(Date.now() + 50), new AbortController().signal)
  release()
  await pause(120)
  expect(signal.aborted).toBe(false)
})
