import { type Constant, defineScheme, type Description, type Scheme, type Transform } from '../contract/scheme.ts'

/** Weights of the network behind a bench. */
export const MENDER = { scheme: 'optical-mender', profile: 'compact' } as const

const COMMON: readonly Constant[] = [
  {
    name: 'masks',
    value: 'drawn from the key, the same for all pictures of a size and all channels',
    standing: 'ours',
  },
  { name: 'grid', value: 'sides padded with darkness to powers of two', standing: 'ours' },
  {
    name: 'network',
    value: 'five 3 x 3 convolutions of 20 channels that estimate the noise, plane by plane',
    standing: 'ours',
  },
  {
    name: 'its training',
    value: '5,000 steps of six planes of 32 x 32, noise of deviation 0 to 0.3 in each part of the light',
    standing: 'ours',
  },
]

const bench = (
  facts: Pick<Description, 'id' | 'title' | 'paper' | 'keySpace' | 'wire'> & {
    readonly derivation: readonly Constant[]
  },
  open: () => Promise<Transform>,
): Scheme =>
  defineScheme({
    ...facts,
    derivation: [...facts.derivation, ...COMMON],
    accepts: { formats: ['u8', 'u16', 'f32'] },
    exact: false,
    weights: MENDER,
    load: async ({ weights } = {}) => {
      const [{ mendedTransform }, { modelFor }] = await Promise.all([
        import('./cipher.ts'),
        import('../models/index.ts'),
      ])
      return mendedTransform((await open()) as Required<Transform>, await modelFor(MENDER, weights))
    },
  })

/** Systems with a network behind an optical bench, for the registry. */
export const opticalNetworkSchemes: readonly Scheme[] = [
  bench(
    {
      id: 'optical-denoiser-2019',
      title: 'Optical encryption with a network against noise, in the spirit of Chen, Li and Wang 2019',
      paper: {
        authors: 'Chen, Li, Wang',
        title: 'Deep learning for improving the robustness of image encryption',
        year: 2019,
        where: 'IEEE Access 7, 181083-181091',
      },
      wire: ['f32', 'u16', 'u8'],
      keySpace: {
        bits: 256,
        note: 'Two masks drawn from the key; the Fourier mask alone decrypts, and the network is public.',
      },
      derivation: [
        {
          name: 'idea',
          value: 'optical encryption, and a convolutional network that mends what is decrypted',
          standing: 'source',
        },
        {
          name: 'bench',
          value: 'double random phase encoding; the one of the paper is not open to us',
          standing: 'ours',
        },
        { name: 'damage', value: 'noise; the one of the paper is not open to us', standing: 'inferred' },
        { name: 'range', value: '-3 to 3 in integer formats', standing: 'ours' },
      ],
    },
    async () => (await import('../optics/drpe.ts')).drpeTransform(),
  ),
]
