import type * as Os from 'node:os'
import { getPriority } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { loadOrt } from '../src/ort-node.ts'

vi.mock('node:os', async original => ({ ...(await original<typeof Os>()), getPriority: vi.fn() }))
afterEach(() => vi.unstubAllEnvs())

// What the entry does cannot be told from outside but by the clock; that it is asked for, can.
const asleep = { session: { intra_op: { allow_spinning: '0' } } }
test.each([
  { priority: 0, spin: undefined, entries: undefined },
  { priority: -5, spin: '1', entries: undefined },
  { priority: 0, spin: '0', entries: asleep },
  { priority: 1, spin: undefined, entries: asleep },
  { priority: 19, spin: '1', entries: asleep },
])('at nice $priority, LATENT_SPIN=$spin, idle threads wait asleep: $entries', async ({ priority, spin, entries }) => {
  vi.mocked(getPriority).mockReturnValue(priority)
  vi.stubEnv('LATENT_SPIN', spin)
  expect((await loadOrt('ort-node')).entries).toEqual(entries)
})
