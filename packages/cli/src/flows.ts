import { type ExactFlows, openFlows } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'

/**
 * The exact flow on all cores, shared by all files of a run: started when the first file needs it, once for each set of
 * weights.
 */
export const sharedFlow = (workers?: number): ExactFlows =>
  openFlows(weights => openExactFlowPool({ weights, ...(workers === undefined ? {} : { workers }) }))
