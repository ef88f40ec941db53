import { concatBytes, image, type Image, type ImageCipher, u32 } from '@latent/core'
import { schemeCipher } from '../contract/open.ts'
import type { Transform } from '../contract/scheme.ts'
import type { ExactFlow } from './engine.ts'
import { EXACT_FLOW, MIN_TILE_BYTES, TILE_BYTES } from './description.ts'
import { HALF_CHANNELS, type Layer, type Weights } from './weights.ts'

/**
 * Exact flow on pixels: an image of noise with the same dimensions, channels and depth, and back.
 *
 * - Citation: our own design. Its structure (key-conditioned random split, coupling blocks whose
 *   sub-networks see a secret map, one set of parameters for both directions) follows FlowCrypt
 *   (Yang, Ping, Xu; arXiv 2509.18696); everything that makes it exact and provable is ours.
 * - Signal flow: see `encryptTile`. Samples in raster order (16-bit ones big-endian) are cut into
 *   tiles of 786,432 bytes; a rest below 32 bytes joins the tile before it.
 * - Secret: the 32-byte key. Public: the form of the networks, their weights, the nonce.
 * - What breaks it: nothing known beyond what it does not promise. It is deterministic: under one
 *   key and nonce, equal tiles at the same place of images of the same shape give equal ciphers,
 *   and whoever can alter the image can scramble any tile unnoticed, because nothing is authenticated.
 *   Sealed files add both.
 */
export function exactFlowTransform(flow: ExactFlow): Transform {
  return {
    encrypt: (plain, { key, nonce }) => permute(flow, 'encrypt', plain, key, nonce),
    decrypt: (cipher, { key, nonce }) => permute(flow, 'decrypt', cipher, key, nonce),
  }
}

/** The cipher over a flow that a caller opened and closes. */
export const exactFlowCipher = (flow: ExactFlow): ImageCipher => schemeCipher(EXACT_FLOW, exactFlowTransform(flow))

async function permute(
  flow: ExactFlow,
  direction: 'encrypt' | 'decrypt',
  source: Image,
  key: Uint8Array,
  nonce: Uint8Array,
): Promise<Image> {
  const { data, format, width, height, channels } = source as Image<'u8' | 'u16'>
  const cuts = tileCuts(data.byteLength)
  const prefix = tweakPrefix(source, nonce)
  const { read, write, samples } = format === 'u8' ? byteSamples(data as Uint8Array) : wideSamples(data as Uint16Array)
  // A few tiles more than the lanes keep every lane busy without holding the image twice.
  const inFlight: Promise<void>[] = []
  for (const [index, start] of cuts.entries()) {
    const done = flow[direction](key, concatBytes(prefix, u32(index)), read(start, cuts[index + 1] ?? data.byteLength))
    inFlight.push(done.then(result => write(result, start)))
    if (inFlight.length > flow.lanes + 1) await inFlight.shift()
  }
  await Promise.all(inFlight)
  return image({ width, height, channels, format, data: samples })
}

/**
 * Samples by the bytes they are permuted as, a tile at a time: a large picture is held once as it came and once as it
 * goes.
 */
interface TileAccess<A> {
  readonly samples: A
  readonly read: (start: number, end: number) => Uint8Array
  readonly write: (bytes: Uint8Array, start: number) => void
}

function byteSamples(data: Uint8Array): TileAccess<Uint8Array> {
  const samples = new Uint8Array(data.length)
  return {
    samples,
    read: (start, end) => data.subarray(start, end),
    write: (bytes, start) => samples.set(bytes, start),
  }
}

/** Tiles begin and end between samples, which go high byte first. */
function wideSamples(data: Uint16Array): TileAccess<Uint16Array> {
  const samples = new Uint16Array(data.length)
  return {
    samples,
    read(start, end) {
      const bytes = new Uint8Array(end - start)
      for (let i = 0, at = start / 2; i < bytes.length; i += 2, at++) {
        bytes[i] = data[at]! >>> 8
        bytes[i + 1] = data[at]! & 255
      }
      return bytes
    },
    write(bytes, start) {
      for (let i = 0, at = start / 2; i < bytes.length; i += 2, at++) samples[at] = (bytes[i]! << 8) | bytes[i + 1]!
    },
  }
}

/** Every round's network reads one half, and the halves take turns. */
export function networkCost({
  networks,
  block,
}: Weights): (picture: Pick<Image, 'width' | 'height' | 'channels'>) => { parameters: number; macs: number } {
  const count = (layers: readonly Layer[], of: 'weights' | 'bias') =>
    layers.reduce((sum, layer) => sum + layer[of].length, 0)
  const all = networks.flat()
  return ({ width, height, channels }) => ({
    parameters: count(all, 'weights') + count(all, 'bias'),
    macs: Math.round((count(all, 'weights') * width * height * channels) / 2 / (block * HALF_CHANNELS)),
  })
}

/** Where tiles begin in this many bytes, {@link MIN_TILE_BYTES} or more. */
export function tileCuts(length: number): number[] {
  const tiles = Math.max(1, Math.ceil((length - MIN_TILE_BYTES + 1) / TILE_BYTES))
  return Array.from({ length: tiles }, (_, i) => i * TILE_BYTES)
}

/** Everything that must not be exchangeable between images of one key. */
function tweakPrefix({ width, height, channels, format }: Image, nonce: Uint8Array): Uint8Array {
  const purpose = new TextEncoder().encode('pixels')
  return concatBytes(
    purpose,
    u32(width),
    u32(height),
    Uint8Array.of(channels, format === 'u16' ? 16 : 8),
    u32(nonce.length),
    nonce,
  )
}
