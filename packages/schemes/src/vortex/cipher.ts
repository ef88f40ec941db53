import { type ImageCipher, KeyStream, LatentError } from '@latent/core'
import { bytewise, type ByteTransform } from '../contract/bytewise.ts'
import { schemeCipher } from '../contract/open.ts'
import { rememberLast, type Shape } from '../remember.ts'
import {
  COLOUR_SETTINGS,
  drawVortexKey,
  GREY_SETTINGS,
  parseVortexKey,
  type VortexKey,
  type VortexSettings,
} from './key.ts'
import { type VortexVariant, vortexMap } from './map.ts'
import { BIJECTIVE, PUBLISHED } from './description.ts'

/**
 * Random Vortex Transformation (Cao, Mo, Wang, Lai, Huang, arXiv 2411.16207, 2024): discs of the image
 * are stirred, their rings turned by angles that smooth random functions give, so that neighbours stay
 * mostly neighbours and a network can still be trained.
 *
 * What is secret: the list of vortices; one list for the whole data set. What breaks it: one chosen
 * RGB image or two grey ones, which come back as the coordinate map; and without any query, 40 to 60 %
 * of the pixels of the published keys never move. Values never change.
 *
 * The key is 32 bytes, from which vortices are drawn, or the text of a vortex key file
 * (`parseVortexKey`), which fits one image size. Our choices: where 32 bytes are given, grey images
 * take the official settings for MNIST and others those for CIFAR; centres and weights come from a
 * keyed stream instead of MATLAB's generator; 8-bit samples alone.
 */
export function vortexTransform(variant: VortexVariant, settings?: VortexSettings): ByteTransform {
  const expand = rememberLast(async (key, shape) => vortexMap(await vortexKeyFor(key, shape, settings), variant))
  return {
    async encrypt(bytes, { key, image }) {
      const map = await expand(key, image)
      const out = new Uint8Array(bytes.length)
      const { channels } = image
      for (let p = 0; p < map.length; p++)
        for (let c = 0; c < channels; c++) out[p * channels + c] = bytes[map[p]! * channels + c]!
      return out
    },
    decrypt: async (bytes, { key, image }) => scatter(bytes, await expand(key, image), image),
  }
}

/** As published: lossy. Decryption puts back what is there and fills the holes with the mean of their neighbours. */
export const vortexPublished = (settings?: VortexSettings): ImageCipher =>
  schemeCipher(PUBLISHED, bytewise(vortexTransform('gather', settings)))

/** Our exactly invertible variant: the same discs and angles, each ring turned by whole pixels. */
export const vortexBijective = (settings?: VortexSettings): ImageCipher =>
  schemeCipher(BIJECTIVE, bytewise(vortexTransform('bijective', settings)))

async function vortexKeyFor(
  key: Uint8Array,
  { width, height, channels }: Shape,
  settings: VortexSettings = channels === 1 ? GREY_SETTINGS : COLOUR_SETTINGS,
): Promise<VortexKey> {
  if (key.length === 32)
    return drawVortexKey(await KeyStream.create(key, 'latent/v1/vortex-2024'), { width, height }, settings)
  const fixed = parseVortexKey(new TextDecoder().decode(key))
  if (fixed.width !== width || fixed.height !== height) {
    throw new LatentError(
      'E_KEY',
      `this vortex key is for images of ${fixed.width}x${fixed.height}, not ${width}x${height}`,
      { hint: 'resize the images, or use a 32-byte key, which fits every size' },
    )
  }
  return fixed
}

function scatter(bytes: Uint8Array, map: Uint32Array, { width, height, channels }: Shape): Uint8Array {
  const out = new Uint8Array(bytes.length)
  let known = new Uint8Array(map.length)
  for (let p = map.length - 1; p >= 0; p--) {
    for (let c = 0; c < channels; c++) out[map[p]! * channels + c] = bytes[p * channels + c]!
    known[map[p]!] = 1
  }
  // Holes next to known pixels first; what that fills lets the next round reach further in.
  while (known.includes(0)) {
    const after = known.slice()
    for (let p = 0; p < map.length; p++) {
      if (known[p] === 1) continue
      const around = [...neighbours(p, width, height)].filter(q => known[q] === 1)
      if (around.length === 0) continue
      for (let c = 0; c < channels; c++)
        out[p * channels + c] = Math.round(around.reduce((sum, q) => sum + out[q * channels + c]!, 0) / around.length)
      after[p] = 1
    }
    known = after
  }
  return out
}

function* neighbours(p: number, width: number, height: number): Generator<number> {
  const [x, y] = [p % width, Math.floor(p / width)]
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) if (u !== x || v !== y) yield v * width + u
  }
}
