import type { Image } from '@latent/core'
import { stepStream, type Tensor, tensor } from '@latent/graph'
import { HALF_CHANNELS, MAP_CHANNELS } from './weights.ts'

/** Positions of one training picture: 512 of them hold 4,096 pixels, two halves together. */
export const ROWS = 16
/** Width of a patch that training sees, in positions. */
export const COLUMNS = 32
const POSITIONS = ROWS * COLUMNS
const HALF_BYTES = POSITIONS * HALF_CHANNELS
const UNIT = 3

/** What one picture of a batch shows. Half of them say almost nothing: they are the hardest to hide. */
const KINDS = ['flat', 'flat', 'grey', 'gradient', 'shapes', 'photo', 'photo', 'luma'] as const
type Kind = (typeof KINDS)[number]
/** Pictures of a batch, one of each kind. */
export const PICTURES = KINDS.length
/** Rounds of the flow that is trained. */
export const ROUNDS = 4

/** Inputs of one training step by name: both halves, and the map of every round. */
export const BATCH_DIMS = {
  x: [3 * PICTURES, HALF_CHANNELS, ROWS, COLUMNS],
  y: [3 * PICTURES, HALF_CHANNELS, ROWS, COLUMNS],
  ...Object.fromEntries(
    Array.from({ length: ROUNDS }, (_, round) => [`map${round}`, [3 * PICTURES, MAP_CHANNELS, ROWS, COLUMNS]]),
  ),
} satisfies Record<string, number[]>

/**
 * The batch of one step: every picture three times, in this order: as it is; under other secret maps;
 * with one byte of the first half changed, which leaves the first round's map as it was (its source is
 * the other half) and makes all others anew, as the cipher has it. Bytes in tile layout, as float32.
 */
export async function patchBatch(
  photos: readonly Image<'u8'>[],
  seed: number,
  step: number,
): Promise<Record<string, Tensor<'f32'>>> {
  const stream = await stepStream(seed, step, 'patches')
  const [x, y] = [new Float32Array(3 * PICTURES * HALF_BYTES), new Float32Array(3 * PICTURES * HALF_BYTES)]
  for (const [i, kind] of KINDS.entries()) {
    const random = await stream.uniforms(64)
    const halves = split(draw(kind, photos, random), await stream.bytes(Math.ceil((2 * HALF_BYTES) / UNIT / 16)))
    const at = [i, PICTURES + i, 2 * PICTURES + i] as const
    for (const copy of at) {
      planes(halves.x, x.subarray(copy * HALF_BYTES, (copy + 1) * HALF_BYTES))
      planes(halves.y, y.subarray(copy * HALF_BYTES, (copy + 1) * HALF_BYTES))
    }
    const changed = x.subarray(at[2] * HALF_BYTES, (at[2] + 1) * HALF_BYTES)
    const place = Math.floor(random[61]! * HALF_BYTES)
    // The usual change of one level, or one of the eight bits.
    changed[place] =
      random[62]! < 0.5 ? (changed[place]! + 1) % 256 : changed[place]! ^ (1 << Math.floor(random[63]! * 8))
  }
  const batch: Record<string, Tensor<'f32'>> = { x: tensor('f32', BATCH_DIMS.x, x), y: tensor('f32', BATCH_DIMS.y, y) }
  const mapBytes = PICTURES * MAP_CHANNELS * POSITIONS
  for (let round = 0; round < ROUNDS; round++) {
    const data = Float32Array.from(await stream.bytes(3 * mapBytes))
    if (round === 0) data.copyWithin(2 * mapBytes, 0, mapBytes)
    batch[`map${round}`] = tensor('f32', [3 * PICTURES, MAP_CHANNELS, ROWS, COLUMNS], data)
  }
  return batch
}

/** The samples of one picture in raster order. */
function draw(kind: Kind, photos: readonly Image<'u8'>[], random: Float64Array): Uint8Array {
  const bytes = new Uint8Array(2 * HALF_BYTES)
  const level = (i: number) => Math.floor(random[i]! * 256)
  if (kind === 'flat') {
    const colour = random[3]! < 0.4 ? [0, 0, 0] : random[3]! < 0.55 ? [255, 255, 255] : [level(0), level(1), level(2)]
    return bytes.map((_, i) => colour[i % 3]!)
  }
  if (kind === 'grey') return bytes.fill(level(0))
  const width = 64 + Math.floor(random[4]! * 193)
  if (kind === 'gradient') {
    const slope = (i: number) => (random[i]! - 0.5) * 2
    return bytes.map((_, i) => {
      const [pixel, c] = [Math.floor(i / 3), i % 3]
      return level(c) + (slope(10 + c) * (pixel % width) + slope(13 + c) * Math.floor(pixel / width)) * 4 * random[16]!
    })
  }
  if (kind === 'shapes') {
    const [cell, radius] = [4 + Math.floor(random[20]! * 20), 8 + random[21]! * 24]
    return bytes.map((_, i) => {
      const pixel = Math.floor(i / 3)
      const [across, down] = [pixel % width, Math.floor(pixel / width)]
      const inside =
        random[22]! < 0.5
          ? (Math.floor(across / cell) + Math.floor(down / cell)) % 2
          : Number(Math.hypot(across - width / 2, down - 16) < radius)
      return level(inside * 3 + 24 + (i % 3))
    })
  }
  const photo = photos[Math.floor(random[5]! * photos.length)]!
  const channels = kind === 'luma' ? 1 : 3
  const rows = Math.ceil(bytes.length / channels / width)
  const left = Math.floor(random[6]! * (photo.width - width + 1))
  const top = Math.floor(random[7]! * Math.max(1, photo.height - rows + 1))
  return bytes.map((_, i) => {
    const pixel = Math.floor(i / channels)
    const at =
      (((top + Math.floor(pixel / width)) % photo.height) * photo.width + left + (pixel % width)) * photo.channels
    if (photo.channels < 3) return photo.data[at]!
    return channels === 3
      ? photo.data[at + (i % 3)]!
      : 0.299 * photo.data[at]! + 0.587 * photo.data[at + 1]! + 0.114 * photo.data[at + 2]!
  })
}

/** The key-conditioned split of `tile.ts`, with bits at random. */
function split(bytes: Uint8Array, bits: Uint8Array): { x: Uint8Array; y: Uint8Array } {
  const [x, y] = [new Uint8Array(HALF_BYTES), new Uint8Array(HALF_BYTES)]
  for (let pair = 0; pair < HALF_BYTES / UNIT; pair++) {
    const swap = ((bits[pair >> 3]! >> (pair & 7)) & 1) * UNIT
    const from = 2 * UNIT * pair
    x.set(bytes.subarray(from + swap, from + swap + UNIT), UNIT * pair)
    y.set(bytes.subarray(from + UNIT - swap, from + 2 * UNIT - swap), UNIT * pair)
  }
  return { x, y }
}

/** Twelve bytes of each position, as twelve planes. */
function planes(half: Uint8Array, out: Float32Array): void {
  for (let p = 0; p < POSITIONS; p++)
    for (let c = 0; c < HALF_CHANNELS; c++) out[c * POSITIONS + p] = half[p * HALF_CHANNELS + c]!
}
