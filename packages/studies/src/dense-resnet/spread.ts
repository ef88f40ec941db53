import { scenes } from './quality.ts'
import { type Image } from '@latent/core'
import {
  type DenseNetworks,
  denseResnetCipher,
  DESCRIBED,
  type Diffusion,
  DIFFUSION_RULES,
  intermediateCipher,
  openIntermediate,
} from '@latent/schemes/dense-resnet'
import { mean, sampleErrors } from '@latent/lab'
import type { StudyContext, StudySection } from '../study.ts'
import { diffusionSpread, keyOf, keySpread, type Spread, wholeSpread } from './measure.ts'
import { CHAIN, SBOX, fixed, nameOf } from './ciphers.ts'

/** In percent: no random pair of ciphers of this size comes near. */
const STUCK = 99
const range = (values: readonly number[], digits: number) =>
  `${fixed(mean(values), digits)} (${fixed(Math.min(...values), digits)} to ${fixed(Math.max(...values), digits)})`
const spreadCells = ({ npcr, uaci, oneSided, twoSided, uaciWithin, both, trials }: Spread) => [
  range(npcr, 2),
  `${oneSided} / ${twoSided}`,
  range(uaci, 2),
  uaciWithin,
  both,
  trials,
]
const SPREAD_COLUMNS = [
  'NPCR, %: mean (range)',
  'one-sided / two-sided within',
  'UACI, %: mean (range)',
  'UACI within',
  'both, two-sided',
  'trials',
]

/** The section on diffusions by themselves: how far one changed byte spreads, by rule and number of passes. */
export async function diffusions({ quick, seed, progress }: StudyContext): Promise<StudySection> {
  const trials = quick ? 3 : 100
  const cases = DIFFUSION_RULES.flatMap(rule => [1, 2, 3].map((passes): Diffusion => ({ rule, passes })))
  const rows: (string | number)[][] = []
  let stuck = 0
  for (const [i, diffusion] of cases.entries()) {
    const found = await diffusionSpread(diffusion, trials, seed)
    rows.push([nameOf(diffusion), ...spreadCells(found)])
    if (nameOf(diffusion) === nameOf(SBOX)) stuck = found.npcr.filter(value => value < STUCK).length
    progress(i + 1, cases.length, 'diffusions')
  }
  return {
    heading: 'The diffusion alone',
    text: [
      'A random grey picture of 256x256, and the same with one random byte raised by 1; equal key ' +
        'and nonce. Limits at 0.05 (Wu, Noonan and Agaian 2011); two-sided for NPCR too, since a ' +
        'constant difference (NPCR of 100 %) is as far from random as none. Counts say how many of the ' +
        'trials lie within.',
      'Two passes do not suffice for NPCR: the bytes before the changed one differ in every single ' +
        'place, since a bijective chain never stops once it differs, and the figure depends on where ' +
        'the change was.',
      'Three passes with an S-box are no proof either. With a chance of about 1 in 256 the ' +
        'difference vanishes at the changed byte in the second pass; then all bytes before it stay as ' +
        `they were. In ${stuck} of ${trials} trials NPCR was below ${STUCK} %. A fresh nonce makes ` +
        'this idle; without one, it is a flaw of the repair.',
    ],
    tables: [{ columns: ['diffusion', ...SPREAD_COLUMNS], rows }],
  }
}

/** The section on one changed level of a picture, through networks and diffusion. */
export async function whole(
  networks: DenseNetworks,
  pictures: Awaited<ReturnType<StudyContext['images']>>,
  { quick, seed, progress }: StudyContext,
): Promise<StudySection> {
  const used = pictures.slice(0, quick ? 1 : 25)
  const kinds = [CHAIN, SBOX]
  const { spreads, swallowed, changed } = await wholeSpread(networks, used, quick ? 2 : 4, kinds, seed, done =>
    progress(done, used.length, 'changed pixels'),
  )
  const sorted = changed.toSorted((a, b) => a - b)
  return {
    heading: 'A changed pixel through the whole cipher',
    text: [
      'One sample of a photograph changed by one level, key and nonce kept. The networks changed ' +
        `between ${sorted[0]} and ${sorted.at(-1)} bytes of the intermediate cipher (median ` +
        `${sorted[sorted.length >> 1]}) and swallowed the change altogether in ${swallowed} of ` +
        `${changed.length} trials; a swallowed change leaves the ciphers equal, whatever the diffusion.`,
      'A fresh nonce, as the repaired cipher draws one, makes any two ciphers differ like random ' +
        'bytes, changed pixel or not; the figures here are with the nonce held still.',
    ],
    tables: [
      {
        columns: ['diffusion', ...SPREAD_COLUMNS],
        rows: spreads.map((found, i) => [nameOf(kinds[i]!), ...spreadCells(found)]),
      },
    ],
  }
}

/** The section on one changed bit of the key, and on what stands without any key. */
export async function keySection(networks: DenseNetworks, { quick, seed }: StudyContext): Promise<StudySection> {
  const plains = await scenes()
  const intermediates = (await Promise.all(
    plains.map(picture => intermediateCipher(networks, picture)),
  )) as Image<'u8'>[]
  const bytes = intermediates.map(({ data }) => data)
  const bits = await keySpread(bytes, SBOX, quick ? 3 : 100, seed)
  const chainBits = await keySpread(bytes, CHAIN, quick ? 3 : 100, seed)
  const cipher = denseResnetCipher(networks, DESCRIBED)
  const key = await keyOf(seed, 'split')
  const wrong = await Promise.all(
    plains.map(
      async plain =>
        sampleErrors(plain, await cipher.decrypt(await cipher.encrypt(plain, key), key.with(0, key[0]! ^ 1))).psnr,
    ),
  )
  const open = await Promise.all(
    plains.map(
      async (plain, i) => sampleErrors(plain, await openIntermediate(networks, intermediates[i]!, plain)).psnr,
    ),
  )
  return {
    heading: 'The key, and what stands without it',
    text: [
      'With the diffusion off, the public decryption network opens the intermediate cipher at ' +
        `${fixed(mean(open), 2)} dB, no key asked. The networks do not depend on the key: one picture ` +
        'has one intermediate cipher, under all keys. One wrong bit of the 32-byte key gives noise ' +
        `(${fixed(mean(wrong), 2)} dB).`,
    ],
    tables: [
      {
        columns: ['two keys that differ in one bit, ciphers of one picture', ...SPREAD_COLUMNS],
        rows: [
          [nameOf(CHAIN), ...spreadCells(chainBits)],
          [nameOf(SBOX), ...spreadCells(bits)],
        ],
      },
    ],
  }
}
