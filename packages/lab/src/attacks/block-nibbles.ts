import { argumentError, image } from '@latent/core'
import { ask, type Opened, type Oracle, type TargetShape } from './chosen-plaintext.ts'

const SIDE = 4

/** One block's key: nibble i of its cipher is nibble `source[i]` of the plain block, complemented or not. */
interface BlockKey {
  readonly source: Uint32Array
  readonly flip: Uint8Array
}

/**
 * The samples of every 4x4 block, row by row. Only this grid is public; the order within a block does not matter to the
 * attack.
 */
function blocksOf({ width, height, channels }: TargetShape): Uint32Array[] {
  if (width % SIDE !== 0 || height % SIDE !== 0)
    throw argumentError('shape', `sides that are multiples of ${SIDE}`, `${width}x${height}`)
  const across = width / SIDE
  const rowSamples = SIDE * channels
  return Array.from({ length: across * (height / SIDE) }, (_, b) =>
    Uint32Array.from(
      { length: SIDE * rowSamples },
      (_, i) =>
        (Math.floor(b / across) * SIDE + Math.floor(i / rowSamples)) * width * channels +
        (b % across) * rowSamples +
        (i % rowSamples),
    ),
  )
}

/** Nibbles of one block: low and high half of each sample in turn. */
function nibbles(bytes: Uint8Array, samples: Uint32Array): Uint8Array {
  return Uint8Array.from({ length: 2 * samples.length }, (_, i) =>
    i % 2 === 0 ? bytes[samples[i >> 1]!]! & 15 : bytes[samples[i >> 1]!]! >> 4,
  )
}

function putNibbles(bytes: Uint8Array, samples: Uint32Array, value: (i: number) => number): void {
  for (let i = 0; i < samples.length; i++) bytes[samples[i]!] = value(2 * i) | (value(2 * i + 1) << 4)
}

/** The two helper blocks of the attack: nibble i carries i mod 8, and floor(i / 8). */
const LOW = (i: number) => i % 8
const HIGH = (i: number) => Math.floor(i / 8)

/** What came back of the two helpers gives the key of a block: above 7 in the first means complemented. */
function readKey(low: Uint8Array, high: Uint8Array): BlockKey | undefined {
  const flip = low.map(value => (value > 7 ? 15 : 0))
  const source = Uint32Array.from(low, (value, i) => 8 * (high[i]! ^ flip[i]!) + (value ^ flip[i]!))
  return new Set(source).size === source.length && source.every(i => i < source.length) ? { source, flip } : undefined
}

function decrypt(block: Uint8Array, { source, flip }: BlockKey): Uint8Array {
  const plain = new Uint8Array(block.length)
  for (let i = 0; i < block.length; i++) plain[source[i]!] = block[i]! ^ flip[i]!
  return plain
}

/**
 * Recovers learnable encryption (one key for all blocks) from **one** chosen image that carries two
 * helper blocks: after Chang and Li's attack, with two helpers in place of sixteen. Exact. Up to 4
 * channels, since a helper's nibble must number up to 16 groups of eight.
 * @returns undefined where the answers do not fit such a cipher
 * @throws E_ARGUMENT for sides that are not multiples of 4, or fewer than two blocks
 */
export async function recoverBlockNibbles(oracle: Oracle, shape: TargetShape): Promise<Opened | undefined> {
  const blocks = blocksOf(shape)
  requireRoom(shape, blocks.length, 2)
  const chosen = new Uint8Array(shape.width * shape.height * shape.channels)
  putNibbles(chosen, blocks[0]!, LOW)
  putNibbles(chosen, blocks[1]!, HIGH)
  const answer = await ask(oracle, shape, chosen)
  const key = answer && readKey(nibbles(answer, blocks[0]!), nibbles(answer, blocks[1]!))
  if (!key) return undefined
  return {
    queries: 1,
    open: cipher =>
      openBlocks(
        shape,
        blocks,
        cipher.data,
        () => key,
        b => b,
      ),
  }
}

/**
 * Recovers extended learnable encryption (a key for each block position, blocks permuted) from three
 * chosen images: both helpers in every block give the keys, then every block carries its own number. Exact.
 * @returns undefined where the answers do not fit such a cipher
 * @throws E_ARGUMENT for sides that are not multiples of 4
 */
export async function recoverExtendedBlockNibbles(oracle: Oracle, shape: TargetShape): Promise<Opened | undefined> {
  const blocks = blocksOf(shape)
  requireRoom(shape, blocks.length, 1)
  const send = (value: (block: number, i: number) => number) => {
    const chosen = new Uint8Array(shape.width * shape.height * shape.channels)
    for (const [b, samples] of blocks.entries()) putNibbles(chosen, samples, i => value(b, i))
    return ask(oracle, shape, chosen)
  }
  const low = await send((_, i) => LOW(i))
  const high = await send((_, i) => HIGH(i))
  // The number of a block in hexadecimal digits, one a nibble: the block's key is known by now.
  const number = await send((b, i) => (i < NUMBER_DIGITS ? Math.floor(b / 16 ** i) % 16 : 0))
  if (!low || !high || !number) return undefined
  const keys: BlockKey[] = []
  const order = new Map<number, number>()
  for (const [b, samples] of blocks.entries()) {
    const key = readKey(nibbles(low, samples), nibbles(high, samples))
    if (!key) return undefined
    keys.push(key)
    const digits = decrypt(nibbles(number, samples), key)
    order.set(
      digits.subarray(0, NUMBER_DIGITS).reduce((sum, digit, place) => sum + digit * 16 ** place, 0),
      b,
    )
  }
  if (!blocks.every((_, b) => order.has(b))) return undefined
  return {
    queries: 3,
    open: cipher =>
      openBlocks(
        shape,
        blocks,
        cipher.data,
        b => keys[b]!,
        b => order.get(b)!,
      ),
  }
}

const NUMBER_DIGITS = 8

function requireRoom({ channels }: TargetShape, blocks: number, wanted: number): void {
  if (channels > 4) throw argumentError('channels', 'at most 4', channels)
  if (blocks < wanted) throw argumentError('shape', `at least ${wanted} blocks`, blocks)
}

/** Plain block b stands, encrypted, at block `place(b)` under the key of that place. */
function openBlocks(
  shape: TargetShape,
  blocks: readonly Uint32Array[],
  cipher: Uint8Array,
  keyAt: (block: number) => BlockKey,
  place: (block: number) => number,
) {
  const data = new Uint8Array(cipher.length)
  for (const [b, samples] of blocks.entries()) {
    const plain = decrypt(nibbles(cipher, blocks[place(b)]!), keyAt(place(b)))
    putNibbles(data, samples, i => plain[i]!)
  }
  return image({ ...shape, format: 'u8', data })
}
