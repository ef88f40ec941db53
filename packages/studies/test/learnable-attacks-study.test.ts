import { expect, test } from 'vitest'
import { pictures } from '../../lab/test/fixtures/crops.ts'
import { findStudy } from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

test.runIf(LONG)(`the study runs, and says of a quick run that its figures mean nothing${atLength}`, async () => {
  const study = await findStudy('learnable-attacks')
  const drawn = await pictures(68)
  const page = await study.run({
    seed: 1,
    quick: true,
    progress: () => undefined,
    labels: async () => new Uint8Array(),
    file: async () => new Uint8Array(),
    images: async (_, limit) => drawn.slice(0, limit).map((image, i) => ({ id: String(i), image })),
  })
  expect(page.intro.join(' ')).toContain('quick run')
  const [same, different, unpaired] = page.sections.map(({ tables }) => tables![0]!)
  expect(same!.rows.length).toBe(3)
  expect(same!.rows.every(row => row.length === same!.columns.length)).toBe(true)
  expect(different!.rows.length).toBe(3)
  expect(unpaired!.rows.length).toBe(3)
})
