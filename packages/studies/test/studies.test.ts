import { image, LatentError } from '@latent/core'
import { decodePng } from '@latent/core/png'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeStudy } from '../src/node/study.ts'
import { chart, contactSheet, enlarged, findStudy, type Study, tableData } from '../src/index.ts'

const dot = (...rgb: [number, number, number]) =>
  image({ width: 1, height: 1, channels: 3, format: 'u8', data: Uint8Array.from(rgb) })

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
            {
              name: 'sheet',
              caption: 'a [sheet]',
              image: contactSheet([enlarged(dot(1, 2, 3), 2), dot(4, 5, 6)], 2, 1),
            },
            {
              name: 'curve',
              caption: 'a curve',
              svg: await chart(
                [
                  { x: 1, y: 2, series: 'a' },
                  { x: 2, y: 3, series: 'b', caption: 'here' },
                ],
                { title: 't', x: 'x', y: 'y', mark: 'line' },
              ),
            },
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
    expect(page).toContain(
      '# A toy\n\nNothing | to see.\n\n## Sizes\n\nOne picture.\n\n| id | a\\|b |\n|---|---|\n| landscape-0 | 64 |',
    )
    expect(page).toContain('![a sheet](sheet.png)')
    expect(JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'))).toMatchObject({
      study: 'toy',
      quick: true,
      sections: [{ heading: 'Sizes', tables: [{ rows: [['landscape-0', 64]] }] }],
    })
    const sheet = decodePng(await readFile(join(folder, 'sheet.png')))
    expect([sheet.width, sheet.height]).toEqual([5, 2])
    const white = [255, 255, 255]
    expect([...sheet.data]).toEqual([
      1,
      2,
      3,
      1,
      2,
      3,
      ...white,
      4,
      5,
      6,
      ...white,
      1,
      2,
      3,
      1,
      2,
      3,
      ...white,
      ...white,
      ...white,
    ])
    expect(await readFile(join(folder, 'curve.svg'), 'utf8')).toMatch(/^<svg[\s\S]*here/)
  })

  test('a chart brings colours for light and for dark along, and as many different lines as series', async () => {
    const names = Array.from({ length: 13 }, (_, i) => `a scheme with quite a long name, and a number at its end: ${i}`)
    const drawn = await chart(
      names.flatMap((series, i) => [
        { x: 0, y: i, series },
        { x: 255, y: 2 * i, series },
      ]),
      { title: 't', x: 'byte', y: 'y', mark: 'line', rangeX: [0, 255] },
    )
    const used = new Set(Array.from(drawn.matchAll(/var\(--([a-z]+(?:-\d)?)\)/g), ([, name]) => name!))
    const [light, dark] = drawn
      .match(/\.latent-chart\{[^}]*\}/g)!
      .map(
        rule =>
          new Map(Array.from(rule.matchAll(/--([a-z0-9-]+):(#[0-9a-f]{6})/g), ([, name, colour]) => [name!, colour!])),
      )
    expect(drawn).toContain('@media (prefers-color-scheme:dark)')
    for (const name of used) {
      expect(light!.get(name)).toMatch(/^#/)
      expect(dark!.get(name)).not.toBe(light!.get(name))
    }
    // Every name is there in full, and no two lines look alike.
    for (const name of names) expect(drawn).toContain(`${name}<`)
    const lines = Array.from(drawn.matchAll(/<path[^>]*stroke="(var\(--series-\d\))"[^>]*>/g), ([path]) => path).filter(
      path => path.includes('stroke-width="2"'),
    )
    expect(
      new Set(
        lines.map(path => `${/stroke="[^"]*"/.exec(path)![0]} ${/stroke-dasharray="[^"]*"/.exec(path)?.[0] ?? ''}`),
      ).size,
    ).toBe(13)
    expect(drawn).not.toMatch(/>-20</)
  })

  test('labels lie on no point and on no other label', async () => {
    const points = [
      [40, 7.2],
      [40.02, 7.21],
      [40.04, 7.2],
      [40.5, 7.25],
      [41, 7.9],
    ].map(([x, y], i) => ({ x: x!, y: y!, caption: `label ${i}` }))
    const drawn = await chart(points, { title: 't', x: 'x', y: 'y', mark: 'point', zero: false })
    const boxes = Array.from(
      drawn.matchAll(/<text text-anchor="(\w+)" transform="translate\(([\d.-]+),([\d.-]+)\)"[^>]*>label (\d)</g),
      ([, anchor, x, y]) => {
        const left = Number(x) - (anchor === 'end' ? 35 : anchor === 'middle' ? 17.5 : 0)
        return { left, right: left + 35, top: Number(y) - 8, bottom: Number(y) + 2 }
      },
    )
    expect(boxes).toHaveLength(5)
    for (const [i, a] of boxes.entries())
      for (const b of boxes.slice(i + 1))
        expect(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top).toBe(true)
  })

  test('tables as data: numbers are numbers, with their units', () => {
    expect(
      tableData({
        columns: ['a'],
        rows: [['12.50', '1,234,567', '99.61 %', '-3.2 dB', '1e-5', 'exact', '12.3 (least 4)', 7, '32x32', '']],
      }).rows,
    ).toEqual([
      [
        12.5,
        1_234_567,
        { value: 99.61, unit: '%' },
        { value: -3.2, unit: 'dB' },
        1e-5,
        'exact',
        '12.3 (least 4)',
        7,
        '32x32',
        '',
      ],
    ])
  })

  test('nothing is written over that an earlier run did not write', async () => {
    const write = () =>
      writeStudy(toy, { folder, seed: 1, quick: true, progress: () => undefined, command: 'latent lab study toy' })
    await write()
    const before = await readFile(join(folder, 'README.md'), 'utf8')
    await write()
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe(before)
    for (const name of ['README.md', 'results.json', 'sheet.png']) {
      await rm(folder, { recursive: true })
      await mkdir(folder)
      await writeFile(join(folder, name), 'mine')
      await expect(write()).rejects.toMatchObject({ code: 'E_EXISTS' })
      expect(await readFile(join(folder, name), 'utf8')).toBe('mine')
    }
  })

  test('an unknown study is refused by name', async () => {
    await expect(findStudy('constructor')).rejects.toThrow(LatentError)
  })
})

test('no two figures of a page have one caption', async () => {
  const folder = new URL('../../../docs/schemes/', import.meta.url)
  const pages = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('README.md'))
  expect(pages.length).toBeGreaterThan(8)
  for (const page of pages) {
    const captions = [...(await readFile(new URL(page, folder), 'utf8')).matchAll(/^!\[([^\]]+)\]\(/gm)].map(
      ([, caption]) => caption,
    )
    expect([page, captions]).toEqual([page, [...new Set(captions)]])
  }
})
