import type { ImageCipher, SampleFormat } from '@latent/core'
import { schemeCipher } from '../contract/open.ts'
import type { Transform } from '../contract/scheme.ts'
import { decryptTiles, encryptTiles, type Tile, type TileRule, type TileTransform } from '../neural/index.ts'
import type { Model } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { stretch, type TileKey, tileKey } from './key.ts'
import { networkCost, SHAPES } from './network.ts'
import type { FlowCryptRunner } from './runner.ts'
import { FLOWCRYPTS, type FlowCryptId, MINIMUM_SIDE } from './description.ts'
import { gatherHalf, scatterHalf } from './split.ts'

/** Widths must be even; both sides are padded alike. */
const RULE: TileRule = { tile: 512, multiple: 2, minimum: MINIMUM_SIDE }

/** A model, its profile, and what runs it. */
export interface FlowCryptOptions {
  readonly profile: Profile
  readonly model: Model
  readonly runner: FlowCryptRunner
}

/**
 * FlowCrypt: a chain of invertible blocks on two half images, chosen by a secret mask, whose
 * sub-networks see a secret map.
 *
 * - Citation: Yang, Ping, Xu: FlowCrypt, arXiv 2509.18696 (2025). Only its beginning and reviews of it
 *   were to be had; what is published and what is our choice is marked at each part and listed on the page of truth.
 * - Signal flow: `key -> PBKDF2 -> mask, map`; `image -> split by mask, repack -> N blocks -> halves side by side =
 * cipher`.
 *   Decryption runs the same blocks backwards. 0..1 is the range of a cipher image.
 * - Secret: the key, bytes of any length. Public: the weights, the nonce.
 * - What breaks it: see the page of truth. It is deterministic without a nonce, smooth in the map, has little
 *   diffusion, and no authentication; whoever has many pairs under one key can learn an inverse.
 *
 * Lossy unless the wire is float: how well images survive an 8-bit cipher image is measured, not promised.
 */
export function flowCryptTransform({ profile, model, runner }: FlowCryptOptions): Transform {
  return {
    made: model,
    cost: ({ width, height, channels }) => networkCost(SHAPES[profile], width * height * Math.ceil(channels / 3)),
    async encrypt(plain, { key, nonce, wire }) {
      const seed = await stretch(key, nonce)
      return encryptTiles(
        plain,
        RULE,
        wire,
        transform(runner, 'forward', wire, tile => tileKey(seed, tile)),
      )
    },
    // Whatever it was converted to since, its values mean what they meant when they were written.
    async decrypt(cipher, { key, nonce, wire, plain }) {
      const seed = await stretch(key, nonce)
      return decryptTiles(
        cipher,
        plain,
        RULE,
        transform(runner, 'backward', wire, tile => tileKey(seed, tile)),
      )
    },
    close: () => runner.close(),
  }
}

/** The cipher over a network that a caller opened and closes. */
export const flowCryptCipher = (id: FlowCryptId, options: FlowCryptOptions): ImageCipher =>
  schemeCipher(FLOWCRYPTS[id], flowCryptTransform(options))

/**
 * What lies beyond 0..1 at both ends and still finds a place in a wire format (our choice). Floats are kept as they
 * are; 16 bits have levels to spare; for 8 bits every level counts, and what overshoots is cut off.
 */
const ROOM: Readonly<Record<SampleFormat, number>> = { f32: 0, u16: 1 / 16, u8: 0 }

const LEVELS = { u8: 255, u16: 65535 } as const

/** Cipher values as they come back from a wire format, rounded and cut off as {@link flowCryptCipher} stores them. */
export function throughWire(values: Float32Array, wire: SampleFormat): Float32Array {
  if (wire === 'f32') return values
  const [room, levels] = [ROOM[wire], LEVELS[wire]]
  return values.map(
    value =>
      (Math.floor(Math.min(1, Math.max(0, (value + room) / (1 + 2 * room))) * levels + 0.5) / levels) * (1 + 2 * room) -
      room,
  )
}

/**
 * One tile through the network. The halves of a cipher tile lie side by side.
 * @param keyOf mask and map of a tile: the study mixes those of two keys
 */
export function transform(
  runner: FlowCryptRunner,
  direction: 'forward' | 'backward',
  wire: SampleFormat,
  keyOf: (tile: Tile) => Promise<TileKey>,
): TileTransform {
  const room = ROOM[wire]
  const toWire = (value: number) => (value + room) / (1 + 2 * room)
  const fromWire = (value: number) => value * (1 + 2 * room) - room
  return async (planes, tile) => {
    const { order, mapX, mapY } = await keyOf(tile)
    const size = { w: tile.width / 2, h: tile.height }
    const halves =
      direction === 'forward'
        ? { x: gatherHalf(planes, order.first), y: gatherHalf(planes, order.second) }
        : cutHalves(room === 0 ? planes : planes.map(fromWire), size)
    const { x, y } = await runner.run(direction, { ...halves, mapX, mapY }, size)
    const out = new Float32Array(planes.length)
    if (direction === 'forward') joinHalves(x, y, size, out)
    else {
      scatterHalf(x, order.first, out)
      scatterHalf(y, order.second, out)
    }
    return direction === 'forward' && room > 0 ? out.map(toWire) : out
  }
}

function joinHalves(x: Float32Array, y: Float32Array, { w }: { w: number }, out: Float32Array): void {
  for (let row = 0; row * w < x.length; row++) {
    out.set(x.subarray(row * w, (row + 1) * w), 2 * row * w)
    out.set(y.subarray(row * w, (row + 1) * w), (2 * row + 1) * w)
  }
}

/** The halves of a cipher image, which lie side by side, `w` wide each. */
export function cutHalves(planes: Float32Array, { w }: { readonly w: number }): { x: Float32Array; y: Float32Array } {
  const [x, y] = [new Float32Array(planes.length / 2), new Float32Array(planes.length / 2)]
  for (let row = 0; row * w < x.length; row++) {
    x.set(planes.subarray(2 * row * w, (2 * row + 1) * w), row * w)
    y.set(planes.subarray((2 * row + 1) * w, (2 * row + 2) * w), row * w)
  }
  return { x, y }
}
