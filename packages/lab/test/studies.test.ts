import { image, LatentError } from '@latent/core'
import { decodePng } from '@latent/core/png'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeStudy } from '../src/node/study.ts'
import { chart, contactSheet, enlarged, findStudy, type Study } from '../src/studies/index.ts'

const dot = (...rgb: [number, number, number]) => image({ width: 1, height: 1, channels: 3, format: 'u8', data: Uint8Array.from(rgb) })

const toy: Study = {
  id: 'toy',
  title: 'Toy',
  async run({ images, progress }) {
    const [first] = await images('procedural:2@64', 1)
    progress(1, 1, 'toy')
    return {
      title: 'A toy',
      intro: ['Nothing | to see.'],
      sections: [
        {
          heading: 'Sizes',
          text: ['One picture.'],
          tables: [{ columns: ['id', 'a|b'], rows: [[first!.id, first!.image.width]] }],
          figures: [
            { name: 'sheet', caption: 'a [sheet]', image: contactSheet([enlarged(dot(1, 2, 3), 2), dot(4, 5, 6)], 2, 1) },
            { name: 'curve', caption: 'a curve', svg: await chart([{ x: 1, y: 2, series: 'a' }, { x: 2, y: 3, series: 'b', label: 'here' }], { title: 't', x: 'x', y: 'y', mark: 'line' }) },
          ],
        },
      ],
    }
  },
}

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'latent-study-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('studies', () => {
  test('a page, its figures and its tables as data', async () => {
    await writeStudy(toy, { folder, seed: 1, quick: true, progress: () => undefined, command: 'latent lab study toy' })
    expect((await readdir(folder)).sort()).toEqual(['README.md', 'curve.svg', 'results.json', 'sheet.png'])
    const page = await readFile(join(folder, 'README.md'), 'utf8')
    expect(page).toContain('# A toy\n\nNothing | to see.\n\n## Sizes\n\nOne picture.\n\n| id | a\\|b |\n|---|---|\n| landscape-0 | 64 |')
    expect(page).toContain('![a sheet](sheet.png)')
    expect(JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'))).toMatchObject({ study: 'toy', quick: true, sections: [{ heading: 'Sizes', tables: [{ rows: [['landscape-0', 64]] }] }] })
    const sheet = decodePng(await readFile(join(folder, 'sheet.png')))
    expect([sheet.width, sheet.height]).toEqual([5, 2])
    const white = [255, 255, 255]
    expect([...sheet.data]).toEqual([1, 2, 3, 1, 2, 3, ...white, 4, 5, 6, ...white, 1, 2, 3, 1, 2, 3, ...white, ...white, ...white])
    expect(await readFile(join(folder, 'curve.svg'), 'utf8')).toMatch(/^<svg[\s\S]*here/)
    expect(await readFile(join(folder, 'curve.svg'), 'utf8')).not.toContain('var(')
  })

  test('an unknown study is refused by name', async () => {
    await expect(findStudy('constructor')).rejects.toThrow(LatentError)
  })
})
