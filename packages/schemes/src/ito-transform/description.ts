import { describe } from '../contract/scheme.ts'

/** Id of the scheme and of its weights. */
export const ITO_TRANSFORM = 'ito-transform-2021'
/** What the network halves its input by, all levels together. */
const MULTIPLE = 16
/** Far above what the network is trained for; bounds its memory. */
const MAX_SIDE = 512

/** What is said of the scheme without code or weights. */
export const DESCRIPTION = describe({
  id: ITO_TRANSFORM,
  title: 'Transformation network (Ito et al. 2021)',
  role: 'learnable',
  paper: {
    authors: 'Ito, Kinoshita, Aprilpyone, Kiya',
    title:
      'Image to perturbation: an image transformation network for generating visually protected images for ' +
      'privacy-preserving deep neural networks',
    year: 2021,
    where: 'IEEE Access',
  },
  accepts: { formats: ['u8'], channels: [3], sides: { multiple: MULTIPLE, maximum: MAX_SIDE } },
  exact: false,
  reversible: false,
  secret: 'none',
  learnable: true,
  keySpace: { bits: 0, note: 'There is no key; the network is the same for everybody who has it.' },
  weights: { scheme: ITO_TRANSFORM, profile: 'compact' },
})
