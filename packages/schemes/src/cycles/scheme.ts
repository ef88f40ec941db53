import type { Scheme } from '../contract/scheme.ts'
import { cycleDescription, CYCLES } from './description.ts'

/** Systems whose weights lie in `models/`: the others are recipes until they are trained. */
const TRAINED: readonly string[] = ['deepedn-2021', 'isaae-2021', 'li-optical-2021']

/** The trained systems of this folder, for the registry. Code and weights are loaded when one is opened. */
export const cycleSchemes: readonly Scheme[] = CYCLES.filter(({ id }) => TRAINED.includes(id)).map(variant => {
  const description = cycleDescription(variant)
  return {
    ...description,
    load: async options => (await import('../encipher-gan/cipher.ts')).loadTrained(description, 'frozen', options),
  }
})
