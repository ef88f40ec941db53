import { KeyStream } from '@latent/core'
import { bytewise, type ByteCall, defineScheme, type Scheme } from '@latent/schemes'

const stream = ({ key, nonce }: ByteCall, purpose: string): Promise<KeyStream> =>
  KeyStream.create(key, `latent/v1/lab/control/${purpose}`, nonce)

const FRESH = { use: 'fresh', bytes: 16, others: 'hashed' } as const
const facts = { role: 'control', accepts: { formats: ['u8'] } } as const

/** Where a sample of the plain picture goes, from the order in which a cipher takes them. */
function moved(bytes: Uint8Array, order: Uint32Array, back: boolean): Uint8Array {
  const out = new Uint8Array(bytes.length)
  for (let i = 0; i < order.length; i++) {
    if (back) out[order[i]!] = bytes[i]!
    else out[i] = bytes[order[i]!]!
  }
  return out
}

/** Pixels in an order of the cipher's, channels with them. */
const byPixels = (pixels: Uint32Array, channels: number): Uint32Array =>
  Uint32Array.from(
    { length: pixels.length * channels },
    (_, i) => pixels[Math.floor(i / channels)]! * channels + (i % channels),
  )

/** A scheme that moves samples in an order of its own for each picture. */
const mover = (
  id: string,
  title: string,
  nonce: Scheme['nonce'],
  orderOf: (call: ByteCall) => Promise<Uint32Array>,
): Scheme =>
  defineScheme({
    ...facts,
    id,
    title,
    nonce,
    load: async () =>
      bytewise({
        encrypt: async (bytes, call) => moved(bytes, await orderOf(call), false),
        decrypt: async (bytes, call) => moved(bytes, await orderOf(call), true),
      }),
  })

const SQUARE = 4

/** Groups of places that lie in one square of four pixels a side. */
async function withinSquares(call: ByteCall): Promise<Uint32Array> {
  const { width, height, channels } = call.image
  const random = await stream(call, 'scrambled-squares')
  const pixels = Uint32Array.from({ length: width * height }, (_, p) => p)
  for (let top = 0; top + SQUARE <= height; top += SQUARE) {
    for (let left = 0; left + SQUARE <= width; left += SQUARE) {
      const places = Array.from(
        { length: SQUARE ** 2 },
        (_, i) => (top + Math.floor(i / SQUARE)) * width + left + (i % SQUARE),
      )
      const order = await random.permutation(places.length)
      for (const [i, place] of places.entries()) pixels[place] = places[order[i]!]!
    }
  }
  return byPixels(pixels, channels)
}

const BLOCK = 8

/** Blocks of eight pixels a side in any order, turned by half or not. */
async function blocks(call: ByteCall): Promise<Uint32Array> {
  const { width, height, channels } = call.image
  const [across, down] = [Math.floor(width / BLOCK), Math.floor(height / BLOCK)]
  const random = await stream(call, 'scrambled-blocks')
  const order = await random.permutation(across * down)
  const turns = await random.integers(across * down, 2)
  const pixels = Uint32Array.from({ length: width * height }, (_, p) => p)
  for (const [to, from] of order.entries()) {
    for (let i = 0; i < BLOCK ** 2; i++) {
      const place = (block: number, at: number) =>
        (Math.floor(block / across) * BLOCK + Math.floor(at / BLOCK)) * width + (block % across) * BLOCK + (at % BLOCK)
      pixels[place(to, i)] = place(from, turns[to] === 1 ? BLOCK ** 2 - 1 - i : i)
    }
  }
  return byPixels(pixels, channels)
}

/** All pixels moved along, round the edges. */
async function rolled(call: ByteCall): Promise<Uint32Array> {
  const { width, height, channels } = call.image
  const random = await stream(call, 'rolled')
  const [down] = await random.integers(1, height)
  const [right] = await random.integers(1, width)
  return byPixels(
    Uint32Array.from(
      { length: width * height },
      (_, p) => ((Math.floor(p / width) + down!) % height) * width + (((p % width) + right!) % width),
    ),
    channels,
  )
}

/** Even columns left, odd ones right. */
async function halves({ image: { width, height, channels } }: ByteCall): Promise<Uint32Array> {
  const left = Math.ceil(width / 2)
  return byPixels(
    Uint32Array.from({ length: width * height }, (_, p) => {
      const x = p % width
      return p - x + (x < left ? 2 * x : 2 * (x - left) + 1)
    }),
    channels,
  )
}

/** XOR with a mask; `maskOf` must give as many bytes as there are. */
const masker = (
  id: string,
  title: string,
  nonce: Scheme['nonce'],
  maskOf: (call: ByteCall, length: number) => Promise<Uint8Array>,
) => {
  const apply = async (bytes: Uint8Array, call: ByteCall) => {
    const mask = await maskOf(call, bytes.length)
    return bytes.map((value, i) => value ^ mask[i]!)
  }
  return defineScheme({ ...facts, id, title, nonce, load: async () => bytewise({ encrypt: apply, decrypt: apply }) })
}

const adder = (id: string, title: string): Scheme => {
  const shifted = (sign: 1 | -1) => async (bytes: Uint8Array, call: ByteCall) => {
    const added = await (await stream(call, 'added-key')).bytes(bytes.length)
    return bytes.map((value, i) => value + sign * added[i]!)
  }
  return defineScheme({
    ...facts,
    id,
    title,
    nonce: { use: 'none' },
    load: async () => bytewise({ encrypt: shifted(1), decrypt: shifted(-1) }),
  })
}

/**
 * Ciphers that are broken in one way that is known beforehand, a weakness each: the positive controls of attacks for
 * which no registered scheme is broken in that way alone.
 */
export const controls = {
  /** The pixels of each square change places, anew for every picture: its mean stays. */
  scrambledSquares: mover(
    'control-scrambled-squares',
    'pixels change places within squares of 4 x 4',
    FRESH,
    withinSquares,
  ),
  /** Blocks of 8 x 8 change places and are turned by half, anew for every picture. */
  scrambledBlocks: mover('control-scrambled-blocks', 'blocks of 8 x 8 change places, some upside down', FRESH, blocks),
  /** Squares of one key each, complemented or not: where a picture is flat, so is its cipher image. */
  keyedBlocks: masker(
    'control-keyed-blocks',
    'every square of 4 x 4 pixels XORed with one byte of its own, anew for every picture',
    FRESH,
    async (call, length) => {
      const { width, channels } = call.image
      const across = Math.ceil(width / SQUARE)
      const bytes = await (await stream(call, 'keyed-blocks')).bytes(across * Math.ceil(call.image.height / SQUARE))
      return Uint8Array.from({ length }, (_, i) => {
        const p = Math.floor(i / channels)
        return bytes[Math.floor(Math.floor(p / width) / SQUARE) * across + Math.floor((p % width) / SQUARE)]!
      })
    },
  ),
  /** The picture moved along by anything, anew for every picture: what stands in it stands elsewhere. */
  rolled: mover(
    'control-rolled',
    'all pixels moved along together, round the edges, anew for every picture',
    FRESH,
    rolled,
  ),
  /** Even and odd columns side by side. */
  twoHalves: mover('control-two-halves', 'even columns left, odd ones right', { use: 'none' }, halves),
  /** The key's bytes over and over: a key that is wrong in one bit is hardly wrong. */
  repeatedKey: masker(
    'control-repeated-key',
    "XOR with the key's bytes over and over",
    { use: 'none' },
    async ({ key }, length) => Uint8Array.from({ length }, (_, i) => key[i % key.length]!),
  ),
  /** A byte of the key's added to each sample, the same for all pictures: where it runs over, no straight map holds. */
  addedKey: adder('control-added-key', 'to each sample a byte of its own is added, the same for all pictures'),
  /** What a picture in one fixed unknown colouring is: the same complement of each channel everywhere. */
  recoloured: masker(
    'control-recoloured',
    'each channel complemented or not, the same everywhere',
    { use: 'none' },
    async ({ image: { channels } }, length) => Uint8Array.from({ length }, (_, i) => (i % channels === 1 ? 0 : 255)),
  ),
} as const
