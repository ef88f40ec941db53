import { schemes } from '@latent/schemes'
import { expect, test } from 'vitest'
import { PUBLISHED } from '../src/index.ts'

test('every published system is a scheme, or says what is missing', () => {
  const registered = new Set(schemes.map(({ id }) => id))
  expect(new Set(PUBLISHED.map(({ id }) => id)).size).toBe(PUBLISHED.length)
  expect(PUBLISHED.filter(({ citation }) => citation === '')).toEqual([])
  const silent = PUBLISHED.filter(({ id, missing = '' }) => !registered.has(id) && !/\S+ \S+/.test(missing))
  expect(silent.map(({ id }) => id)).toEqual([])
})

test('every figure says how it reached us', () => {
  for (const { figures } of PUBLISHED)
    for (const { value, standing } of figures) expect([value.trim(), standing.trim()]).not.toContain('')
})
