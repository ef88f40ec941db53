import { type Image, LatentError, sha256Of, toHex } from '@latent/core'
import { type BackendName, BACKENDS, decodeSafetensors, parameterCount, type Tensor } from '@latent/graph'
import { type Progress, type RunResult, train } from '@latent/graph/train'
import { dataRoot, type DataSet, openData, readLabelledSet } from '@latent/data/node'
import type { DataRead } from '@latent/schemes/models'
import { findRecipe, type Profile, type RecipeContext } from '@latent/schemes/recipes'
import { ioError } from '@latent/core/node'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dataRead, labelsRead, openRecord } from './record.ts'

/** One run of a recipe. Only profile and seed have no default here. */
export interface RunRecipeOptions {
  readonly profile: Profile
  readonly seed: number
  /** Where the data sets lie; where `latent data fetch` puts them unless given. */
  readonly data?: string
  readonly steps?: number
  readonly threads?: number
  readonly out?: string
  readonly resume?: boolean
  readonly backend?: BackendName
  /** A safetensors file whose weights the run starts from. */
  readonly from?: string
}

/** Who is told how a run goes. */
export interface RunWatcher {
  /** A sentence for whoever reads along. */
  note(line: string): void
  progress(progress: Progress): void
  /** No more progress comes of this run. */
  trained(): void
}

/** Under what a run takes place. */
export interface RunSurroundings {
  readonly signal: AbortSignal
  readonly watcher: RunWatcher
  /** Which Latent trains, for the record: its version. */
  readonly release: string
}

/** Where a recipe's run lies unless said otherwise. */
export const runFolder = (name: string, { profile, out }: Pick<RunRecipeOptions, 'profile' | 'out'>): string =>
  out ?? join('runs', `${name}-${profile}`)

/** What a recipe needs of this machine; `read` is told what it read. */
export function recipeContext(
  { profile, seed, data = dataRoot(), from }: RunRecipeOptions,
  read: (part: string, what: DataRead) => void = () => {},
): RecipeContext {
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
export async function trainRecipe(
  name: string,
  options: RunRecipeOptions,
  { signal, watcher, release }: RunSurroundings,
): Promise<RunResult & { readonly steps: number }> {
  const { profile, seed, steps, threads, resume, from, backend } = options
  const recipe = findRecipe(name)
  const folder = runFolder(name, options)
  const read = new Map<string, DataRead>()
  const prepared = await recipe.open(recipeContext(options, (part, what) => read.set(part, what)))
  const total = steps ?? prepared.steps
  const training = from === undefined ? prepared.training : { ...prepared.training, start: await startingWeights(from) }
  watcher.note(
    `${name} (${profile}): ${parameterCount(prepared.training.networks)} parameters, ${total} steps ` +
      `of ${prepared.batchSize} images, into ${folder}`,
  )
  for (const { set, pictures, published } of read.values())
    if (published === false)
      watcher.note(
        `note: what lies at ${set} is not the published set: ${pictures} other pictures, and the run's record ` +
          'and card will say so',
      )
  watcher.note(`published length: ${recipe.published}`)
  try {
    const startedFrom = from === undefined ? {} : { startedFrom: toHex(sha256Of(await readFile(from))) }
    const record = await openRecord(folder, {
      recipe: name,
      profile,
      seed,
      batchSize: prepared.batchSize,
      steps: total,
      data: [...read.values()],
      threads,
      release,
      ...startedFrom,
    })
    const onProgress = (progress: Progress): void => {
      record.progress(progress)
      watcher.progress(progress)
    }
    let result: RunResult
    try {
      result = await train(training, {
        ...prepared,
        name: `${name}-${profile}`,
        steps: total,
        seed,
        folder,
        resume: resume ?? false,
        signal,
        onProgress,
        ...(threads === undefined ? {} : { threads }),
        ...(backend === undefined ? {} : { backend: BACKENDS[backend] }),
      })
    } finally {
      await record.end()
      watcher.trained()
    }
    const score = result.log.findLast(entry => entry['score'] !== undefined)
    if (score) watcher.note(`${prepared.scoreName ?? 'score'}: ${score['score']!.toFixed(3)} at step ${score.step}`)
    return { ...result, steps: total }
  } finally {
    await prepared.close?.()
  }
}

async function picturesOf({ pictures }: DataSet): Promise<Image<'u8'>[]> {
  return Promise.all(
    pictures.map(async source => {
      const picture = await source.load()
      if (picture.format !== 'u8')
        throw new LatentError('E_DATA', `${source.id} has 16-bit samples; recipes train on 8-bit pictures`)
      return picture as Image<'u8'>
    }),
  )
}

async function startingWeights(path: string): Promise<Record<string, Tensor<'f32'>>> {
  try {
    const { tensors } = decodeSafetensors(await readFile(path))
    const unfit = Object.entries(tensors).find(
      ([, { dtype, data }]) => dtype !== 'f32' || !(data as Float32Array).every(Number.isFinite),
    )
    if (unfit)
      throw new LatentError('E_WEIGHTS', `${unfit[0]} in ${path} holds what is no finite float`, {
        hint: 'its training diverged, or these are no weights of a run',
      })
    return tensors as Record<string, Tensor<'f32'>>
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}
