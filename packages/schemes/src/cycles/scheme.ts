import type { Scheme } from '../contract/scheme.ts'
import { cycleDescription, CYCLES } from './description.ts'

/** The systems of this folder, for the registry. Code and weights are loaded when one is opened. */
export const cycleSchemes: readonly Scheme[] = CYCLES.map(variant => {
  const description = cycleDescription(variant)
  return {
    ...description,
    load: async options => (await import('../encipher-gan/cipher.ts')).loadTrained(description, 'frozen', options),
  }
})
