import { LatentError } from '@latent/core'
import { constantWeights, type ExactFlow } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import type { FlowProvider } from '@latent/vault'

/** The exact flow, started when the first file needs it and shared by all. */
export function sharedFlow(workers?: number): { readonly flows: FlowProvider; readonly close: () => Promise<void> } {
  let opened: Promise<ExactFlow> | undefined
  return {
    async flows(weightsId) {
      const { id } = await constantWeights()
      if (weightsId !== id) throw new LatentError('E_UNSUPPORTED', `this file needs the exact-flow weights ${weightsId.slice(0, 16)}..., which this release does not have`, { hint: 'update latent' })
      opened ??= openExactFlowPool(workers === undefined ? {} : { workers })
      return opened
    },
    close: async () => (await opened?.catch(() => undefined))?.close(),
  }
}
