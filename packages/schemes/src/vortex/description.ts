import { describe } from '../contract/scheme.ts'

const FACTS = {
  paper: {
    authors: 'Cao, Mo, Wang, Lai, Huang',
    title: 'Random Vortex Transformation',
    year: 2024,
    where: 'arXiv 2411.16207',
  },
  accepts: { formats: ['u8'] },
  key: '32 bytes or file',
  learnable: true,
  keySpace: {
    bits: 256,
    note: 'The coordinate map of an image size is the equivalent key: one chosen RGB image, or two grey ones, give it.',
  },
} as const

/** What is said of the published transformation without code. */
export const PUBLISHED = describe({
  ...FACTS,
  id: 'vortex-2024',
  title: 'Random vortex transformation, as published',
  role: 'published',
  exact: false,
})
/** What is said of our bijective variant without code. */
export const BIJECTIVE = describe({
  ...FACTS,
  id: 'vortex-2024-bijective',
  title: 'Random vortex transformation, bijective (ours)',
  role: 'repaired',
})
