import { LatentError } from '@latent/core'
import { decodeSafetensors } from '@latent/graph'
import type { LogEntry, Tensor } from '@latent/graph'
import { NO_LOSSES } from '@latent/graph/train'
import type { ModelCard } from '@latent/schemes/models'
import { findRecipe } from '@latent/schemes/recipes'
import { streamOf } from '@latent/vault'
import { ioError, writeWhole } from '@latent/vault/node'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a card takes over from a run. */
type RunFacts = Pick<ModelCard, 'recipe' | 'seed' | 'steps' | 'batchSize' | 'data' | 'losses' | 'score'>

export interface TrainedRun {
  /** Of the networks that are shipped. */
  readonly tensors: Record<string, Tensor<'f32'>>
  readonly curve: Uint8Array
  readonly facts: RunFacts
}

/** A folder that `latent train` wrote. @throws E_WEIGHTS, E_IO */
export async function readRun(folder: string, recipe: string, best: boolean): Promise<TrainedRun> {
  const { data, ships } = findRecipe(recipe)
  const { tensors, metadata } = decodeSafetensors(await read(join(folder, best ? 'best.safetensors' : 'weights.safetensors')))
  const log = new TextDecoder().decode(await read(join(folder, 'log.jsonl'))).split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as LogEntry]))
  const steps = Number(metadata['steps'])
  const last = log.findLast(entry => entry.step <= steps)
  if (!last) throw new LatentError('E_WEIGHTS', `the log of ${folder} does not reach step ${steps}`, { hint: 'give the folder of a whole run' })
  const scored = log.findLast(entry => entry.step <= steps && entry['score'] !== undefined)
  return {
    tensors: Object.fromEntries(Object.entries(tensors).filter(([path]) => !ships || ships.some(network => path.startsWith(`${network}.`)))) as Record<string, Tensor<'f32'>>,
    curve: await read(join(folder, 'curve.svg')),
    facts: {
      recipe,
      seed: Number(metadata['seed']),
      steps,
      ...(metadata['batchSize'] ? { batchSize: Number(metadata['batchSize']) } : {}),
      data,
      losses: Object.fromEntries(Object.entries(last).filter(([name]) => !NO_LOSSES.has(name) && !name.endsWith('.gradient')).map(([name, value]) => [name, round(value)])),
      ...(scored ? { score: { name: 'validation score of the recipe', value: round(scored['score']!) } } : {}),
    },
  }
}

/** The card and the files beside it. @throws E_EXISTS unless forced; E_IO */
export async function writeModelFiles(folder: string, card: ModelCard, files: Readonly<Record<string, Uint8Array>>, force: boolean): Promise<void> {
  await mkdir(folder, { recursive: true })
  const all = { ...files, [`${card.id}.json`]: new TextEncoder().encode(`${JSON.stringify(card, undefined, 2)}\n`) }
  for (const [name, bytes] of Object.entries(all)) await writeWhole(join(folder, name), streamOf(bytes), { overwrite: force })
}

const round = (value: number): number => Number(value.toPrecision(6))

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}
