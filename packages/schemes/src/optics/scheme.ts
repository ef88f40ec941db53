import { defineScheme, type Scheme } from '../contract/scheme.ts'

/** The ciphers of this folder, for the registry: optics that is simulated. */
export const opticsSchemes: readonly Scheme[] = [
  defineScheme({
    id: 'drpe-1995',
    title: 'Double random phase encoding (Refregier and Javidi 1995)',
    role: 'published',
    paper: {
      authors: 'Refregier, Javidi',
      title: 'Optical image encryption based on input plane and Fourier plane random encoding',
      year: 1995,
      where: 'Optics Letters 20(7), 767-769',
    },
    accepts: { formats: ['u8', 'u16', 'f32'] },
    wire: ['f32', 'u16', 'u8'],
    exact: false,
    keySpace: {
      bits: 256,
      note: 'Two masks drawn from the key; the Fourier mask alone decrypts, also where many of its angles are wrong.',
    },
    derivation: [
      { name: 'bench', value: 'mask, lens, mask, lens; two independent uniform phase masks', standing: 'source' },
      { name: 'plain picture', value: 'amplitude of the light, without phase', standing: 'source' },
      { name: 'cipher', value: 'the complex field, real and imaginary parts', standing: 'source' },
      {
        name: 'masks',
        value: 'drawn from the key, the same for all pictures of a size and all channels',
        standing: 'ours',
      },
      { name: 'grid', value: 'sides padded with darkness to powers of two', standing: 'ours' },
      { name: 'range', value: '-3 to 3 in integer formats', standing: 'ours' },
    ],
    load: async () => (await import('./drpe.ts')).drpeTransform(),
  }),
  defineScheme({
    id: 'ghost-imaging',
    title: 'Ghost imaging as a cipher, in the spirit of Kang et al. 2021',
    role: 'variant',
    paper: {
      authors: 'Kang, Zhang, Ye, Zhang, Zhuang',
      title:
        'Ghost imaging-based optical cryptosystem for multiple images using integral property of the Fourier transform',
      year: 2021,
      where: 'Chinese Physics B 30, 124207',
    },
    accepts: { formats: ['u8', 'u16', 'f32'] },
    wire: ['f32', 'u16'],
    exact: false,
    keySpace: {
      bits: 256,
      note: 'Order and pixels of 256 patterns; all of it is one linear map of 256 samples, which known squares give.',
    },
    derivation: [
      { name: 'principle', value: 'patterns, a detector without resolution, sums as cipher', standing: 'source' },
      { name: 'patterns', value: 'Hadamard, light and dark, permuted by the key', standing: 'inferred' },
      {
        name: 'formats',
        value: 'floats or 16 bits: in bytes, what one pixel changes is less than a level',
        standing: 'ours',
      },
      { name: 'squares', value: '16 x 16 pixels, 256 patterns each', standing: 'ours' },
      { name: 'one picture', value: 'the paper multiplexes several; how is not open to us', standing: 'ours' },
    ],
    load: async () => (await import('./ghost.ts')).ghostTransform(),
  }),
]
