export { type Pair, picturesOf, planesOf } from './images.ts'
export { linear, type Reconstructor, sharedBlocks, sharedPixels } from './networks.ts'
export { type LearnOptions, learnInverse, type Reconstruction, sizeOf } from './paired.ts'
export { learnUnpaired, type UnpairedOptions } from './unpaired.ts'
