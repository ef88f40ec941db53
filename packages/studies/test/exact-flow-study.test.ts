import { drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import { expect, test } from 'vitest'
import { atLength, LONG } from '../../../test/long.ts'
import { findStudy, type StudyContext, type StudyTable } from '../src/index.ts'

/** Drawn pictures in place of photographs. */
const context: StudyContext = {
  seed: 1,
  quick: true,
  progress: () => undefined,
  labels: async () => new Uint8Array(),
  file: async () => new Uint8Array(),
  images: (_, limit = 2) =>
    Promise.all(
      PROCEDURAL_KINDS.slice(0, limit).map(async kind => ({ id: kind, image: await drawPicture(kind, 256, 256, 90) })),
    ),
}

const row = (table: StudyTable, name: string) => {
  const cells = table.rows.find(([first]) => first === name)!
  return (column: string) => String(cells[table.columns.indexOf(column)])
}

test.runIf(LONG)(
  'the study of the exact flow: whole ciphers show nothing, ablations are exact too, training ' +
    `makes the difference; a second run writes the same page, pictures and all${atLength}`,
  { timeout: 400_000 },
  async () => {
    const study = await findStudy('exact-flow')
    const page = await study.run(context)
    expect(await study.run(context)).toEqual(page)
    const ablations = page.sections.filter(({ heading }) => heading.startsWith('Ablation on'))
    expect(ablations.map(({ heading }) => heading)).toEqual([
      'Ablation on a black picture',
      'Ablation on a flat picture (200, 120, 40)',
      'Ablation on four drawn pictures',
      'Ablation on 2 photographs of BSDS500 val, centres',
    ])
    for (const { tables } of ablations) {
      const [table] = tables!
      expect(table!.rows.map(([name, exact]) => [name, exact])).toEqual(table!.rows.map(([name]) => [name, 'yes']))
      for (const name of [
        'whole cipher, constant weights',
        'whole cipher, trained weights',
        'whole cipher, second generation',
        'key streams only (t = 0)',
      ])
        expect(row(table!, name)('found')).toBe('nothing')
      const chiSquare = (name: string) => Number.parseFloat(row(table!, name)('chi-square'))
      expect(chiSquare('network only, constant weights')).toBeGreaterThan(10 * chiSquare('network only, trained'))
      expect(chiSquare('network only, second generation')).toBeLessThan(2 * 255)
      expect(row(table!, 'network only, constant weights')('found')).toContain('correlation')
      expect(row(table!, 'network only, trained')('found')).not.toContain('correlation')
      // Without a map that depends on the source, one changed sample stays local.
      expect(
        Number.parseFloat(row(table!, 'network only, map of the key alone, trained')('one sample + 1: NPCR')),
      ).toBeLessThan(6.1)
    }
    const figures = page.sections.flatMap(section => section.figures ?? [])
    expect(figures.map(({ name }) => name)).toEqual(['network-only', 'histogram-black'])
    expect(JSON.stringify(page)).not.toMatch(/NaN|undefined|Infinity/)
  },
)
