import { bytewise } from '../contract/bytewise.ts'
import { defineScheme, type Scheme } from '../contract/scheme.ts'

/** The scheme of this folder, for the registry. */
export const deepKeyGenSchemes: readonly Scheme[] = [
  defineScheme({
    id: 'deepkeygen-2022-drawn',
    title: 'DeepKeyGen (Ding et al. 2022) with a generator that is drawn, not trained',
    paper: {
      authors: 'Ding, Tan, Qin, Cao, Choo, Qin',
      title: 'DeepKeyGen: a deep learning-based stream cipher generator for medical image encryption and decryption',
      year: 2022,
      where: 'IEEE Transactions on Neural Networks and Learning Systems 33(9), 4915-4929',
    },
    keySpace: {
      bits: 256,
      note: 'The seed image, drawn from the key; one known image gives the key image, which opens all others.',
    },
    derivation: [
      { name: 'cipher', value: 'a network makes a key image of an initial image; XOR', standing: 'source' },
      { name: 'generator', value: 'convolutions /2, residual blocks, up again', standing: 'source' },
      { name: 'key bytes', value: 'round(127.5 (y + 1)) of outputs in -1..1', standing: 'inferred' },
      { name: 'widths', value: '8 and 16 channels, two residual blocks', standing: 'ours' },
      {
        name: 'weights',
        value: 'drawn from a public constant: no transformation domain, no training',
        standing: 'ours',
      },
      { name: 'activation', value: 'x / (1 + |x|) where the paper has a hyperbolic tangent', standing: 'ours' },
      { name: 'initial image', value: 'uniform noise, drawn from the key', standing: 'ours' },
    ],
    load: async () => bytewise((await import('./cipher.ts')).deepKeyGen),
  }),
]
