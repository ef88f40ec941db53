import { equalConstantTime, sha256Of } from '@latent/core'
import type { FlowProvider } from './bodies/index.ts'
import { readAtOnce } from './carrier/at-once.ts'
import type { AlbumKeys } from './envelope.ts'
import { parseHeader } from './header.ts'
import { inspection, type Opened, unlock } from './open.ts'
import { decodeMetadata } from './payload.ts'
import { HASH_BYTES } from './seal.ts'

/** A sealed file that is open to its last byte, and is what was sealed. */
export interface OpenedAtOnce extends Pick<Opened, 'metadata' | 'note'> {
  readonly nonce: Uint8Array
  readonly envelope: Uint8Array
  readonly bytes: Uint8Array
  readonly sha256: Uint8Array
}

/**
 * Opens a file of one chunk that lies in memory: what {@link openSealed} comes to, in a fraction of the time for a
 * small one.
 * @returns `undefined` for what is larger, laid out in another way or damaged: `openSealed` opens it, or says what is
 * wrong
 * @throws as `openSealed`
 */
export async function openAtOnce(
  png: Uint8Array,
  keyring: AlbumKeys,
  flows: FlowProvider,
): Promise<OpenedAtOnce | undefined> {
  const carrier = readAtOnce(png)
  const parsed = carrier && parseHeader(carrier.pixels)
  if (!parsed) return undefined
  const { header, chunks } = inspection(carrier.geometry, parsed)
  if (chunks.count > 1) return undefined
  const { cipher, note } = await unlock(parsed, keyring, flows)
  const plaintext = await cipher.open(0, true, carrier.pixels.subarray(parsed.size))
  if (!plaintext) return undefined
  const metadata = decodeMetadata(plaintext.subarray(0, header.metadata))
  const end = header.metadata + metadata.size
  const bytes = plaintext.subarray(header.metadata, end)
  const sha256 = sha256Of(bytes)
  if (!equalConstantTime(sha256, plaintext.subarray(end, end + HASH_BYTES))) return undefined
  if (plaintext.subarray(end + HASH_BYTES).some(byte => byte !== 0)) return undefined
  return { metadata, note, nonce: header.nonce, envelope: header.envelope.slice(), bytes, sha256 }
}
