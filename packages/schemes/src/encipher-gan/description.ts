import { describe } from '../contract/scheme.ts'

/** Below, instance norm has too few positions to take statistics of. */
export const MINIMUM_SIDE = 16

const FACTS = {
  paper: {
    authors: 'Panwar, Singh, Kukreja, Singh, Shakhovska, Boichuk',
    title: 'Encipher GAN: An End-to-End Color Image Encryption System Using a Deep Generative Model',
    year: 2023,
    where: 'MDPI Systems 11(1), 36',
  },
  accepts: { formats: ['u8', 'u16', 'f32'], sides: { minimum: MINIMUM_SIDE } },
  wire: ['u8'],
  exact: false,
} as const

const WEIGHTS_NOTE =
  'The weights are the secret; the bytes of the key do not enter. Whoever has the shipped weights decrypts.'

const trained = (id: string) =>
  ({ secret: 'weights', weights: { scheme: id, profile: 'paper', id: `${id}-paper` } }) as const

/** The published variant: instance norm, trained from a random start. */
export const PUBLISHED = describe({
  ...FACTS,
  ...trained('encipher-gan-2023'),
  id: 'encipher-gan-2023',
  title: 'Encipher GAN, as published (short training)',
  role: 'published',
  keySpace: {
    bits: 0,
    note:
      `${WEIGHTS_NOTE} Nominally 32 bits for each of 2,847,936 weights, but small changes of them change nothing ` +
      'that is seen.',
  },
})

/** Ours: thresholds in place of norms, structured start, trained. */
export const STRUCTURED = describe({
  ...FACTS,
  ...trained('encipher-gan-2023-structured'),
  id: 'encipher-gan-2023-structured',
  title: 'Encipher GAN, ours: thresholds, structured start',
  keySpace: {
    bits: 0,
    note: `${WEIGHTS_NOTE} Close to one linear map of 48 samples: a few dozen known blocks replace the weights.`,
  },
})

/**
 * Repaired as little as lets it learn (thresholds in place of norms), and learned from random weights on pictures free
 * for any use.
 */
export const LEARNED = describe({
  ...FACTS,
  ...trained('encipher-gan-2023-learned'),
  id: 'encipher-gan-2023-learned',
  title: 'Encipher GAN, learned from random weights: thresholds in place of norms, terms for what a cipher shows',
  role: 'repaired',
  keySpace: {
    bits: 0,
    note:
      `${WEIGHTS_NOTE} A network fitted to known pairs of pictures replaces them; ` +
      'how many it takes has not been measured.',
  },
})

/** Ours: nothing is trained, key and nonce draw the weights. */
export const KEYED = describe({
  ...FACTS,
  id: 'encipher-gan-2023-keyed',
  title: 'Encipher GAN, ours: weights drawn from the key',
  nonce: { use: 'fresh', bytes: 16, others: 'hashed' },
  checkable: true,
  keySpace: {
    bits: 256,
    note: 'The orthogonal 48x48 matrix is the equivalent key of one image: 48 known blocks of 4x4 pixels give it.',
  },
})
