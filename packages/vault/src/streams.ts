import { bytesToFill, deferred, joinBytes, release } from '@latent/core'

/**
 * Cuts parts of any size into pieces of `size` bytes, which are whoever's who asks for them; the last one may be
 * shorter, none is empty.
 * @param total bytes to expect, so that short streams do not take the memory of a whole piece
 */
export async function* pieces(
  source: AsyncIterable<Uint8Array>,
  size: number,
  total = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  let left = total
  const next = () => bytesToFill(Math.max(1, Math.min(size, left)))
  let piece = next()
  let filled = 0
  for await (const part of source) {
    for (let at = 0; at < part.length;) {
      const take = Math.min(part.length - at, piece.length - filled)
      piece.set(part.subarray(at, at + take), filled)
      filled += take
      at += take
      if (filled < piece.length) continue
      yield piece
      left -= filled
      piece = next()
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

/** Maps with up to `lanes` calls under way; results come in order. */
export async function* mapInOrder<T, R>(
  source: AsyncIterable<T>,
  lanes: number,
  map: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = []
  let index = 0
  try {
    for await (const item of source) {
      const result = map(item, index++)
      // A rejection is met when its turn comes; until then nobody is listening.
      result.catch(() => undefined)
      underWay.push(result)
      if (underWay.length >= lanes) yield await underWay.shift()!
    }
    while (underWay.length > 0) yield await underWay.shift()!
  } finally {
    await Promise.allSettled(underWay)
  }
}

/**
 * Shows parts to a second reader, and passes each on once that one has read it, so that its memory may be used again.
 * If the second reader fails, so does the stream; if it succeeds, the stream ends after it.
 */
export async function* alongside(
  source: AsyncIterable<Uint8Array>,
  second: (parts: AsyncIterable<Uint8Array>) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let offer = deferred<Uint8Array | undefined>()
  let read = deferred()
  async function* shown() {
    for (;;) {
      const part = await offer.promise
      if (part === undefined) return
      offer = deferred()
      yield part
      read.resolve()
    }
  }
  const finished = second(shown())
  finished.catch(() => undefined)
  try {
    for await (const part of source) {
      read = deferred()
      offer.resolve(part)
      await Promise.race([read.promise, finished])
      yield part
    }
  } finally {
    offer.resolve(undefined)
  }
  await finished
}

/** Passes parts on that are nobody else's: whoever asks for the next one has read the last one. */
export async function* releasing(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of source) {
    yield part
    release(part)
  }
}

/** Calls `close` when the stream ends, fails or is left. */
export async function* closing<T>(source: AsyncIterable<T>, close: () => Promise<void>): AsyncGenerator<T> {
  try {
    yield* source
  } finally {
    await close()
  }
}

/** Everything in one array. For small sources and tests. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return joinBytes(parts)
}

/** One array as a stream, optionally in parts of `size` bytes. */
export async function* streamOf(bytes: Uint8Array, size = Math.max(1, bytes.length)): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** One array as a stream of the web's kind. */
export const webStreamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })

/** The parts of such a stream, which not every browser lets a loop go through. */
export async function* partsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}
