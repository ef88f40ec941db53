import { argumentError, type CipherOptions, type CipherTraits, fromHex, type Image, type ImageCipher, imageFromBytes, type KeySpace, LatentError, NONCE_ANNOTATION, randomBytes, sampleBytes, sha256Of, toHex } from '@latent/core'

/** What a length-preserving transform of an image's sample bytes is given. */
export interface ByteContext {
  readonly key: Uint8Array
  /** Exactly `nonceLength` bytes; all zero for a deterministic cipher that was given none. */
  readonly nonce: Uint8Array
  readonly image: Pick<Image<'u8' | 'u16'>, 'width' | 'height' | 'channels' | 'format'>
}

export interface ByteCipher {
  readonly id: string
  readonly title: string
  readonly traits?: Partial<CipherTraits>
  readonly keySpace: KeySpace
  /** Bytes of nonce that the transform takes; 0 where it has no use for one. */
  readonly nonceLength: number
  /** Refuses malformed keys; 32 bytes are asked for where it is absent. @throws E_ARGUMENT; E_KEY */
  readonly checkKey?: (key: Uint8Array) => void
  /** @returns as many bytes as `bytes` has, which may be the same array; more annotations to carry, if any */
  encrypt(bytes: Uint8Array, context: ByteContext): Promise<Uint8Array | { bytes: Uint8Array; annotations: Record<string, string> }>
  decrypt(bytes: Uint8Array, context: ByteContext, annotations: Readonly<Record<string, string>>): Promise<Uint8Array>
}

const KEY_BYTES = 32
const TRAITS: CipherTraits = { exact: true, wire: ['u8', 'u16'], lengthPreserving: true, secret: 'key', randomised: false, learnable: false }

/**
 * An {@link ImageCipher} from a transform of bytes. A nonce of another length than the cipher's is
 * hashed (SHA-256) to that length, so that a caller may separate encryptions by a counter or a name.
 */
export function byteCipher(definition: ByteCipher): ImageCipher {
  const { id, title, keySpace, nonceLength, checkKey = requireKeyBytes } = definition
  const traits = { ...TRAITS, ...definition.traits }
  const accept = (source: Image, key: Uint8Array): Image<'u8' | 'u16'> => {
    checkKey(key)
    if (source.format === 'f32') throw new LatentError('E_IMAGE', `${id} takes images of 8- or 16-bit samples, received floats`)
    if (!traits.wire.includes(source.format)) throw new LatentError('E_IMAGE', `${id} takes images of 8-bit samples, received ${source.format}`)
    return source as Image<'u8' | 'u16'>
  }
  return {
    id,
    title,
    traits,
    keySpace,
    async encrypt(plain, key, options = {}) {
      const source = accept(plain, key)
      const nonce = traits.randomised ? sized(options.nonce ?? randomBytes(nonceLength), nonceLength) : sized(options.nonce ?? new Uint8Array(nonceLength), nonceLength)
      const result = await definition.encrypt(sampleBytes(source), { key, nonce, image: source })
      const { bytes, annotations = {} } = result instanceof Uint8Array ? { bytes: result } : result
      const carried = nonceLength > 0 && (traits.randomised || options.nonce) ? { ...annotations, [NONCE_ANNOTATION]: toHex(nonce) } : annotations
      const cipher = imageFromBytes(bytes, source)
      return Object.keys(carried).length > 0 ? { ...cipher, annotations: carried } : cipher
    },
    async decrypt(cipher, key, options = {}) {
      const source = accept(cipher, key)
      const annotations = cipher.annotations ?? {}
      const nonce = carriedNonce(annotations, options, nonceLength, traits.randomised, id)
      return imageFromBytes(await definition.decrypt(sampleBytes(source), { key, nonce, image: source }, annotations), source)
    },
  }
}

function carriedNonce(annotations: Readonly<Record<string, string>>, options: CipherOptions, length: number, randomised: boolean, id: string): Uint8Array {
  if (options.nonce) return sized(options.nonce, length)
  const carried = annotations[NONCE_ANNOTATION]
  if (carried !== undefined && length > 0) return sized(fromHex(carried), length)
  if (randomised && length > 0) throw new LatentError('E_IMAGE', `a cipher image of ${id} carries its nonce in the annotation "${NONCE_ANNOTATION}", and this one has none`)
  return new Uint8Array(length)
}

function sized(nonce: Uint8Array, length: number): Uint8Array {
  return nonce.length === length ? nonce : sha256Of(nonce).subarray(0, length)
}

/** @throws E_ARGUMENT */
export function requireKeyBytes(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw argumentError('key', `${KEY_BYTES} bytes`, key)
}

/** `a XOR b`, into `a`. */
export function xorInto(a: Uint8Array, b: Uint8Array): Uint8Array {
  for (let i = 0; i < a.length; i++) a[i]! ^= b[i]!
  return a
}
