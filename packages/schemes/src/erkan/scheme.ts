import { bytewise } from '../contract/bytewise.ts'
import { defineScheme, type Scheme } from '../contract/scheme.ts'

/** The scheme of this folder, for the registry. */
export const erkanSchemes: readonly Scheme[] = [
  defineScheme({
    id: 'erkan-2022',
    title: 'Erkan et al. 2022: a CNN and a logarithmic map make the key',
    role: 'reconstructed',
    paper: {
      authors: 'Erkan, Toktas, Enginoğlu, Akbacak, Thanh',
      title: 'An image encryption scheme based on chaotic logarithmic map and key generation using deep CNN',
      year: 2022,
      where: 'Multimedia Tools and Applications 81, 7365-7391',
    },
    keySpace: {
      bits: 256,
      note: 'The secret half of the main key; the network gives the public half, which travels with the image.',
    },
    derivation: [
      { name: 'main key', value: 'secret key XOR public key', standing: 'source' },
      { name: 'public key', value: 'what a convolutional network makes of the image', standing: 'source' },
      { name: 'operations', value: 'permutation, DNA encoding, diffusion, bit reversion', standing: 'source' },
      { name: 'chaos', value: 'a logarithmic map; its formula is not open to us', standing: 'inferred' },
      { name: 'map', value: 'frac(a |ln x|), a in [10, 20), transient of 1000', standing: 'ours' },
      {
        name: 'network',
        value: '16 x 16 means, two layers of 3 x 3 kernels, 8 channels, drawn and not trained',
        standing: 'ours',
      },
      { name: 'permutation', value: 'sorting of states', standing: 'ours' },
      { name: 'DNA rules', value: 'two of eight a byte, no addition', standing: 'ours' },
      { name: 'diffusion', value: 'XOR with a stream and the byte before, both ways', standing: 'ours' },
    ],
    load: async () => bytewise((await import('./cipher.ts')).erkan),
  }),
]
