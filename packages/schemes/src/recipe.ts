import type { Image } from '@latent/core'
import type { Schedule, Tensor, Training } from '@latent/graph'

/** `compact` trains on two CPU cores in minutes to hours; `paper` has the published dimensions. */
export type Profile = 'compact' | 'paper'

/**
 * What a recipe needs of the machine it trains on: images are decoded by the caller, so that recipes know no file
 * system.
 */
export interface RecipeContext {
  readonly profile: Profile
  readonly seed: number
  /** Weights of an earlier run are given: nothing needs to be brought in slowly. */
  readonly continued?: boolean
  /**
   * Pictures in a batch, where somebody watches and few have to do: for the recipes of the masked auto-encoder. The
   * recipe's own otherwise.
   */
  readonly batchSize?: number
  /** All images of one split of a data set, as bytes with 1 or 3 channels, in order of name. @throws E_DATA */
  readonly images: (set: string, split: string) => Promise<readonly Image<'u8'>[]>
  /** The class of each of those images, for recipes that learn classes. @throws E_DATA */
  readonly labels?: (set: string, split: string) => Promise<Uint8Array>
}

/** A training problem ready to run: what `train` of @latent/graph takes, but for the files. */
export interface RecipeRun {
  readonly training: Training<never, never>
  readonly rates: readonly Schedule[]
  readonly steps: number
  readonly batchSize: number
  readonly data: (step: number) => Promise<Readonly<Record<string, Tensor>>>
  readonly validation?: {
    readonly every: number
    readonly patience: number
    readonly score: (weights: Record<string, Tensor<'f32'>>) => Promise<number>
  }
  /** Figures for the log alone; see `train` of @latent/graph. */
  readonly watch?: {
    readonly every: number
    readonly measure: (weights: Record<string, Tensor<'f32'>>) => Promise<Readonly<Record<string, number>>>
  }
  /** What the score is, for people. */
  readonly scoreName?: string
  readonly close?: () => Promise<void>
}

/** How one network is trained; lives beside the scheme it belongs to. */
export interface Recipe {
  readonly id: string
  readonly title: string
  /** What it is trained on, and on which terms that may be used: one sentence for the card of the weights. */
  readonly data: string
  /**
   * How long those who published it trained, in words, or what they leave open. Recipes are shorter than any
   * publication: `--profile paper` gives a network its published width, and not a published training.
   */
  readonly published: string
  /** Networks whose weights are shipped, if not all (a discriminator is not). */
  readonly ships?: readonly string[]
  readonly open: (context: RecipeContext) => Promise<RecipeRun>
}
