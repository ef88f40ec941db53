import exifr from 'exifr'
import { expect, test, vi } from 'vitest'
import { photoFacts } from '../src/vault/photo-facts.ts'

vi.mock('exifr', () => ({ default: { parse: vi.fn(async () => ({ Make: 'Maker', Model: 'Model 7' })) } }))

test('asks for tags with one object for all photos: exifr keeps every one that it is given', async () => {
  const jpeg = new Uint8Array(64)
  jpeg.set([0xff, 0xd8, 0xff])
  for (let i = 0; i < 3; i++) expect(await photoFacts(jpeg)).toEqual({ type: 'image/jpeg', camera: 'Maker Model 7' })
  const asked = vi.mocked(exifr.parse).mock.calls.map(([, options]) => options)
  expect(asked).toHaveLength(3)
  expect(new Set(asked).size).toBe(1)
})
