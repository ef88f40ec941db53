import { LatentError } from '@latent/core'
import { parameterCount } from '@latent/graph'
import type { Progress } from '@latent/graph/train'
import { train } from '@latent/graph/train'
import { findRecipe, recipes } from '@latent/schemes/recipes'
import type { Profile } from '@latent/schemes/recipes'
import { join } from 'node:path'
import { decodeFolder } from './decode.ts'
import { formatSeconds, formatTable } from './format.ts'

export interface RunRecipeOptions {
  readonly profile: Profile
  readonly seed: number
  readonly data: string
  readonly steps?: number
  readonly threads?: number
  readonly out?: string
  readonly resume?: boolean
}

export function listRecipes(): void {
  process.stdout.write(`${formatTable([['recipe', 'what it trains'], ...recipes.map(({ id, title }) => [id, title])])}\n`)
}

/** Trains by a recipe into a folder, showing progress. @throws E_PARTIAL when interrupted, after writing a checkpoint */
export async function runRecipe(name: string, { profile, seed, data, steps, threads, out, resume }: RunRecipeOptions): Promise<void> {
  const recipe = findRecipe(name)
  const folder = out ?? join('runs', `${name}-${profile}`)
  const prepared = await recipe.open({ profile, seed, images: (set, split) => decodeFolder(join(data, set, split)) })
  const total = steps ?? prepared.steps
  note(`${name} (${profile}): ${parameterCount(prepared.training.networks)} parameters, ${total} steps of ${prepared.batchSize} images, into ${folder}`)
  // The first interrupt ends the run after the current step with a checkpoint; a second one ends it at once.
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const result = await train(prepared.training, {
      ...prepared,
      name: `${name}-${profile}`,
      steps: total,
      seed,
      folder,
      resume: resume ?? false,
      signal: stop.signal,
      onProgress: showProgress,
      ...(threads === undefined ? {} : { threads }),
    })
    if (process.stderr.isTTY) process.stderr.write('\n')
    const score = result.log.findLast(entry => entry['score'] !== undefined)
    if (score) note(`${prepared.scoreName ?? 'score'}: ${score['score']!.toFixed(3)} at step ${score.step}`)
    if (!result.finished) throw new LatentError('E_PARTIAL', `stopped at step ${result.step} of ${total}; the checkpoint is written`, { hint: 'the same command with --resume goes on' })
    process.stdout.write(`${join(folder, 'weights.safetensors')}\n`)
  } finally {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
    await prepared.close?.()
  }
}

/** One line on a terminal, drawn over; a JSON line an interval otherwise. */
function showProgress({ step, steps, losses, imagesPerSecond, secondsLeft }: Progress): void {
  const out = process.stderr
  if (!out.isTTY) return note(JSON.stringify({ step, steps, ...losses, imagesPerSecond: Math.round(imagesPerSecond), secondsLeft: Math.round(secondsLeft) }))
  const terms = Object.entries(losses).map(([name, value]) => `${name} ${value.toPrecision(4)}`).join('  ')
  const line = `step ${step} of ${steps}  ${terms}  ${imagesPerSecond.toFixed(0)} images/s  ${formatSeconds(secondsLeft)} left`
  out.write(`\r\x1b[2K${line.slice(0, Math.max(20, out.columns - 1))}`)
}

const note = (line: string): void => void process.stderr.write(`${line}\n`)
