import { compile, decodeSafetensors, shape, tensor } from '@latent/graph'
import type { Expr, Operand, Parameter, Tensor } from '@latent/graph'
import { sizedNetwork, type TileTransform } from '../neural/index.ts'
import { loadModel, type Model, networkWeights, readModel } from '../models/index.ts'
import {
  decryptNetwork,
  type DenseNetwork,
  encryptNetwork,
  type Variant,
  networkParameters,
  type Widths,
  WIDTHS,
} from './network.ts'

/**
 * Sets of weights: `paper` and `compact` are of the `own` variant, `published` has instance norms and the widths of
 * `paper`.
 */
export const PROFILES: Readonly<Record<string, { readonly variant: Variant; readonly widths: Widths }>> = {
  paper: { variant: 'own', widths: WIDTHS.paper },
  compact: { variant: 'own', widths: WIDTHS.compact },
  published: { variant: 'published', widths: WIDTHS.paper },
}

/** As whose weights files of every variant are labelled. */
const SCHEME = 'dense-resnet-2024'

/** Both networks with their weights, compiled for each size of tile that is asked for. */
export interface DenseNetworks {
  readonly variant: Variant
  readonly profile: string
  readonly sha256: string
  readonly parameters: { readonly encryption: DenseNetwork<Parameter>; readonly decryption: DenseNetwork<Parameter> }
  readonly encrypt: TileTransform
  readonly decrypt: TileTransform
  close(): Promise<void>
}

/** Weights that come with Latent, or a file that a user supplies. @throws E_WEIGHTS */
export async function denseResnetModel(
  weights?: Uint8Array,
  profile = 'paper',
  id = `${SCHEME}-${profile}`,
): Promise<Model> {
  if (!weights) return loadModel(id, { scheme: SCHEME, profile })
  const named = decodeSafetensors(weights).metadata['profile']
  return readModel(weights, {
    scheme: SCHEME,
    profile: named !== undefined && Object.hasOwn(PROFILES, named) ? named : profile,
  })
}

/** @throws E_WEIGHTS if the weights do not fit their profile */
export function openNetworks(model: Model): DenseNetworks {
  const { variant, widths } = PROFILES[model.profile]!
  const parameters = { encryption: networkParameters(variant, widths), decryption: networkParameters(variant, widths) }
  const encrypt = bySize(networkWeights(model, 'encryption', parameters.encryption), (p, x) =>
    encryptNetwork(variant, p, x),
  )
  const decrypt = bySize(networkWeights(model, 'decryption', parameters.decryption), (p, x) =>
    decryptNetwork(variant, p, x),
  )
  return {
    variant,
    profile: model.profile,
    sha256: model.sha256,
    parameters,
    encrypt: encrypt.run,
    decrypt: decrypt.run,
    async close() {
      await encrypt.close()
      await decrypt.close()
    },
  }
}

/** A network as a transform of tiles of any size. */
function bySize(
  weights: DenseNetwork<Tensor<'f32'>>,
  network: (p: DenseNetwork<Operand>, x: Expr) => Expr,
): { run: TileTransform; close: () => Promise<void> } {
  const sized = sizedNetwork(({ width, height }) =>
    compile(({ p, x }) => network(p, x), { p: weights, x: shape([1, 3, height, width]) }),
  )
  return {
    async run(planes, { width, height }) {
      const { output } = await sized.run({ width, height }, { x: tensor('f32', [1, 3, height, width], planes) })
      return output!.data as Float32Array
    },
    close: () => sized.close(),
  }
}
