import type { Image } from '@latent/core'
import type { LabelledSet } from '@latent/data'
import { informationLoss, mean, recoverCoordinateMap } from '@latent/lab'
import { type Variant, encryptImage, imageOf } from './variants.ts'

/** What a variant's cipher takes from images by moving pixels; see `informationLoss`. 0 nothing, 1 all. */
export interface VariantInformation {
  /** From coordinates alone. */
  readonly coordinates: number
  /**
   * The mean over test images, pairs weighted by the likeness of their values, so that moving flat background costs
   * nothing.
   */
  readonly weighted: number
}

/** Ciphers with a map for every image are sampled. */
const MAPS = 8
const IMAGES = 32

/**
 * The coordinate map is read off with chosen images, so that any cipher can be asked.
 * @returns undefined for ciphers that change values: the measure knows only moved and lost pixels
 */
export async function variantInformation(
  variant: Variant,
  plain: LabelledSet,
): Promise<VariantInformation | undefined> {
  const maps: Uint32Array[] = []
  for (let i = 0; i < (variant.cipher.traits.randomised ? MAPS : 1); i++) {
    const opened = await recoverCoordinateMap(
      async (chosen: Image<'u8'>) => encryptImage(variant, chosen, 'probe', i),
      plain,
    )
    if (!opened) return undefined
    maps.push(opened.map)
  }
  const { width, height } = plain
  const count = Math.min(IMAGES, plain.labels.length)
  return {
    coordinates: mean(maps.map(map => informationLoss(map, width, height).total)),
    weighted: mean(
      Array.from(
        { length: count },
        (_, i) =>
          informationLoss(maps[i % maps.length]!, width, height, { image: imageOf(plain, i), weighted: true }).total,
      ),
    ),
  }
}
