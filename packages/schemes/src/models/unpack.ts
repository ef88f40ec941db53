import { LatentError } from '@latent/core'
import type { WantedFile } from './places.ts'

/** What gzip files begin with. Those of safetensors begin with the length of a header, and none is as long as that. */
const GZIP = [0x1f, 0x8b]

/** Whether it begins as gzip files do. */
export const isPacked = (file: Uint8Array): boolean => GZIP.every((byte, i) => file[i] === byte)

/** More than gzip ever adds to what it cannot pack. */
export const packedLimit = (bytes: number): number => bytes + Math.ceil(bytes / 1000) + 100

/**
 * Weights, out of gzip where they lie in it: servers unpack some files on their own. What comes out is to be compared
 * with the hash on the card.
 * @throws E_WEIGHTS for a damaged gzip file, and for one that holds more or less than the card says
 */
export async function unpackWeights(file: Uint8Array, { id, bytes }: WantedFile): Promise<Uint8Array> {
  if (!isPacked(file)) return file
  const out = new Uint8Array(bytes)
  let filled = 0
  const refused = (what: string, cause?: unknown) =>
    new LatentError('E_WEIGHTS', `the packed weights ${id} ${what}`, {
      hint: 'the file was altered or damaged; install Latent again',
      cause,
    })
  const packed = new Blob([file as Uint8Array<ArrayBuffer>]).stream()
  const reader = packed.pipeThrough(new DecompressionStream('gzip')).getReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // Not one byte more is held, whatever a file of this size may unpack to.
      if (filled + part.value.length > bytes) throw refused(`hold more than ${bytes} bytes`)
      out.set(part.value, filled)
      filled += part.value.length
    }
  } catch (error) {
    void reader.cancel().catch(() => {})
    throw error instanceof LatentError ? error : refused('are no whole gzip file', error)
  }
  if (filled < bytes) throw refused(`hold ${filled} bytes, not ${bytes}`)
  return out
}
