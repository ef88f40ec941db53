import { LatentError, platform } from '@latent/core'
import { flowSpeed, sealingWeights, selfTests } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import type { Command } from 'commander'
import { availableParallelism, cpus } from 'node:os'
import { formatTable } from '../terminal.ts'
import { VERSION } from '../version.ts'

/** Adds `latent doctor` to the program. */
export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('versions, compute backends, a self-test of each, and speed')
    .option('--json', 'one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      const backends = await selfTests()
      const pool = await openExactFlowPool()
      const exactFlowMBps = await flowSpeed(pool)
      await pool.close()
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
