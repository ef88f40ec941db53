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
    id: 'optical-hiding-2022',
    title: 'Phase-only light hidden in a host picture, one exposure, in the spirit of Zhang and Li 2022',
    role: 'variant',
    paper: {
      authors: 'Zhang, Li',
      title: 'Single exposure phase-only optical image encryption and hiding method via deep learning',
      year: 2022,
      where: 'IEEE Photonics Journal 14, 1-8',
    },
    accepts: { formats: ['u8', 'u16', 'f32'] },
    wire: ['u8', 'u16', 'f32'],
    exact: false,
    keySpace: {
      bits: 256,
      note: 'Two masks drawn from the key; host picture and reference light are public, and give the field to all.',
    },
    derivation: [
      { name: 'idea', value: 'phase-only light, one exposure, hidden in a picture', standing: 'source' },
      { name: 'network', value: 'left out: the masks decrypt, and nothing mends what rounding did', standing: 'ours' },
      { name: 'bench', value: 'two random masks and two lenses; distances are not open to us', standing: 'ours' },
      { name: 'phase', value: 'half a turn from black to white', standing: 'ours' },
      {
        name: 'one exposure',
        value: 'half of the points see the reference light a quarter of a turn later; its length is 4',
        standing: 'ours',
      },
      { name: 'hiding', value: 'a sixteenth of each sample, in a host picture of hills', standing: 'ours' },
      {
        name: 'masks',
        value: 'drawn from the key, the same for all pictures of a size and all channels',
        standing: 'ours',
      },
      { name: 'grid', value: 'sides padded with darkness to powers of two', standing: 'ours' },
    ],
    load: async () => (await import('./hiding.ts')).hidingTransform(),
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
