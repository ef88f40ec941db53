import { EXACT_FLOW } from '@latent/schemes/exact-flow'
import { expect, test } from 'vitest'
import { claims, type SchemeSummary } from '../src/index.ts'

/** As much of a summary as claims are made of: one changed pixel changed too little. */
const summary = (plainShapes: readonly string[], tileBytes: number | undefined): SchemeSummary =>
  ({
    id: 'x',
    title: 'x',
    traits: { secret: 'key', randomised: false, ...(tileBytes === undefined ? {} : { tileBytes }) },
    images: 3,
    plainShapes,
    tests: { 'pixel-npcr': { verdict: 'fails' }, chi2: { verdict: 'fails' } },
    wires: [],
    wire: ['u8'],
    contradicted: [],
    exactShare: 1,
  }) as unknown as SchemeSummary

const diffusion = (plainShapes: readonly string[], tileBytes?: number) =>
  claims(summary(plainShapes, tileBytes)).find(({ topic }) => topic === 'Diffusion')!

test('pictures of more than a tile: a change that stays in its tile is called the documented limit', () => {
  for (const [shapes, some] of [
    [['512x513x3 u8'], 'All'],
    [['512x512x3 u8', '512x512x3 u16'], '1 of 2'],
    [['887x887x1 u8', '886x886x1 u8'], '1 of 2'],
  ] as const) {
    const { say, standing } = diffusion(shapes, EXACT_FLOW.tileBytes)
    expect(standing).toBe('contradicted')
    expect(say).toContain(
      `${some} of the picture sizes here are larger than one tile of 786,432 bytes, and this cipher ` +
        'mixes a tile at a time',
    )
    expect(say).toContain('its documented limit')
  }
})

test('nothing is excused that is no limit of the cipher', () => {
  expect(diffusion(['512x512x3 u8'], EXACT_FLOW.tileBytes).say).not.toContain('tile')
  expect(diffusion(['4096x4096x3 u8']).say).not.toContain('tile')
  const others = claims(summary(['4096x4096x3 u8'], EXACT_FLOW.tileBytes)).filter(({ topic }) => topic !== 'Diffusion')
  expect(others.filter(({ say }) => say.includes('tile'))).toEqual([])
})
