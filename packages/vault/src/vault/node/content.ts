import { LatentError, sha256, toHex } from '@latent/core'
import { openSteady } from '@latent/core/node'
import { basename } from 'node:path'
import { bodyOfBytes } from '../../store/store.ts'

/** Files up to this size are read once and held; larger ones are read twice. */
const HELD_BYTES = 32 * 1024 * 1024
/** Most files have their Exif within these first bytes. */
const EXIF_BYTES = 1 << 18

/** A file as it was at one moment. */
export interface Content {
  readonly size: number
  readonly modified: number
  readonly mode?: number
  readonly sha256: string
  readonly start: Uint8Array
  /** All of it, where it is not too large to hold. */
  readonly bytes?: Uint8Array
  parts(): AsyncIterable<Uint8Array>
}

/** Reads a file whose bytes are of one moment. @throws E_CHANGED; E_IO */
export async function readContent(source: string): Promise<Content> {
  const file = await openSteady(source)
  const hash = sha256()
  const held: Uint8Array[] = []
  let [size, kept] = [0, 0]
  const hold = file.info.size <= BigInt(HELD_BYTES)
  try {
    for await (const part of file.parts) {
      hash.update(part)
      size += part.length
      if (hold || kept < EXIF_BYTES) {
        held.push(part)
        kept += part.length
      }
    }
  } finally {
    await file.close()
  }
  const digest = toHex(hash.digest())
  const start = Buffer.concat(held)
  const facts = {
    size,
    modified: Number(file.info.mtimeNs / 1_000_000n),
    sha256: digest,
    start,
    ...(process.platform === 'win32' ? {} : { mode: Number(file.info.mode) & 0o777 }),
  }
  if (hold) return { ...facts, bytes: start, parts: () => bodyOfBytes(start).parts() }
  return { ...facts, parts: () => again(source, digest) }
}

/** The same bytes once more. @throws E_CHANGED if they are others */
async function* again(source: string, expected: string): AsyncGenerator<Uint8Array> {
  const file = await openSteady(source)
  const hash = sha256()
  try {
    for await (const part of file.parts) {
      hash.update(part)
      yield part
    }
  } finally {
    await file.close()
  }
  if (toHex(hash.digest()) !== expected)
    throw new LatentError('E_CHANGED', `${basename(source)} changed while it was being added`, {
      hint: 'run it again when nothing writes to it',
    })
}
