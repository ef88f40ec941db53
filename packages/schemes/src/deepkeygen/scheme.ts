import { type Constant, defineScheme, type Scheme } from '../contract/scheme.ts'

const PAPER = {
  authors: 'Ding, Tan, Qin, Cao, Choo, Qin',
  title: 'DeepKeyGen: a deep learning-based stream cipher generator for medical image encryption and decryption',
  year: 2022,
  where: 'IEEE Transactions on Neural Networks and Learning Systems 33(9), 4915-4929',
} as const

const WEIGHTS = { scheme: 'deepkeygen-2022', profile: 'compact' } as const

const COMMON: readonly Constant[] = [
  { name: 'cipher', value: 'a network makes a key image of an initial image; XOR', standing: 'source' },
  { name: 'generator', value: 'convolutions /2, residual blocks, up again', standing: 'source' },
  { name: 'key bytes', value: 'round(127.5 (y + 1)) of outputs in -1..1', standing: 'inferred' },
  {
    name: 'widths',
    value: '8 and 16 channels, two residual blocks; a patent of the authors has 64, 128 and 256, and six',
    standing: 'ours',
  },
  { name: 'norms', value: 'none, and no biases', standing: 'ours' },
  { name: 'activation', value: 'x / (1 + |x|) where the paper has a hyperbolic tangent', standing: 'ours' },
]

/** DeepKeyGen with a trained generator. */
export const deepKeyGen: Scheme = defineScheme({
  id: 'deepkeygen-2022',
  title: 'DeepKeyGen (Ding et al. 2022), reconstructed: a generator trained to make noise of clouds',
  role: 'reconstructed',
  paper: PAPER,
  weights: WEIGHTS,
  keySpace: {
    bits: 256,
    note:
      'The initial image, drawn from the key, and the weights, which are public; one known image gives the key ' +
      'image, which opens all others.',
  },
  derivation: [
    ...COMMON,
    { name: 'training', value: 'generator against discriminator, in turns', standing: 'source' },
    {
      name: 'transformation domain',
      value: 'uniform noise; which pictures the paper has is not open to us',
      standing: 'ours',
    },
    {
      name: 'discriminator',
      value: 'patches, from 8 channels, least squares, slow and behind noise; 5,000 steps of four 32 x 32',
      standing: 'ours',
    },
    {
      name: 'statistics',
      value: 'uniform values, unlike neighbours, and unlike key images of different keys are asked for beside the game',
      standing: 'ours',
    },
    { name: 'initial image', value: 'clouds, drawn from the key; the paper has medical images', standing: 'ours' },
  ],
  load: async ({ weights } = {}) => {
    const [{ trainedKeyImages }, { modelFor }] = await Promise.all([
      import('./cipher.ts'),
      import('../models/index.ts'),
    ])
    return trainedKeyImages(await modelFor(WEIGHTS, weights))
  },
})

/** The schemes of this folder, for the registry. */
export const deepKeyGenSchemes: readonly Scheme[] = [
  deepKeyGen,
  defineScheme({
    id: 'deepkeygen-2022-drawn',
    title: 'DeepKeyGen (Ding et al. 2022) with a generator that is drawn, not trained',
    paper: PAPER,
    keySpace: {
      bits: 256,
      note: 'The seed image, drawn from the key; one known image gives the key image, which opens all others.',
    },
    derivation: [
      ...COMMON,
      {
        name: 'weights',
        value: 'drawn from a public constant: no transformation domain, no training',
        standing: 'ours',
      },
      { name: 'initial image', value: 'uniform noise, drawn from the key', standing: 'ours' },
    ],
    load: async () => (await import('./cipher.ts')).drawnKeyImages(),
  }),
]
