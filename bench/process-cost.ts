import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a whole process took. */
export interface Cost {
  /** By the clock, from before it was started until it was gone. */
  readonly seconds: number
  /** Of all its threads. */
  readonly processor: number
  /** At most, resident: millions of bytes. */
  readonly megabytes: number
  /** What it wrote to standard output. */
  readonly output: string
}

/** The middle one. */
export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/**
 * Told by the process itself, when it ends: of children that are gone, Node says nothing. Its `maxRSS` is no less than
 * what its parent had when it was started; Linux says beside it what was its own.
 */
const TELL = `
import { readFileSync, writeFileSync } from 'node:fs'
process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const own = process.platform === 'linux' && /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
  const processor = (userCPUTime + systemCPUTime) / 1e6
  const megabytes = (1024 * (own || maxRSS)) / 1e6
  writeFileSync(process.env.LATENT_BENCH_COST, JSON.stringify({ processor, megabytes }))
})`

/**
 * Runs a `latent` as a process, to its end.
 * @param checkout the folder of a checkout, or the `latent.js` of what was installed
 */
export function latentCost(checkout: string, args: readonly string[]): Cost {
  const folder = mkdtempSync(join(tmpdir(), 'latent-cost-'))
  try {
    const told = join(folder, 'usage.json')
    const latent = checkout.endsWith('.js') ? checkout : join(checkout, 'packages/cli/bin/latent.js')
    const started = performance.now()
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [`--import=data:text/javascript,${encodeURIComponent(TELL)}`, latent, ...args],
      { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, LATENT_BENCH_COST: told } },
    )
    const seconds = (performance.now() - started) / 1000
    if (status !== 0) throw new Error(`latent ${args[0]} failed: ${stderr}`)
    const usage = JSON.parse(readFileSync(told, 'utf8')) as Pick<Cost, 'processor' | 'megabytes'>
    return { ...usage, seconds, output: stdout }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
