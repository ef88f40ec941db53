import { LatentError } from '@latent/core'
import type { Geometry } from './geometry.ts'
import { imageFormat, notACarrier, reencoded, tooShort } from './refusals.ts'

// One row is held in memory; sealed files of a petabyte stay below this.
const MAX_WIDTH = 2 ** 24

const NOT_OURS = { hint: 'no sealed file is like that: it was damaged, or there is nothing in it to open' }

/** What signature and IHDR say. @throws E_NOT_SEALED; E_REENCODED; E_TRUNCATED; E_LIMIT */
export function carrierKind(start: Uint8Array): { geometry: Geometry; channels: 3 | 4 } {
  const format = imageFormat(start)
  if (format !== 'PNG') throw notACarrier(format)
  if (start.length < 33) throw tooShort()
  const view = new DataView(start.buffer, start.byteOffset, start.length)
  const geometry = { width: view.getUint32(16), height: view.getUint32(20) }
  const [depth, colour, compression, filtering, interlace] = start.subarray(24, 29)
  const isHeader = view.getUint32(8) === 13 && new TextDecoder('latin1').decode(start.subarray(12, 16)) === 'IHDR'
  if (!isHeader || geometry.width === 0 || geometry.height === 0 || compression !== 0 || filtering !== 0) {
    throw new LatentError('E_NOT_SEALED', 'the header of this PNG is damaged', {
      hint: 'download or copy the file again',
    })
  }
  if (geometry.width > MAX_WIDTH)
    throw new LatentError(
      'E_LIMIT',
      `this picture is ${geometry.width} pixels wide, more than the limit of ${MAX_WIDTH}`,
      NOT_OURS,
    )
  if (geometry.width * geometry.height * 4 > Number.MAX_SAFE_INTEGER)
    throw new LatentError('E_LIMIT', 'this picture has more pixels than can be counted', NOT_OURS)
  if (depth !== 8 || (colour !== 2 && colour !== 6) || interlace !== 0) {
    const found = `${depth} bits, colour type ${colour}${interlace ? ', interlaced' : ''}`
    throw reencoded(`its pixels were converted (${found} instead of 8-bit RGB)`)
  }
  return { geometry, channels: colour === 6 ? 4 : 3 }
}
