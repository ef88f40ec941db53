import { sha256, toHex } from '@latent/core'
import { fileError } from './place.ts'

const FIRST = 2 ** 16
const PART = 2 ** 22

/**
 * A file in parts, the first of them small: most of what is asked of a file is at its start. Slices, because streams of
 * files can be iterated in some browsers alone.
 * @throws E_IO where the file is gone or was changed
 */
export async function* partsOf(file: Blob, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size;) {
    signal?.throwIfAborted()
    const end = Math.min(file.size, at + (at === 0 ? FIRST : PART))
    try {
      yield new Uint8Array(await file.slice(at, end).arrayBuffer())
    } catch (error) {
      throw fileError(error)
    }
    at = end
  }
}

/** Passes parts on, and tells of each when it is asked for the next. */
export async function* telling(
  source: AsyncIterable<Uint8Array>,
  report: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const part of source) {
    const { length } = part
    yield part
    report(length)
  }
}

/** Passes parts on; `hash` is that of all that went through, in hexadecimal. */
export function hashing(source: AsyncIterable<Uint8Array>, report: (bytes: number) => void) {
  const state = sha256()
  async function* through(): AsyncGenerator<Uint8Array> {
    for await (const part of telling(source, report)) {
      state.update(part)
      yield part
    }
  }
  return { parts: through(), hash: () => toHex(state.digest()) }
}

/** The SHA-256 of all parts, in hexadecimal. */
export async function hashOf(source: AsyncIterable<Uint8Array>, report: (bytes: number) => void): Promise<string> {
  const { parts, hash } = hashing(source, report)
  for await (const _ of parts) void _
  return hash()
}
