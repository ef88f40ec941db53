import type { Scheme } from '../contract/scheme.ts'
import { DESCRIPTIONS } from './description.ts'

/** The ciphers of this folder, for the registry. Code and weights are loaded when one is opened. */
export const denseResnetSchemes: readonly Scheme[] = Object.values(DESCRIPTIONS).map(facts => ({
  ...facts,
  load: async options => (await import('./index.ts')).loadDenseResnet(facts, options),
}))
