import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KINDS } from './kinds.ts'

/**
 * Counts the tests of each kind of fault, rows of tables among them, and prints the table of docs/testing.md: `npm run
 * kinds`. Vitest lists them without running any. Ends with 1 where a kind has fewer than five, or a name fits no test.
 */
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const FEWEST = 5

interface Listed {
  readonly name: string
  readonly file: string
}

/** Tests of a run of `npm test`, or of `npm run test:long`. */
function listed(mode: 'test' | 'long', files: readonly string[]): Listed[] {
  const folder = mkdtempSync(join(tmpdir(), 'latent-kinds-'))
  try {
    const list = join(folder, 'list.json')
    const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
    const args = [vitest, 'list', '--mode', mode, '--no-static-parse', `--json=${list}`, ...files]
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(`vitest list ended with ${status}: ${stderr}`)
    return JSON.parse(readFileSync(list, 'utf8')) as Listed[]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A file as the table has it. */
const shortName = (file: string): string => file.replace(/^packages\//, '').replace('.test.ts', '')

const files = [...new Set(KINDS.flatMap(({ tests }) => Object.keys(tests)))]
// What has a short form is one test with its long one, which says other numbers.
const named = ({ file, name }: Listed) => `${file} ${name.replace(' (at length)', '').replace(/\d+/g, '0')}`
const short = listed('test', files)
const known = new Set(short.map(named))
const all = [...short, ...listed('long', files).filter(test => !known.has(named(test)))]
process.stdout.write('| kind | fault | inputs | shown by |\n|---|---|---|---|\n')
for (const [index, { title, tests }] of KINDS.entries()) {
  const counts = Object.entries(tests).map(([file, begins]) => {
    const names = all.filter(test => test.file.endsWith(`/${file}`)).map(({ name }) => name.replaceAll(' > ', ' '))
    for (const begin of begins)
      if (!names.some(name => name.startsWith(begin))) {
        process.stderr.write(`kind ${index + 1}: no test of ${file} begins with "${begin}"\n`)
        process.exitCode = 1
      }
    return { file, count: names.filter(name => begins.some(begin => name.startsWith(begin))).length }
  })
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  if (total < FEWEST) {
    process.stderr.write(`kind ${index + 1}: ${total} inputs, fewer than ${FEWEST}\n`)
    process.exitCode = 1
  }
  const shown = counts.map(({ file, count }) => `\`${shortName(file)}\` ${count}`)
  process.stdout.write(`| ${index + 1} | ${title} | ${total} | ${shown.join(', ')} |\n`)
}
