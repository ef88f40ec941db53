import { schemes } from '@latent/schemes'
import { expect, test } from 'vitest'
import { PUBLISHED } from '../src/index.ts'

test('every published system is a scheme, or says what is missing', () => {
  const registered = new Set(schemes.map(({ id }) => id))
  expect(new Set(PUBLISHED.map(({ id }) => id)).size).toBe(PUBLISHED.length)
  for (const { id, citation, missing } of PUBLISHED) {
    expect(citation).not.toBe('')
    if (!registered.has(id)) expect([id, missing]).toEqual([id, expect.stringMatching(/\S+ \S+/)])
  }
})

test('every figure says how it reached us', () => {
  for (const { figures } of PUBLISHED)
    for (const { value, standing } of figures) expect([value.trim(), standing.trim()]).not.toContain('')
})
