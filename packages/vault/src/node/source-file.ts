import { release } from '@latent/core'
import type { BigIntStats } from 'node:fs'
import { basename, sep } from 'node:path'
import type { FlowProvider } from '../bodies/index.ts'
import type { Album, AlbumKeys } from '../envelope.ts'
import { openSealed } from '../open.ts'
import { openAtOnce } from '../open-at-once.ts'
import { mediaType, type Metadata, metadataFault } from '../payload.ts'
import { noteOfPlace } from '../place.ts'
import { prepareSeal, type SealOptions, type Sealing } from '../seal.ts'
import { streamOf } from '../streams.ts'
import type { Found } from './discover.ts'

/** What is known of a file before its bytes are read; as the system told it when it was opened. */
export type SourceInfo = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'mtimeMs' | 'ctimeMs' | 'ino' | 'mode'>

/** How the files of a run are sealed. */
export type SealingOptions = Pick<SealOptions, 'album' | 'body' | 'padding' | 'nonce'> & {
  readonly hideNames?: boolean | undefined
}

/** A file that is about to be sealed, and what of it does not fit into a sealed file. */
export interface PreparedSource {
  readonly sealing: Sealing
  readonly notes: readonly string[]
}

/** @param start the file's first bytes */
export async function prepareSource(
  { album, body, padding = 'none', nonce, hideNames }: SealingOptions,
  { source, relative }: Pick<Found, 'source' | 'relative'>,
  info: SourceInfo,
  start: Uint8Array,
  flows: FlowProvider,
): Promise<PreparedSource> {
  const name = basename(source)
  const modified = milliseconds(info.mtimeNs)
  const permissions = process.platform === 'win32' ? {} : { mode: Number(info.mode) & 0o777 }
  const metadata = fitting({ name, type: mediaType(start), size: Number(info.size), modified, ...permissions })
  const sealing = await prepareSeal({
    album,
    body,
    padding,
    flows,
    metadata,
    ...(nonce ? { nonce } : {}),
    ...(hideNames ? { note: noteOfPlace(relative.split(sep).join('/')) } : {}),
  })
  const notes = [
    ...(BigInt(modified) === info.mtimeNs / 1_000_000n
      ? []
      : ['its time is beyond what a sealed file holds; the nearest was kept']),
    ...(metadata.name === name ? [] : ['its name is longer than a sealed file holds, and was cut']),
  ]
  return { sealing, notes }
}

/**
 * A name whose bytes are no text takes more room in a sealed file than on the disk: what does not fit is cut from
 * its stem.
 */
function fitting(metadata: Metadata): Metadata {
  const { name } = metadata
  const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length
  for (let length = dot; length > 0; length--) {
    const cut = { ...metadata, name: name.slice(0, length) + name.slice(dot) }
    if (metadataFault(cut) === undefined) return cut
  }
  return metadata
}

/** Whole milliseconds since 1970, as near as a sealed file can hold them. */
export function milliseconds(nanoseconds: bigint): number {
  const exact = Number(nanoseconds / 1_000_000n)
  return Math.min(Math.max(exact, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

/**
 * Opens what was sealed, to the end; its hash comparison is the check. It shares the album key, the threads and runs
 * of the networks with the sealing, and computes everything else again: file keys, those of the flow, key streams and
 * what the networks give. What a fault of memory or processor had spoilt there would be spoilt here as well, and
 * compare equal. A run of the networks takes rows of several files and keeps nothing of them.
 */
export async function checkSealed(
  album: Pick<Album, 'key'>,
  png: AsyncIterable<Uint8Array>,
  flows: FlowProvider,
): Promise<void> {
  const { bytes } = await openSealed(png, keyOf(album), flows)
  for await (const part of bytes) release(part)
}

/** As {@link checkSealed}, for what lies in memory. */
export async function checkAtOnce(album: Pick<Album, 'key'>, png: Uint8Array, flows: FlowProvider): Promise<void> {
  if (!(await openAtOnce(png, keyOf(album), flows))) await checkSealed(album, streamOf(png), flows)
}

const keyOf = ({ key }: Pick<Album, 'key'>): AlbumKeys => ({ albumKey: () => Promise.resolve(key) })
