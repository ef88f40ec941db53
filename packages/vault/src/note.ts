import { aes256GcmOpen, aes256GcmSeal, concatBytes, GCM_TAG_BYTES, LatentError } from '@latent/core'
import { type Geometry, geometryFor } from './carrier/index.ts'
import { type FileKeys, type Header, headerId, headerSize, MAX_FILLER } from './header.ts'

/**
 * A note: up to 8,126 bytes that are sealed with a file and lie in its header, at the start of the filler. Whoever
 * has the key reads it without the body; to everyone else it is noise like the rest of the filler, and readers that
 * know no notes pass it over. Its length is sealed in front of it: see `docs/sealed-format.md`, section 2.
 */
const LENGTH_BYTES = 2
const FRAME = LENGTH_BYTES + 2 * GCM_TAG_BYTES

/** Bytes of the longest note. */
export const MAX_NOTE = MAX_FILLER - FRAME

/** Bytes that a note of `length` takes in the filler. */
export const sealedNoteSize = (length: number): number => length + FRAME

const nonceOf = (part: 0 | 1) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, part)

/** Seals a note for a header. The keys of a file seal one note, ever. @throws E_LIMIT for a note that is too long */
export async function sealNote(keys: FileKeys, header: Header, note: Uint8Array): Promise<Uint8Array> {
  if (note.length > MAX_NOTE)
    throw new LatentError('E_LIMIT', `a note of ${note.length} bytes is longer than the limit of ${MAX_NOTE}`, {
      hint: 'a shorter path, or fewer remarks',
    })
  const length = Uint8Array.of(note.length >>> 8, note.length & 255)
  const bound = headerId(header)
  return concatBytes(
    await aes256GcmSeal(keys.note, nonceOf(0), length, bound),
    await aes256GcmSeal(keys.note, nonceOf(1), note, bound),
  )
}

/** The note at the start of a filler. @returns `undefined` if there is none */
export async function openNote(keys: FileKeys, header: Header, filler: Uint8Array): Promise<Uint8Array | undefined> {
  if (filler.length < FRAME) return undefined
  const bound = headerId(header)
  const first = LENGTH_BYTES + GCM_TAG_BYTES
  const length = await aes256GcmOpen(keys.note, nonceOf(0), filler.subarray(0, first), bound)
  if (!length) return undefined
  const end = first + ((length[0]! << 8) | length[1]!) + GCM_TAG_BYTES
  return aes256GcmOpen(keys.note, nonceOf(1), filler.subarray(first, end), bound)
}

/** The picture for a header with a note, and a body of `sealed` bytes: its filler holds the note. */
export function geometryWithNote(header: Header, sealed: number, note: Uint8Array = new Uint8Array(0)): Geometry {
  return geometryFor(headerSize(header, 0) + note.length + sealed, MAX_FILLER - note.length)
}
