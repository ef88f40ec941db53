import { type Image, imageFromBytes, sampleBytes } from '@latent/core'
import type { Shape, Transform } from './scheme.ts'

/** What a length-preserving transform of an image's sample bytes is given. */
export interface ByteCall {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly image: Shape
}

/** A cipher of bytes: an image's samples in raster order, 16-bit ones big-endian. */
export interface ByteTransform {
  /** @returns as many bytes as `bytes` has, which may be the same array; annotations to carry, if any */
  encrypt(
    bytes: Uint8Array,
    call: ByteCall,
  ): Promise<Uint8Array | { bytes: Uint8Array; annotations: Record<string, string> }>
  decrypt(bytes: Uint8Array, call: ByteCall, annotations: Readonly<Record<string, string>>): Promise<Uint8Array>
}

/** A transform of images from one of their bytes. */
export function bytewise(transform: ByteTransform): Transform {
  return {
    async encrypt(plain, { key, nonce }) {
      const source = plain as Image<'u8' | 'u16'>
      const result = await transform.encrypt(sampleBytes(source), { key, nonce, image: source })
      const { bytes, annotations } = result instanceof Uint8Array ? { bytes: result } : result
      return { ...imageFromBytes(bytes, source), ...(annotations ? { annotations } : {}) }
    },
    async decrypt(cipher, { key, nonce }) {
      const source = cipher as Image<'u8' | 'u16'>
      return imageFromBytes(
        await transform.decrypt(sampleBytes(source), { key, nonce, image: source }, source.annotations ?? {}),
        source,
      )
    },
  }
}

/** `a XOR b`, into `a`. */
export function xorInto(a: Uint8Array, b: Uint8Array): Uint8Array {
  for (let i = 0; i < a.length; i++) a[i]! ^= b[i]!
  return a
}
