import type { ImageCipher } from '@latent/core'
import { loadModel, readModel } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { flowCryptCipher } from './cipher.ts'
import { SHAPES } from './network.ts'
import { flowCryptRunner } from './runner.ts'

export * from './cipher.ts'
export * from './initial.ts'
export * from './key.ts'
export * from './network.ts'
export * from './runner.ts'
export * from './split.ts'

/** What the registry offers: the published dimensions, and a network that is quick on a processor. */
export const FLOWCRYPTS: Readonly<Record<'flowcrypt-2025' | 'flowcrypt-2025-compact', { readonly title: string; readonly profile: Profile }>> = {
  'flowcrypt-2025': { title: 'FlowCrypt (Yang et al. 2025)', profile: 'paper' },
  'flowcrypt-2025-compact': { title: 'FlowCrypt, a compact network', profile: 'compact' },
}

/**
 * A FlowCrypt cipher with its shipped weights, or with others.
 * @param weights a weight file of the same scheme
 * @throws E_WEIGHTS, E_BACKEND
 */
export async function openFlowCrypt(id: keyof typeof FLOWCRYPTS, { weights }: { weights?: Uint8Array } = {}): Promise<{ cipher: ImageCipher; weights: string; close: () => Promise<void> }> {
  const { title, profile } = FLOWCRYPTS[id]
  const wanted = { scheme: id, profile }
  const model = weights ? readModel(weights, wanted) : await loadModel(id, wanted)
  const runner = flowCryptRunner(model, SHAPES[profile])
  return { cipher: flowCryptCipher({ id, title, profile, model, runner }), weights: model.sha256, close: () => runner.close() }
}
