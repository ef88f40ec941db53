import { streamOf } from '../src/streams.ts'

/** A source that tells when it is let go. */
export function watched(bytes: Uint8Array, part = 50): { source: AsyncIterable<Uint8Array>; closed: () => boolean } {
  let closed = false
  async function* source() {
    try {
      yield* streamOf(bytes, part)
    } finally {
      closed = true
    }
  }
  return { source: source(), closed: () => closed }
}
