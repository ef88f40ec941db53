import { type Image, image, imageFromBytes, LatentError, sampleBytes, type SampleFormat } from '@latent/core'
import { compile, type Expr, mapTree, shape, tensor } from '@latent/graph'
import type { Parameter, Tensor } from '@latent/graph'
import type { Shape, Transform } from '../contract/scheme.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { BITS, type Correspondents, mix, partyParameters } from './network.ts'

/** Messages that the networks take at once. */
const BATCH = 1024
const BLOCK_BYTES = BITS / 8
/** Blocks of a picture before a key comes again: a key of 32 bytes is sixteen of the networks'. */
export const KEYS = 16

/** The networks of both, over bits as -1 and 1; see {@link openCorrespondents}. */
export interface OpenCorrespondents {
  /** Numbers in -1..1, sixteen for each block of sixteen bits and each key of sixteen. */
  alice(bits: Float32Array, keys: Float32Array): Promise<Float32Array>
  /** What Bob takes a cipher for; a bit is its sign. */
  bob(cipher: Float32Array, keys: Float32Array): Promise<Float32Array>
  close(): Promise<void>
}

/** Trained weights. @throws E_WEIGHTS if they do not fit */
export function correspondents(model: Model): Correspondents {
  const { alice, bob } = partyParameters()
  return { alice: networkWeights(model, 'alice', alice), bob: networkWeights(model, 'bob', bob) }
}

/** Compiles the networks, for any number of blocks. */
export async function openCorrespondents({ alice, bob }: Correspondents): Promise<OpenCorrespondents> {
  const dims = shape([BATCH, BITS])
  const open = (weights: Correspondents['alice']) =>
    compile(({ text, key }: { text: Expr; key: Expr }) => mix(weights, [text, key]), { text: dims, key: dims })
  const networks = [await open(alice), await open(bob)] as const
  const through = async (which: 0 | 1, text: Float32Array, keys: Float32Array): Promise<Float32Array> => {
    const out = new Float32Array(text.length)
    for (let from = 0; from < text.length; from += BATCH * BITS) {
      const part = (values: Float32Array): Tensor => {
        const data = new Float32Array(BATCH * BITS)
        data.set(values.subarray(from, from + data.length))
        return tensor('f32', [BATCH, BITS], data)
      }
      const { output } = await networks[which].run({ text: part(text), key: part(keys) })
      out.set((output!.data as Float32Array).subarray(0, Math.min(BATCH * BITS, text.length - from)), from)
    }
    return out
  }
  return {
    alice: (bits, keys) => through(0, bits, keys),
    bob: (cipher, keys) => through(1, cipher, keys),
    close: async () => void (await Promise.all(networks.map(network => network.close()))),
  }
}

/**
 * Abadi and Andersen's cipher on pictures: two bytes of samples are a message of sixteen bits, of which Alice makes
 * sixteen numbers. How longer messages are encrypted is not published; here every block is one of its own, and block i
 * meets the (i mod 16)th sixteen bits of the key.
 *
 * Cipher image: eight rows for each row of the picture, one a bit; a picture of an odd number of
 * bytes has one dark line more, so that its last byte has a partner.
 */
export async function abadiTransform(model: Model): Promise<Transform> {
  const networks = await openCorrespondents(correspondents(model))
  return {
    made: model,
    cost: ({ width, height, channels }) => ({
      parameters: PARAMETERS,
      macs: Math.ceil((width * height * channels) / BLOCK_BYTES) * MACS,
    }),
    async encrypt(plain, { key, wire }) {
      const bytes = new Uint8Array(byteCount(padded(plain)))
      bytes.set(sampleBytes(plain as Image<'u8' | 'u16'>))
      const bits = bitsOf(bytes)
      return numbersImage(await networks.alice(bits, keysFor(key, bits.length / BITS)), padded(plain), wire)
    },
    async decrypt(cipher, { key, plain }) {
      const numbers = numbersOf(cipher, plain)
      const bits = await networks.bob(numbers, keysFor(key, numbers.length / BITS))
      const bytes = new Uint8Array(byteCount(plain))
      for (let i = 0; i < 8 * bytes.length; i++) if (bits[i]! > 0) bytes[i >> 3]! |= 1 << (i & 7)
      const { width, height, channels } = plain
      const data = new (plain.format === 'u16' ? Uint16Array : Uint8Array)(width * height * channels)
      return imageFromBytes(bytes, { ...plain, data } as Image<'u8' | 'u16'>)
    },
    close: () => networks.close(),
  }
}

/** Bits of bytes as -1 and 1, from the least of each. */
export const bitsOf = (bytes: Uint8Array): Float32Array =>
  Float32Array.from({ length: 8 * bytes.length }, (_, i) => ((bytes[i >> 3]! >> (i & 7)) & 1 ? 1 : -1))

/** Sixteen bits of the key for each block, the same after sixteen blocks. */
export function keysFor(key: Uint8Array, blocks: number): Float32Array {
  const bits = bitsOf(key)
  return Float32Array.from({ length: blocks * BITS }, (_, i) => bits[i % (KEYS * BITS)]!)
}

/** A shape of an even number of bytes. */
const padded = ({ width, height, channels, format }: Shape): Shape => ({
  width,
  height: height + (byteCount({ width, height, channels, format }) % BLOCK_BYTES),
  channels,
  format,
})

const byteCount = ({ width, height, channels, format }: Shape): number =>
  width * height * channels * (format === 'u16' ? 2 : 1)

/** Rows of the cipher image for one of the picture. */
const rowsFor = (format: SampleFormat): number => (format === 'u16' ? 16 : 8)

/** Numbers of blocks as a picture: bit b of sample (x, y, c) lies in row `rows * y + b`. */
function numbersImage(numbers: Float32Array, { width, height, channels, format }: Shape, wire: SampleFormat): Image {
  const rows = rowsFor(format)
  const values = new Float32Array(width * height * channels * rows)
  for (let i = 0; i < values.length; i++) values[place(i, width * channels, rows)] = (numbers[i]! + 1) / 2
  const rounded = (top: number) => values.map(value => Math.floor(top * value + 0.5))
  return image({
    width,
    height: height * rows,
    channels,
    format: wire,
    data: wire === 'f32' ? values : wire === 'u8' ? Uint8Array.from(rounded(255)) : Uint16Array.from(rounded(65535)),
  })
}

/** The inverse of {@link numbersImage}. @throws E_IMAGE for an image of another shape */
export function numbersOf(cipher: Image, plain: Shape): Float32Array {
  const { width, channels } = plain
  const rows = rowsFor(plain.format)
  const height = padded(plain).height * rows
  if (cipher.width !== width || cipher.height !== height || cipher.channels !== channels)
    throw new LatentError(
      'E_IMAGE',
      `a cipher image of this picture has ${width} x ${height} pixels in ${channels} channels, this one ` +
        `${cipher.width} x ${cipher.height} in ${cipher.channels}`,
      { hint: 'it was resized, cropped or converted on its way; only the file that was written decrypts' },
    )
  const top = { u8: 255, u16: 65535, f32: 1 }[cipher.format]
  const numbers = new Float32Array(cipher.data.length)
  for (let i = 0; i < cipher.data.length; i++)
    numbers[i] = (2 * cipher.data[place(i, width * channels, rows)]!) / top - 1
  return numbers
}

/** Where the i-th bit of a picture's bytes stands in the cipher image, whose lines have `line` samples. */
function place(i: number, line: number, rows: number): number {
  const [sample, bit] = [Math.floor(i / rows), i % rows]
  return (Math.floor(sample / line) * rows + bit) * line + (sample % line)
}

const PARAMETERS = (() => {
  let count = 0
  const { alice, bob } = partyParameters()
  mapTree({ alice, bob }, (_, leaf) => (count += (leaf as Parameter).dims.reduce((a, b) => a * b, 1)))
  return count
})()
/** Of one block: the full layer, and each convolution at each of its places. */
const MACS = (2 * BITS) ** 2 + 2 * BITS * 8 + BITS * (16 + 16 + 4)
