import type { Scheme } from '../contract/scheme.ts'
import { ENCRYPTGAN } from './description.ts'

/** The schemes of this folder, for the registry. Code and weights are loaded when one is opened. */
export const encryptGanSchemes: readonly Scheme[] = [
  {
    ...ENCRYPTGAN,
    load: async ({ weights } = {}) => {
      const [{ encryptGanTransform }, { modelFor }] = await Promise.all([
        import('./cipher.ts'),
        import('../models/index.ts'),
      ])
      return encryptGanTransform(await modelFor(ENCRYPTGAN.weights!, weights))
    },
  },
]
