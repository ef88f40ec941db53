import { initialise, type Tensor } from '@latent/graph'
import {
  type FlowCrypt,
  type FlowCryptRunner,
  flowCryptParameters,
  initialFlowCrypt,
  runnerOf,
  SHAPES,
} from '@latent/schemes/flowcrypt'
import { loadModel, networkWeights } from '@latent/schemes/models'
import type { Profile } from '@latent/schemes/recipes'
import type { StudyContext } from '../study.ts'
import { type Planes, planesOf } from './planes.ts'

const FLOWCRYPT_OF: Readonly<Record<Profile, string>> = { paper: 'flowcrypt-2025', compact: 'flowcrypt-2025-compact' }

/** Pixels a side of the pictures of a study. */
export const sideOf = ({ quick }: StudyContext): number => (quick ? 64 : 256)

/** One network under study, with its weights. */
export interface Variant {
  readonly name: string
  /** Measured on every so many-th picture: the paper's network costs eight times as much as the others. */
  readonly every: number
  readonly profile: Profile
  readonly weights: FlowCrypt<Tensor<'f32'>>
  readonly runner: FlowCryptRunner
}

/**
 * A network whose weights come with Latent, or can be fetched.
 * @param every measure every so many-th picture
 * @throws E_WEIGHTS
 */
export async function shipped(name: string, profile: Profile, id: string, every: number): Promise<Variant> {
  const weights = networkWeights(
    await loadModel(id, { scheme: FLOWCRYPT_OF[profile], profile }),
    'flowcrypt',
    flowCryptParameters(SHAPES[profile]),
  )
  return { name, every, profile, weights, runner: runnerOf(weights) }
}

/** The compact network as training finds it. */
export async function untrained(): Promise<Variant> {
  const weights = (await initialise(await initialFlowCrypt(SHAPES.compact, 1), 1)) as FlowCrypt<Tensor<'f32'>>
  return { name: 'compact, before training', every: 10, profile: 'compact', weights, runner: runnerOf(weights) }
}

/** The first so many photographs, as planes. */
export async function someImages(context: StudyContext, count: number): Promise<Planes[]> {
  return (await context.images(`bsds500/val@${sideOf(context)}`, context.quick ? 1 : count)).map(({ image }) =>
    planesOf(image),
  )
}
