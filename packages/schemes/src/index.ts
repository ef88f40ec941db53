import { type ImageCipher, LatentError } from '@latent/core'

export * from './pictures.ts'

/** One entry of the registry: loading it brings in the scheme's code and opens its backend. */
export interface Scheme {
  readonly id: string
  /** Has trained weights, which `open` takes others for. */
  readonly trained?: boolean
  /** Nothing decrypts its pictures, not even for their owner: `decrypt` refuses. */
  readonly oneWay?: boolean
  /** Takes key files of its own, in JSON, beside keys of 32 bytes. */
  readonly keyFiles?: boolean
  /** The handle holds a backend and is to be closed. @throws E_WEIGHTS, E_BACKEND */
  open(options?: OpenOptions): Promise<OpenScheme>
}

export interface OpenScheme {
  readonly cipher: ImageCipher
  /** The SHA-256 of the weights in use, and which part of the cipher is left out if any is; absent where nothing was trained. */
  readonly weights?: string
  readonly close: () => Promise<void>
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

/** The exact flow with either set of weights, and with parts left out for the lab. */
export const exactFlowIds = ['exact-flow', 'exact-flow-trained', 'exact-flow-network-only', 'exact-flow-network-only-untrained', 'exact-flow-stream-only'] as const

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

function exactFlow(id: (typeof exactFlowIds)[number]): Scheme {
  return {
    id,
    trained: true,
    async open({ weights } = {}) {
      const { openVariant } = await import('./exact-flow/variants.ts')
      return openVariant(id, weights)
    },
  }
}

function learnable(id: string): Scheme {
  return {
    id,
    async open() {
      const { learnableCiphers } = await import('./learnable/index.ts')
      return { cipher: learnableCiphers[id]!(), close: async () => undefined }
    },
  }
}

function flowCrypt(id: 'flowcrypt-2025' | 'flowcrypt-2025-compact'): Scheme {
  return {
    id,
    trained: true,
    async open(options) {
      const { openFlowCrypt } = await import('./flowcrypt/index.ts')
      return openFlowCrypt(id, options)
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

/** The masked auto-encoder: as published in two forms, and repaired; for digits and for small photographs. */
export const maskAutoencoderIds = [
  'mask-autoencoder-2025',
  'mask-autoencoder-2025-cifar-conv',
  'mask-autoencoder-2025-cifar-repaired',
  'mask-autoencoder-2025-mnist-link',
  'mask-autoencoder-2025-mnist-conv',
  'mask-autoencoder-2025-mnist-repaired',
] as const

function maskAutoencoder(id: string): Scheme {
  return {
    id,
    trained: true,
    async open(options) {
      const { openMaskAutoencoder } = await import('./mask-autoencoder/index.ts')
      return openMaskAutoencoder(id, options)
    },
  }
}

/** Every scheme by its paper key. */
export const schemes: readonly Scheme[] = [
  ...exactFlowIds.map(exactFlow),
  flowCrypt('flowcrypt-2025'),
  flowCrypt('flowcrypt-2025-compact'),
  {
    id: 'vortex-2024',
    keyFiles: true,
    async open() {
      const { vortexPublished } = await import('./vortex/index.ts')
      return { cipher: vortexPublished(), close: async () => undefined }
    },
  },
  {
    id: 'vortex-2024-bijective',
    keyFiles: true,
    async open() {
      const { vortexBijective } = await import('./vortex/index.ts')
      return { cipher: vortexBijective(), close: async () => undefined }
    },
  },
  ...maskAutoencoderIds.map(maskAutoencoder),
  {
    id: 'encipher-gan-2023',
    trained: true,
    async open({ weights } = {}) {
      const { openPublished } = await import('./encipher-gan/index.ts')
      return openPublished(weights)
    },
  },
  {
    id: 'encipher-gan-2023-structured',
    trained: true,
    async open({ weights } = {}) {
      const { openStructured } = await import('./encipher-gan/index.ts')
      return openStructured(weights)
    },
  },
  {
    id: 'encipher-gan-2023-keyed',
    async open() {
      const { openKeyed } = await import('./encipher-gan/index.ts')
      return openKeyed()
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
  {
    id: 'ito-transform-2021',
    trained: true,
    oneWay: true,
    async open({ weights } = {}) {
      const { openIto } = await import('./ito-transform/index.ts')
      return openIto(weights)
    },
  },
  ...baselineIds.map(baseline),
]

/** @throws E_ARGUMENT for an unknown id, naming the known ones */
export function findScheme(id: string): Scheme {
  const scheme = schemes.find(candidate => candidate.id === id)
  if (!scheme) throw new LatentError('E_ARGUMENT', `there is no scheme ${JSON.stringify(id)}`, { hint: `known schemes: ${schemes.map(known => known.id).join(', ')}` })
  return scheme
}
