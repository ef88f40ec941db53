import type { ImageCipher } from '@latent/core'
import { arnoldCatMap } from './cat-map.ts'
import { logistic, logisticLeading, piecewiseLinear, skewTent } from './chaotic.ts'
import { fixedPermutation, identity, randomNoise, reusedMask } from './controls.ts'
import { aesCbc, aesCtrFixed, aesCtrFresh, aesGcm, chacha20 } from './standard.ts'

export * from '../byte-cipher.ts'
export * from './cat-map.ts'
export * from './chaotic.ts'
export * from './controls.ts'
export * from './standard.ts'

/** Every baseline by its id: standard ciphers, controls, and chaotic ciphers as usually published. */
export const baselines: Readonly<Record<string, () => ImageCipher>> = Object.fromEntries(
  [
    aesCtrFresh,
    aesCtrFixed,
    aesCbc,
    aesGcm,
    chacha20,
    identity,
    fixedPermutation,
    randomNoise,
    reusedMask,
    logistic,
    logisticLeading,
    skewTent,
    piecewiseLinear,
    arnoldCatMap,
  ].map(make => [make().id, make]),
)
