import { signal, type Signal } from '@preact/signals-core'

/** Weights of the user's own, trained here or chosen: in memory alone. */
export interface OwnWeights {
  readonly name: string
  /** A file that `readModel` reads; whether it fits is told when it is used. */
  readonly bytes: Uint8Array
}

/** Own weights by the scheme that they are to be used with. */
export const ownWeights: Signal<ReadonlyMap<string, OwnWeights>> = signal(new Map())

/** Uses weights for a scheme from now on; the shipped ones without. */
export function useOwnWeights(scheme: string, weights: OwnWeights | undefined): void {
  const next = new Map(ownWeights.value)
  if (weights) next.set(scheme, weights)
  else next.delete(scheme)
  ownWeights.value = next
}
