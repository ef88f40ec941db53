import type { Scheme } from '../contract/scheme.ts'
import { DESCRIPTION } from './description.ts'

export const itoSchemes: readonly Scheme[] = [
  { ...DESCRIPTION, load: async options => (await import('./cipher.ts')).loadIto(options) },
]
