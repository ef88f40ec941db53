import type { Scheme } from '../contract/scheme.ts'
import { KEYED, LEARNED, PUBLISHED, STRUCTURED } from './description.ts'

/** The ciphers of this folder, for the registry. Code and weights are loaded when one is opened. */
export const encipherGanSchemes: readonly Scheme[] = [
  { ...PUBLISHED, load: async options => (await import('./cipher.ts')).loadTrained(PUBLISHED, 'instance', options) },
  { ...LEARNED, load: async options => (await import('./cipher.ts')).loadTrained(LEARNED, 'frozen', options) },
  { ...STRUCTURED, load: async options => (await import('./cipher.ts')).loadTrained(STRUCTURED, 'frozen', options) },
  { ...KEYED, load: async () => (await import('./cipher.ts')).keyedTransform() },
]
