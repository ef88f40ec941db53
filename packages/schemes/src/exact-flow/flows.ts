import type { ExactFlow } from './engine.ts'
import { knownWeights } from './known.ts'
import type { Weights } from './weights.ts'

/** The exact flow with whichever known weights a file names, each opened when the first asks for it. */
export interface ExactFlows {
  /** @param bytes that are about to be worked on, if they are known @throws E_UNSUPPORTED, E_BACKEND */
  readonly flows: (weightsId: string, bytes?: number) => Promise<ExactFlow>
  readonly close: () => Promise<void>
}

/**
 * Flows by the weights that files name, each opened once, when it is first asked for.
 * @param open makes one, of threads or without; `bytes` is what the first who asked is about to work on
 */
export function openFlows(open: (weights: Weights, bytes?: number) => Promise<ExactFlow>): ExactFlows {
  const opened = new Map<string, Promise<ExactFlow>>()
  return {
    async flows(weightsId, bytes) {
      const weights = await knownWeights(weightsId)
      const flow = opened.get(weightsId) ?? open(weights, bytes)
      opened.set(weightsId, flow)
      return flow
    },
    async close() {
      for (const flow of opened.values()) await (await flow.catch(() => undefined))?.close()
    },
  }
}
