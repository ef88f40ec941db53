import { LatentError, formatSeconds } from '@latent/core'
import type { LearningRow } from '@latent/studies/learnability'
import type { LearnabilityOptions } from '@latent/studies/node'
import { ioError } from '@latent/core/node'
import { type Command, Option } from 'commander'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilInterrupted } from '../ending.ts'
import { visible } from '../terminal.ts'
import { whole } from './lab-counter.ts'

interface Options {
  readonly data: string
  readonly variants?: string
  readonly seeds: number
  readonly epochs?: number
  readonly preset?: string
  readonly arms?: string
  readonly recipe?: string
  readonly network?: string
  readonly train?: number
  readonly test?: number
  readonly workers?: number
  readonly vortexKey?: string
  readonly out: string
  readonly resume?: boolean
}

/** Adds `latent lab learnability` and `latent lab learnability-page`. */
export function learnabilityCommands(lab: Command): void {
  lab
    .command('learnability')
    .description(
      'train a classifier on plain and on encrypted images with equal settings, controls included, and compare',
    )
    .requiredOption('-d, --data <set>', 'cifar10, mnist or fashion-mnist')
    .requiredOption('-o, --out <folder>', 'where rows.jsonl, summary.json and report.html go')
    .option(
      '--variants <list>',
      'ciphers, separated by commas: plain, vortex-published, vortex:1 (or another number), fixed-permutation, ' +
        'per-image-permutation, le, ele, pe, etc, aes, or any cipher of the list',
    )
    .option('--seeds <number>', 'repetitions with other keys, weights and data orders', whole('--seeds'), 3)
    .option('--preset <name>', 'two-core (minutes a network; the default), hours or paper (days)')
    .option('--network <name>', "quick, wide, resnet-20, resnet-18 or vit; the preset's by default")
    .option('--epochs <number>', "the preset's by default", whole('--epochs'))
    .option('--train <number>', 'only the first so many training images', whole('--train'))
    .option('--test <number>', 'only the first so many test images', whole('--test'))
    .option(
      '--workers <number>',
      'networks trained at a time, one thread each; every core by default',
      whole('--workers'),
    )
    .option('--vortex-key <file>', 'one more variant: the vortices of a key file of your own')
    .option('--resume', 'go on with the run in the folder; more variants and seeds may be asked for')
    // As releases to 0.2 called them.
    .addOption(new Option('--arms <list>').hideHelp())
    .addOption(new Option('--recipe <name>').hideHelp())
    .action((options: Options) => untilInterrupted(signal => compare(options, signal)))

  lab
    .command('learnability-page')
    .description('write one Markdown page, with its charts, over finished comparisons')
    .argument('<run...>', 'folders that `latent lab learnability` wrote')
    .requiredOption('-o, --out <folder>', 'where learnability.md goes')
    .action(async (runs: string[], { out }: { out: string }) => {
      const { readLearningSummary, writePage } = await import('@latent/studies/node')
      const { comparisonCommand, comparisonFolder, learnabilityPage } = await import('@latent/studies/learnability')
      const summaries = await Promise.all(runs.map(readLearningSummary))
      await writePage(await learnabilityPage(summaries), {
        folder: out,
        file: 'learnability.md',
        command: [
          ...summaries.map(comparisonCommand),
          `latent lab learnability-page ${summaries.map(({ run }) => comparisonFolder(run)).join(' ')} ` +
            `--out ${out}`,
        ].join('; '),
      })
      process.stdout.write(`${visible(join(out, 'learnability.md'))}\n`)
    })
}

/** An interrupt ends the run with checkpoints. */
async function compare(
  { arms, variants = arms, recipe, preset = recipe, vortexKey, resume = false, ...options }: Options,
  signal: AbortSignal,
): Promise<void> {
  const { learnability } = await import('@latent/studies/node')
  const { comparisonCommand, learnabilityLines, learnabilityPage, PUBLISHED_VARIANT } =
    await import('@latent/studies/learnability')
  const show = display()
  try {
    const summary = await learnability({
      ...options,
      ...(preset === undefined ? {} : { preset }),
      resume,
      signal,
      ...(variants === undefined ? {} : { variants: variants.split(',').map(variant => variant.trim()) }),
      ...(vortexKey === undefined ? {} : { vortexKey: await readKey(vortexKey) }),
      onProgress: progress => show.progress(progress),
      onRow: (row, done, total) => show.row(row, done, total),
    })
    show.end()
    const { renderStudy } = await import('@latent/studies')
    const { MARKS, publishText } = await import('@latent/lab/node')
    const path = join(options.out, 'report.html')
    await publishText(path, renderStudy(await learnabilityPage([summary]), comparisonCommand(summary)), MARKS.page)
    if (variants === undefined && !summary.variants.some(({ variant }) => variant === PUBLISHED_VARIANT))
      process.stderr.write(
        'note: the published vortex key of this set is not there, and its variant was left out; --vortex-key takes ' +
          'a key file\n',
      )
    process.stdout.write(`${learnabilityLines(summary)}\nreport: ${visible(path)}\n`)
  } finally {
    show.end()
  }
}

async function readKey(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path)
    if (bytes[0] !== 0x7b)
      throw new LatentError('E_KEY', `${path} is no vortex key file`, {
        hint: 'a vortex key is JSON with imageSide, profileDivisor and vortices',
      })
    return bytes
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}

type Progress = Parameters<NonNullable<LearnabilityOptions['onProgress']>>[0]

const TELL_EVERY_MS = 10_000

/**
 * On a terminal a line for what is being trained, drawn over, and one that stays for every trained network; JSON lines
 * otherwise.
 */
function display() {
  const out = process.stderr
  const running = new Map<string, Progress>()
  const told = new Map<string, number>()
  const wipe = () => {
    if (out.isTTY) out.write('\r\x1b[2K')
  }
  return {
    progress(progress: Progress): void {
      const name = `${progress.variant} ${progress.seed}`
      if (!out.isTTY) {
        if (performance.now() - (told.get(name) ?? -Infinity) < TELL_EVERY_MS) return
        told.set(name, performance.now())
        const [imagesPerSecond, secondsLeft] = [progress.imagesPerSecond, progress.secondsLeft].map(Math.round)
        return void out.write(`${JSON.stringify({ event: 'training', ...progress, imagesPerSecond, secondsLeft })}\n`)
      }
      running.set(name, progress)
      const parts = [...running.values()].map(
        ({ variant, seed, step, steps, imagesPerSecond, secondsLeft }) =>
          `${variant} (${seed}) ${Math.floor((100 * step) / steps)} %  ${imagesPerSecond.toFixed(0)} ` +
          `images/s  ${formatSeconds(secondsLeft)} left`,
      )
      out.write(`\r\x1b[2K${parts.join('   ').slice(0, Math.max(20, out.columns - 1))}`)
    },
    row({ variant, seed, correct, images, seconds }: LearningRow, done: number, total: number): void {
      running.delete(`${variant} ${seed}`)
      wipe()
      const accuracy = correct / images
      out.write(
        out.isTTY
          ? `${variant} (${seed})  ${(100 * accuracy).toFixed(2)} %  in ${formatSeconds(seconds)}  (${done} ` +
              `of ${total})\n`
          : `${JSON.stringify({ event: 'trained', variant, seed, accuracy, seconds, done, total })}\n`,
      )
    },
    end: wipe,
  }
}
