import { LatentError } from '@latent/core'
import { readFile } from 'node:fs/promises'

const FOLDER = new URL('../../../../models/', import.meta.url)

/** A file of the folder `models`. @throws E_WEIGHTS if it is not there */
export async function modelFile(name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(new URL(name, FOLDER)))
  } catch (cause) {
    throw new LatentError('E_WEIGHTS', `the file ${name} is not among the weights that came with Latent`, { hint: 'install Latent again, or train: latent train lists the recipes', cause })
  }
}
