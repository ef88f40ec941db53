import { effect, signal } from '@preact/signals-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Pace } from '../src/vault/pace.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What is drawn of two signals that change at a pace. */
function watched() {
  const pace = new Pace()
  const [a, b] = [signal(0), signal(0)]
  const drawn: string[] = []
  effect(() => void drawn.push(`${a.value} ${b.value}`))
  const soon = (change: () => void) => pace.soon(change)
  return { pace, soon, a, b, drawn }
}

test('the first changes are drawn at the end of the turn, later ones together', () => {
  const { soon, a, b, drawn } = watched()
  soon(() => (a.value = 1))
  soon(() => (b.value = 1))
  expect(drawn).toEqual(['0 0'])
  vi.advanceTimersByTime(0)
  expect(drawn).toEqual(['0 0', '1 1'])
  for (let i = 0; i < 20; i++) {
    soon(() => a.value++)
    vi.advanceTimersByTime(10)
  }
  expect(drawn).toEqual(['0 0', '1 1'])
  vi.runAllTimers()
  expect(drawn).toEqual(['0 0', '1 1', '21 1'])
})

test('after a while without changes the next one is drawn at once', () => {
  const { soon, a, drawn } = watched()
  for (const value of [1, 2]) {
    soon(() => (a.value = value))
    vi.advanceTimersByTime(0)
    expect(drawn.at(-1)).toBe(`${value} 0`)
    vi.advanceTimersByTime(1000)
  }
})

test('catching up makes what is due, in order, and nothing twice', () => {
  const { pace, soon, a, drawn } = watched()
  soon(() => (a.value = 1))
  soon(() => (a.value *= 5))
  pace.catchUp()
  expect(a.value).toBe(5)
  vi.runAllTimers()
  expect(drawn).toEqual(['0 0', '5 0'])
})
