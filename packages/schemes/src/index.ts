import { type ImageCipher, LatentError } from '@latent/core'

/** One entry of the registry: loading it brings in the scheme's code and opens its backend. */
export interface Scheme {
  readonly id: string
  /** Has trained weights, which `open` takes others for. */
  readonly trained?: boolean
  /** The handle holds a backend and is to be closed. @throws E_WEIGHTS, E_BACKEND */
  open(options?: OpenOptions): Promise<{ readonly cipher: ImageCipher; readonly close: () => Promise<void> }>
}

export interface OpenOptions {
  /** A weight file to use instead of the weights that come with Latent; see `latent model add`. */
  readonly weights?: Uint8Array
}

/** The baselines that every scheme is compared with; `schemes` lists them after the schemes. */
export const baselineIds = [
  'aes-256-ctr',
  'aes-256-ctr-fixed',
  'aes-256-cbc',
  'aes-256-gcm',
  'chacha20',
  'identity',
  'fixed-permutation',
  'random-bytes',
  'xor-reused-mask',
  'logistic-xor',
  'logistic-leading-xor',
  'skew-tent-xor',
  'pwlcm-xor',
  'arnold-cat-map',
] as const

/** Ciphers whose images a network is meant to be trained on, beside the vortex. */
export const learnableIds = [
  'tanaka-le',
  'extended-le',
  'pixel-based',
  'pixel-based-shuffle',
  'pixel-based-fresh',
  'pixel-based-shuffle-fresh',
  'etc',
  'per-image-permutation',
] as const

function learnable(id: string): Scheme {
  return {
    id,
    async open() {
      const { learnableCiphers } = await import('./learnable/index.ts')
      return { cipher: learnableCiphers[id]!(), close: async () => undefined }
    },
  }
}

function baseline(id: string): Scheme {
  return {
    id,
    async open() {
      const { baselines } = await import('./baselines/index.ts')
      return { cipher: baselines[id]!(), close: async () => undefined }
    },
  }
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
  {
    id: 'vortex-2024',
    async open() {
      const { vortexPublished } = await import('./vortex/index.ts')
      return { cipher: vortexPublished(), close: async () => undefined }
    },
  },
  {
    id: 'vortex-2024-bijective',
    async open() {
      const { vortexBijective } = await import('./vortex/index.ts')
      return { cipher: vortexBijective(), close: async () => undefined }
    },
  },
  {
    id: 'dense-resnet-2024',
    trained: true,
    async open(options) {
      const { DESCRIBED, openDenseResnet } = await import('./dense-resnet/index.ts')
      return openDenseResnet(DESCRIBED, options)
    },
  },
  {
    id: 'dense-resnet-2024-repaired',
    trained: true,
    async open(options) {
      const { openDenseResnet, REPAIRED } = await import('./dense-resnet/index.ts')
      return openDenseResnet(REPAIRED, options)
    },
  },
  ...learnableIds.map(learnable),
  ...baselineIds.map(baseline),
]

/** @throws E_ARGUMENT for an unknown id, naming the known ones */
export function findScheme(id: string): Scheme {
  const scheme = schemes.find(candidate => candidate.id === id)
  if (!scheme) throw new LatentError('E_ARGUMENT', `there is no scheme ${JSON.stringify(id)}`, { hint: `known schemes: ${schemes.map(known => known.id).join(', ')}` })
  return scheme
}
