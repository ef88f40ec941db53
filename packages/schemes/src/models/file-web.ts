import { LatentError } from '@latent/core'

const FOLDER = new URL('../../../../models/', import.meta.url)

/** A file of the folder `models`, which is served beside the code. @throws E_WEIGHTS if it is not there */
export async function modelFile(name: string): Promise<Uint8Array> {
  const response = await fetch(new URL(name, FOLDER)).catch(() => undefined)
  if (!response?.ok) throw new LatentError('E_WEIGHTS', `the file ${name} is not among the weights that came with this page`, { hint: 'serve the folder models beside the code' })
  return new Uint8Array(await response.arrayBuffer())
}
