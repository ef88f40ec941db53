import { type Compiled, compile, decodeSafetensors, shape, tensor } from '@latent/graph'
import type { Expr, Operand, Parameter, Tensor } from '@latent/graph'
import type { TileTransform } from '../learned/index.ts'
import { loadModel, type Model, networkWeights, readModel } from '../models/index.ts'
import { decryptNetwork, type DenseNetwork, encryptNetwork, type Form, networkParameters, type Widths, WIDTHS } from './network.ts'

/** Sets of weights: `paper` and `compact` are of the `own` form, `published` has instance norms and the widths of `paper`. */
export const PROFILES: Readonly<Record<string, { readonly form: Form; readonly widths: Widths }>> = {
  paper: { form: 'own', widths: WIDTHS.paper },
  compact: { form: 'own', widths: WIDTHS.compact },
  published: { form: 'published', widths: WIDTHS.paper },
}

/** All variants have the weights of one training; their scheme is the first one's. */
const SCHEME = 'dense-resnet-2024'

/** Both networks with their weights, compiled for each size of tile that is asked for. */
export interface DenseNetworks {
  readonly form: Form
  readonly profile: string
  readonly sha256: string
  readonly parameters: { readonly encryption: DenseNetwork<Parameter>; readonly decryption: DenseNetwork<Parameter> }
  readonly encrypt: TileTransform
  readonly decrypt: TileTransform
  close(): Promise<void>
}

/** Weights that come with Latent, or a file that a user supplies. @throws E_WEIGHTS */
export async function denseResnetModel(weights?: Uint8Array, profile = 'paper'): Promise<Model> {
  if (!weights) return loadModel(`${SCHEME}-${profile}`, { scheme: SCHEME, profile })
  const named = decodeSafetensors(weights).metadata['profile']
  return readModel(weights, { scheme: SCHEME, profile: named !== undefined && Object.hasOwn(PROFILES, named) ? named : profile })
}

/** @throws E_WEIGHTS if the weights do not fit their profile */
export function openNetworks(model: Model): DenseNetworks {
  const { form, widths } = PROFILES[model.profile]!
  const parameters = { encryption: networkParameters(form, widths), decryption: networkParameters(form, widths) }
  const encrypt = bySize(networkWeights(model, 'encryption', parameters.encryption), (p, x) => encryptNetwork(form, p, x))
  const decrypt = bySize(networkWeights(model, 'decryption', parameters.decryption), (p, x) => decryptNetwork(form, p, x))
  return {
    form,
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

/** Most images have tiles of four sizes: inner ones, right edge, lower edge, corner. */
const KEPT = 4

/** A network compiled for every size of image it meets; the sizes used last are kept. Runs wait for one another. */
function bySize(weights: DenseNetwork<Tensor<'f32'>>, network: (p: DenseNetwork<Operand>, x: Expr) => Expr): { run: TileTransform; close: () => Promise<void> } {
  const kept = new Map<string, Compiled>()
  let turn: Promise<unknown> = Promise.resolve()
  async function compiledFor(width: number, height: number): Promise<Compiled> {
    const name = `${width}x${height}`
    let compiled = kept.get(name)
    kept.delete(name)
    compiled ??= await compile(({ p, x }) => network(p, x), { p: weights, x: shape([1, 3, height, width]) })
    kept.set(name, compiled)
    const [oldest] = kept.keys()
    if (kept.size > KEPT) {
      await kept.get(oldest!)!.close()
      kept.delete(oldest!)
    }
    return compiled
  }
  return {
    run(planes, { width, height }) {
      const result = turn.then(async () => {
        const compiled = await compiledFor(width, height)
        const { output } = await compiled.run({ x: tensor('f32', [1, 3, height, width], planes) })
        return (output!.data as Float32Array).slice()
      })
      turn = result.catch(() => undefined)
      return result
    },
    async close() {
      await turn
      for (const compiled of kept.values()) await compiled.close()
      kept.clear()
    },
  }
}
