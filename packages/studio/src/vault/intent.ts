import { LatentError } from '@latent/core'
import { type PixelDecoder, pictureFormat, showsCarrier } from '@latent/robust'
import { inspectSealed } from '@latent/vault'
import { partsOf } from './bytes.ts'

/** Of a file that is sealed, its header lies in so many bytes or a few more. */
const HEAD = 2 ** 16

/** What is to be done with a file that was dropped. */
export type Intent = 'seal' | 'open'

/** What was found of a file. */
export interface Look {
  readonly intent: Intent
  /** Where it is opened, it is read as a robust carrier, together with others. */
  readonly robust: boolean
}

/**
 * Sealed files and robust carriers are opened, others sealed. What was plainly sealed once and is damaged is opened
 * too: it is told what is wrong with it, instead of being sealed a second time.
 * @param decode for pictures that are neither JPEG nor PNG
 */
export async function lookAt(file: File, decode?: PixelDecoder): Promise<Look> {
  const shows = () => showsCarrier(file, decode).catch(() => false)
  const start = await file
    .slice(0, 32)
    .arrayBuffer()
    .catch(() => new ArrayBuffer(0))
  const format = pictureFormat(new Uint8Array(start))
  if (format === 'JPEG' || format === 'WebP' || format === 'AVIF')
    return { intent: (await shows()) ? 'open' : 'seal', robust: true }
  try {
    await inspectSealed(partsOf(file, undefined, HEAD))
    return { intent: 'open', robust: false }
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
    if (error.code === 'E_NOT_SEALED' || error.code === 'E_IO') return { intent: 'seal', robust: false }
    if (error.code === 'E_REENCODED' && (await shows())) return { intent: 'open', robust: true }
    // An ordinary picture of other pixels looks like a sealed one that a service converted; the name tells them apart.
    const ordinary = error.code === 'E_REENCODED' && !/\.[a-z0-9]{2,5}\.png$/i.test(file.name)
    return { intent: ordinary ? 'seal' : 'open', robust: false }
  }
}
