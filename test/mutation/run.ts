import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, matchesGlob, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ROOMS } from './rooms.ts'

/**
 * Changes the sources in small ways, one at a time (a sign, a comparison, a branch that is always taken), and counts
 * the changes that no test notices:
 * `npm run mutants -- ROOM... [--files GLOB] [--threads N] [--patience SECONDS] [--record]`.
 * Texts are left as they are: most are messages for people. A change that makes a loop endless is noticed by its time;
 * on a busy machine that takes patience, or slow tests count as noticing. What was found stays in `coverage/mutation`,
 * so that a second run tries only what changed. `--table` prints what was recorded.
 */
const folder = join('coverage', 'mutation')
const scoresPath = join(dirname(fileURLToPath(import.meta.url)), 'scores.json')

/** What is used of Stryker, which is installed beside this file and only when it is asked for. */
interface Mutant {
  readonly status: string
  readonly fileName: string
  readonly location: { readonly start: { readonly line: number; readonly column: number } }
  readonly mutatorName: string
  readonly replacement: string
}
interface StrykerModule {
  readonly Stryker: new (options: object) => { runMutationTest(): Promise<readonly Mutant[]> }
}
interface Score {
  readonly mutants: number
  readonly noticed: number
  readonly percent: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', multiple: true },
    threads: { type: 'string', default: '1' },
    patience: { type: 'string', default: '3' },
    record: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
})

const names = positionals.length > 0 ? positionals : Object.keys(ROOMS)
for (const name of names)
  if (!Object.hasOwn(ROOMS, name)) throw new Error(`no room ${name}: ${Object.keys(ROOMS).join(', ')}`)

const scores = existsSync(scoresPath) ? (JSON.parse(readFileSync(scoresPath, 'utf8')) as Record<string, Score>) : {}
if (values.table) printTable()
else for (const name of names) await measure(name)

function printTable(): void {
  const rows = Object.entries(scores).map(
    ([name, { mutants, noticed, percent }]) => `| ${name} | ${mutants} | ${noticed} | ${percent} % |\n`,
  )
  process.stdout.write(`| room | mutants | noticed | score |\n|---|---|---|---|\n${rows.join('')}`)
}

async function measure(name: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const score = await runRoom(name)
  process.stdout.write(`${name}: ${score.noticed} of ${score.mutants} mutants noticed, ${score.percent} %\n`)
  if (!values.record) return
  scores[name] = score
  writeFileSync(scoresPath, `${JSON.stringify(scores, undefined, 2)}\n`)
}

async function runRoom(name: string): Promise<Score> {
  const { mutate, tests } = ROOMS[name]!
  process.env['MUTATION_TESTS'] = tests.join(',')
  // Tests run in threads, which cannot say for their process that its native library is not to report.
  process.env['ORT_DISABLE_TELEMETRY'] = '1'
  const library: string = '@stryker-mutator/core'
  const { Stryker } = (await import(library)) as StrykerModule
  const results = await new Stryker({
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    mutate: values.files ?? [...mutate],
    mutator: { excludedMutations: ['StringLiteral'] },
    concurrency: Number(values.threads),
    incremental: true,
    incrementalFile: join(folder, `${name}.json`),
    reporters: ['progress-append-only'],
    tempDirName: join(folder, 'sandbox'),
    ignorePatterns: ['coverage', 'runs', 'docs', 'bench'],
    // TypeScript 7 has no interface that Stryker could rewrite paths with; nothing here needs it.
    tsconfigFile: 'none.json',
    disableTypeChecks: false,
    timeoutMS: Number(values.patience) * 1000,
  }).runMutationTest()
  const counted = results.filter(
    ({ status, fileName }) =>
      isIn(mutate, fileName) && status !== 'Ignored' && status !== 'CompileError' && status !== 'RuntimeError',
  )
  const missed = counted.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
  writeFileSync(
    join(folder, `${name}-missed.txt`),
    missed
      .map(({ fileName, location: { start }, mutatorName, replacement, status }) => {
        const place = `${relative(process.cwd(), fileName)}:${start.line}:${start.column}`
        return `${place} ${mutatorName} ${status}: ${replacement.replaceAll(/\s+/g, ' ').slice(0, 120)}\n`
      })
      .join(''),
  )
  const slow = counted.filter(({ status }) => status === 'Timeout').length
  if (slow > 0) process.stdout.write(`${name}: ${slow} were noticed by their time alone\n`)
  const noticed = counted.length - missed.length
  return {
    mutants: counted.length,
    noticed,
    percent: Number(((100 * noticed) / Math.max(1, counted.length)).toFixed(1)),
  }
}

/** The report goes on from earlier runs, which may have known files that are of no room any more. */
function isIn(globs: readonly string[], path: string): boolean {
  const [but, and] = [
    globs.filter(glob => glob.startsWith('!')).map(glob => glob.slice(1)),
    globs.filter(glob => !glob.startsWith('!')),
  ]
  const matches = (glob: string) => matchesGlob(relative(process.cwd(), path), glob)
  return and.some(matches) && !but.some(matches)
}
