import { LatentError, parseJsonLines } from '@latent/core'
import { decodeSafetensors } from '@latent/graph'
import type { LogEntry, Tensor } from '@latent/graph'
import { NO_LOSSES } from '@latent/graph/train'
import { ioError, publish } from '@latent/core/node'
import type { DataRead, ModelCard } from '@latent/schemes/models'
import { findRecipe } from '@latent/schemes/recipes'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readRecord, type RunRecord } from './record.ts'

/** What a card takes over from a run. */
type RunFacts = Omit<ModelCard, 'id' | 'scheme' | 'profile' | 'sha256' | 'bytes' | 'parameters' | 'storage' | 'remarks'>

/** What a training left, as far as a card and the weights beside it need it. */
export interface TrainedRun {
  /** Of the networks that are shipped. */
  readonly tensors: Record<string, Tensor<'f32'>>
  readonly curve: Uint8Array
  readonly facts: RunFacts
}

/** A folder that `latent train` wrote. @throws E_WEIGHTS, E_IO */
export async function readRun(folder: string, recipe: string, best: boolean): Promise<TrainedRun> {
  const { data, ships, published } = findRecipe(recipe)
  const record = await readRecord(folder)
  if (record && record.recipe !== recipe)
    throw new LatentError(
      'E_ARGUMENT',
      `${folder} was trained by the recipe ${record.recipe}, and --recipe says ${recipe}`,
      { hint: `--recipe ${record.recipe}` },
    )
  const { tensors, metadata } = decodeSafetensors(
    await read(join(folder, best ? 'best.safetensors' : 'weights.safetensors')),
  )
  // Nothing is added to it here: a last line counts if it is whole, with or without its end.
  const log = parseJsonLines(`${new TextDecoder().decode(await read(join(folder, 'log.jsonl')))}\n`)
    .values as LogEntry[]
  const steps = Number(metadata['steps'])
  const last = log.findLast(entry => entry.step <= steps)
  if (!last)
    throw new LatentError('E_WEIGHTS', `the log of ${folder} does not reach step ${steps}`, {
      hint: 'give the folder of a whole run',
    })
  const scored = log.findLast(entry => entry.step <= steps && entry['score'] !== undefined)
  return {
    tensors: Object.fromEntries(
      Object.entries(tensors).filter(([path]) => !ships || ships.some(network => path.startsWith(`${network}.`))),
    ) as Record<string, Tensor<'f32'>>,
    curve: await read(join(folder, 'curve.svg')),
    facts: {
      recipe,
      recipeProfile: record?.profile ?? 'unknown',
      seed: Number(metadata['seed']),
      steps,
      batchSize: metadata['batchSize'] ? Number(metadata['batchSize']) : (record?.batchSize ?? 'unknown'),
      published,
      data: dataStatement(data, record?.data),
      dataRead: record?.data ?? 'unknown',
      ...(record?.startedFrom === undefined ? {} : { startedFrom: record.startedFrom }),
      ...sessionsUntil(record, steps),
      losses: Object.fromEntries(
        Object.entries(last)
          .filter(([name]) => !NO_LOSSES.has(name) && !name.endsWith('.gradient'))
          .map(([name, value]) => [name, round(value)]),
      ),
      ...(scored ? { score: { name: 'validation score of the recipe', value: round(scored['score']!) } } : {}),
    },
  }
}

/** The recipe's own words hold for the pictures that it means, and for no others. */
export function dataStatement(recipeSays: string, read: readonly DataRead[] | undefined): string {
  if (!read) return `${recipeSays} (as the recipe states; what was read was not noted down)`
  const others = read.filter(({ published }) => published === false)
  if (others.length > 0) {
    const named = others.map(
      ({ set, pictures = 0, sha256 }) => `${pictures} pictures in the place of ${set}, ${sha256.slice(0, 16)}...`,
    )
    return `OTHER PICTURES THAN THE RECIPE MEANS, on terms unknown to us: ${named.join('; ')}`
  }
  const unchecked = read
    .filter(({ published, pictures }) => published === 'unknown' && pictures !== undefined)
    .map(({ set }) => set)
  return unchecked.length === 0
    ? recipeSays
    : `${recipeSays} (as the recipe states; nothing published to compare ${unchecked.join(', ')} with)`
}

/** Those that made the weights: a run may have gone on after its best ones. */
function sessionsUntil(record: RunRecord | undefined, steps: number): Pick<ModelCard, 'seconds' | 'sessions'> {
  if (!record) return { seconds: 'unknown', sessions: 'unknown' }
  const sessions = record.sessions.filter(({ fromStep }) => fromStep < steps)
  return {
    seconds: Number(
      sessions
        .reduce(
          (sum, { seconds, fromStep, toStep }) =>
            sum + (toStep <= steps ? seconds : (seconds * (steps - fromStep)) / (toStep - fromStep)),
          0,
        )
        .toFixed(1),
    ),
    sessions,
  }
}

/** The card and the files beside it. @throws E_EXISTS unless forced; E_IO */
export async function writeModelFiles(
  folder: string,
  card: ModelCard,
  files: Readonly<Record<string, Uint8Array>>,
  force: boolean,
): Promise<void> {
  // The card last: weights without a card are never read.
  const all = { ...files, [`${card.id}.json`]: new TextEncoder().encode(`${JSON.stringify(card, undefined, 2)}\n`) }
  if (!force) for (const name of Object.keys(all)) await requireFree(folder, name)
  for (const [name, bytes] of Object.entries(all))
    await publish(join(folder, name), [bytes], {
      hint: 'choose another --id, or --force to replace it',
      ...(force ? { replace: () => true } : {}),
    })
}

async function requireFree(folder: string, name: string): Promise<void> {
  const found = await lstat(join(folder, name)).catch(() => undefined)
  if (found)
    throw new LatentError('E_EXISTS', `${name} already exists in ${folder}`, {
      hint: 'choose another --id, or --force to replace it',
    })
}

const round = (value: number): number => Number(value.toPrecision(6))

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}
