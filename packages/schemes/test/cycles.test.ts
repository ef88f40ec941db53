import { image, type Image } from '@latent/core'
import { leaves, tensor, type Tree } from '@latent/graph'
import { expect, test } from 'vitest'
import { schemes } from '../src/index.ts'
import { cycleDescription, CYCLES } from '../src/cycles/description.ts'
import { opticalPictures } from '../src/cycles/optical-domain.ts'
import { cycleTraining } from '../src/cycles/recipe.ts'
import { findRecipe } from '../src/recipes.ts'

const picture = (seed: number): Image<'u8'> =>
  image({
    width: 260,
    height: 256,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from({ length: 3 * 260 * 256 }, (_, i) => (i * (seed + 3) + (i >> 9) * 11) & 255),
  })

test.each(CYCLES.map(variant => [variant.id, variant] as const))(
  '%s describes itself and trains two generators',
  (id, variant) => {
    expect(cycleDescription(variant)).toMatchObject({ id, secret: 'weights', exact: false, weights: { scheme: id } })
    expect(variant.derivation.filter(({ standing }) => standing === 'source').length).toBeGreaterThan(0)
    const { networks, phases } = cycleTraining(variant, 'compact')
    const counts = Object.fromEntries(
      Object.entries(networks).map(([name, tree]) => [name, leaves(tree as Tree<unknown>).length]),
    )
    expect(counts['encryption']).toBe(counts['decryption'])
    expect(Object.keys(counts)).toContain('judge')
    // A judge of plain pictures is there, and trained, exactly where the hiding domain goes there and back too.
    expect(Object.keys(counts).includes('plainJudge')).toBe(variant.cycles === 'both ways')
    expect(phases[0]!.trains.includes('plainJudge')).toBe(variant.cycles === 'both ways')
  },
)

test('a system that is registered takes weights of its own', () => {
  const registered = CYCLES.flatMap(({ id }) => schemes.filter(scheme => scheme.id === id))
  expect(registered.filter(({ id, weights }) => weights?.scheme !== id)).toEqual([])
})

test('a batch: pictures, the same with one sample changed, and pictures of the domain', async () => {
  const run = await findRecipe('cycle-optical').open({
    profile: 'compact',
    seed: 1,
    images: async (_, split) => (split === 'train' ? [picture(1), picture(2), picture(3), picture(4)] : []),
  })
  const { plain, touched, hidden } = await run.data(7)
  const [a, b] = [plain!.data as Float32Array, touched!.data as Float32Array]
  const each = a.length / 4
  for (let n = 0; n < 4; n++) {
    const changed = Array.from({ length: each }, (_, i) => Math.abs(a[n * each + i]! - b[n * each + i]!)).filter(
      d => d > 0,
    )
    expect(changed).toEqual([expect.closeTo(0.5, 5)])
  }
  expect(hidden!.dims).toEqual(plain!.dims)
  expect((hidden!.data as Float32Array).every(value => value >= 0 && value <= 1)).toBe(true)
  expect((await run.data(7))['plain']).toEqual(plain)
  await run.close?.()
})

test('behind a bench nothing of a picture is seen, and all of its light', async () => {
  const plain = tensor(
    'f32',
    [1, 3, 32, 32],
    Float32Array.from({ length: 3 * 1024 }, (_, i) => (i % 32 < 16 ? 1 : 0)),
  )
  const { data } = await opticalPictures(plain)
  const half = (left: boolean) => data.filter((_, i) => i % 32 < 16 === left).reduce((sum, value) => sum + value, 0)
  expect(half(true) / half(false)).toBeCloseTo(1, 0.7)
  // Half of the picture is white, and fields are written half as bright: a mean square of an eighth.
  expect(data.reduce((sum, value) => sum + value * value, 0) / data.length).toBeCloseTo(1 / 8, 1)
})
