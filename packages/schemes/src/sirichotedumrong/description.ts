import { describe } from '../contract/scheme.ts'
import { DESCRIPTION as ITO } from '../ito-transform/description.ts'

const ID = 'sirichotedumrong-gan-2020'

/** What is said of the scheme without code or weights. */
export const SIRICHOTEDUMRONG = describe({
  ...ITO,
  id: ID,
  title: 'Pictures drawn by a GAN for classifiers, in the spirit of Sirichotedumrong and Kiya 2020',
  role: 'variant',
  paper: {
    authors: 'Sirichotedumrong, Kiya',
    title: 'A GAN-based image transformation scheme for privacy-preserving deep neural networks',
    year: 2020,
    where: 'EUSIPCO 2020, 745-749; arXiv 2006.01342',
  },
  weights: { scheme: ID, profile: 'compact' },
  derivation: [
    { name: 'idea', value: 'a GAN draws pictures without visual information; no key', standing: 'source' },
    { name: 'use', value: 'classifiers of plain pictures read what is drawn', standing: 'source' },
    { name: 'generator', value: 'the U-Net of `ito-transform-2021`, from 8 channels', standing: 'ours' },
    { name: 'target pictures', value: 'uniform noise; those of the paper are not open to us', standing: 'ours' },
    { name: 'discriminator', value: 'patches, from 8 channels, least squares', standing: 'ours' },
    {
      name: 'classifier',
      value: 'the frozen one of `ito-transform-2021`; what it takes plain pictures for is what is asked, by entropy',
      standing: 'ours',
    },
    { name: 'visual information', value: 'squared correlations of outlines, counted fivefold', standing: 'ours' },
    {
      name: 'its training',
      value: '5,000 steps of eight squares of photographs, reduced to 32 x 32',
      standing: 'ours',
    },
  ],
})
