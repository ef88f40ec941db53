import { jsonLines, LatentError, release, zlibPack, zlibUnpack } from '@latent/core'
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
  /** Its lines; `undefined` for one that this release does not know. */
  readonly records: Iterable<IndexRecord | undefined>
}

/**
 * Opens a segment. A reader opens many, and memory that it has not used before costs more than the work that is done
 * in it: buffers are given back when they have been read.
 * @returns what it holds; its records can be gone through once
 * @throws E_VAULT; as `openSealed`
 */
export async function openSegment(key: Uint8Array, png: Uint8Array): Promise<Segment> {
  const packed = await openSmall(key, TYPE, png)
  const bytes = unpacked(packed)
  release(packed)
  const first = bytes.indexOf(LF) + 1
  const head = parsedLine(new TextDecoder().decode(bytes.subarray(0, first)))
  if (head?.t !== 'segment')
    throw new LatentError('E_VAULT', 'a segment of the index is malformed', { hint: 'latent vault rebuild' })
  return { head, records: recordsIn(bytes, first) }
}

const LF = 10
/** So much of a segment is text at once. */
const TEXT_BYTES = 1 << 16

/** One at a time: of ten thousand, what is taken in is held, and not what it was made from. */
function* recordsIn(bytes: Uint8Array, first: number): Generator<IndexRecord | undefined> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  try {
    for (let from = first, to; from < bytes.length; from = to) {
      to = bytes.subarray(0, from + TEXT_BYTES).lastIndexOf(LF) + 1
      if (to <= from) to = bytes.indexOf(LF, from) + 1
      // What has no end is no line.
      if (to === 0) return
      const text = decoder.decode(bytes.subarray(from, to))
      for (let at = 0, end; (end = text.indexOf('\n', at)) >= 0; at = end + 1) {
        const record = parsedLine(text.slice(at, end))
        yield record?.t === 'segment' ? undefined : record
      }
    }
  } finally {
    release(bytes)
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
