import { type Constant, defineScheme, type Description, type Scheme } from '../contract/scheme.ts'
import type { PlaneCipher } from './cipher.ts'

/** Weights that the systems of this folder share. */
export const COMPRESSOR = { scheme: 'autoencoder-compressor', profile: 'compact' } as const

const COMMON: readonly Constant[] = [
  { name: 'auto-encoder', value: 'ours: two convolutions and three residual blocks of 24 channels', standing: 'ours' },
  { name: 'its training', value: '8819 steps of eight crops of 32 x 32, mean squared error', standing: 'ours' },
]

const system = (
  facts: Pick<Description, 'id' | 'title' | 'paper' | 'keySpace'> & { readonly derivation: readonly Constant[] },
  plane: () => Promise<PlaneCipher>,
): Scheme =>
  defineScheme({
    ...facts,
    derivation: [...facts.derivation, ...COMMON],
    wire: ['u8'],
    exact: false,
    weights: COMPRESSOR,
    load: async ({ weights } = {}) => {
      const [{ compressorTransform }, { modelFor }] = await Promise.all([
        import('./cipher.ts'),
        import('../models/index.ts'),
      ])
      return compressorTransform(await modelFor(COMPRESSOR, weights), await plane())
    },
  })

/** Whether their weights lie in `models/`: until then they take weights of one's own. */
const TRAINED = true

/** Systems in which an auto-encoder stands before a chaotic cipher. */
export const compressorSystems: readonly Scheme[] = [
  system(
    {
      id: 'fawad-2022',
      title: 'Auto-encoder, DNA and chaotic S-boxes, in the spirit of Ahmed et al. 2022',
      paper: {
        authors: 'Ahmed, Rehman, Ahmad, Khan, Boulila, Srivastava, Lin, Buchanan',
        title: 'A DNA based colour image encryption scheme using a convolutional autoencoder',
        year: 2022,
        where: 'ACM Transactions on Multimedia Computing, Communications, and Applications',
      },
      keySpace: {
        bits: 256,
        note: 'Five doubles drawn from the key; nothing depends on the picture: a table for each place replaces them.',
      },
      derivation: [
        {
          name: 'parts',
          value: 'an auto-encoder to one plane, DNA, several chaotic sequences, S-boxes',
          standing: 'source',
        },
        { name: 'order', value: 'DNA addition, then one of three S-boxes', standing: 'ours' },
        { name: 'chaos', value: 'Lorenz for the stream, rules and picks; logistic for the S-boxes', standing: 'ours' },
      ],
    },
    async () => (await import('./planes.ts')).dnaAndBoxes,
  ),
  system(
    {
      id: 'chen-2020',
      title: 'Learned compression, sliding and chaos, in the spirit of Chen et al. 2020',
      paper: {
        authors: 'Chen, Guo, Jing',
        title:
          'General image encryption algorithm based on deep learning compressed sensing and compound chaotic system',
        year: 2020,
        where: 'Acta Physica Sinica 69(24), 99-111',
      },
      keySpace: { bits: 104, note: 'Two doubles of about 52 bits; one known plane gives stream and slides.' },
      derivation: [
        { name: 'parts', value: 'learned compression, chaos, sliding scrambling', standing: 'source' },
        { name: 'vector decomposition', value: 'left out: its equations are not open to us', standing: 'ours' },
        { name: 'chaos', value: 'logistic map alone; the cloud model is not open to us', standing: 'inferred' },
        { name: 'sliding', value: 'rows, then columns, turned round', standing: 'inferred' },
        { name: 'mask', value: 'XOR with trailing bytes', standing: 'ours' },
      ],
    },
    async () => (await import('./planes.ts')).slidAndMasked,
  ),
  system(
    {
      id: 'wang-lo-2024',
      title: 'Learned compression with a keyed parameter matrix, in the spirit of Wang and Lo 2024',
      paper: {
        authors: 'Wang, Lo',
        title: 'Autoencoder-based joint image compression and encryption',
        year: 2024,
        where: 'Journal of Information Security and Applications 80, 103680',
      },
      keySpace: {
        bits: 104,
        note: 'Two doubles of about 52 bits; matrix and order are the same for every picture of a size.',
      },
      derivation: [
        {
          name: 'parts',
          value: 'learned compression; a logistic map under the key makes a parameter matrix of the synthesis network',
          standing: 'source',
        },
        {
          name: 'which parameters',
          value: 'those of its first layer, by an orthogonal matrix on the four codes of a place',
          standing: 'ours',
        },
        { name: 'analysis', value: 'codes are multiplied by that matrix, at half of the range', standing: 'ours' },
        {
          name: 'order',
          value: 'places by the order of the states: the matrix alone leaves outlines',
          standing: 'ours',
        },
      ],
    },
    async () => (await import('./planes.ts')).replacedParameters,
  ),
]

/** For the registry. */
export const autoencoderSchemes: readonly Scheme[] = TRAINED ? compressorSystems : []
