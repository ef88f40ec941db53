// What starting the command costs: seconds by the clock and of the processor, of whole processes. With the folder of
// another checkout, or the latent.js of what was installed, its command takes turns with this one: what a change
// brought, on one machine at one time.
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cost, latentCost, median } from './process-cost.ts'

const TIMES = 9
const BYTES = 1e6

export default async function run(others: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const at = (name: string) => join(folder, name)
    writeFileSync(at('one.bin'), randomFillSync(new Uint8Array(BYTES)))
    const checkouts = ['.', ...others]
    latentCost('.', ['keygen', '-o', at('key')])
    for (const [what, args, output] of [
      ['--version', ['--version']],
      ['seal, one file of 1 MB', ['seal', at('one.bin'), '-o', at('sealed'), '-i', at('key')], at('sealed')],
      ['open, the same', ['open', at('sealed'), '-o', at('opened'), '-i', at('key')], at('opened')],
    ] as const) {
      const anew = (checkout: string) => {
        if (output !== undefined) rmSync(output, { recursive: true, force: true })
        return latentCost(checkout, args)
      }
      // Once before, so that compiled code is kept.
      for (const checkout of checkouts) anew(checkout)
      const costs = checkouts.map((): Cost[] => [])
      for (let i = 0; i < TIMES; i++)
        for (const [which, checkout] of checkouts.entries()) costs[which]!.push(anew(checkout))
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
