import type { Description, LoadOptions, Transform } from '../contract/scheme.ts'
import { DENSE_RESNETS, denseResnetTransform } from './cipher.ts'
import { denseResnetModel, openNetworks } from './networks.ts'

export * from './cipher.ts'
export * from './diffusion.ts'
export { encryptNetwork, decryptNetwork, type Variant, networkParameters, WIDTHS } from './network.ts'
export { structuredStart } from './structured-start.ts'
export { denseResnetModel, type DenseNetworks, openNetworks } from './networks.ts'
export * from './description.ts'

/** The networks with their shipped weights, or with others, before the diffusion of one variant. @throws E_WEIGHTS */
export async function loadDenseResnet(
  { id, weights: wanted }: Pick<Description, 'id' | 'weights'>,
  { weights }: LoadOptions = {},
): Promise<Transform> {
  const model = await denseResnetModel(weights, wanted!.profile, wanted!.id)
  return denseResnetTransform(
    openNetworks(model),
    DENSE_RESNETS.find(variant => variant.id === id)!,
  )
}
