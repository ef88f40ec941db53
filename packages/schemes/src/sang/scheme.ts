import { defineScheme, type Scheme } from '../contract/scheme.ts'

const WEIGHTS = { scheme: 'sang-2022', profile: 'compact' } as const

/** The scheme of this folder, for the registry. */
export const sangSchemes: readonly Scheme[] = [
  defineScheme({
    id: 'sang-2022',
    title: 'Logistic scrambling, then a deep auto-encoder, in the spirit of Sang, Sang and Alam 2022',
    paper: {
      authors: 'Sang, Sang, Alam',
      title: 'Image encryption based on logistic chaotic systems and deep autoencoder',
      year: 2022,
      where: 'Pattern Recognition Letters 153, 59-66',
    },
    accepts: { formats: ['u8', 'u16', 'f32'] },
    wire: ['u8', 'u16', 'f32'],
    exact: false,
    weights: WEIGHTS,
    keySpace: {
      bits: 104,
      note:
        'Two doubles of about 52 bits; the weights are public and decode to the scrambled samples, whose order one ' +
        'known picture nearly gives.',
    },
    derivation: [
      { name: 'parts', value: 'pixels scrambled by a logistic map, then a deep auto-encoder', standing: 'source' },
      { name: 'cipher image', value: 'what the encoder makes', standing: 'source' },
      { name: 'scrambling', value: 'samples of all planes by the order of the states', standing: 'inferred' },
      { name: 'auto-encoder', value: 'full layers 64 - 128 - 64 - 128 - 64 on blocks of samples', standing: 'ours' },
      { name: 'codes', value: 'sigmoids, as many as samples: scrambled ones cannot be compressed', standing: 'ours' },
      { name: 'its training', value: '5,000 steps of four crops of 32 x 32, mean squared error', standing: 'ours' },
    ],
    load: async ({ weights } = {}) => {
      const [{ scrambledTransform }, { modelFor }] = await Promise.all([
        import('./cipher.ts'),
        import('../models/index.ts'),
      ])
      return scrambledTransform(await modelFor(WEIGHTS, weights))
    },
  }),
]
