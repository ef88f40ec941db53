import { KERNEL } from './crc32-kernel.ts'
import type { Primitives } from './primitive-set.ts'

type Crc32 = Primitives['crc32']

/** What `kernel/crc.ts` exports: an address, and how many bytes lie there. */
interface Kernel {
  prepare(): void
  crc(bytes: number, length: number, previous: number): number
}

/** The kernel's own tables lie below. */
const ADDRESS = 16384
const PAGE = 65536

/** By a WebAssembly kernel, or plain where it does not run (not allowed). */
export function openCrc32(): Crc32 {
  try {
    const memory = new WebAssembly.Memory({ initial: 2 })
    const module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL), character => character.charCodeAt(0)))
    const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernel
    kernel.prepare()
    const room = new Uint8Array(memory.buffer, ADDRESS, PAGE)
    return (bytes, previous = 0) => {
      for (let at = 0; at < bytes.length; at += PAGE) {
        const part = bytes.subarray(at, at + PAGE)
        room.set(part)
        previous = kernel.crc(ADDRESS, part.length, previous) >>> 0
      }
      return previous
    }
  } catch {
    return plainCrc32
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  return c
})

/** What is meant: the reflected polynomial 0xEDB88320, a byte a step. */
export const plainCrc32: Crc32 = (bytes, previous = 0) => {
  let c = ~previous
  for (let i = 0; i < bytes.length; i++) c = (c >>> 8) ^ TABLE[(c ^ bytes[i]!) & 255]!
  return ~c >>> 0
}
