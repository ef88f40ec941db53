import { type Image, LatentError, sha256Of, toHex } from '@latent/core'
import { type BackendName, BACKENDS, decodeSafetensors, parameterCount, type Tensor } from '@latent/graph'
import { type Progress, type RunResult, train } from '@latent/graph/train'
import { type DataSet, openData, readLabelledSet } from '@latent/data/node'
import type { DataRead } from '@latent/schemes/models'
import { findRecipe, type Profile, publishedLength, type RecipeContext, recipes } from '@latent/schemes/recipes'
import { ioError } from '@latent/core/node'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilInterrupted } from './ending.ts'
import { formatSeconds, formatTable } from './format.ts'
import { dataRead, labelsRead, openRecord } from './run-record.ts'
import { visible, visibleLines } from './terminal.ts'

export interface RunRecipeOptions {
  readonly profile: Profile
  readonly seed: number
  readonly data: string
  readonly steps?: number
  readonly threads?: number
  readonly out?: string
  readonly resume?: boolean
  readonly backend?: BackendName
  /** A safetensors file whose weights the run starts from. */
  readonly from?: string
}

export function listRecipes(): void {
  process.stdout.write(`${formatTable([['recipe', 'what it trains', 'published length'], ...recipes.map(({ id, title }) => [id, title, publishedLength(id)])])}\n`)
  process.stdout.write('\n--profile paper gives a network its published width, and not a published training: a recipe has its own number of steps, shown when it starts.\n')
}

/** Where a recipe's run lies unless said otherwise. */
export const runFolder = (name: string, { profile, out }: Pick<RunRecipeOptions, 'profile' | 'out'>): string => out ?? join('runs', `${name}-${profile}`)

/** Trains by a recipe into a folder, showing progress. @throws E_INTERRUPTED, after writing a checkpoint */
export async function runRecipe(name: string, options: RunRecipeOptions): Promise<void> {
  const result = await untilInterrupted(signal => trainRecipe(name, options, signal))
  if (!result.finished) throw new LatentError('E_INTERRUPTED', `stopped at step ${result.step} of ${result.steps}; the checkpoint is written`, { hint: 'the same command with --resume goes on' })
  process.stdout.write(`${visible(join(runFolder(name, options), 'weights.safetensors'))}\n`)
}

/** What a recipe needs of this machine; `read` is told what it read. */
export function recipeContext({ profile, seed, data, from }: RunRecipeOptions, read: (part: string, what: DataRead) => void = () => {}): RecipeContext {
  return {
    profile,
    seed,
    continued: from !== undefined,
    async images(set, split) {
      const opened = await openData(`${set}/${split}`, data)
      read(opened.name, await dataRead(opened, data))
      return picturesOf(opened)
    },
    async labels(set, split) {
      const { labels } = await readLabelledSet(set, split === 'test' ? 'test' : 'train', Infinity, data)
      read(`${set}/${split}, labels`, labelsRead(`${set}/${split}`, labels))
      return labels
    },
  }
}

/** One run of a recipe, to its end or until the signal. */
export async function trainRecipe(name: string, options: RunRecipeOptions, signal: AbortSignal): Promise<RunResult & { readonly steps: number }> {
  const { profile, seed, steps, threads, resume, from, backend } = options
  const recipe = findRecipe(name)
  const folder = runFolder(name, options)
  const read = new Map<string, DataRead>()
  const prepared = await recipe.open(recipeContext(options, (part, what) => read.set(part, what)))
  const total = steps ?? prepared.steps
  const training = from === undefined ? prepared.training : { ...prepared.training, start: await startingWeights(from) }
  note(`${name} (${profile}): ${parameterCount(prepared.training.networks)} parameters, ${total} steps of ${prepared.batchSize} images, into ${folder}`)
  for (const { set, pictures, published } of read.values()) if (published === false) note(`note: what lies at ${set} is not the published set: ${pictures} other pictures, and the run's record and card will say so`)
  note(`published length: ${publishedLength(name)}`)
  try {
    const startedFrom = from === undefined ? {} : { startedFrom: toHex(sha256Of(await readFile(from))) }
    const record = await openRecord(folder, { recipe: name, profile, seed, batchSize: prepared.batchSize, steps: total, data: [...read.values()], threads, ...startedFrom })
    const onProgress = (progress: Progress): void => {
      record.progress(progress)
      showProgress(progress)
    }
    let result: RunResult
    try {
      result = await train(training, { ...prepared, name: `${name}-${profile}`, steps: total, seed, folder, resume: resume ?? false, signal, onProgress, ...(threads === undefined ? {} : { threads }), ...(backend === undefined ? {} : { backend: BACKENDS[backend] }) })
    } finally {
      await record.end()
    }
    if (process.stderr.isTTY) process.stderr.write('\n')
    const score = result.log.findLast(entry => entry['score'] !== undefined)
    if (score) note(`${prepared.scoreName ?? 'score'}: ${score['score']!.toFixed(3)} at step ${score.step}`)
    return { ...result, steps: total }
  } finally {
    await prepared.close?.()
  }
}

async function picturesOf({ pictures }: DataSet): Promise<Image<'u8'>[]> {
  return Promise.all(
    pictures.map(async source => {
      const picture = await source.load()
      if (picture.format !== 'u8') throw new LatentError('E_DATA', `${source.id} has 16-bit samples; recipes train on 8-bit pictures`)
      return picture as Image<'u8'>
    }),
  )
}

async function startingWeights(path: string): Promise<Record<string, Tensor<'f32'>>> {
  try {
    const { tensors } = decodeSafetensors(await readFile(path))
    const unfit = Object.entries(tensors).find(([, { dtype, data }]) => dtype !== 'f32' || !(data as Float32Array).every(Number.isFinite))
    if (unfit) throw new LatentError('E_WEIGHTS', `${unfit[0]} in ${path} holds what is no finite float`, { hint: 'its training diverged, or these are no weights of a run' })
    return tensors as Record<string, Tensor<'f32'>>
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
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

const note = (line: string): void => void process.stderr.write(`${visibleLines(line)}\n`)
