import { type ExactFlows, openFlows } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/web'

/** The cipher for files: a worker a core, each with a runtime of one thread, so that no isolation is needed. */
export function flowsHere(): { readonly flows: ExactFlows['flows']; readonly prepare: (wasm?: Uint8Array) => void } {
  const { flows } = openFlows(weights => openExactFlowPool({ weights }))
  return { flows, prepare: () => undefined }
}
