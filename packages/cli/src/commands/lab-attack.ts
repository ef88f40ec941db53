import { argumentError, LatentError } from '@latent/core'
import type { AttackResult } from '@latent/lab'
import type { Command } from 'commander'
import { join } from 'node:path'
import { withBackend } from '../backend-option.ts'
import { untilInterrupted } from '../ending.ts'
import { visible } from '../terminal.ts'
import { counter, whole } from './lab-counter.ts'

interface AttackArguments {
  readonly scheme: string[]
  readonly attack: string[]
  readonly out?: string
  readonly budgets?: string
  readonly keys: number
  readonly workers?: number
  readonly shuffled?: boolean
  readonly controls?: boolean
  readonly list?: boolean
}

/** `latent lab attack`. */
export function attackCommand(lab: Command): void {
  withBackend(lab.command('attack'))
    .description('attack schemes: rows, verdicts that count where the control is broken, and what the attacker sees')
    .option('-s, --scheme <id...>', 'schemes, "all", or scripts (.ts, .js, .mjs) that export one of your own', ['all'])
    .option('-a, --attack <id...>', 'attacks, "all", or scripts that export one of your own', ['all'])
    .option('-o, --out <folder>', 'where rows, summary.json and pictures.png go; a killed run goes on from there')
    .option('--budgets <numbers>', 'query budgets such as 1,4,16; "curve" for 1 to 1024 in powers of two')
    .option('--keys <number>', 'keys a scheme, each a replicate', whole('--keys'), 2)
    .option('--workers <number>', 'threads', whole('--workers'))
    .option('--shuffled', 'a control: every answer is that for another picture, and nothing may be found')
    .option(
      '--controls',
      'every attack on its positive control, AES-256-GCM and exact-flow: JSON lines, an error if a verdict is wrong',
    )
    .option('--list', 'list the attacks, with what they presume and what they ask')
    .action(async (options: AttackArguments) => {
      if (options.list) return listAttacks()
      if (options.controls) return controls(options)
      if (options.out === undefined)
        throw new LatentError('E_ARGUMENT', 'give --out FOLDER, where rows and pictures go', {
          hint: '--controls and --list write none',
        })
      const { attackRun, resultsOf, writeAttackSummary } = await import('@latent/lab/node')
      const budgets = options.budgets === undefined ? undefined : budgetsOf(options.budgets)
      const progress = counter('attack', 'trials')
      const run = await untilInterrupted(async signal =>
        attackRun({
          schemes: await everyScheme(options.scheme),
          attacks: await everyAttack(options.attack),
          out: options.out!,
          keys: options.keys,
          ...(budgets && { budgets }),
          ...(options.workers !== undefined && { workers: options.workers }),
          ...(options.shuffled && { shuffled: true }),
          signal,
          onProgress: progress.step,
        }),
      )
        .catch(progress.failed)
        .finally(progress.end)
      for (const result of resultsOf(run)) process.stdout.write(`${line(result)}\n`)
      const files = await writeAttackSummary(run, options.out)
      process.stdout.write(`${files.map(file => visible(join(options.out!, file))).join('\n')}\n`)
    })
}

/** "all" spelt out; scripts stay as they are. */
export async function everyScheme(asked: readonly string[]): Promise<string[]> {
  const { schemes } = await import('@latent/schemes')
  return [...new Set(asked.flatMap(id => (id === 'all' ? schemes.map(scheme => scheme.id) : [id])))]
}

/** "all" spelt out; scripts stay as they are. */
export async function everyAttack(asked: readonly string[]): Promise<string[]> {
  const { ATTACKS } = await import('@latent/lab')
  return [...new Set(asked.flatMap(id => (id === 'all' ? ATTACKS.map(attack => attack.id) : [id])))]
}

function budgetsOf(text: string): number[] {
  if (text === 'curve') return Array.from({ length: 11 }, (_, i) => 2 ** i)
  return text.split(',').map(part => {
    const budget = Number(part)
    if (!Number.isSafeInteger(budget) || budget < 1)
      throw argumentError('--budgets', 'positive whole numbers with commas between, or "curve"', text)
    return budget
  })
}

const WORDS = { opened: 'opened', leaks: 'leaks', nothing: 'nothing found', 'no verdict': 'no verdict' } as const

function line({ attack, scheme, nonces, budget, verdict, judged }: AttackResult): string {
  const { value, of, recognised, psnr, error } = judged
  const interval = value ? `${of} ${value.mean.toFixed(3)} (${value.low.toFixed(3)} to ${value.high.toFixed(3)})` : ''
  const found = [
    interval,
    recognised && `${Math.round(100 * recognised.mean)} % recognised`,
    psnr === 'exact' ? 'exact' : psnr && `${psnr.mean.toFixed(1)} dB`,
    error && visible(`${error.message} [${error.code}]`),
  ].filter(Boolean)
  const asked = `${judged.queries} of ${budget} queries${nonces === 'reused' ? ', one nonce' : ''}`
  const head = `${scheme.padEnd(26)} ${attack.padEnd(32)} ${WORDS[verdict].padEnd(14)} ${asked}`
  return found.length > 0 ? `${head}; ${found.join(', ')}` : head
}

async function listAttacks(): Promise<void> {
  const { ATTACKS, THREATS } = await import('@latent/lab')
  for (const { id, title, threat, budget, returns } of ATTACKS) {
    const terms = `has ${THREATS[threat]}; asks at most ${budget}; gives a ${returns}`
    process.stdout.write(`${id.padEnd(32)} ${title}\n${' '.repeat(33)}${terms}\n`)
  }
}

async function controls({ attack, keys, workers, out }: AttackArguments): Promise<void> {
  const { attackControls } = await import('@latent/lab/node')
  const { requireControls } = await import('@latent/lab')
  const attacks = await everyAttack(attack)
  const deviations: string[] = []
  const progress = counter('controls', 'trials')
  await untilInterrupted(signal =>
    attackControls({
      attacks,
      keys,
      signal,
      ...(out !== undefined && { out }),
      ...(workers !== undefined && { workers }),
      onProgress: progress.step,
      onVerdict(verdict) {
        process.stdout.write(`${JSON.stringify(verdict)}\n`)
        if (!verdict.asExpected) deviations.push(`${verdict.attack} ${verdict.reached} on ${verdict.scheme}`)
      },
    }),
  )
    .catch(progress.failed)
    .finally(progress.end)
  requireControls(deviations, 'suite of attacks', 'an attack that fails here says nothing anywhere')
}
