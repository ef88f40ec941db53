import type { Image } from '@latent/core'
import { KeyStream } from '@latent/core'
import {
  INPUT_ROW_BYTES,
  onnxNetworks,
  openExactFlow,
  PICTURE_ROWS,
  ROW_BYTES,
  type Weights,
} from '@latent/schemes/exact-flow'

const HARMONICS = [1, 2, 3, 4, 8, 16]
const BYTES = 450_000
const PICTURES = 12

/**
 * By half of the tile, the mean of the points `exp(2 pi i k byte / 256)` of whole photographs that the networks alone
 * encrypt: its squared length over what chance has it, for some `k`. 1 is ideal.
 */
export async function harmonics(weights: Weights, photos: readonly Image<'u8'>[]): Promise<Record<string, number[]>> {
  const flow = await openExactFlow({ weights, ablation: 'network-only', threads: 1 })
  const found: Record<string, number[]> = { x: HARMONICS.map(() => 0), y: HARMONICS.map(() => 0) }
  for (const { data } of photos) {
    const cipher = await flow.encrypt(new Uint8Array(32), new Uint8Array(1), data.subarray(0, BYTES))
    const middle = cipher.length / 2
    for (const [half, part] of Object.entries({ x: cipher.subarray(0, middle), y: cipher.subarray(middle) }))
      for (const [i, k] of HARMONICS.entries()) found[half]![i]! += strength(part, k) / photos.length
  }
  await flow.close()
  return found
}

/**
 * What one network leaves of a harmonic: the length of the mean of `exp(2 pi i k byte / 256)` of an output on bytes
 * at random, root mean square over outputs and rounds. Two networks are added to each half: what they leave multiplies.
 */
export async function leftOver(weights: Weights): Promise<number[]> {
  const networks = await onnxNetworks(weights, { backend: 'ort-node', threads: 1 })
  const stream = await KeyStream.create(new Uint8Array(32), 'latent/v1/bench/left-over')
  const outputs = weights.networks[0]!.at(-1)!.outputs
  const squares = HARMONICS.map(() => 0)
  for (let round = 0; round < weights.networks.length; round++) {
    const bytes = new Uint8Array(PICTURES * PICTURE_ROWS * ROW_BYTES)
    for (let i = 0; i < PICTURES; i++) {
      const rows = bytes.subarray(i * PICTURE_ROWS * ROW_BYTES, (i + 1) * PICTURE_ROWS * ROW_BYTES)
      await networks.run(round, await stream.bytes(PICTURE_ROWS * INPUT_ROW_BYTES), PICTURE_ROWS, rows)
    }
    for (let o = 0; o < outputs; o++) {
      const own = bytes.filter((_, i) => i % outputs === o)
      for (const [i, k] of HARMONICS.entries())
        // Chance has 1 of a strength, whatever there is.
        squares[i]! += (strength(own, k) - 1) / own.length / outputs / weights.networks.length
    }
  }
  await networks.close()
  return squares.map(square => Math.sqrt(Math.max(0, square)))
}

function strength(bytes: Uint8Array, k: number): number {
  let [cos, sin] = [0, 0]
  for (const byte of bytes) {
    const angle = (2 * Math.PI * k * byte) / 256
    cos += Math.cos(angle)
    sin += Math.sin(angle)
  }
  return (cos ** 2 + sin ** 2) / bytes.length
}

/** What the numbers of a half are of, as the heading of a table. */
export const HARMONICS_HEADING = HARMONICS.map(k => `k = ${k}`.padStart(7)).join('')
