import { LatentError } from '@latent/core'
import type { Study } from './study.ts'

export { chart, type ChartOptions, type ChartPoint } from './charts.ts'
export { renderStudy } from './html.ts'
export { contactSheet, enlarged } from './pictures.ts'
export * from './study.ts'

/** Studies by id; each is loaded when it is asked for. */
export const studies: Readonly<Record<string, () => Promise<Study>>> = {
  evaluations: async () => (await import('./evaluations/study.ts')).study,
  comparisons: async () => (await import('./comparisons/study.ts')).study,
  'flowcrypt-2025': async () => (await import('./flowcrypt/study.ts')).study,
  'exact-flow': () => import('./exact-flow/study.ts').then(({ study }) => study),
  'mask-autoencoder-2025': async () => (await import('./mask-autoencoder/study.ts')).study,
  'encipher-gan-2023': async () => (await import('./encipher-gan/study.ts')).study,
  'vortex-2024': async () => (await import('./vortex/study.ts')).study,
  'ito-transform-2021': async () => (await import('./ito-transform/study.ts')).study,
  'learnable-attacks': async () => (await import('./learnable-attacks/study.ts')).study,
  'dense-resnet-2024': async () => (await import('./dense-resnet/study.ts')).study,
}

/** @throws E_ARGUMENT for an unknown id, listing the known ones */
export async function findStudy(id: string): Promise<Study> {
  const load = Object.hasOwn(studies, id) ? studies[id] : undefined
  if (!load)
    throw new LatentError('E_ARGUMENT', `there is no study ${JSON.stringify(id)}`, {
      hint: `known studies: ${Object.keys(studies).join(', ')}`,
    })
  return load()
}
