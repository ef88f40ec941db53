import { LatentError } from '@latent/core'
import type { Description } from './scheme.ts'

const KEY_BYTES = 32

/** A scheme that has no key files of its own would take the text of one for a key, or its first bytes. @throws E_KEY */
export function requireKeyKind(key: Uint8Array, { id, key: kind }: Pick<Description, 'id' | 'key'>): void {
  if (key.length !== KEY_BYTES && kind === '32 bytes')
    throw new LatentError(
      'E_KEY',
      `${id} takes a key of 64 hexadecimal digits, and this is the key file of another scheme`,
      { hint: 'latent keygen --cipher -o FILE makes one' },
    )
}
