import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Passed, Progress } from '../src/vault/progress.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what is reported of many files is told together, now and then, and no byte twice', () => {
  const told: Passed[] = []
  const progress = new Progress(passed => told.push(passed))
  progress.report(1, 10)
  progress.report(2, 5)
  progress.report(1, 7)
  expect(told).toEqual([])
  vi.runAllTimers()
  expect(told).toEqual([
    [
      [1, 17],
      [2, 5],
    ],
  ])
  progress.report(2, 3)
  vi.runAllTimers()
  expect(told.at(-1)).toEqual([[2, 3]])
  expect(told).toHaveLength(2)
})

test('of a file that is worked on no more nothing is told', () => {
  const told: Passed[] = []
  const progress = new Progress(passed => told.push(passed))
  progress.report(1, 10)
  progress.report(2, 5)
  progress.forget(1)
  vi.runAllTimers()
  expect(told).toEqual([[[2, 5]]])
})
