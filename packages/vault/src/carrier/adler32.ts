import { KERNEL } from './kernel-module.ts'

/** Adler-32 (RFC 1950) of bytes, continuing that of the bytes before them; of none it is 1. */
export type Adler32 = (bytes: Uint8Array, previous: number) => number

/** What `kernel/adler.ts` exports: an address, and how many bytes lie there. */
interface Kernel {
  adler(bytes: number, length: number, previous: number): number
}

/** The kernel's own table lies below. */
const ADDRESS = 2048
const PAGE = 65536

/** By a WebAssembly kernel, or plain where it does not run (no SIMD, or not allowed). */
export function openAdler32(): Adler32 {
  try {
    const memory = new WebAssembly.Memory({ initial: 2 })
    const module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL), character => character.charCodeAt(0)))
    const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernel
    const room = new Uint8Array(memory.buffer, ADDRESS, PAGE)
    return (bytes, previous) => {
      for (let at = 0; at < bytes.length; at += PAGE) {
        const part = bytes.subarray(at, at + PAGE)
        room.set(part)
        previous = kernel.adler(ADDRESS, part.length, previous) >>> 0
      }
      return previous
    }
  } catch {
    return plainAdler32
  }
}

/** What is meant. Sums of 3800 bytes stay below 2^31, so the remainder can wait that long. */
export const plainAdler32: Adler32 = (bytes, previous) => {
  let a = previous & 0xffff
  let b = previous >>> 16
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 3800)
    for (; at < end; at++) {
      a += bytes[at]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return ((b << 16) | a) >>> 0
}
