import { discardBuffer, release, sha256OfSize, toHex } from '@latent/core'
import { fileError } from './file-error.ts'

const PART = 2 ** 22

/**
 * A file in parts, each of which is there until the next is asked for. Slices, because streams of files can be
 * iterated in some browsers alone; and few of them, because Chromium asks another process for each.
 * @param first bytes of the first part, where most of what is asked is at the start
 * @throws E_IO where the file is gone or was changed
 */
export async function* partsOf(file: Blob, signal?: AbortSignal, first = PART): AsyncGenerator<Uint8Array> {
  const { size } = file
  for (let at = 0; at < size;) {
    signal?.throwIfAborted()
    const end = Math.min(size, at + (at === 0 ? first : PART))
    const part = await (end - at === size ? file : file.slice(at, end))
      .arrayBuffer()
      .catch((error: unknown) => Promise.reject(fileError(error)))
    yield new Uint8Array(part)
    discardBuffer(part)
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

/** Lets go of a part of an opened file, with the bytes beside it in its chunk: nobody else has them. */
export const releaseWhole = ({ buffer }: Uint8Array): void => release(new Uint8Array(buffer))

/** The SHA-256 of all parts, `size` bytes together, in hexadecimal. */
export async function hashOf(
  source: AsyncIterable<Uint8Array>,
  size: number,
  report: (bytes: number) => void = () => undefined,
): Promise<string> {
  const state = sha256OfSize(size)
  for await (const part of telling(source, report)) state.update(part)
  return toHex(await state.digest())
}
