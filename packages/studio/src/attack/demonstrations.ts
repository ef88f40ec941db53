/** An attack of the lab, and the cipher that it is shown on first. */
export interface Demonstration {
  readonly attack: string
  readonly victim: string
}

/** Attacks that run in seconds. Each is repeated on {@link SOUND}, where it must fail. */
export const DEMONSTRATIONS: readonly Demonstration[] = [
  { attack: 'known-mask', victim: 'logistic-xor' },
  { attack: 'coordinate-map', victim: 'vortex-2024' },
  { attack: 'helper-blocks', victim: 'tanaka-le' },
  { attack: 'squint', victim: 'ito-transform-2021' },
  { attack: 'diffusion-peel', victim: 'dense-resnet-2024' },
  { attack: 'linear-shared-blocks', victim: 'encipher-gan-2023-structured' },
]

/** What no attack here opens. */
export const SOUND = ['exact-flow', 'aes-256-ctr'] as const

/** Pixels a side of the picture under attack. */
export const SIDE = 64
