import type { Scheme } from '../contract/scheme.ts'
import { DESCRIPTIONS } from './description.ts'

/** The ciphers of this folder, for the registry. Code and weights are loaded when one is opened. */
export const denseResnetSchemes: readonly Scheme[] = [
  { ...DESCRIPTIONS['dense-resnet-2024'], load: async options => loadWith('DESCRIBED', options?.weights) },
  { ...DESCRIPTIONS['dense-resnet-2024-repaired'], load: async options => loadWith('REPAIRED', options?.weights) },
  { ...DESCRIPTIONS['dense-resnet-2024-learned'], load: async options => loadWith('LEARNED', options?.weights) },
]

async function loadWith(variant: 'DESCRIBED' | 'REPAIRED' | 'LEARNED', weights: Uint8Array | undefined) {
  const code = await import('./index.ts')
  const scheme = DESCRIPTIONS[code[variant].id].weights!.scheme
  return code.denseResnetTransform(
    code.openNetworks(await code.denseResnetModel(weights, 'paper', scheme)),
    code[variant],
  )
}
