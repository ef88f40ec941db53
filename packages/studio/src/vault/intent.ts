import { LatentError } from '@latent/core'
import { inspectSealed } from '@latent/vault'
import { partsOf } from './bytes.ts'

/** What is to be done with a file that was dropped. */
export type Intent = 'seal' | 'open'

/**
 * Sealed files are opened, others sealed. What was plainly sealed once and is damaged is opened too: it is told what is
 * wrong with it, instead of being sealed a second time.
 */
export async function intentOf(file: File): Promise<Intent> {
  try {
    await inspectSealed(partsOf(file))
    return 'open'
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
    if (error.code === 'E_NOT_SEALED' || error.code === 'E_IO') return 'seal'
    // An ordinary picture of other pixels looks like a sealed one that a service converted; the name tells them apart.
    return error.code === 'E_REENCODED' && !/\.[a-z0-9]{2,5}\.png$/i.test(file.name) ? 'seal' : 'open'
  }
}
