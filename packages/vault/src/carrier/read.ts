import { LatentError } from '@latent/core'
import { ByteReader } from './byte-reader.ts'
import type { Geometry } from './geometry.ts'
import { Inflater, STEP } from './inflate.ts'
import { carrierKind } from './kind.ts'
import { truncated } from './refusals.ts'
import { unfilter } from './unfilter.ts'

/** No PNG has longer chunks. Without names and lengths to go by, a file of holes would be read for hours. */
const MAX_CHUNK = 2 ** 31 - 1

const broken = (message: string, cause?: unknown): LatentError =>
  new LatentError('E_CHUNK', message, { hint: 'latent open --salvage reads what is left', cause })

/**
 * As many bytes as show, in the layout that {@link writeCarrier} gives them, whether the pixels begin as a header
 * does.
 */
export const START_BYTES = 64

/** What a carrier turned out to be, and its pixel bytes in parts of any size. */
export interface CarrierReader {
  readonly geometry: Geometry
  /** The file's first bytes, {@link START_BYTES} of them if it has so many. */
  readonly start: Uint8Array
  /**
   * Parts are whoever's who asks for them.
   * @throws E_TRUNCATED if the file ends before it should; E_CHUNK if its deflate data is broken
   */
  readonly pixels: AsyncIterable<Uint8Array>
  /** Lets go of the source; needed where `pixels` is not read to its end. */
  close(): Promise<void>
}

/**
 * Starts reading a carrier.
 * @throws E_NOT_SEALED (not a picture); E_REENCODED (another image format, depth, colour type or
 *   interlacing); E_TRUNCATED; E_LIMIT
 */
export async function readCarrier(source: AsyncIterable<Uint8Array>): Promise<CarrierReader> {
  const input = new ByteReader(source)
  try {
    const start = await input.ahead(START_BYTES)
    const { geometry, channels } = carrierKind(start)
    await input.skip(33)
    return {
      geometry,
      start,
      pixels: unfilter(geometry, channels, inflate(input, (geometry.width * channels + 1) * geometry.height)),
      close: () => input.close(),
    }
  } catch (error) {
    await input.close()
    throw error
  }
}

/**
 * The inflated data of all IDAT chunks, up to the first part that completes `size` bytes; parts are valid until the
 * next is asked for. What a file holds beyond that is skipped and not inflated, but it must be there up to the end of
 * IEND.
 */
async function* inflate(input: ByteReader, size: number): AsyncGenerator<Uint8Array> {
  let missing = size
  const inflater = new Inflater()
  try {
    for (;;) {
      const head = await input.upTo(8)
      if (head.length < 8) throw truncated()
      const length = new DataView(head.buffer, head.byteOffset, 8).getUint32(0)
      const type = new TextDecoder('latin1').decode(head.subarray(4, 8))
      if (length > MAX_CHUNK || !/^[a-z]{4}$/i.test(type)) throw broken('the chunks of this PNG are broken')
      for (let left = type === 'IDAT' ? length : 0; left > 0;) {
        const data = inflater.packed ? await input.upTo(Math.min(left, STEP)) : await input.some(left)
        if (!data?.length) throw truncated()
        left -= data.length
        for (const parts = inflater.push(data); missing > 0;) {
          const part = nextPart(parts)
          if (!part) break
          missing -= part.length
          yield part
        }
      }
      await input.skip(type === 'IDAT' ? 4 : length + 4)
      if (type === 'IEND') return
    }
  } finally {
    await input.close()
  }
}

/** @returns nothing at the end @throws E_CHUNK */
function nextPart(parts: Generator<Uint8Array>): Uint8Array | undefined {
  try {
    return parts.next().value ?? undefined
  } catch (cause) {
    throw broken('the compressed data of this PNG is broken', cause)
  }
}
