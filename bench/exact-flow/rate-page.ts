import { sealingWeights } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/web'
import { rate } from './rate.ts'

/** Runs in a browser. */
export const rateInBrowser = async (
  options: Parameters<typeof openExactFlowPool>[0],
  tileBytes: number,
  milliseconds: number,
): Promise<number> =>
  rate(await openExactFlowPool({ ...options, weights: await sealingWeights() }), tileBytes, milliseconds)
