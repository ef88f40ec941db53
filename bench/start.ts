// What starting the command costs: seconds by the clock and of the processor, of whole processes. With the folder of
// another checkout its command takes turns with this one: what a change brought, on one machine at one time.
import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TIMES = 9
const BYTES = 1e6

interface Cost {
  readonly seconds: number
  readonly processor: number
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** A process that starts another and says what it cost: only a parent learns what its children took. */
const MEASURE = `
const { spawnSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const started = performance.now()
const { status, stderr } = spawnSync(process.execPath, process.argv.slice(1), { encoding: 'utf8' })
const seconds = (performance.now() - started) / 1000
if (status !== 0) throw new Error(stderr)
const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')
console.log(JSON.stringify({ seconds, processor: (Number(fields[13]) + Number(fields[14])) / 100 }))`

function cost(latent: string, args: readonly string[]): Cost {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', MEASURE, latent, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`latent ${args[0]} failed: ${stderr}`)
  return JSON.parse(stdout) as Cost
}

export default async function run(others: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const at = (name: string) => join(folder, name)
    writeFileSync(at('one.bin'), randomFillSync(new Uint8Array(BYTES)))
    const commands = ['.', ...others].map(root => join(root, 'packages/cli/bin/latent.js'))
    cost(commands[0]!, ['keygen', '-o', at('key')])
    for (const [what, args, output] of [
      ['--version', ['--version']],
      ['seal, one file of 1 MB', ['seal', at('one.bin'), '-o', at('sealed'), '-i', at('key')], at('sealed')],
      ['open, the same', ['open', at('sealed'), '-o', at('opened'), '-i', at('key')], at('opened')],
    ] as const) {
      const anew = (latent: string) => {
        if (output !== undefined) rmSync(output, { recursive: true, force: true })
        return cost(latent, args)
      }
      // Once before, so that compiled code is kept.
      for (const latent of commands) anew(latent)
      const costs = commands.map((): Cost[] => [])
      for (let i = 0; i < TIMES; i++) for (const [which, latent] of commands.entries()) costs[which]!.push(anew(latent))
      const told = costs.map(
        each =>
          `${median(each.map(({ seconds }) => seconds)).toFixed(2)} s, ` +
          `${median(each.map(({ processor }) => processor)).toFixed(2)} s of the processor`,
      )
      console.log(`latent ${what}: ${told.join('; there: ')}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
