import { deriveKey, type Image } from '@latent/core'
import { drawPicture } from '@latent/data'
import { linear, type Reconstructor, sharedBlocks, sharedPixels } from '@latent/lab/attacks/trained'

/** Pixels a side of every picture. */
export const SIDE = 16
const CIPHERS = [
  'identity',
  'pixel-based',
  'pixel-based-shuffle',
  'tanaka-le',
  'extended-le',
  'etc',
  'vortex-2024',
  'vortex-2024-bijective',
  'fixed-permutation',
  'aes-256-ctr',
] as const
/** A cipher that is attacked. */
export type CipherId = (typeof CIPHERS)[number]
/** Must be opened, and must not be: otherwise nothing that was measured counts. */
export const CONTROLS = { broken: 'identity', whole: 'aes-256-ctr' } as const

interface Attacker {
  readonly network: Reconstructor
  readonly published: boolean
  readonly steps: number
  readonly rate: number
  readonly pairs: number
  /** Ciphers that it is tried on; all, if absent. */
  readonly only?: readonly CipherId[]
}

const PIXEL_CIPHERS = ['identity', 'pixel-based', 'pixel-based-shuffle', 'aes-256-ctr'] as const
/** Attackers with known pairs: published ones and ours, with the training of each. */
export const ATTACKERS: readonly Attacker[] = [
  { network: sharedPixels, published: true, steps: 150, rate: 4e-3, pairs: 500, only: PIXEL_CIPHERS },
  { network: sharedBlocks, published: true, steps: 400, rate: 4e-3, pairs: 500 },
  { network: linear('pixel'), published: false, steps: 250, rate: 2e-2, pairs: 500 },
  { network: linear('block'), published: false, steps: 250, rate: 2e-2, pairs: 500 },
  { network: linear('image'), published: false, steps: 700, rate: 3e-3, pairs: 4000 },
]
/**
 * Under another key for each pair: the published networks, and the one of ours that is quickest to learn what is left.
 */
export const DIFFERENT = new Set([sharedPixels.id, sharedBlocks.id, 'linear-block'])
/** Which cipher is attacked without pairs, by which network. */
export const UNPAIRED: readonly {
  readonly cipher: CipherId
  readonly network: Reconstructor
  readonly steps: number
}[] = [
  { cipher: 'identity', network: sharedBlocks, steps: 500 },
  { cipher: 'pixel-based', network: sharedBlocks, steps: 500 },
  { cipher: 'tanaka-le', network: sharedBlocks, steps: 500 },
  { cipher: 'etc', network: sharedBlocks, steps: 500 },
  { cipher: 'aes-256-ctr', network: sharedBlocks, steps: 500 },
]

/** How much is attacked, with how many known pictures, and for how long. */
export interface Budget {
  readonly ciphers: readonly CipherId[]
  readonly known: number
  readonly secret: number
  /** Part of the steps above. */
  readonly part: number
}
/** What figures are published of. */
export const FULL: Budget = { ciphers: CIPHERS, known: 4000, secret: 100, part: 1 }
/** What shows only that everything runs. */
export const QUICK: Budget = { ciphers: ['identity', 'tanaka-le', 'aes-256-ctr'], known: 60, secret: 8, part: 0.02 }

/** Steps of a training under a budget, two at least. */
export const scaled = (steps: number, { part }: Budget): number => Math.max(2, Math.round(steps * part))

/** A picture that Latent draws, shown beside the scores. */
export const drawn = (): Promise<Image<'u8'>> => drawPicture('landscape', SIDE, SIDE, 3)

/** A key of 32 bytes by number; the same for the same seed. */
export const keyOf = async (seed: number, number: number): Promise<Uint8Array> =>
  deriveKey(new TextEncoder().encode(`learned attacks, seed ${seed}, key ${number}`), 'latent/v1/lab/study')
