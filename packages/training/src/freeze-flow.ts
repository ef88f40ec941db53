import type { ModelCard } from '@latent/schemes/models'
import { serializeWeights } from '@latent/schemes/exact-flow'
import { flowTree, quantise } from '@latent/schemes/exact-flow/straight-through'
import { publish } from '@latent/core/node'
import { readRun, writeModelFiles } from './finished-run.ts'

/** Which weights of an exact-flow run are frozen, under which name, and where they go. */
export interface FreezeOptions {
  readonly id: string
  readonly recipe?: string
  readonly best?: boolean
  readonly remark?: readonly string[]
  readonly out: string
  readonly module?: string
  readonly force?: boolean
}

/**
 * The networks of an exact-flow run as the integers that they were trained as: canonical bytes
 * (`ID.weights`), card and curve, and the module that carries the bytes to wherever there is no file
 * system. @throws E_WEIGHTS, E_IO, E_EXISTS
 */
export async function freezeFlow(
  folder: string,
  { id, recipe = id, best = false, remark = [], out, module, force = false }: FreezeOptions,
): Promise<ModelCard> {
  const run = await readRun(folder, recipe, best)
  const { networks, id: sha256 } = quantise(flowTree(run.tensors))
  const bytes = serializeWeights(networks)
  const parameters = networks.flat().reduce((sum, { weights, bias }) => sum + weights.length + bias.length, 0)
  const card: ModelCard = {
    id,
    scheme: 'exact-flow',
    profile: 'int7',
    sha256,
    bytes: bytes.length,
    parameters,
    storage: 'i8',
    ...run.facts,
    remarks: remark,
  }
  await writeModelFiles(out, card, { [`${id}.weights`]: bytes, [`${id}.svg`]: run.curve }, force)
  if (module === undefined) return card
  const text =
    `// Written by \`latent model freeze\`: the bytes of models/${id}.weights.\n` +
    '/** SHA-256 of the bytes, by which sealed files name them. */\n' +
    `export const TRAINED_SHA256 = '${sha256}'\n` +
    '/** The bytes, in base64. */\n' +
    'export const TRAINED =\n' +
    `  '${Buffer.from(bytes).toString('base64')}'\n`
  await publish(module, [new TextEncoder().encode(text)], {
    hint: '--force replaces it',
    ...(force ? { replace: () => true } : {}),
  })
  return card
}
