import { PUBLISHED_LENGTH } from './recipe.ts'
import { cosineRate, ops } from '@latent/graph'
import { pairRecipes } from '../neural/pair-recipe.ts'
import type { PairVariant } from '../neural/pair-variant.ts'
import { unit } from '../neural/crops.ts'
import { discriminate, discriminatorParameters, type Generator, generate, generatorParameters } from './network.ts'

/**
 * Encipher GAN, learned: the published losses (adversarial, SSIM, L1) from random weights. One thing is
 * repaired, and one added. Instance norm, with which no picture's contrast can come back, gives way
 * to a threshold a channel; and terms for what a cipher image gives away join the loss.
 */
export const encipherGanRepaired: PairVariant<Generator<never>> = {
  networks: profile => ({
    encryption: generatorParameters(profile, 'frozen') as never,
    decryption: generatorParameters(profile, 'frozen') as never,
    judge: discriminatorParameters(profile),
  }),
  encrypt: (p, plain) => unit(generate(p, signed(plain), 'frozen')),
  decrypt: (p, cipher) => unit(generate(p, signed(cipher), 'frozen')),
  judge: (p, image) => discriminate(p, signed(image)),
  emphasis: {
    recovery: 10,
    likeness: 1,
    smoothness: 0,
    secrecy: {
      local: 4,
      moments: 16,
      neighbours: 200,
      edges: 4,
      deviation: 4,
      squint: 4,
      adversarial: 0.02,
      structure: 0.1,
    },
  },
  rates: { pair: cosineRate(1e-3, { warmup: 100, end: 5e-6 }), judge: cosineRate(1e-4, { warmup: 100, end: 1e-6 }) },
}

/** Its recipes, by the pictures that they train on. */
export const encipherGanRepairedRecipes = pairRecipes(
  {
    id: 'encipher-gan-repaired',
    title:
      'Encipher GAN learned from random weights: thresholds in place of norms, published losses and terms for what ' +
      'a cipher shows',
    published: PUBLISHED_LENGTH,
  },
  encipherGanRepaired,
)

const signed = (x: Parameters<typeof unit>[0]) => ops.sub(ops.mul(2, x), 1)
