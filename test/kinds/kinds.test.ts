import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { KINDS } from './kinds.ts'

const here = (path: string) => new URL(`../../${path}`, import.meta.url)
const rows = readFileSync(here('docs/testing.md'), 'utf8')
  .split('\n')
  .filter(line => /^\| \d+ \|/.test(line))
  .map(line => line.split('|').map(cell => cell.trim()))

test('the table of kinds names every kind and every file, and none has fewer than five inputs', () => {
  expect(rows.map(([, number, title]) => `${number} ${title}`)).toEqual(
    KINDS.map(({ title }, index) => `${index + 1} ${title}`),
  )
  for (const [index, { tests }] of KINDS.entries()) {
    const [, , , total, shown] = rows[index]!
    expect(Number(total)).toBeGreaterThanOrEqual(5)
    const files = Array.from(shown!.matchAll(/`([^`]+)` (\d+)/g), ([, file, count]) => ({ file, count: Number(count) }))
    expect(files.map(({ file }) => file)).toEqual(
      Object.keys(tests).map(file => file.replace(/^packages\//, '').replace('.test.ts', '')),
    )
    expect(files.reduce((sum, { count }) => sum + count, 0)).toBe(Number(total))
  }
})

test('every file of the table is there, and holds a title that its tests begin with', () => {
  for (const { tests } of KINDS)
    for (const [file, begins] of Object.entries(tests)) {
      expect([file, existsSync(here(file))]).toEqual([file, true])
      const source = readFileSync(here(file), 'utf8')
      for (const begin of begins)
        expect([file, begin, source.includes(begin.split(' ')[0]!)]).toEqual([file, begin, true])
    }
})
