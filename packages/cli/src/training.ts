import { LatentError, formatSeconds } from '@latent/core'
import type { Placement } from '@latent/graph/placement'
import type { Progress } from '@latent/graph/train'
import { recipes } from '@latent/schemes/recipes'
import {
  dryRun,
  type QueueOptions,
  runFolder,
  runQueue,
  type RunRecipeOptions,
  type RunWatcher,
  trainRecipe,
} from '@latent/training'
import { join } from 'node:path'
import { untilInterrupted } from './ending.ts'
import { formatTable, visible, visibleLines } from './terminal.ts'
import { VERSION } from './version.ts'

/** Prints every recipe with what it trains. */
export function listRecipes(): void {
  process.stdout.write(
    `${formatTable([
      ['recipe', 'what it trains, and how long it was trained by those who published it'],
      ...recipes.flatMap(({ id, title, published }) => [
        [id, title],
        ['', published],
      ]),
    ])}\n`,
  )
  process.stdout.write(
    '\n' +
      '--profile paper gives a network its published width, and not a published training: a recipe has its own ' +
      'number of steps, shown when it starts.\n',
  )
}

/** Trains by a recipe into a folder, showing progress. @throws E_INTERRUPTED, after writing a checkpoint */
export async function runRecipe(name: string, options: RunRecipeOptions): Promise<void> {
  const result = await untilInterrupted(signal =>
    trainRecipe(name, options, { signal, watcher: watcher(), release: VERSION }),
  )
  if (!result.finished)
    throw new LatentError(
      'E_INTERRUPTED',
      `stopped at step ${result.step} of ${result.steps}; the checkpoint is written`,
      { hint: 'the same command with --resume goes on' },
    )
  process.stdout.write(`${visible(join(runFolder(name, options), 'weights.safetensors'))}\n`)
}

/** Trains the runs of a queue one after the other, showing progress. @throws see `runQueue` */
export async function trainQueue(
  file: string,
  options: Pick<QueueOptions, 'data' | 'threads' | 'until'>,
): Promise<void> {
  await untilInterrupted(signal => runQueue(file, { ...options, signal, watcher: watcher(), release: VERSION }))
}

/** One step of a recipe, and where ONNX Runtime computed its operators. @throws E_BACKEND without an adapter */
export async function showPlacement(name: string, options: RunRecipeOptions): Promise<void> {
  const { device, processor }: Placement = await dryRun(name, options)
  const count = processor.reduce((sum, [, times]) => sum + times, 0)
  process.stdout.write(
    `one step of ${name} on ${options.backend ?? 'cpu'}: ${device} operators on the graphics card, ${count} on ` +
      'the processor\n',
  )
  if (count > 0)
    process.stdout.write(
      `${formatTable([['on the processor', 'times'], ...processor.map(([op, times]) => [op, String(times)])])}\n`,
    )
}

const note = (line: string): void => void process.stderr.write(`${visibleLines(line)}\n`)

/** One line on a terminal, drawn over; a JSON line an interval otherwise. */
function showProgress({ step, steps, losses, imagesPerSecond, secondsLeft }: Progress): void {
  const out = process.stderr
  if (!out.isTTY)
    return note(
      JSON.stringify({
        step,
        steps,
        ...losses,
        imagesPerSecond: Math.round(imagesPerSecond),
        secondsLeft: Math.round(secondsLeft),
      }),
    )
  const terms = Object.entries(losses)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
    .join('  ')
  const line =
    `step ${step} of ${steps}  ${terms}  ${imagesPerSecond.toFixed(0)} images/s  ${formatSeconds(secondsLeft)} ` +
    'left'
  out.write(`\r\x1b[2K${line.slice(0, Math.max(20, out.columns - 1))}`)
}

const watcher = (): RunWatcher => ({
  note,
  progress: showProgress,
  trained: () => void (process.stderr.isTTY && process.stderr.write('\n')),
})
