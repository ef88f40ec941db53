import { type Image, LatentError } from '@latent/core'
import { drawDigit, parseIdxImages } from '@latent/data'

/** Digits that the page draws: the recipe keeps 256 of them apart. */
const DRAWN = 1280
/** Drawn at once, between two reports. */
const AT_ONCE = 64
/** Of an unpacked file: three times MNIST's training pictures. */
const MOST_BYTES = 150e6

/** Digits in the manner of handwritten ones, each in turn. */
export async function drawnDigits(report: (share: number) => void, count = DRAWN): Promise<Image<'u8'>[]> {
  const digits: Image<'u8'>[] = []
  while (digits.length < count) {
    const more = Array.from({ length: Math.min(AT_ONCE, count - digits.length) }, (_, i) => digits.length + i)
    digits.push(...(await Promise.all(more.map(n => drawDigit(n % 10, Math.floor(n / 10))))))
    report(digits.length / count)
  }
  return digits
}

/**
 * The pictures of a file in the format of MNIST, packed or not.
 * @throws E_DATA for any other file; E_LIMIT for one that is too large
 */
export async function digitsOf(file: Blob): Promise<Image<'u8'>[]> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer())
  try {
    const packed = first === 0x1f && second === 0x8b
    return parseIdxImages(
      await whole(packed ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream()),
    )
  } catch (cause) {
    if (cause instanceof LatentError && cause.code === 'E_LIMIT') throw cause
    const message = cause instanceof LatentError ? cause.message : 'this file is packed by gzip, and damaged'
    throw new LatentError('E_DATA', message, {
      hint: "choose MNIST's train-images-idx3-ubyte, as it is or as .gz",
      cause,
    })
  }
}

async function whole(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  const reader = stream.getReader()
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    size += value.length
    if (size <= MOST_BYTES) continue
    await reader.cancel()
    throw new LatentError('E_LIMIT', `this file unpacks to more than ${MOST_BYTES / 1e6} MB`, {
      hint: "choose MNIST's train-images-idx3-ubyte, which has 47 MB",
    })
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}
