import { bytewise } from '../contract/bytewise.ts'
import { defineScheme, type Scheme } from '../contract/scheme.ts'

/** The scheme of this folder, for the registry. */
export const maniyathSchemes: readonly Scheme[] = [
  defineScheme({
    id: 'maniyath-2020',
    title: 'In the spirit of Maniyath and Thanikaiselvan 2020: a deep network between chaos and key stream',
    role: 'variant',
    paper: {
      authors: 'Maniyath, Thanikaiselvan',
      title: 'An efficient image encryption using deep neural network and chaotic map',
      year: 2020,
      where: 'Microprocessors and Microsystems 77, 103134',
    },
    keySpace: {
      bits: 208,
      note: 'Four doubles of 52 bits; nothing depends on the image, so that chosen images replace the key.',
    },
    derivation: [
      { name: 'parts', value: 'a deep neural network makes the keys, a chaotic map encrypts', standing: 'source' },
      { name: 'chaos', value: 'logistic map', standing: 'inferred' },
      { name: 'network', value: 'dense 16-32-32-16, x / (1 + |x|), its weights an orbit of the map', standing: 'ours' },
      { name: 'key stream', value: 'trailing bytes of what the network makes of 16 states', standing: 'ours' },
      { name: 'order', value: 'permutation by sorting, then XOR', standing: 'ours' },
    ],
    load: async () => bytewise((await import('./cipher.ts')).maniyath),
  }),
]
