import { type Attack, defineAttack, type Oracles, type SeenPair } from '../contract.ts'
import type { LearnOptions } from '../trained/paired.ts'
import type { Reconstructor } from '../trained/networks.ts'
import type { UnpairedOptions } from '../trained/unpaired.ts'
import type { BytePair } from '../contract.ts'

/** How an attacker's network is trained, and with how many pictures. */
type Training<Options> = Options & Pick<Attack, 'budget' | 'positiveControl'> & Pick<Partial<Attack>, 'id' | 'title'>

const SOURCE = 'Ito, Kinoshita, Aprilpyone and Kiya 2021, repaired'

/** Networks take 8-bit cipher images of the plain shape. */
const fits = ({ width, height, channels }: Oracles['shape'], { cipher }: Pick<SeenPair, 'cipher'>): boolean =>
  cipher.format === 'u8' && cipher.width === width && cipher.height === height && cipher.channels === channels

/**
 * The inverse-transformation attack: a network is trained on pictures in both forms and opens others. See {@link
 * learnInverse}.
 */
export const inverseNetwork = (
  network: Reconstructor,
  { id = `inverse-${network.id}`, title = network.title, budget, positiveControl, ...options }: Training<LearnOptions>,
): Attack =>
  defineAttack({
    id,
    title,
    threat: 'known-pairs',
    returns: 'key',
    budget,
    source: SOURCE,
    positiveControl,
    async run({ shape, pairs }, asked) {
      const known = await pairs(asked)
      if (!known.every(pair => fits(shape, pair))) return undefined
      const { learnInverse } = await import('../trained/index.ts')
      const { open } = await learnInverse(network, known as readonly BytePair[], options)
      return { open: targets => open(targets as readonly BytePair['cipher'][]) }
    },
  })

/**
 * The adversarial attack on cipher images and other pictures of the same kind, none of them a pair. See {@link
 * learnUnpaired}.
 */
export const unpairedNetwork = (
  network: Reconstructor,
  {
    id = `unpaired-${network.id}`,
    title = network.title,
    budget,
    positiveControl,
    kin: wanted,
    ...options
  }: Training<UnpairedOptions> & { readonly kin: number },
): Attack =>
  defineAttack({
    id,
    title,
    threat: 'ciphertext-only',
    returns: 'key',
    budget,
    source: SOURCE,
    positiveControl,
    async run({ shape, ciphers, kin }, asked) {
      const seen = await ciphers(asked)
      if (!seen.every(cipher => fits(shape, { cipher }))) return undefined
      const { learnUnpaired } = await import('../trained/index.ts')
      const { open } = await learnUnpaired(network, seen as readonly BytePair['cipher'][], await kin(wanted), options)
      return { open: targets => open(targets as readonly BytePair['cipher'][]) }
    },
  })
