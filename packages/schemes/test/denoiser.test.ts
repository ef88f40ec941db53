import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image } from '@latent/core'
import { parameterCount } from '@latent/graph'
import { train } from '@latent/graph/train'
import { expect, test } from 'vitest'
import { denoiserParameters } from '../src/denoiser/recipe.ts'
import { findRecipe } from '../src/recipes.ts'
import { atLength, LONG } from '../../../test/long.ts'

/** Smooth waves with a sharp edge: something a denoiser can learn in a few steps. */
const drawn = (salt: number): Image<'u8'> => {
  const [width, height] = [160, 140]
  const data = Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    return 128 + 60 * Math.sin((x + 7 * salt) / 11) + (x > y + 20 * salt ? 40 : -40)
  })
  return { width, height, channels: 1, format: 'u8', data }
}

test.runIf(LONG)(
  `the denoiser recipe trains, and removes noise it has not seen${atLength}`,
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latent-denoiser-'))
    const run = await findRecipe('denoiser').open({
      profile: 'compact',
      seed: 1,
      images: (_, split) => Promise.resolve((split === 'train' ? [0, 1, 2, 3] : [4]).map(drawn)),
    })
    try {
      expect(run.training.phases).toHaveLength(1)
      const { log, finished, weights } = await train(run.training, {
        ...run,
        name: 'denoiser-compact',
        steps: 30,
        seed: 1,
        folder,
        resume: false,
        logEvery: 10,
        threads: 1,
      })
      expect(finished).toBe(true)
      expect(log.at(-1)!['mse']).toBeLessThan(0.7 * log[0]!['mse']!)
      expect(Object.keys(weights)).toContain('denoiser.conv0.weight')
      expect((await readdir(folder)).sort()).toEqual([
        'checkpoint.safetensors',
        'curve.svg',
        'log.jsonl',
        'weights.safetensors',
      ])
      expect(await run.validation!.score(weights)).toBeGreaterThan(20)
    } finally {
      await run.close?.()
      await rm(folder, { recursive: true })
    }
  },
)

test('the denoiser has the size it says', () => {
  expect(parameterCount(denoiserParameters('compact'))).toBe(320 + 4 * 9248 + 289)
  expect(parameterCount(denoiserParameters('paper'))).toBe(640 + 15 * 36928 + 577)
})

test('an unknown recipe is refused by name', () => {
  expect(() => findRecipe('nope')).toThrow(
    expect.objectContaining({ code: 'E_ARGUMENT', hint: expect.stringContaining('denoiser') }),
  )
})
