import type { Image } from '@latent/core'
import { recoverBlockNibbles, recoverExtendedBlockNibbles } from '../block-nibbles.ts'
import { type Attack, defineAttack, type Found, type Oracles } from '../contract.ts'
import { recoverCoordinateMap } from '../coordinate-map.ts'
import { recoverMapFromPairs } from '../known-pairs.ts'
import type { Opened } from '../chosen-plaintext.ts'
import { recoverMovedPixels } from '../moved-pixels.ts'
import { recoverPixelBased } from '../pixel-based.ts'
import { recoverSampleMap } from '../sample-map.ts'

const fits = (cipher: Image, { width, height, channels }: Oracles['shape']): cipher is Image<'u8'> =>
  cipher.format === 'u8' && cipher.width === width && cipher.height === height && cipher.channels === channels

const opening = (
  found: Opened | undefined,
  { shape }: Oracles,
  counted?: Readonly<Record<string, number>>,
): Found | undefined =>
  found && {
    ...(counted && { counted }),
    open: targets =>
      targets.map(target => {
        if (!fits(target, shape)) throw new TypeError('the cipher image has another shape than its answers had')
        return found.open(target)
      }),
  }

/** Chosen pictures that say of every sample which one it is. */
const chosen = (
  id: string,
  title: string,
  scheme: string,
  budget: number,
  recover: (ask: Oracles['encrypt'], shape: Oracles['shape']) => Promise<Opened | undefined>,
  source = 'standard',
): Attack =>
  defineAttack({
    id,
    title,
    threat: 'chosen-plaintext',
    returns: 'key',
    budget,
    source,
    positiveControl: { scheme, expects: 'opened' },
    run: async oracles => opening(await recover(oracles.encrypt, oracles.shape), oracles),
  })

/** Public pictures that tell how far apart places are. */
const KIN = 256

/** See {@link recoverMovedPixels}. */
export const mapOfMany = defineAttack({
  id: 'map-of-many',
  title: 'where pixels went is told by those that vary alike in many pictures',
  threat: 'ciphertext-only',
  returns: 'key',
  budget: 256,
  upTo: 'appearance',
  positiveControl: { scheme: 'fixed-permutation', expects: 'opened' },
  async run({ shape, ciphers, kin }, asked, random) {
    // One tells whether the shapes fit: encrypting hundreds takes long.
    const first = await ciphers(1)
    if (!first.every(cipher => fits(cipher, shape))) return undefined
    const seen = [...first, ...(await ciphers(asked - 1))] as Image<'u8'>[]
    const places = await recoverMovedPixels(seen, await kin(KIN), random)
    if (!places) return undefined
    const { channels } = shape
    return {
      open: targets =>
        targets.map(target => ({
          ...shape,
          format: 'u8',
          data: Uint8Array.from(
            { length: places.length * channels },
            (_, i) => target.data[places[Math.floor(i / channels)]! * channels + (i % channels)]!,
          ),
        })),
    }
  },
})

const HELPERS = 'Chang and Li 2020, with fewer helper pictures'

/** See {@link recoverCoordinateMap}. */
export const coordinateMap = chosen(
  'coordinate-map',
  'a picture of coordinates comes back as the map of pixels',
  'fixed-permutation',
  2,
  recoverCoordinateMap,
)

/** See {@link recoverSampleMap}. */
export const sampleMap = chosen(
  'sample-map',
  'numbered samples come back moved and complemented',
  'etc',
  3,
  recoverSampleMap,
)

/** See {@link recoverPixelBased}. */
export const helperPixels = chosen(
  'helper-pixels',
  'one helper picture, (1, 2, 3) everywhere',
  'pixel-based-shuffle',
  1,
  recoverPixelBased,
  HELPERS,
)

/** See {@link recoverBlockNibbles}. */
export const helperBlocks = chosen(
  'helper-blocks',
  'two helper blocks in one picture',
  'tanaka-le',
  1,
  recoverBlockNibbles,
  HELPERS,
)

/** See {@link recoverExtendedBlockNibbles}. */
export const helperNumberedBlocks = chosen(
  'helper-numbered-blocks',
  'helper blocks everywhere, then numbered blocks',
  'extended-le',
  3,
  recoverExtendedBlockNibbles,
  HELPERS,
)

/** See {@link recoverMapFromPairs}. */
export const knownMap = defineAttack({
  id: 'known-map',
  title: 'where a pixel can have come from in every known pair',
  threat: 'known-pairs',
  returns: 'key',
  budget: 8,
  source: 'standard',
  positiveControl: { scheme: 'fixed-permutation', expects: 'opened' },
  async run(oracles, budget) {
    const pairs = await oracles.pairs(Math.min(budget, 64))
    if (!pairs.every(({ cipher }) => fits(cipher, oracles.shape))) return undefined
    const found = recoverMapFromPairs(pairs)
    return found && opening(found, oracles, { certain: found.certain })
  },
})
