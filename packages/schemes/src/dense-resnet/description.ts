import { describe } from '../contract/scheme.ts'

/** The smallest image is one that every layer can see the middle of. */
export const MINIMUM_SIDE = 8

const FACTS = {
  paper: {
    authors: 'Bao et al.',
    title: 'Color image encryption based on lite dense-ResNet and bit-XOR diffusion',
    year: 2024,
    where: 'Multimedia Tools and Applications 83, 12819-12848',
  },
  accepts: { formats: ['u8', 'u16', 'f32'], sides: { minimum: MINIMUM_SIDE } },
  wire: ['u8'],
  exact: false,
  checkable: true,
  keySpace: {
    bits: 256,
    note:
      'the 32-byte key of the XOR diffusion; the weights of the networks are public and fixed, and protect ' +
      'nothing once the diffusion is off',
  },
  // The first two have the weights of one training, from random ones.
  weights: {
    scheme: 'dense-resnet-2024',
    profile: 'paper',
    id: 'dense-resnet-2024-paper',
    others: ['dense-resnet-2024-structured-paper'],
  },
} as const

/** What is said of each Dense-ResNet cipher without code or weights. */
export const DESCRIPTIONS = {
  'dense-resnet-2024': describe({
    ...FACTS,
    id: 'dense-resnet-2024',
    title:
      'Bit-XOR diffusion (as Bao et al. 2024 name it) behind a Dense-ResNet learned from random weights: no norms, ' +
      'terms for what a cipher shows',
    nonce: { use: 'optional', bytes: 16, others: 'as they are' },
  }),
  'dense-resnet-2024-repaired': describe({
    ...FACTS,
    id: 'dense-resnet-2024-repaired',
    title: 'The same networks with S-box diffusion in three passes and a fresh nonce (own repair of Bao et al. 2024)',
    role: 'repaired',
    nonce: { use: 'fresh', bytes: 16, others: 'as they are' },
  }),
  'dense-resnet-2024-structured': describe({
    ...FACTS,
    id: 'dense-resnet-2024-structured',
    title:
      'Dense-ResNet trained from a code written by hand: no norms; S-box diffusion in three passes and a fresh nonce',
    nonce: { use: 'fresh', bytes: 16, others: 'as they are' },
    weights: { scheme: 'dense-resnet-2024', profile: 'paper', id: 'dense-resnet-2024-structured-paper' },
  }),
}

/** Id of one of them. */
export type DenseResnetId = keyof typeof DESCRIPTIONS
