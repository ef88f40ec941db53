import { type ImageCipher, LatentError } from '@latent/core'

/** One entry of the registry: loading it brings in the scheme's code and opens its backend. */
export interface Scheme {
  readonly id: string
  /** What the scheme needs of the caller is open until the handle is closed. */
  open(): Promise<{ readonly cipher: ImageCipher; readonly close: () => Promise<void> }>
}

/** Every scheme by its paper key. */
export const schemes: readonly Scheme[] = [
  {
    id: 'exact-flow',
    async open() {
      const { exactFlowCipher, openExactFlow } = await import('./exact-flow/index.ts')
      const flow = await openExactFlow()
      return { cipher: exactFlowCipher(flow), close: () => flow.close() }
    },
  },
]

/** @throws E_ARGUMENT for an unknown id, naming the known ones */
export function findScheme(id: string): Scheme {
  const scheme = schemes.find(candidate => candidate.id === id)
  if (!scheme) throw new LatentError('E_ARGUMENT', `there is no scheme ${JSON.stringify(id)}`, { hint: `known schemes: ${schemes.map(known => known.id).join(', ')}` })
  return scheme
}
