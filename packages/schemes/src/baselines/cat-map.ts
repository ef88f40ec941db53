import { deriveKey } from '@latent/core'
import type { ByteTransform } from '../contract/bytewise.ts'

/**
 * Arnold's cat map (x, y) -> (x + a y, b x + (a b + 1) y) mod N on square images, iterated: the
 * usual permutation stage of chaotic image ciphers. It is area-preserving, periodic, moves no value,
 * and leaves (0, 0) where it is.
 *
 * A picture that is not square is covered by squares of its shorter side that overlap where they
 * must, one after the other: our own extension, since the map is defined on squares alone.
 */
export const arnoldCatMap: ByteTransform = {
  encrypt: async (bytes, { key, image }) => apply(bytes, image, await catKey(key), 'forward'),
  decrypt: async (bytes, { key, image }) => apply(bytes, image, await catKey(key), 'backward'),
}

interface CatKey {
  readonly a: number
  readonly b: number
  readonly iterations: number
}

async function catKey(key: Uint8Array): Promise<CatKey> {
  const [a, b, count] = await deriveKey(key, 'latent/v1/baseline/cat-map', undefined, 16)
  return { a: Math.max(1, a!), b: Math.max(1, b!), iterations: 1 + (count! & 31) }
}

function apply(
  bytes: Uint8Array,
  { width, height }: { width: number; height: number },
  key: CatKey,
  direction: 'forward' | 'backward',
): Uint8Array {
  const side = Math.min(width, height)
  const offsets = squareOffsets(Math.max(width, height), side)
  if (direction === 'backward') offsets.reverse()
  let current = bytes
  for (const offset of offsets)
    current = moveSquare(
      current,
      width,
      height,
      width > height ? offset : 0,
      width > height ? 0 : offset,
      side,
      key,
      direction,
    )
  return current
}

function squareOffsets(length: number, side: number): number[] {
  const count = Math.ceil(length / side)
  return Array.from({ length: count }, (_, i) => Math.min(i * side, length - side))
}

function moveSquare(
  bytes: Uint8Array,
  width: number,
  height: number,
  left: number,
  top: number,
  side: number,
  { a, b, iterations }: CatKey,
  direction: 'forward' | 'backward',
): Uint8Array {
  const size = bytes.length / (width * height)
  const out = bytes.slice()
  const corner = (b * a + 1) % side
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let u = x
      let v = y
      for (let i = 0; i < iterations; i++) {
        const next = (u + a * v) % side
        v = (b * u + corner * v) % side
        u = next
      }
      const here = ((top + y) * width + left + x) * size
      const there = ((top + v) * width + left + u) * size
      const [from, to] = direction === 'forward' ? [here, there] : [there, here]
      for (let i = 0; i < size; i++) out[to + i] = bytes[from + i]!
    }
  }
  return out
}
