import { bytewise } from '../contract/bytewise.ts'
import type { Scheme } from '../contract/scheme.ts'
import { BIJECTIVE, PUBLISHED } from './description.ts'

/** The ciphers of this folder, for the registry. Code is loaded when one is opened. */
export const vortexSchemes: readonly Scheme[] = [
  { ...PUBLISHED, load: async () => bytewise((await import('./cipher.ts')).vortexTransform('gather')) },
  { ...BIJECTIVE, load: async () => bytewise((await import('./cipher.ts')).vortexTransform('bijective')) },
]
