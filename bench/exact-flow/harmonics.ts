import type { Image } from '@latent/core'
import { openExactFlow, type Weights } from '@latent/schemes/exact-flow'

const HARMONICS = [1, 2, 3, 4, 8, 16]
const BYTES = 450_000

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
