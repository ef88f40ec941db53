import { type Attack, type BytePair, defineAttack, type Oracles, type SeenPair } from '../contract.ts'
import { controls } from '../controls.ts'
import type { Reconstructor } from '../trained/networks.ts'
import type { LearnOptions } from '../trained/paired.ts'
import type { UnpairedOptions } from '../trained/unpaired.ts'

/** How an attacker's network is trained, and what the attack declares. */
type Training<Options> = Options & Pick<Attack, 'budget' | 'positiveControl'>

/** A network, or where it comes from: the registry loads none. */
type Network = Reconstructor | (() => Promise<Reconstructor>)
const loaded = async (network: Network): Promise<Reconstructor> => (typeof network === 'function' ? network() : network)

const SOURCE = 'Ito, Kinoshita, Aprilpyone and Kiya 2021, repaired'

/** Networks take 8-bit cipher images of the plain shape. */
const fits = ({ width, height, channels }: Oracles['shape'], { cipher }: Pick<SeenPair, 'cipher'>): boolean =>
  cipher.format === 'u8' && cipher.width === width && cipher.height === height && cipher.channels === channels

/**
 * The inverse-transformation attack: a network is trained on pictures in both forms and opens others. See {@link
 * learnInverse}.
 */
export const inverseNetwork = (
  id: string,
  title: string,
  network: Network,
  { budget, positiveControl, ...options }: Training<LearnOptions>,
): Attack =>
  defineAttack({
    id: `inverse-${id}`,
    title: `a network that learns to undo the cipher: ${title}`,
    threat: 'known-pairs',
    returns: 'key',
    budget,
    source: SOURCE,
    positiveControl,
    async run({ shape, pairs }, asked) {
      // One tells whether the shapes fit: encrypting hundreds takes long.
      const first = await pairs(1)
      if (!first.every(pair => fits(shape, pair))) return undefined
      const known = [...first, ...(await pairs(asked - 1))]
      const { learnInverse } = await import('../trained/index.ts')
      const { open } = await learnInverse(await loaded(network), known as readonly BytePair[], options)
      return { open: targets => open(targets as readonly BytePair['cipher'][]) }
    },
  })

/** How an adversarial attack is trained: `kin` public pictures, and from so many random starts (1). */
type Unpaired = Training<UnpairedOptions> & { readonly kin: number; readonly starts?: number }

/**
 * The adversarial attack on cipher images and other pictures of the same kind, none of them a pair. See {@link
 * learnUnpaired}. Of several starts that one counts whose guesses have the colours of pictures: an attacker can tell.
 */
export const unpairedNetwork = (
  id: string,
  title: string,
  network: Network,
  { budget, positiveControl, kin: wanted, starts = 1, seed = 1, ...options }: Unpaired,
): Attack =>
  defineAttack({
    id: `unpaired-${id}`,
    title: `a network that makes of cipher images what passes for pictures: ${title}`,
    threat: 'ciphertext-only',
    returns: 'key',
    budget,
    source: SOURCE,
    positiveControl,
    async run({ shape, ciphers, kin }, asked) {
      // One tells whether the shapes fit: encrypting hundreds takes long.
      const first = await ciphers(1)
      if (!first.every(cipher => fits(shape, { cipher }))) return undefined
      const seen = [...first, ...(await ciphers(asked - 1))] as readonly BytePair['cipher'][]
      const { coloursApart, learnUnpaired } = await import('../trained/index.ts')
      const [chosen, pictures] = [await loaded(network), await kin(wanted)]
      const tries = []
      for (let start = 0; start < starts; start++) {
        const { open } = await learnUnpaired(chosen, seen, pictures, { seed: seed + start, ...options })
        tries.push({ open, apart: starts === 1 ? 0 : coloursApart(await open(seen), pictures) })
      }
      const { open } = tries.toSorted((a, b) => a.apart - b.apart)[0]!
      return { open: targets => open(targets as readonly BytePair['cipher'][]) }
    },
  })

const local = (group: 'pixel' | 'block') => async () => (await import('../trained/index.ts')).connectedLocally(group)

/** A hidden layer for each pixel: holds keys that differ from place to place, also where they bend values. */
export const inverseLocalPixels = inverseNetwork('local-pixels', 'a hidden layer for each pixel', local('pixel'), {
  budget: 256,
  steps: 150,
  rate: 0.05,
  threads: 1,
  positiveControl: { scheme: controls.addedKey, expects: 'opened' },
})

/** A hidden layer for each block of 4 x 4. */
export const inverseLocalBlocks = inverseNetwork('local-blocks', 'a hidden layer for each block', local('block'), {
  budget: 256,
  steps: 120,
  rate: 0.015,
  threads: 1,
  positiveControl: { scheme: 'tanaka-le', expects: 'opened' },
})

/** A map of colours that is the same at every pixel, all that a discriminator's word suffices for at this size. */
export const unpairedColours = unpairedNetwork(
  'colours',
  'what becomes of each colour',
  async () => (await import('../trained/index.ts')).sharedColours,
  {
    budget: 256,
    kin: 256,
    starts: 2,
    steps: 240,
    batch: 16,
    width: 16,
    rate: 0.01,
    discriminatorRate: 0.002,
    threads: 1,
    positiveControl: { scheme: controls.recoloured, expects: 'opened' },
  },
)
