import { chosenFolder, missingFile, type WantedFile } from './places.ts'

/**
 * A card, or weights: from the folder that the page chose, or from `models/` beside the page.
 * @throws E_WEIGHTS if it is not there
 */
export async function modelFile(name: string, card?: WantedFile): Promise<Uint8Array> {
  try {
    const response = await fetch(new URL(name, chosenFolder() ?? new URL('models/', globalThis.location.href)))
    if (response.ok) return new Uint8Array(await response.arrayBuffer())
  } catch {
    // No answer, or half of one: either way the file is not here.
  }
  throw missingFile(
    name,
    card,
    'serve the files of @latent/models in the folder models beside the page, or name their folder with useModelsFrom',
  )
}
