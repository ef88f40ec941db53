import { LatentError } from '@latent/core'
import { readOwnText, systemCode } from '@latent/core/node'
import { ROBUST_JOURNAL } from '@latent/vault/node'
import { join } from 'node:path'
import { entriesOf } from './set-entries.ts'

/**
 * The pictures that a folder of robust carriers is to hold, by its journal: of every set that was made whole, but for
 * those of which all sources are in later ones.
 * @throws E_IO if there is a journal that cannot be read
 */
export async function listedPictures(folder: string): Promise<readonly string[]> {
  const text = await readOwnText(join(folder, ROBUST_JOURNAL)).catch((error: unknown) => {
    if (error instanceof LatentError && systemCode(error.cause) === 'ENOENT') return ''
    throw error
  })
  const whole = [...entriesOf(text).values()].filter(entry => entry.whole)
  const holders = new Map(
    whole.flatMap(entry => entry.sources.map(({ name }) => [`${entry.by} ${name}`, entry] as const)),
  )
  const wanted = whole.filter(entry => entry.sources.some(({ name }) => holders.get(`${entry.by} ${name}`) === entry))
  return [...new Set(wanted.flatMap(({ parts }) => [...parts.keys()]))]
}
