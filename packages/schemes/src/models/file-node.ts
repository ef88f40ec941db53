import { cacheFolder, isOwnFolder } from '@latent/core/node'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chosenFolder, missingFile, MODELS_PACKAGE, schemePackage, type WantedFile } from './places.ts'

/**
 * A card, or weights that are looked for by their card: in the folder that was chosen, in the packages of weights, then
 * in the cache that `latent model fetch` fills. Whoever reads weights compares their hash with the card.
 * @throws E_WEIGHTS if it is in none
 */
export async function modelFile(name: string, card?: WantedFile): Promise<Uint8Array> {
  if (basename(name) !== name) throw missingFile(name, undefined)
  for await (const path of places(name, card)) {
    try {
      return new Uint8Array(await readFile(path))
    } catch {
      // Not here, or not to be read: perhaps in the next place.
    }
  }
  throw missingFile(name, card)
}

async function* places(name: string, card: WantedFile | undefined): AsyncGenerator<string> {
  const chosen = chosenFolder()
  if (chosen) yield fileURLToPath(new URL(name, chosen))
  for (const holder of [MODELS_PACKAGE, ...(card ? [schemePackage(card.scheme)] : [])]) {
    const folder = await packageFolder(holder)
    if (folder !== undefined) yield join(folder, name)
  }
  if (card && isOwnFolder(modelCache())) yield cachedModel(card.sha256)
}

/** The folder of fetched weights; it may not be there. */
export const modelCache = (): string => join(cacheFolder(), 'models')
/** Where fetched weights of this SHA-256 lie, or would. */
export const cachedModel = (sha256: string): string => join(modelCache(), `${sha256}.safetensors`)

/** The files of a package of weights; undefined if it is not installed. */
export async function packageFolder(name: string): Promise<string | undefined> {
  try {
    const { folder } = (await import(name)) as { folder: URL }
    return fileURLToPath(folder)
  } catch {
    return undefined
  }
}
