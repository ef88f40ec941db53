import { platform, randomBytes, sha256Of, toHex } from '@latent/core'
import {
  type ExactFlowOptions,
  openExactFlow,
  sealingWeights,
  TILE_BYTES,
  WEIGHT_SETS,
} from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import { LatentError } from '@latent/core'
import type { Command } from 'commander'
import { availableParallelism, cpus } from 'node:os'
import { formatTable } from '../format.ts'
import { VERSION } from '../version.ts'

// SHA-256 of one tile of 10,007 bytes i^2 mod 256 under the zero key and tweak 00, for each set of weights: the plain
// loop gives it.
const SELF_TEST_BYTES = 10_007
const SELF_TEST: Readonly<Record<string, string>> = {
  constant: '58d28e5138edf2be0d327fa62dd27e6e5791795dabfa8095e2eccec94c9a9dfc',
  trained: 'c2be95e2b44c5697491d46db7e3370b123aab1852b99f383f27b56011f244bf1',
}

const BACKENDS: Readonly<Record<string, ExactFlowOptions>> = {
  'native int8': { backend: 'ort-node', arithmetic: 'int8', threads: 1 },
  'native float': { backend: 'ort-node', arithmetic: 'float', threads: 1 },
  'WASM int8': { backend: 'ort-wasm', arithmetic: 'int8' },
  'WASM float': { backend: 'ort-wasm', arithmetic: 'float' },
  'plain loop': { loop: true },
}

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('versions, compute backends, a self-test of each, and speed')
    .option('--json', 'one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      const backends: Record<string, string> = {}
      for (const [name, options] of Object.entries(BACKENDS)) backends[name] = await selfTest(options)
      const exactFlowMBps = await poolSpeed()
      const { id } = await sealingWeights()
      const facts = {
        latent: VERSION,
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: availableParallelism(),
        primitives: platform,
        weights: id,
        backends,
        exactFlowMBps: Number(exactFlowMBps.toFixed(1)),
      }
      if (json) process.stdout.write(`${JSON.stringify(facts)}\n`)
      else {
        const { backends: tests, ...rest } = facts
        process.stdout.write(
          `${formatTable(Object.entries(rest).map(([name, value]) => [name, String(value)]))}\n` +
            `\n${formatTable([['backend', 'self-test'], ...Object.entries(tests)])}\n`,
        )
      }
      const wrong = Object.entries(backends).filter(([, state]) => state === 'wrong')
      if (wrong.length > 0)
        throw new LatentError('E_BACKEND', `wrong results from ${wrong.map(([name]) => name).join(', ')}`, {
          hint: 'do not seal on this machine; report what doctor --json prints',
        })
    })
}

async function selfTest(options: ExactFlowOptions): Promise<string> {
  try {
    for (const [name, weights] of Object.entries(WEIGHT_SETS)) {
      const flow = await openExactFlow({ ...options, weights: await weights() })
      const cipher = await flow.encrypt(
        new Uint8Array(32),
        Uint8Array.of(0),
        Uint8Array.from({ length: SELF_TEST_BYTES }, (_, i) => i * i),
      )
      await flow.close()
      if (toHex(sha256Of(cipher)) !== SELF_TEST[name]) return 'wrong'
    }
    return 'right'
  } catch (error) {
    return `not available (${error instanceof LatentError ? (error.hint ?? error.message) : String(error)})`
  }
}

/** Megabytes (10^6) a second of whole tiles on every core, the cipher alone. */
async function poolSpeed(): Promise<number> {
  const pool = await openExactFlowPool()
  const key = randomBytes(32)
  const tile = randomBytes(TILE_BYTES)
  const round = async (tiles: number) => {
    const underWay: Promise<Uint8Array>[] = []
    for (let i = 0; i < tiles; i++) {
      underWay.push(pool.encrypt(key, Uint8Array.of(i), tile))
      if (underWay.length > pool.lanes + 1) await underWay.shift()
    }
    await Promise.all(underWay)
  }
  await round(4 * pool.lanes)
  const started = performance.now()
  const tiles = 16 * pool.lanes
  await round(tiles)
  const seconds = (performance.now() - started) / 1000
  await pool.close()
  return (tiles * TILE_BYTES) / 1e6 / seconds
}
