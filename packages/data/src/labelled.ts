/** Images of one size with their classes, in one array: image by image, row by row, channels together. */
export interface LabelledSet {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly classes: number
  readonly samples: Uint8Array
  readonly labels: Uint8Array
}

/** Sets that classifiers are trained on. */
export const LABELLED_SETS = ['cifar10', 'mnist', 'fashion-mnist'] as const
/** A published set whose images come with classes. */
export type LabelledSetName = (typeof LABELLED_SETS)[number]
