import type { ImageCipher } from '@latent/core'
import { extendedLearnableEncryption, learnableEncryption } from './block-nibbles.ts'
import { encryptionThenCompression } from './encryption-then-compression.ts'
import { perImagePermutation } from './per-image-permutation.ts'
import { pixelBased } from './pixel-based.ts'

export * from './block-nibbles.ts'
export * from './encryption-then-compression.ts'
export * from './per-image-permutation.ts'
export * from './pixel-based.ts'
export * from './sample-map.ts'

/** Ciphers meant to be trained on, by id. */
export const learnableCiphers: Readonly<Record<string, () => ImageCipher>> = Object.fromEntries(
  [
    learnableEncryption,
    extendedLearnableEncryption,
    ...[true, false].flatMap(sameKey => [false, true].map(shuffle => () => pixelBased({ shuffle, sameKey }))),
    encryptionThenCompression,
    perImagePermutation,
  ].map(make => [make().id, make]),
)
