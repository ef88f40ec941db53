import type { Scheme } from '../contract/scheme.ts'
import { MASK_AUTOENCODERS, type MaskAutoencoderId } from './description.ts'

/** The ciphers of this folder, for the registry. Code and weights are loaded when one is opened. */
export const maskAutoencoderSchemes: readonly Scheme[] = (Object.keys(MASK_AUTOENCODERS) as MaskAutoencoderId[]).map(
  id => ({
    ...MASK_AUTOENCODERS[id],
    load: async options => (await import('./index.ts')).loadMaskAutoencoder(id, options),
  }),
)
