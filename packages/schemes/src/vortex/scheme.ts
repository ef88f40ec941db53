import { bytewise } from '../contract/bytewise.ts'
import type { Scheme } from '../contract/scheme.ts'
import { BIJECTIVE, PUBLISHED } from './description.ts'

export const vortexSchemes: readonly Scheme[] = [
  { ...PUBLISHED, load: async () => bytewise((await import('./cipher.ts')).vortexTransform('gather')) },
  { ...BIJECTIVE, load: async () => bytewise((await import('./cipher.ts')).vortexTransform('bijective')) },
]
