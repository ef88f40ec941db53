import type { Scheme } from '../contract/scheme.ts'
import { FLOWCRYPTS } from './description.ts'

export const flowCryptSchemes: readonly Scheme[] = Object.values(FLOWCRYPTS).map(facts => ({
  ...facts,
  load: async options => (await import('./index.ts')).loadFlowCrypt(facts, options),
}))
