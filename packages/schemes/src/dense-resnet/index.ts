import type { ImageCipher } from '@latent/core'
import type { OpenOptions } from '../index.ts'
import { denseResnetCipher, type DenseResnetVariant } from './cipher.ts'
import { denseResnetModel, openNetworks } from './networks.ts'

export * from './cipher.ts'
export * from './diffusion.ts'
export { encryptNetwork, decryptNetwork, type Form, networkParameters, WIDTHS } from './network.ts'
export { structuredStart } from './structured-start.ts'
export { denseResnetModel, type DenseNetworks, openNetworks } from './networks.ts'

/** @throws E_WEIGHTS, E_BACKEND */
export async function openDenseResnet(variant: DenseResnetVariant, { weights }: OpenOptions = {}): Promise<{ cipher: ImageCipher; weights: string; close: () => Promise<void> }> {
  const networks = openNetworks(await denseResnetModel(weights))
  return { cipher: denseResnetCipher(networks, variant), weights: networks.sha256, close: () => networks.close() }
}
