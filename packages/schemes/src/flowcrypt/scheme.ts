import type { Scheme } from '../contract/scheme.ts'
import { FLOWCRYPTS } from './description.ts'

/** The ciphers of this folder, for the registry. Code and weights are loaded when one is opened. */
export const flowCryptSchemes: readonly Scheme[] = Object.values(FLOWCRYPTS).map(facts => ({
  ...facts,
  load: async options => (await import('./index.ts')).loadFlowCrypt(facts, options),
}))
