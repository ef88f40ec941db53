import type { Scheme } from '../contract/scheme.ts'
import { DESCRIPTION } from './description.ts'

/** The scheme of this folder, for the registry. Code and weights are loaded when it is opened. */
export const itoSchemes: readonly Scheme[] = [
  { ...DESCRIPTION, load: async options => (await import('./cipher.ts')).loadIto(options) },
]
