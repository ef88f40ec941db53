import { discardBuffer, takeBuffer } from './platform.ts'

/** Joins arrays into one. @param make gives the one */
export function joinBytes(
  parts: readonly Uint8Array[],
  make = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length),
): Uint8Array<ArrayBuffer> {
  const joined = make(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** {@link joinBytes} for a few arrays that are named one by one. */
export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => joinBytes(parts)

/** 32-bit numbers, big-endian. */
export function u32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (let i = 0; i < values.length; i++) view.setUint32(4 * i, values[i]!)
  return new Uint8Array(view.buffer)
}

/** Smaller arrays are not worth keeping: what gives memory out keeps them itself. */
const LARGE = 65536
/** What a thread keeps at most: enough for the chunks that are under way on a few lanes. */
const MOST_SPARE = 24 << 20
/** Of how many sizes. */
const MOST_SIZES = 12

/**
 * Memory that was released, by size, the size that was asked for last at the end. Nothing is kept of a size that was
 * asked for once: photos have a size each, and none of them comes again.
 */
const spare = new Map<number, ArrayBuffer[] | undefined>()
let spareTotal = 0

/**
 * An array for bytes of which every one will be written: until then it holds whatever an earlier one left that was
 * {@link release}d. New memory costs as much as hashing what it is to hold: each page of it is a fault, and
 * the collector walks through the heap whenever enough of it has been let go.
 */
export function bytesToFill(length: number): Uint8Array<ArrayBuffer> {
  if (length < LARGE) return new Uint8Array(length)
  const buffers = spare.get(length) ?? (spare.has(length) ? [] : undefined)
  const buffer = buffers?.pop()
  spare.delete(length)
  spare.set(length, buffers)
  if (spare.size > MOST_SIZES) forgetOldest()
  if (!buffer) return new Uint8Array(length)
  spareTotal -= length
  return new Uint8Array(buffer)
}

/**
 * Says that nobody needs a large array any more: its memory goes to the next {@link bytesToFill} of that size, or back
 * to the system at once, for the collector counts it late. The array is empty afterwards. Views into a larger buffer
 * are left alone.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < LARGE || bytes.length !== buffer.byteLength) return
  const alike = spareTotal + bytes.length > MOST_SPARE ? undefined : spare.get(bytes.length)
  if (!alike) return discardBuffer(buffer)
  alike.push(takeBuffer(buffer))
  spareTotal += alike.at(-1)!.byteLength
}

function forgetOldest(): void {
  const [size, buffers = []] = spare.entries().next().value!
  spare.delete(size)
  for (const buffer of buffers) discardBuffer(buffer)
  spareTotal -= size * buffers.length
}
