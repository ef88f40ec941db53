import type { Image } from '@latent/core'
import { compile, shape, type Tensor } from '@latent/graph'
import type { Weights } from '@latent/schemes/exact-flow'
import { BATCH_DIMS, cipherLoss, patchBatch } from '@latent/schemes/exact-flow/recipe'
import { mastersOf } from '@latent/schemes/exact-flow/straight-through'

/** Terms of the training's loss, whitening off: what they are for a perfect cipher is in `recipe.ts`. */
export const TERMS = ['histogram', 'pairs', 'map', 'pixel', 'triplet', 'clipped'] as const
/** Neighbouring positions that are told apart, for every network: a place of those that take four together. */
const BLOCK = 4

/** By name, the loss and its terms on each of some batches; equal seeds draw equal batches for all networks. */
export async function termsOf(
  weights: Weights,
  photos: readonly Image<'u8'>[],
  seed: number,
  batches: number,
): Promise<Record<string, number[]>> {
  const graph = await compile(
    ({ flow, batch }) => {
      const { loss, metrics } = cipherLoss(Object.values(flow), batch, BLOCK)
      return { loss, ...metrics }
    },
    {
      flow: mastersOf(weights),
      batch: Object.fromEntries(Object.entries(BATCH_DIMS).map(([name, dims]) => [name, shape(dims)])),
    },
    { backend: 'ort-node', threads: 1 },
  )
  const terms: Record<string, number[]> = {}
  for (let step = 0; step < batches; step++) {
    const batch = await patchBatch(photos, seed, step)
    const found = await graph.run(
      Object.fromEntries(Object.entries(batch).map(([name, value]): [string, Tensor] => [`batch.${name}`, value])),
    )
    for (const [name, { data }] of Object.entries(found)) (terms[name] ??= []).push(Number(data[0]))
  }
  await graph.close()
  return terms
}
