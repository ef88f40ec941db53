import { LatentError, sha256Of, toHex } from '@latent/core'
import { decodeSafetensors, elementCount } from '@latent/graph'
import type { LogEntry, Tensor } from '@latent/graph'
import { type ModelCard, readModel, writeModel } from '@latent/schemes/models'
import { findRecipe } from '@latent/schemes/recipes'
import { ioError, writeWhole } from '@latent/vault/node'
import { streamOf } from '@latent/vault'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface AddModelOptions {
  readonly id: string
  readonly scheme: string
  readonly profile: string
  readonly recipe: string
  readonly best?: boolean
  readonly storage: 'f16' | 'f32'
  readonly remark?: readonly string[]
  readonly out: string
  readonly force?: boolean
}

/** Fields of a log line that are no losses. */
const POSITION = new Set(['step', 'seconds', 'rate', 'perSecond', 'score'])

/** Writes weights, card and curve of a run. @throws E_WEIGHTS, E_IO, E_EXISTS */
export async function addModel(run: string, { id, scheme, profile, recipe, best = false, storage, remark = [], out, force = false }: AddModelOptions): Promise<void> {
  const { data, ships } = findRecipe(recipe)
  const { tensors, metadata } = decodeSafetensors(await read(join(run, best ? 'best.safetensors' : 'weights.safetensors')))
  const log = new TextDecoder().decode(await read(join(run, 'log.jsonl'))).split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as LogEntry]))
  const steps = Number(metadata['steps'])
  const last = log.findLast(entry => entry.step <= steps)
  if (!last) throw new LatentError('E_WEIGHTS', `the log of ${run} does not reach step ${steps}`, { hint: 'give the folder of a whole run' })
  const scored = log.findLast(entry => entry.step <= steps && entry['score'] !== undefined)
  const kept = Object.fromEntries(Object.entries(tensors).filter(([path]) => !ships || ships.some(network => path.startsWith(`${network}.`)))) as Record<string, Tensor<'f32'>>
  const bytes = writeModel({ scheme, profile, tensors: kept }, { half: storage === 'f16' })
  // What the card describes must be readable: a diverged run stops here.
  readModel(bytes, { scheme, profile })
  const card: ModelCard = {
    id,
    scheme,
    profile,
    sha256: toHex(sha256Of(bytes)),
    bytes: bytes.length,
    parameters: Object.values(kept).reduce((sum, { dims }) => sum + elementCount(dims), 0),
    storage,
    recipe,
    seed: Number(metadata['seed']),
    steps,
    ...(metadata['batchSize'] ? { batchSize: Number(metadata['batchSize']) } : {}),
    data,
    losses: Object.fromEntries(Object.entries(last).filter(([name]) => !POSITION.has(name) && !name.endsWith('.gradient')).map(([name, value]) => [name, round(value)])),
    ...(scored ? { score: { name: 'validation score of the recipe', value: round(scored['score']!) } } : {}),
    remarks: remark,
  }
  await mkdir(out, { recursive: true })
  await writeWhole(join(out, `${id}.safetensors`), streamOf(bytes), { overwrite: force })
  await writeWhole(join(out, `${id}.json`), streamOf(new TextEncoder().encode(`${JSON.stringify(card, undefined, 2)}\n`)), { overwrite: force })
  await writeWhole(join(out, `${id}.svg`), streamOf(await read(join(run, 'curve.svg'))), { overwrite: force })
  process.stdout.write(`${join(out, id)}.safetensors: ${card.parameters} parameters in ${bytes.length} bytes\n`)
}

const round = (value: number): number => Number(value.toPrecision(6))

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}
