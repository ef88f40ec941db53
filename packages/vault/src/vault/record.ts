import { LatentError } from '@latent/core'
import { pathFault } from '../place.ts'
import { NAMES } from './layout.ts'

/** A file in a vault, as the index has it and, but for what only the index knows, as its object's note says. */
export interface Photo {
  /** The object that holds it. */
  readonly object: string
  /** Bytes of that object. */
  readonly sealed: number
  /** Folders and name, with `/` between them, below the album. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string
  /** Media type by its first bytes. */
  readonly type: string
  /** When it was added: milliseconds since 1970, later than what it takes the place of. */
  readonly added: number
  /** When it was taken, by its own metadata: `2024-07-01T12:00:00`, in the camera's time. */
  readonly taken?: string
  /** What took it. */
  readonly camera?: string
}

/** What a note holds. */
export type PhotoNote = Omit<Photo, 'object' | 'sealed'>

/** One line of a segment. Lines of kinds that a reader does not know are passed over. */
export type IndexRecord =
  | ({ readonly t: 'photo' } & Photo)
  /** Removed, or moved: hidden from then on, and deleted by `prune` after a waiting time. */
  | { readonly t: 'gone'; readonly object: string; readonly at: number }
  /** Will be deleted. */
  | { readonly t: 'doomed'; readonly objects: readonly string[]; readonly at: number }
  /** What album this key is of; the key with the highest epoch takes new photos. */
  | {
      readonly t: 'album'
      readonly album: string
      readonly name: string
      readonly epoch: number
      /** Its members are those that new albums are made for. */
      readonly main?: boolean
      readonly at: number
    }
  /** Who was given this key. */
  | { readonly t: 'member'; readonly recipient: string; readonly at: number }
  | { readonly t: 'thumbs'; readonly pack: string; readonly objects: readonly string[] }

/** The first line of a segment. */
export interface SegmentHead {
  readonly t: 'segment'
  /** Segments of this key that its writer knew and nobody had named: if one is gone, something is missing. */
  readonly parents: readonly string[]
  /** Segments whose records are all in this one. */
  readonly replaces: readonly string[]
  readonly at: number
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isTime = (value: unknown): value is number => Number.isSafeInteger(value)
const isObject = (value: unknown): value is string => isText(value) && NAMES.object.test(value)

/** Does a note, or record, say of a photo what every one must? What may be absent, and is no text, counts as absent. */
function isPhotoNote(fields: Record<string, unknown>): boolean {
  const { path, size, modified, sha256, type, added, taken, camera } = fields
  if (taken !== undefined && !isText(taken)) delete fields['taken']
  if (camera !== undefined && !isText(camera)) delete fields['camera']
  return (
    isText(path) &&
    pathFault(path) === undefined &&
    isCount(size) &&
    isTime(modified) &&
    isTime(added) &&
    isText(sha256) &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    isText(type)
  )
}

/** The note of an object. */
export function encodeNote({ path, size, modified, sha256, type, added, taken, camera }: PhotoNote): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ path, size, modified, sha256, type, added, taken, camera }))
}

/** @throws E_VAULT if the object holds no photo of a vault */
export function decodeNote(note: Uint8Array | undefined): PhotoNote {
  try {
    const fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(note)) as Record<string, unknown>
    if (isPhotoNote(fields)) {
      const { path, size, modified, sha256, type, added, taken, camera } = fields as unknown as PhotoNote
      const note = { path, size, modified, sha256, type, added }
      return { ...note, ...(taken === undefined ? {} : { taken }), ...(camera === undefined ? {} : { camera }) }
    }
  } catch {
    // As below.
  }
  throw new LatentError('E_VAULT', 'an object holds no note of a vault', { hint: 'it was not added by latent vault' })
}

/**
 * A line of a segment, if it is one that this release knows.
 * @param value as it was parsed; what comes of it may be this very object, with fields that this release does not know
 */
export function parseRecord(value: unknown): IndexRecord | SegmentHead | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Record<string, unknown>
  const { t, object, objects, at, album, name, epoch, main, recipient, pack, sealed, parents, replaces } = fields
  const texts = (list: unknown): list is string[] => Array.isArray(list) && list.every(isText)
  // There may be millions of them: no copy is made here.
  if (t === 'photo')
    return isObject(object) && isCount(sealed) && isPhotoNote(fields) ? (value as IndexRecord) : undefined
  if (t === 'thumbs') return isText(pack) && texts(objects) ? { t, pack, objects } : undefined
  if (!isTime(at)) return undefined
  if (t === 'gone') return isObject(object) ? { t, object, at } : undefined
  if (t === 'doomed') return texts(objects) ? { t, objects: objects.filter(isObject), at } : undefined
  if (t === 'member') return isText(recipient) ? { t, recipient, at } : undefined
  if (t === 'segment') return texts(parents) && texts(replaces) ? { t, parents, replaces, at } : undefined
  if (t === 'album')
    return isText(album) && isText(name) && isCount(epoch)
      ? { t, album, name, epoch, at, ...(main === true ? { main } : {}) }
      : undefined
  return undefined
}
