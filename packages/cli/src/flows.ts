import { type ExactFlows, openFlows } from '@latent/schemes/exact-flow'
import { openExactFlowAsNeeded } from '@latent/schemes/exact-flow/node'

/**
 * The exact flow, shared by all files of a run: started when the first file needs it, once for each set of weights, and
 * on all cores when there is enough to do.
 */
export const sharedFlow = (workers?: number): ExactFlows =>
  openFlows((weights, bytes) =>
    openExactFlowAsNeeded({ weights, ...(workers === undefined ? {} : { workers }) }, bytes),
  )
