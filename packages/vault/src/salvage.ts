import { GCM_TAG_BYTES, LatentError } from '@latent/core'
import type { FlowProvider } from './bodies/index.ts'
import { bodyCipher, type Chunks } from './body.ts'
import { type CarrierReader, carrierSize, readCarrier, readCanonical } from './carrier/index.ts'
import type { AlbumKeys } from './envelope.ts'
import { type Inspection, inspection, readHeader } from './open.ts'
import { decodeMetadata, type Metadata } from './payload.ts'
import { closing, mapInOrder } from './streams.ts'
import { announcement, fileKeys } from './header.ts'

/** What is left of a damaged sealed file. */
export interface Salvage extends Inspection {
  /**
   * Chunks in order, as far as the file goes; `undefined` plaintext for a damaged one. What a header
   * claims beyond that is not there to be counted: a hostile one may claim petabytes.
   */
  readonly pieces: AsyncIterable<Uint8Array | undefined>
}

/**
 * Reads whatever is intact. Checksums, the deflate stream and chunk structure of the PNG are ignored
 * where the file still has the layout it was written with: what lies where follows from the width
 * and height alone. The code over the header may be wrong; every chunk that comes out is authentic.
 * @param source gives the file from its start, each time it is called
 * @param fileSize bytes of the file as it is
 * @throws as `openSealed`, where the header itself cannot be read
 */
export async function salvageSealed(
  source: () => AsyncIterable<Uint8Array>,
  fileSize: number,
  keyring: AlbumKeys,
  flows: FlowProvider,
): Promise<Salvage> {
  const carrier = await lenientCarrier(source, fileSize)
  try {
    const { parsed, rest } = await readHeader(carrier)
    const found = inspection(carrier.geometry, parsed)
    const keys = await fileKeys(await keyring.albumKey(parsed.header.envelope), parsed.header.nonce)
    const cipher = await bodyCipher(parsed.header, keys, flows)
    const last = found.chunks.count - 1
    const pieces = mapInOrder(untilError(rest, found.chunks), cipher.lanes, async (piece, index) => {
      // Where chunks were cut off and the picture made anew, another one is last now.
      return (
        (await cipher.open(index, index === last, piece)) ??
        (index === last ? cipher.open(index, false, piece) : undefined)
      )
    })
    return { ...found, pieces: closing(pieces, () => carrier.close()) }
  } catch (error) {
    await carrier.close()
    throw error
  }
}

/** The metadata, if the first chunk is intact. */
export function salvagedMetadata({ header }: Inspection, first: Uint8Array | undefined): Metadata | undefined {
  return first && decodeMetadata(first.subarray(0, header.metadata))
}

async function lenientCarrier(source: () => AsyncIterable<Uint8Array>, fileSize: number): Promise<CarrierReader> {
  const carrier = await readCarrier(source())
  if (fileSize > carrierSize(carrier.geometry) || announcement(carrier.start) !== 'sealed') return carrier
  await carrier.close()
  return { geometry: carrier.geometry, start: carrier.start, ...readCanonical(carrier.geometry, source()) }
}

/** Do these first bytes of a file begin a sealed one, in the very layout that we write? */
export const looksSealed = (start: Uint8Array): boolean => announcement(start) === 'sealed'

/** Whole chunks until the data ends, however it ends. A cut chunk is as good as a missing one. */
async function* untilError(pixels: AsyncIterable<Uint8Array>, chunks: Chunks): AsyncGenerator<Uint8Array> {
  const { count } = chunks
  const [size, lastSize] = [chunks.size + GCM_TAG_BYTES, chunks.lastSize + GCM_TAG_BYTES]
  let piece = new Uint8Array(size)
  let filled = 0
  let index = 0
  try {
    for await (const part of pixels) {
      for (let at = 0; at < part.length;) {
        const wanted = index === count - 1 ? lastSize : size
        const take = Math.min(part.length - at, wanted - filled)
        piece.set(part.subarray(at, at + take), filled)
        filled += take
        at += take
        if (filled < wanted) continue
        yield piece.subarray(0, wanted)
        piece = new Uint8Array(size)
        filled = 0
        index++
      }
    }
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
  }
}
