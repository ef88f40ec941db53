import type { ExactFlow } from './engine.ts'
import { knownWeights } from './known.ts'
import type { Weights } from './weights.ts'

/** The exact flow with whichever known weights a file names, each opened when the first asks for it. */
export interface ExactFlows {
  /** @throws E_UNSUPPORTED, E_BACKEND */
  readonly flows: (weightsId: string) => Promise<ExactFlow>
  readonly close: () => Promise<void>
}

/**
 * Flows by the weights that files name, each opened once, when it is first asked for.
 * @param open makes one, of threads or without
 */
export function openFlows(open: (weights: Weights) => Promise<ExactFlow>): ExactFlows {
  const opened = new Map<string, Promise<ExactFlow>>()
  return {
    async flows(weightsId) {
      const weights = await knownWeights(weightsId)
      const flow = opened.get(weightsId) ?? open(weights)
      opened.set(weightsId, flow)
      return flow
    },
    async close() {
      for (const flow of opened.values()) await (await flow.catch(() => undefined))?.close()
    },
  }
}
