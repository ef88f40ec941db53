import { concatBytes, LatentError } from '@latent/core'
import { type FlowProvider, Keyring, type Keys, openSealed } from '../../src/index.ts'

/** What opening came to: a kind as vectors name it, what came out before, and the metadata's JSON. */
export interface Outcome {
  readonly kind: string
  readonly released: Uint8Array
  readonly metadata?: string
}

/** Opens a sealed file as far as it goes. Only errors of ours are outcomes. */
export async function outcomeOf(png: AsyncIterable<Uint8Array>, keys: Keys, flows: FlowProvider): Promise<Outcome> {
  const parts: Uint8Array[] = []
  let metadata: string | undefined
  let kind = 'success'
  try {
    const opened = await openSealed(png, new Keyring(keys), flows)
    metadata = JSON.stringify(opened.metadata)
    for await (const part of opened.bytes) parts.push(part)
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
    kind = error.code.toLowerCase().replace('e_', '').replaceAll('_', '-')
  }
  return { kind, released: concatBytes(...parts), ...(metadata === undefined ? {} : { metadata }) }
}
