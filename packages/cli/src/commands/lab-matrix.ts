import type { Command } from 'commander'
import { join } from 'node:path'
import { withBackend } from '../backend-option.ts'
import { untilInterrupted } from '../ending.ts'
import { visible } from '../terminal.ts'
import { everyAttack, everyScheme } from './lab-attack.ts'
import { counter, whole } from './lab-counter.ts'

interface MatrixArguments {
  readonly rows: string
  readonly out: string
  readonly from?: string
  readonly scheme: string[]
  readonly attack: string[]
  readonly keys: number
  readonly workers?: number
}

/** `latent lab matrix`. */
export function matrixCommand(lab: Command): void {
  withBackend(lab.command('matrix'))
    .description('attack every scheme with every attack, and write the verdict matrix: a page, JSON, CSV and raw rows')
    .option('--rows <folder>', 'where the run is kept; a killed run goes on from there', 'runs/matrix')
    .option('-o, --out <folder>', 'where the page goes', 'docs/lab/matrix')
    .option('--from <folder>', 'a matrix written before, whose trials count as done: only what it lacks is run')
    .option('-s, --scheme <id...>', 'schemes, "all", or scripts that export one of your own', ['all'])
    .option('-a, --attack <id...>', 'attacks, "all", or scripts that export one of your own', ['all'])
    .option('--keys <number>', 'keys a scheme, each a replicate', whole('--keys'), 1)
    .option('--workers <number>', 'threads', whole('--workers'))
    .action(async ({ rows, out, from, scheme, attack, keys, workers }: MatrixArguments) => {
      const { attackRun, readMatrix, writeMatrix } = await import('@latent/lab/node')
      const progress = counter('matrix', 'trials')
      const known = from === undefined ? [] : await readMatrix(from)
      const run = await untilInterrupted(async signal =>
        attackRun({
          schemes: await everyScheme(scheme),
          attacks: await everyAttack(attack),
          out: rows,
          known,
          keys,
          ...(workers !== undefined && { workers }),
          signal,
          onProgress: progress.step,
        }),
      )
        .catch(progress.failed)
        .finally(progress.end)
      const chosen = [
        ...(scheme.join() === 'all' ? [] : [`-s ${scheme.join(' ')}`]),
        ...(attack.join() === 'all' ? [] : [`-a ${attack.join(' ')}`]),
        ...(keys === 1 ? [] : [`--keys ${keys}`]),
      ]
      await writeMatrix(run, out, ['latent lab matrix', ...chosen].join(' '))
      process.stdout.write(`${visible(join(out, 'matrix.html'))}\n`)
    })
}
