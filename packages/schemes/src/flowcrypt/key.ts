import { argumentError, concatBytes, KeyStream, pbkdf2Sha256, u32 } from '@latent/core'
import { balancedMask, gatherHalf, type SplitOrder, splitOrder } from './split.ts'

/**
 * What one tile is encrypted with: the order in which its pixels are split, and both halves of the map K.
 */
export interface TileKey {
  readonly order: SplitOrder
  readonly mapX: Float32Array
  readonly mapY: Float32Array
}

/**
 * Published: PBKDF2, a high iteration count and a fixed salt. Our choice: the hash, the count, the salt, the length.
 */
const SALT = new TextEncoder().encode('FlowCrypt/v1')
const ITERATIONS = 100_000
const SEED_BYTES = 64

/**
 * Stretches a secret of any length. Without a nonce the salt is fixed, as published: equal images
 * under one secret then give equal ciphers. A nonce (our option) joins the salt.
 * @throws E_ARGUMENT for an empty secret
 */
export async function stretch(secret: Uint8Array, nonce: Uint8Array): Promise<Uint8Array> {
  if (secret.length === 0) throw argumentError('key', 'at least one byte', secret)
  return pbkdf2Sha256(secret, concatBytes(SALT, nonce), ITERATIONS, SEED_BYTES)
}

/** Mask and map of one tile; which streams they come from is our choice. Width must be even. */
export async function tileKey(
  seed: Uint8Array,
  { index, width, height }: { index: number; width: number; height: number },
): Promise<TileKey> {
  const pixels = width * height
  const masks = await KeyStream.create(seed, 'latent/v1/flowcrypt/mask', u32(index))
  const order = splitOrder(balancedMask(await masks.integers(pixels, 2 ** 32)), width, height)
  const map = await drawMap(await KeyStream.create(seed, 'latent/v1/flowcrypt/map', u32(index)), pixels)
  return { order, mapX: gatherHalf(map, order.first), mapY: gatherHalf(map, order.second) }
}

/**
 * The map K: one number a pixel (our choice; the source says neither its shape nor its distribution), uniform in [0,
 * 1).
 */
export async function drawMap(stream: KeyStream, count: number): Promise<Float32Array> {
  return Float32Array.from(await stream.uniforms(count))
}
