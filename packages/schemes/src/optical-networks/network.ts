import type { Parameter } from '@latent/graph'
import { type Chain, chainParameters } from '../denoiser/network.ts'

/** Initial parameters of the network behind a bench: five convolutions of 20 channels, plane by plane. */
export const menderParameters = (): Chain<Parameter> => chainParameters({ depth: 5, channels: 20 })
