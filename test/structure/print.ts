import { parseArgs } from 'node:util'
import { ADDITIONS } from './additions.ts'
import { faults, measure, MOST_COLUMNS, MOST_LINES } from './measure.ts'

// `npm run structure`: counts, and with --all what they count; with --quiet only what must not be, as lint does it.
const flag = { type: 'boolean', default: false } as const
const { all, quiet } = parseArgs({ options: { all: flag, quiet: flag } }).values
const structure = measure()
const { files, rooms, climbing, roomCircles, fileCircles, allCircles, undeclared, long, wide, undocumented } = structure
const total = rooms.reduce((sum, [, lines]) => sum + lines, 0)
const print = (line: string): void => void (quiet || process.stdout.write(`${line}\n`))

print(`${files.length} files, ${total} lines below packages/*/src`)
for (const [name, lines] of rooms)
  print(`  ${name.padEnd(10)} ${String(lines).padStart(6)}  ${((100 * lines) / total).toFixed(1).padStart(5)} %`)
const counts: readonly (readonly [what: string, found: readonly string[]])[] = [
  ['arrows that climb', climbing],
  ['circles of packages', roomCircles],
  ['circles of files as they load', fileCircles],
  ['circles of files with types and what is loaded later', allCircles],
  ['packages imported and not declared, or declared and not used', undeclared],
  [`files over ${MOST_LINES} lines`, long],
  [`lines over ${MOST_COLUMNS} columns`, wide],
  ['exports without a doc comment', undocumented],
]
for (const [what, found] of counts) {
  print(`${String(found.length).padStart(6)}  ${what}`)
  if (all) for (const line of found) print(`          ${line}`)
}
for (const { what, registry, lines } of ADDITIONS)
  print(`one more ${what}: a file or folder, and ${lines.length} lines of ${registry}`)
const wrong = faults(structure)
for (const line of wrong) process.stderr.write(`must not be: ${line}\n`)
if (wrong.length > 0) process.exitCode = 1
