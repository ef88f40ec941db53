import { describe, expect, test } from 'vitest'
import { circles, faults, importsOf, measure, undocumentedIn, wideIn } from './measure.ts'

describe('the packages', () => {
  const structure = measure()
  const { files, rooms, climbing, roomCircles, allCircles, undeclared } = structure

  test('import in one direction alone, and name what they import', () => {
    expect(files.length).toBeGreaterThan(300)
    expect(
      files.flatMap(({ imports }) => imports).filter(({ specifier }) => specifier.startsWith('@latent/')).length,
    ).toBeGreaterThan(300)
    expect(climbing).toEqual([])
    expect(undeclared).toEqual([])
  })

  test('form no circles, nor do their files, types and what is loaded later included', () => {
    expect(roomCircles).toEqual([])
    expect(allCircles).toEqual([])
  })

  test('have no file or line that is too long to read, and no export without a comment', () => {
    expect(faults(structure)).toEqual([])
  })

  test('none holds more than a quarter of the code', () => {
    const total = rooms.reduce((sum, [, lines]) => sum + lines, 0)
    expect(rooms.filter(([, lines]) => lines > total / 4)).toEqual([])
  })
})

describe('what counts', () => {
  test.each([
    ["import { a } from './a.ts'", [{ specifier: './a.ts', when: 'load' }]],
    ["import type { A } from '@latent/core'", [{ specifier: '@latent/core', when: 'types' }]],
    ["import { type A, type B } from '@latent/core'", [{ specifier: '@latent/core', when: 'types' }]],
    ["import {\n  type A,\n  b,\n} from '../b.ts'", [{ specifier: '../b.ts', when: 'load' }]],
    [
      "export * from './c.ts'\nexport { d } from './d.ts'",
      [
        { specifier: './c.ts', when: 'load' },
        { specifier: './d.ts', when: 'load' },
      ],
    ],
    ["import './effect.ts'", [{ specifier: './effect.ts', when: 'load' }]],
    [
      "const later = async () => (await import('@latent/lab/node')).evaluate",
      [{ specifier: '@latent/lab/node', when: 'later' }],
    ],
    ["const worker = new URL('./worker.ts', import.meta.url)", [{ specifier: './worker.ts', when: 'later' }]],
    ["const folder = new URL('../../models/', import.meta.url)", []],
    [
      '/**\n' +
        " * import { a } from './a.ts'\n" +
        " * @param script as new URL('./w.ts', import.meta.url)\n" +
        ' */\n' +
        "// import './b.ts'",
      [],
    ],
    [
      "export function from(text: string) {\n  return text === 'x'\n}\nimport { e } from './e.ts'",
      [{ specifier: './e.ts', when: 'load' }],
    ],
  ])('as an import: %j', (text, imports) => {
    expect(importsOf(text)).toEqual(imports)
  })

  test.each([
    [{ a: ['b'], b: ['c'], c: [] }, []],
    [{ a: ['b'], b: ['a'] }, ['a <-> b']],
    [{ a: ['a'] }, ['a <-> a']],
    [{ a: ['b'], b: ['c'], c: ['a'], d: ['a'] }, ['a <-> b <-> c']],
    [{ a: ['b', 'c'], b: ['a'], c: ['d'], d: ['c'] }, ['a <-> b', 'c <-> d']],
  ] as [Record<string, string[]>, string[]][])('as a circle: %j', (arrows, found) => {
    expect(circles(new Map(Object.entries(arrows).map(([from, to]) => [from, new Set(to)]))).sort()).toEqual(found)
  })

  test('as a line that is too long', () => {
    const lines = ['a'.repeat(120), 'b'.repeat(121)]
    expect(wideIn({ path: 'x.ts', lines })).toEqual(['x.ts:2: 121'])
    expect(wideIn({ path: 'x.ts', lines: ['// Written by `latent model freeze`: bytes.', ...lines] })).toEqual([])
  })

  test('as what must not be', () => {
    const found = faults({
      files: [],
      rooms: [
        ['lab', 50],
        ['core', 25],
        ['cli', 25],
      ],
      climbing: ['core imports lab'],
      roomCircles: ['core <-> lab'],
      fileCircles: ['a.ts <-> b.ts'],
      allCircles: ['a.ts <-> b.ts', 'c.ts <-> d.ts'],
      undeclared: ['core imports graph, which it does not name'],
      long: ['packages/studies/src/a.ts: 401'],
      wide: ['packages/lab/src/a.ts:1: 121', 'bench/b.ts:2: 130'],
      undocumented: ['packages/vault/src/a.ts: bare'],
    })
    expect(found).toEqual([
      'core imports lab',
      'core <-> lab',
      'a.ts <-> b.ts',
      'c.ts <-> d.ts',
      'core imports graph, which it does not name',
      'lab is more than a quarter of the code',
      'packages/studies/src/a.ts: 401 lines',
      'packages/lab/src/a.ts:1: 121 columns',
      'bench/b.ts:2: 130 columns',
      'packages/vault/src/a.ts: bare has no doc comment',
    ])
  })

  test('as an export that nobody explains', () => {
    const lines = [
      '/** Adds. */',
      'export function add() {}',
      '',
      'export const bare = 1',
      'export type Bare = 1',
      '/**',
      ' * Long.',
      ' */',
      'export async function told() {}',
      'const inner = 1',
    ]
    expect(undocumentedIn({ path: 'x.ts', lines })).toEqual(['x.ts: bare', 'x.ts: Bare'])
  })
})
