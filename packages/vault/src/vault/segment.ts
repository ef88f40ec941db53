import { jsonLines, LatentError, zlibPack, zlibUnpack } from '@latent/core'
import type { Album } from '../envelope.ts'
import { openSealed } from '../open.ts'
import { prepareSeal } from '../seal.ts'
import { collect, streamOf } from '../streams.ts'
import { type IndexRecord, parseRecord, type SegmentHead } from './record.ts'

/** Bytes of the largest segment, sealed and unpacked. */
export const MAX_SEGMENT = 64 * 1024 * 1024
const TYPE = 'application/x-latent-index'

/** Only bodies that need no weights lie in an index. */
export const noFlows = (): Promise<never> =>
  Promise.reject(new LatentError('E_VAULT', 'an object of the index is sealed as none is'))

/** The whole of a small thing as a sealed file: segments and packs of thumbnails. */
export async function sealSmall(album: Album, name: string, type: string, bytes: Uint8Array): Promise<Uint8Array> {
  const metadata = { name, type, size: bytes.length, modified: 0 }
  const sealing = await prepareSeal({ album, metadata, flows: noFlows, body: { type: 'aes-256-gcm' } })
  return collect(sealing.png(streamOf(bytes)))
}

/** @throws E_VAULT for another type of thing; as `openSealed` */
export async function openSmall(key: Uint8Array, type: string, png: Uint8Array): Promise<Uint8Array> {
  const opened = await openSealed(streamOf(png), { albumKey: async () => key }, noFlows)
  if (opened.metadata.type !== type || opened.metadata.size > MAX_SEGMENT) {
    await opened.close()
    throw new LatentError('E_VAULT', `an object is no ${type}`, { hint: 'something moved it there' })
  }
  return collect(opened.bytes)
}

/** A segment of the index: records as JSON, one a line, packed and sealed. */
export async function sealSegment(
  album: Album,
  head: Omit<SegmentHead, 't'>,
  records: readonly IndexRecord[],
): Promise<Uint8Array> {
  const lines = jsonLines([{ t: 'segment', ...head }, ...records])
  return sealSmall(album, 'index', TYPE, zlibPack(new TextEncoder().encode(lines), 6))
}

/** What a segment holds. */
export interface Segment {
  readonly head: SegmentHead
  /** Its lines; `undefined` for one that this release does not know. Those of a segment that was read are made anew. */
  readonly records: Iterable<IndexRecord | undefined>
}

/** @throws E_VAULT; as `openSealed` */
export async function openSegment(key: Uint8Array, png: Uint8Array): Promise<Segment> {
  const text = new TextDecoder().decode(unpacked(await openSmall(key, TYPE, png)))
  const first = text.indexOf('\n')
  const head = parsedLine(text.slice(0, Math.max(0, first)))
  if (head?.t !== 'segment')
    throw new LatentError('E_VAULT', 'a segment of the index is malformed', { hint: 'latent vault rebuild' })
  return { head, records: { [Symbol.iterator]: () => recordsIn(text, first + 1) } }
}

/** One at a time: of ten thousand, what is taken in is held, and not what it was made from. */
function* recordsIn(text: string, from: number): Generator<IndexRecord | undefined> {
  for (let at = from, end; (end = text.indexOf('\n', at)) >= 0; at = end + 1) {
    const record = parsedLine(text.slice(at, end))
    yield record?.t === 'segment' ? undefined : record
  }
}

function parsedLine(line: string): IndexRecord | SegmentHead | undefined {
  try {
    return parseRecord(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** Lines of an index unpack to a few times their size: room for the largest of all is taken for those alone. */
function unpacked(packed: Uint8Array): Uint8Array {
  const usual = Math.min(MAX_SEGMENT, 65_536 + 6 * packed.length)
  try {
    return zlibUnpack(packed, usual)
  } catch (error) {
    if (usual === MAX_SEGMENT || !(error instanceof LatentError) || error.code !== 'E_LIMIT') throw error
    return zlibUnpack(packed, MAX_SEGMENT)
  }
}
