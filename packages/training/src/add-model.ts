import { sha256Of, toHex } from '@latent/core'
import { elementCount } from '@latent/graph'
import { type ModelCard, readModel, weightsFile, writeModel } from '@latent/schemes/models'
import { gzipSync } from 'node:zlib'
import { writeModelFiles, readRun } from './finished-run.ts'

/** Which weights of a run are kept, under which name, and where. */
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

/** Writes weights, card and curve of a run. @throws E_WEIGHTS, E_IO, E_EXISTS */
export async function addModel(
  folder: string,
  { id, scheme, profile, recipe, best = false, storage, remark = [], out, force = false }: AddModelOptions,
): Promise<ModelCard> {
  const run = await readRun(folder, recipe, best)
  const bytes = writeModel({ scheme, profile, tensors: run.tensors }, { half: storage === 'f16' })
  // What the card describes must be readable: a diverged run stops here.
  readModel(bytes, { scheme, profile })
  const card: ModelCard = {
    id,
    scheme,
    profile,
    sha256: toHex(sha256Of(bytes)),
    bytes: bytes.length,
    parameters: Object.values(run.tensors).reduce((sum, { dims }) => sum + elementCount(dims), 0),
    storage,
    ...run.facts,
    remarks: remark,
  }
  const file = weightsFile(card)
  const packed = file.endsWith('.gz') ? gzipSync(bytes, { level: 9 }) : bytes
  await writeModelFiles(out, card, { [file]: packed, [`${id}.svg`]: run.curve }, force)
  return card
}
