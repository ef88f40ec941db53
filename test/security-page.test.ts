import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
const tests = globSync(['packages/*/test/*.test.ts', 'test/**/*.test.ts'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})

test('every test that the page on security names is there', () => {
  const named = Array.from(page.matchAll(/`([\w./-]+\.test\.ts)`/g), ([, name]) => name!)
  expect(named.length).toBeGreaterThan(25)
  const known = new Set(tests.map(path => basename(path)))
  expect(named.filter(name => (name.includes('/') ? !existsSync(join(root, name)) : !known.has(name)))).toEqual([])
})

test('every row of its tables, and every paragraph on what is not protected, names what shows it', () => {
  const rows = page.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('| property'))
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter(row => !/\.test\.ts|the same|conformance kit/.test(row.split('|').at(-2)!))).toEqual([])
  const paragraphs = page
    .split('\n\n')
    .filter(text => text.startsWith('**Not protected') || text.startsWith('**Recipients'))
  expect(paragraphs.length).toBeGreaterThan(4)
  expect(paragraphs.filter(text => !/Shown by|what no test can show/.test(text))).toEqual([])
})
