import type { Description, LoadOptions, Transform } from '../contract/scheme.ts'
import { modelFor } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { flowCryptTransform } from './cipher.ts'
import { SHAPES } from './network.ts'
import { flowCryptRunner } from './runner.ts'

export * from './cipher.ts'
export * from './initial.ts'
export * from './key.ts'
export * from './network.ts'
export * from './runner.ts'
export * from './description.ts'
export * from './split.ts'

/**
 * The network with its shipped weights, or with others.
 * @throws E_WEIGHTS, E_BACKEND
 */
export async function loadFlowCrypt(
  { weights: wanted }: Pick<Description, 'weights'>,
  { weights }: LoadOptions = {},
): Promise<Transform> {
  const model = await modelFor(wanted!, weights)
  const profile = model.profile as Profile
  return flowCryptTransform({ profile, model, runner: flowCryptRunner(model, SHAPES[profile]) })
}
