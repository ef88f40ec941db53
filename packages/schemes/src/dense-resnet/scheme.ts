import type { Scheme } from '../contract/scheme.ts'
import { DESCRIPTIONS } from './description.ts'

/** The ciphers of this folder, for the registry. Code and weights are loaded when one is opened. */
export const denseResnetSchemes: readonly Scheme[] = [
  { ...DESCRIPTIONS['dense-resnet-2024'], load: async options => loadWith('DESCRIBED', options?.weights) },
  { ...DESCRIPTIONS['dense-resnet-2024-repaired'], load: async options => loadWith('REPAIRED', options?.weights) },
]

async function loadWith(variant: 'DESCRIBED' | 'REPAIRED', weights: Uint8Array | undefined) {
  const code = await import('./index.ts')
  return code.denseResnetTransform(code.openNetworks(await code.denseResnetModel(weights)), code[variant])
}
