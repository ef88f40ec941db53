import { concatBytes, LatentError, sha256Of, u32 } from '@latent/core'
import { Draws } from './draws.ts'

/** What every codeword of a part says of where it belongs. */
export interface Descriptor {
  /** The first 8 bytes of the SHA-256 of all that the set carries: parts with one name make one set. */
  readonly set: Uint8Array
  /** A set of many parts is cut into groups, which are restored one by one. */
  readonly group: number
  readonly groups: number
  /** Bytes of what the group carries. */
  readonly size: number
  /** Parts that hold the bytes, and parts that stand in for lost ones. */
  readonly data: number
  readonly spare: number
  /** This part: 0 to `data + spare - 1`. */
  readonly part: number
}

/** Bytes of a {@link Descriptor} as it is written. */
export const DESCRIPTOR_BYTES = 24
const CHECK_BYTES = 8
/** What a codeword holds besides content. */
export const FRAME_OVERHEAD = DESCRIPTOR_BYTES + CHECK_BYTES
const VERSION = 1

function encodeDescriptor({ set, group, groups, size, data, spare, part }: Descriptor): Uint8Array {
  const bytes = new Uint8Array(DESCRIPTOR_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set([VERSION, data, spare, part])
  bytes.set(set, 4)
  view.setUint16(12, group)
  view.setUint16(14, groups)
  view.setBigUint64(16, BigInt(size))
  return bytes
}

/** @returns nothing for what no writer makes; @throws E_UNSUPPORTED for another version */
function decodeDescriptor(bytes: Uint8Array): Descriptor | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_BYTES)
  const [version, data, spare, part] = [bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!]
  if (version !== VERSION)
    throw new LatentError('E_UNSUPPORTED', `this robust carrier has the version ${version}, and this release reads 1`, {
      hint: 'update latent',
    })
  const [group, groups, size] = [view.getUint16(12), view.getUint16(14), Number(view.getBigUint64(16))]
  if (data === 0 || data + spare > 255 || part >= data + spare || group >= groups || !Number.isSafeInteger(size))
    return undefined
  return { set: bytes.slice(4, 12), group, groups, size, data, spare, part }
}

/** A codeword's data: descriptor, content, and what tells a right one from a wrong one; all under a mask. */
export function encodeFrame(index: number, descriptor: Descriptor, content: Uint8Array): Uint8Array {
  const plain = concatBytes(encodeDescriptor(descriptor), content)
  return masked(index, concatBytes(plain, checkOf(index, plain)))
}

/** What a codeword held. */
export interface Frame {
  readonly descriptor: Descriptor
  readonly content: Uint8Array
}

/** @returns nothing if it is not what was written; @throws E_UNSUPPORTED */
export function decodeFrame(index: number, bytes: Uint8Array): Frame | undefined {
  const plain = masked(index, bytes)
  const end = plain.length - CHECK_BYTES
  const check = checkOf(index, plain.subarray(0, end))
  if (!check.every((byte, i) => byte === plain[end + i])) return undefined
  const descriptor = decodeDescriptor(plain)
  return descriptor && { descriptor, content: plain.subarray(DESCRIPTOR_BYTES, end) }
}

const checkOf = (index: number, plain: Uint8Array): Uint8Array =>
  sha256Of(concatBytes(new TextEncoder().encode('latent robust frame 1'), u32(index), plain)).subarray(0, CHECK_BYTES)

/** Headers are text, and what is alike in all codewords would show: everything is added to drawn bytes. */
function masked(index: number, bytes: Uint8Array): Uint8Array {
  const draws = new Draws(0x4d41_0000 + index)
  const out = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length; at += 4) {
    const word = draws.next()
    out[at] = bytes[at]! ^ (word >>> 24)
    if (at + 1 < bytes.length) out[at + 1] = bytes[at + 1]! ^ (word >>> 16)
    if (at + 2 < bytes.length) out[at + 2] = bytes[at + 2]! ^ (word >>> 8)
    if (at + 3 < bytes.length) out[at + 3] = bytes[at + 3]! ^ word
  }
  return out
}
