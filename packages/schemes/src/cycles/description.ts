import { type Constant, type Description, describe, type Paper } from '../contract/scheme.ts'
import { MINIMUM_SIDE } from '../encipher-gan/description.ts'

/** What sets one cycle-consistent system apart from the others. */
export interface CycleVariant {
  /** Behind `cycle-`, its recipe. */
  readonly name: string
  /** Its id in the registry. */
  readonly id: string
  readonly title: string
  readonly paper: Paper
  /** Pictures that ciphers are to look like. */
  readonly domain: 'noise' | 'optical'
  /** Whether pictures of the hiding domain go there and back too. */
  readonly cycles: 'plain alone' | 'both ways'
  /** Weight of the adversarial loss. */
  readonly adversarial: number
  /** Weight of the loss that drives ciphers of pictures apart which differ in one sample. */
  readonly avalanche: number
  readonly derivation: readonly Constant[]
  /** How long the publication trained, as far as it is known. */
  readonly trainedFor: string
}

const COMMON: readonly Constant[] = [
  { name: 'architecture', value: 'generator and patch discriminator of CycleGAN', standing: 'source' },
  { name: 'widths', value: '24 channels, three residual blocks; discriminator from 16', standing: 'ours' },
  { name: 'norms', value: 'a threshold a channel in place of instance norm', standing: 'ours' },
  { name: 'adversarial loss', value: 'least squares', standing: 'inferred' },
  { name: 'cycle loss', value: 'L1, counted tenfold, through 8 bits', standing: 'inferred' },
  { name: 'training', value: '5,000 steps of four crops of 32 x 32, Muon and Adam', standing: 'ours' },
]

/** The systems that one trainer makes. */
export const CYCLES: readonly CycleVariant[] = [
  {
    name: 'deepedn',
    id: 'deepedn-2021',
    title: 'DeepEDN (Ding et al. 2021), reconstructed: a generator hides, another reconstructs',
    paper: {
      authors: 'Ding, Wu, Chen, Zhang, Gong, Cao, Qin',
      title: 'DeepEDN: a deep-learning-based image encryption and decryption network for internet of medical things',
      year: 2021,
      where: 'IEEE Internet of Things Journal 8, 1504-1518',
    },
    domain: 'noise',
    cycles: 'plain alone',
    adversarial: 1,
    avalanche: 0,
    trainedFor: 'a third-party reimplementation has 100 epochs of batch 4; the publication is not open to us',
    derivation: [
      ...COMMON,
      {
        name: 'hiding domain',
        value: 'uniform noise; the paper has pictures of a domain it does not name',
        standing: 'ours',
      },
      { name: 'cycle', value: 'plain pictures alone', standing: 'inferred' },
      { name: 'regions', value: 'the network that marks regions in cipher images is left out', standing: 'ours' },
    ],
  },
  {
    name: 'isaae',
    id: 'isaae-2021',
    title: 'Image scrambling adversarial auto-encoder (Bao et al. 2021), reconstructed',
    paper: {
      authors: 'Bao, Xue, Jin',
      title: 'Image scrambling adversarial autoencoder based on the asymmetric encryption',
      year: 2021,
      where: 'Multimedia Tools and Applications 80(18), 28265-28301',
    },
    domain: 'noise',
    cycles: 'plain alone',
    adversarial: 0.5,
    avalanche: 0,
    trainedFor: 'the abstract states neither steps nor epochs',
    derivation: [
      ...COMMON,
      { name: 'hiding domain', value: 'evenly distributed noise', standing: 'source' },
      { name: 'losses', value: 'encode then decode, and adversarial by a parameter', standing: 'source' },
      { name: 'that parameter', value: '0.5', standing: 'ours' },
      { name: 'keys', value: 'weights of the encoder public, of the decoder private', standing: 'source' },
    ],
  },
  {
    name: 'avalanche',
    id: 'bao-avalanche-2021',
    title: 'Cycle-GAN with an avalanche, in the spirit of Bao and Xue 2021',
    paper: {
      authors: 'Bao, Xue',
      title: 'Research on the avalanche effect of image encryption based on the Cycle-GAN',
      year: 2021,
      where: 'Applied Optics 60(18), 5320-5334',
    },
    domain: 'noise',
    cycles: 'both ways',
    adversarial: 0.1,
    avalanche: 1,
    trainedFor: 'the publication is not open to us',
    derivation: [
      ...COMMON,
      { name: 'cycle', value: 'both ways', standing: 'inferred' },
      {
        name: 'weight of the adversarial loss',
        value: '0.1: by 1 the judges won, and little came back',
        standing: 'ours',
      },
      {
        name: 'avalanche',
        value: 'ciphers of pictures one sample apart are driven a third of the range apart',
        standing: 'ours',
      },
    ],
  },
  {
    name: 'optical',
    id: 'li-optical-2021',
    title: 'Learned optical encryption by a Cycle-GAN, in the spirit of Li, Zhou and Di 2021',
    paper: {
      authors: 'Li, Zhou, Di',
      title: 'A learning optical image encryption scheme based on CycleGAN',
      year: 2021,
      where: 'Journal of Jilin University (Engineering and Technology Edition) 51(3), 1060-1066',
    },
    domain: 'optical',
    cycles: 'both ways',
    adversarial: 1,
    avalanche: 0,
    trainedFor: 'the publication is not open to us',
    derivation: [
      ...COMMON,
      {
        name: 'hiding domain',
        value: 'amplitudes behind a bench of two random phase masks, simulated',
        standing: 'inferred',
      },
      { name: 'cycle', value: 'both ways', standing: 'inferred' },
    ],
  },
]

/** A system as a scheme. Its weights are its secret, and those that come with Latent are public. */
export const cycleDescription = ({ id, title, paper, derivation }: CycleVariant): Description =>
  describe({
    id,
    title,
    paper,
    derivation,
    role: id === 'deepedn-2021' || id === 'isaae-2021' ? 'reconstructed' : 'variant',
    accepts: { formats: ['u8', 'u16', 'f32'], sides: { minimum: MINIMUM_SIDE } },
    wire: ['u8'],
    exact: false,
    secret: 'weights',
    weights: { scheme: id, profile: 'compact' },
    keySpace: {
      bits: 0,
      note: 'The weights are the secret; the bytes of the key do not enter. Whoever has the shipped weights decrypts.',
    },
  })
