import { LatentError } from '@latent/core'
import type { LabelledSetName } from '@latent/data'
import { cosineRate, triangularRate } from '@latent/graph'
import type { Schedule } from '@latent/graph'
import type { AugmentationOptions, Normalisation } from './augmentation.ts'

/**
 * Everything that decides how a classifier is trained, but for its data and its seed. Every variant of a comparison has
 * the same.
 */
export interface LearningSettings {
  readonly network: string
  readonly epochs: number
  readonly batchSize: number
  /** Gradient descent with momentum where nothing is said. */
  readonly optimiser?: 'muon'
  /** The highest learning rate. */
  readonly rate: number
  /**
   * `triangle`: a linear rise over the first quarter, then linearly to zero. `cosine`: from the highest rate to zero.
   */
  readonly schedule: 'triangle' | 'cosine'
  readonly weightDecay: number
  readonly augmentation: AugmentationOptions
  /** By the training set's own mean and deviation, or by constants. */
  readonly normalisation: 'measured' | Normalisation
}

const twoCore = { network: 'quick', batchSize: 128, schedule: 'triangle', normalisation: 'measured' } as const

const hours = {
  network: 'wide',
  batchSize: 256,
  optimiser: 'muon',
  rate: 0.04,
  schedule: 'triangle',
  weightDecay: 0,
  normalisation: 'measured',
} as const

/**
 * What the vortex paper's repository trains ResNet-18 on plain images with. Its encrypted variants differ
 * (inputs of 224 pixels, other batch sizes and weight decays; Fashion-MNIST at 32); ours do not.
 */
const paper = {
  network: 'resnet-18',
  batchSize: 256,
  rate: 0.1,
  schedule: 'cosine',
  weightDecay: 1e-4,
  augmentation: { padding: 4, mirror: true, colourJitter: true, ricap: 0.3, smoothing: 0 },
} as const
const HALF: Normalisation = { mean: [0.5], deviation: [0.5] }
/** Of ImageNet's training set, as that repository uses them. */
const IMAGENET: Normalisation = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] }

/** The preset that is meant where none is said. */
export const DEFAULT_PRESET = 'two-core'

/** Settings by preset and data set. */
export const PRESETS: Readonly<Record<string, Readonly<Record<LabelledSetName, LearningSettings>>>> = {
  /** Ours: minutes a run on two processor cores. Digits have no mirror images. */
  'two-core': {
    cifar10: {
      ...twoCore,
      epochs: 8,
      rate: 0.2,
      weightDecay: 5e-4,
      augmentation: { padding: 4, mirror: true, smoothing: 0.1 },
    },
    mnist: {
      ...twoCore,
      epochs: 4,
      rate: 0.1,
      weightDecay: 5e-4,
      augmentation: { padding: 2, mirror: false, smoothing: 0.1 },
    },
    'fashion-mnist': {
      ...twoCore,
      epochs: 3,
      rate: 0.1,
      weightDecay: 5e-4,
      augmentation: { padding: 2, mirror: true, smoothing: 0.1 },
    },
  },
  /** Ours: two hours a network on CIFAR-10, a thread each, where ResNet-18 takes a day. */
  hours: {
    cifar10: { ...hours, epochs: 10, augmentation: { padding: 4, mirror: true, smoothing: 0.1 } },
    mnist: { ...hours, epochs: 4, augmentation: { padding: 2, mirror: false, smoothing: 0.1 } },
    'fashion-mnist': { ...hours, epochs: 6, augmentation: { padding: 2, mirror: true, smoothing: 0.1 } },
  },
  paper: {
    cifar10: { ...paper, epochs: 100, normalisation: IMAGENET },
    mnist: { ...paper, epochs: 30, normalisation: HALF },
    'fashion-mnist': { ...paper, epochs: 50, normalisation: HALF },
  },
}

/** @throws E_ARGUMENT for an unknown preset or set */
export function findSettings(preset: string, set: LabelledSetName): LearningSettings {
  const known = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined
  if (!known)
    throw new LatentError('E_ARGUMENT', `there is no preset ${JSON.stringify(preset)}`, {
      hint: `known presets: ${Object.keys(PRESETS).join(', ')}`,
    })
  return known[set]
}

const RISE = 0.25

/** The learning rate by step that settings ask for. */
export const scheduleOf = ({ schedule, rate }: Pick<LearningSettings, 'schedule' | 'rate'>): Schedule =>
  schedule === 'cosine' ? cosineRate(rate) : triangularRate(rate, { rise: RISE })
