import type { Scheme } from '../contract/scheme.ts'
import { SIRICHOTEDUMRONG } from './description.ts'

/** The schemes of this folder, for the registry. The network is run as that of Ito et al., whose form it has. */
export const sirichotedumrongSchemes: readonly Scheme[] = [
  {
    ...SIRICHOTEDUMRONG,
    load: async ({ weights } = {}) => {
      const [{ itoTransform }, { modelFor }] = await Promise.all([
        import('../ito-transform/cipher.ts'),
        import('../models/index.ts'),
      ])
      return itoTransform(await modelFor(SIRICHOTEDUMRONG.weights!, weights))
    },
  },
]
