import { PUBLISHED_LENGTH } from './recipe.ts'
import { cosineRate } from '@latent/graph'
import { pairRecipes } from '../neural/pair-recipe.ts'
import type { PairVariant } from '../neural/pair-variant.ts'
import { decryptNetwork, type DenseNetwork, encryptNetwork, networkParameters, WIDTHS } from './network.ts'

/**
 * Dense-ResNet, learned: the weighted loss that the abstract describes (encryption, decryption, total
 * variation of the decrypted image) from random weights. Repaired is the norm alone, which the `own` variant has not.
 */
export const denseResnetLearned: PairVariant<DenseNetwork<never>> = {
  networks: profile => ({
    encryption: networkParameters('own', WIDTHS[profile]) as never,
    decryption: networkParameters('own', WIDTHS[profile]) as never,
  }),
  encrypt: (p, plain) => encryptNetwork('own', p, plain),
  decrypt: (p, cipher) => decryptNetwork('own', p, cipher),
  emphasis: {
    recovery: 10,
    likeness: 1,
    smoothness: 0.01,
    secrecy: {
      local: 4,
      moments: 16,
      neighbours: 200,
      edges: 4,
      deviation: 4,
      squint: 4,
      adversarial: 0,
      structure: 0,
    },
  },
  rates: { pair: cosineRate(1e-3, { warmup: 100, end: 5e-6 }), judge: cosineRate(1e-4) },
}

/** Its recipes, by the pictures that they train on. */
export const denseResnetLearnedRecipes = pairRecipes(
  {
    id: 'dense-resnet-learned',
    title: 'Dense-ResNet learned from random weights: no norms, the described losses and terms for what a cipher shows',
    published: PUBLISHED_LENGTH,
  },
  denseResnetLearned,
)
