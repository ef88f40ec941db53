import { type Image, LatentError } from '@latent/core'
import { drawPicture } from '@latent/data'
import { expect, test } from 'vitest'
import { study } from '../src/vortex/study.ts'
import { atLength, LONG } from '../../../test/long.ts'

const SIDE = 32
const vortex = (row: number, column: number, radius: number) => ({
  centre: [row, column],
  radius,
  profile: Array.from({ length: radius + 1 }, () => 0.4),
})
const keyFile = (vortices: number) =>
  new TextEncoder().encode(
    JSON.stringify({
      imageSide: SIDE,
      profileDivisor: 1,
      vortices: Array.from({ length: vortices }, (_, i) => vortex(10 + (i % 8), 12, 6)),
    }),
  )
const context = async (vortices: number) => {
  const drawn: Image<'u8'>[] = await Promise.all(
    (['landscape', 'street', 'lettering', 'marble', 'shapes', 'dunes'] as const).map(kind =>
      drawPicture(kind, SIDE, SIDE, 3),
    ),
  )
  return {
    seed: 1,
    quick: true,
    progress: () => undefined,
    labels: async () => new Uint8Array(),
    file: async () => keyFile(vortices),
    images: async (_: string, limit?: number) => drawn.slice(0, limit).map((image, i) => ({ id: String(i), image })),
  }
}

test.runIf(LONG)(
  `the study runs, its controls stand at both ends, and every map that moves pixels is opened${atLength}`,
  async () => {
    const page = await study.run(await context(20))
    expect(page.intro.join(' ')).toContain('quick run')
    const [published, drawn, seen, opened] = page.sections.map(({ tables }) => tables![0]!)
    for (const table of [published!, drawn!, seen!, opened!])
      expect(table.rows.every(row => row.length === table.columns.length)).toBe(true)
    expect(published!.rows.length).toBe(8)
    expect(seen!.rows[0]!.slice(1, 4)).toEqual(['1.000', expect.any(String), '100.0 %'])
    expect(Number(String(seen!.rows.at(-1)![4]).split(' ')[0])).toBeGreaterThan(99)
    const chosen = new Map(opened!.rows.map(([title, queries, share]) => [title, [queries, share]]))
    expect(chosen.get('one permutation of all pixels')).toEqual(['1', '100.0 %'])
    expect(chosen.get('vortex, bijective variant (5)')).toEqual(['1', '100.0 %'])
    for (const [title, [queries]] of chosen)
      expect([title, queries]).toEqual([title, title === 'AES-256-CTR (control)' ? 'does more than move pixels' : '1'])
    expect(chosen.get('AES-256-CTR (control)')).toEqual(['does more than move pixels', 'nothing'])
  },
)

test('a key file with too few vortices is refused', async () => {
  await expect(study.run(await context(4))).rejects.toBeInstanceOf(LatentError)
})
