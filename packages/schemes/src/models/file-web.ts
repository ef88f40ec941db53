import { LatentError } from '@latent/core'

const FOLDER = new URL('../../../../models/', import.meta.url)

/** A file of the folder `models`, which is served beside the code. @throws E_WEIGHTS if it is not there */
export async function modelFile(name: string): Promise<Uint8Array> {
  try {
    const response = await fetch(new URL(name, FOLDER))
    if (response.ok) return new Uint8Array(await response.arrayBuffer())
  } catch {
    // No answer, or half of one: either way the file is not here.
  }
  throw new LatentError('E_WEIGHTS', `the file ${name} is not among the weights that came with this page`, { hint: 'serve the folder models beside the code' })
}
