import { defineAttack } from '../contract.ts'
import { advancedFeatureReconstruction, featureReconstruction } from '../feature-reconstruction.ts'
import { asPicture } from '../score.ts'

const SOURCE = 'Chang and Li 2020, Attacks on image encryption schemes for privacy-preserving deep neural networks'

/**
 * Every sample becomes the smaller of itself and its complement: see {@link featureReconstruction}. Digits on black: of
 * coloured scenes the channels fold into one another, and hardly more is recognised than in the cipher image itself.
 */
export const featureReconstructionAttack = defineAttack({
  id: 'feature-reconstruction',
  title: 'feature reconstruction: the smaller of a sample and its complement',
  threat: 'ciphertext-only',
  source: SOURCE,
  pictures: 'digits',
  positiveControl: { scheme: 'pixel-based-fresh', expects: 'leaks' },
  run: async ({ shape }) => ({
    open: targets => targets.map(target => featureReconstruction(asPicture(target, shape))),
  }),
})

/** Each pixel becomes the one of 48 that is nearest to its neighbours: see {@link advancedFeatureReconstruction}. */
export const advancedFeatureReconstructionAttack = defineAttack({
  id: 'feature-reconstruction-advanced',
  title: 'feature reconstruction by neighbours: order and complements of channels',
  threat: 'ciphertext-only',
  source: SOURCE,
  upTo: 'appearance',
  positiveControl: { scheme: 'pixel-based-shuffle-fresh', expects: 'leaks' },
  run: async ({ shape }) => ({
    open: targets =>
      targets.map(target => advancedFeatureReconstruction(asPicture(target, shape), { neighbours: 'both' })),
  }),
})
