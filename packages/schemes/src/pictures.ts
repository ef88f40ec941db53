import {
  aes256GcmOpen,
  aes256GcmSeal,
  argumentError,
  type CipherOptions,
  concatBytes,
  deriveKey,
  equalConstantTime,
  fromHex,
  hmacSha256,
  type Image,
  type ImageCipher,
  joinBytes,
  LatentError,
  NONCE_ANNOTATION,
  randomBytes,
  type SampleFormat,
  sha256,
  sha256Of,
  toHex,
  u32,
} from '@latent/core'
import type { PngChunk } from '@latent/core/png'
import { type LoadOptions, openScheme, type OpenScheme, type Scheme } from './contract/index.ts'

/**
 * Pixel mode: a picture under any cipher of the registry, with everything beside it that decryption needs
 * to give the right picture or say why not. The cipher's own labels are kept; these join them:
 *
 * | text chunk | holds |
 * |---|---|
 * | `latent:scheme` | the id of the cipher, `/` and its profile where it has one |
 * | `latent:derivation` | `2`: the cipher's key is derived for this scheme and these weights; else used as it is |
 * | `latent:weights` | the first digits of the weights' SHA-256, for ciphers that have any |
 * | `latent:nonce` | the nonce |
 * | `latent:key-check` | a salt, and a code that only the right key gives |
 * | `latent:beside` | the hash of the chunk {@link BESIDE}, in which profile, texts and EXIF travel encrypted |
 * | `latent:mac` | a code over the cipher picture and all of the above |
 */
const SCHEME = 'latent:scheme'
const DERIVATION = 'latent:derivation'
const WEIGHTS = 'latent:weights'
const KEY_CHECK = 'latent:key-check'
const BESIDE_HASH = 'latent:beside'
const MAC = 'latent:mac'

/** Ancillary, private, and safe to copy, as the case of its letters says. */
const BESIDE = 'laTe'
const OURS = 'latent:'
const NAME_DIGITS = 16
const CODE_BYTES = 16
const NONCE_BYTES = 16
const GCM_NONCE_BYTES = 12
const SECOND_DERIVATION = '2'

/** What {@link encryptPicture} takes beside picture and key. */
export interface EncryptPictureOptions extends Pick<CipherOptions, 'nonce' | 'wire'> {
  /** Draw nothing: equal pictures then give equal cipher pictures. */
  readonly deterministic?: boolean
  /** Let codes travel by which a wrong key and a changed picture are told; true by default. */
  readonly check?: boolean
  /** What stands beside the plain pixels and is to come back with them. */
  readonly beside?: readonly PngChunk[]
}

/** A cipher picture, ready to be written as a PNG. */
export interface EncryptedPicture {
  readonly image: Image
  /** To be written into the same PNG. */
  readonly chunks: readonly PngChunk[]
  /** Equal pictures give other cipher pictures. */
  readonly fresh: boolean
}

/** @throws E_ARGUMENT; whatever the cipher throws */
export async function encryptPicture(
  { scheme, cipher, weights }: OpenScheme,
  plain: Image,
  key: Uint8Array,
  { nonce, deterministic = false, check = true, beside = [], wire }: EncryptPictureOptions = {},
): Promise<EncryptedPicture> {
  if (deterministic && nonce) throw argumentError('nonce', 'none with a deterministic encryption', nonce)
  if (deterministic && cipher.traits.randomised)
    throw new LatentError('E_ARGUMENT', `${cipher.id} draws a nonce for every picture and cannot be deterministic`, {
      hint: 'leave --deterministic away, or give a --nonce of your own',
    })
  const derived = key.length === DERIVED_KEY_BYTES
  const used = deterministic
    ? undefined
    : (nonce ?? (scheme.nonce.use === 'none' ? undefined : randomBytes(NONCE_BYTES)))
  const made = await cipher.encrypt(plain, derived ? await schemeKey(key, cipher, weights) : key, {
    ...(used ? { nonce: used } : {}),
    ...(wire ? { wire } : {}),
  })
  const salt = deterministic ? new Uint8Array(NONCE_BYTES) : randomBytes(NONCE_BYTES)
  const chunks = beside.length > 0 ? [{ type: BESIDE, data: await sealBeside(beside, key, salt) }] : []
  const annotations = {
    [SCHEME]: cipher.id,
    ...(weights === undefined ? {} : { [WEIGHTS]: weights.slice(0, NAME_DIGITS) }),
    ...made.annotations,
    ...(derived ? { [DERIVATION]: SECOND_DERIVATION } : {}),
    ...(check || chunks.length > 0 ? { [KEY_CHECK]: toHex(concatBytes(salt, await keyCode(key, salt))) } : {}),
    ...(chunks[0] ? { [BESIDE_HASH]: besideHash(chunks[0].data) } : {}),
  }
  const image = { ...made, annotations }
  return {
    image: check
      ? { ...image, annotations: { ...annotations, [MAC]: toHex(await pictureCode(image, key, salt)) } }
      : image,
    chunks,
    fresh: NONCE_ANNOTATION in annotations,
  }
}

/** What {@link decryptPicture} takes beside picture and key. */
export interface DecryptPictureOptions extends Pick<CipherOptions, 'nonce'> {
  /** Chunks of the PNG that the picture came in. */
  readonly chunks?: readonly PngChunk[]
  /** Decrypt a picture that was changed on its way. */
  readonly altered?: boolean
}

/** What came back, and what is known of it. */
export interface DecryptedPicture {
  readonly image: Image
  /** What stood beside the plain pixels. */
  readonly beside: readonly PngChunk[]
  /** `unknown` if no code travels: a wrong key would give noise. */
  readonly key: 'right' | 'unknown'
  /** Whether the cipher picture is the one that was written. */
  readonly picture: 'as written' | 'altered' | 'unknown'
  /** Something stood beside the pixels, and the chunk that held it was dropped or changed on its way. */
  readonly besideLost: boolean
}

/** The id of the cipher that a picture names; undefined for those of version 0.1.0 and for strangers'. */
export const schemeOf = ({ annotations }: Image): string | undefined => annotations?.[SCHEME]?.split('/')[0]

/**
 * Opens a scheme to decrypt a picture: with the weights that are given, or with those that it names where Latent has
 * them, or with the scheme's own.
 * @throws as {@link openScheme}
 */
export async function openSchemeFor(
  { annotations }: Image,
  scheme: Scheme,
  options: LoadOptions = {},
): Promise<OpenScheme> {
  const named = annotations?.[WEIGHTS]
  if (options.weights !== undefined || !scheme.weights?.others || named?.length !== NAME_DIGITS)
    return openScheme(scheme, options)
  // What reads weights is loaded for those who need it alone.
  const { otherWeights } = await import('./models/index.ts')
  const weights = await otherWeights(scheme.weights, named)
  return openScheme(scheme, weights === undefined ? {} : { weights })
}

/**
 * @throws E_NO_MATCH for a wrong key; E_HASH for a picture that was altered, unless that is allowed; E_IMAGE for one of
 * another cipher; E_WEIGHTS for other weights; E_UNSUPPORTED for a derivation of a later release; whatever the cipher
 * throws
 */
export async function decryptPicture(
  { cipher, weights }: OpenScheme,
  source: Image,
  key: Uint8Array,
  { nonce, chunks = [], altered = false }: DecryptPictureOptions = {},
): Promise<DecryptedPicture> {
  const annotations = source.annotations ?? {}
  const made = schemeOf(source)
  if (made !== undefined && made !== cipher.id)
    throw new LatentError(
      'E_IMAGE',
      `this picture was encrypted with ${JSON.stringify(made.slice(0, 60))}, and ${cipher.id} is to decrypt it`,
      { hint: 'choose the cipher that the picture names' },
    )
  const derivation = annotations[DERIVATION]
  if (derivation !== undefined && derivation !== SECOND_DERIVATION)
    throw new LatentError('E_UNSUPPORTED', 'this picture derives its key in a way that this release does not know', {
      hint: 'install a newer Latent',
    })
  const named = annotations[WEIGHTS]
  if (named !== undefined && weights !== undefined && named !== weights.slice(0, NAME_DIGITS)) {
    throw new LatentError(
      'E_WEIGHTS',
      `this cipher picture was made with other weights than these (${weights.slice(0, NAME_DIGITS)}...)`,
      { hint: 'give the weights it was made with: --weights FILE' },
    )
  }
  const salt = await checkKey(annotations[KEY_CHECK], key)
  const picture = await checkPicture(source, key, salt)
  // A lossy cipher may be asked to make do with a picture that was converted on its way.
  if (picture === 'altered' && !altered && cipher.traits.exact) {
    throw new LatentError(
      'E_HASH',
      'this cipher picture is not as it was written: pixels or text chunks were changed',
      {
        hint:
          'take the file that was written; --altered decrypts it all the same, and what was changed comes out as ' +
          'noise',
      },
    )
  }
  const image = await cipher.decrypt(
    source,
    derivation === undefined ? key : await schemeKey(key, cipher, weights),
    nonce ? { nonce } : {},
  )
  const beside =
    salt && annotations[BESIDE_HASH] !== undefined ? await openBeside(chunks, annotations[BESIDE_HASH], key, salt) : []
  return { image, picture, key: salt ? 'right' : 'unknown', beside: beside ?? [], besideLost: beside === undefined }
}

const DERIVED_KEY_BYTES = 32

/**
 * No two ciphers, and no two sets of weights, get one key: what is proved of each holds while they share a key file.
 */
function schemeKey(key: Uint8Array, { id }: ImageCipher, weights = ''): Promise<Uint8Array> {
  return deriveKey(key, 'latent/v1/pixels/scheme', sha256Of(new TextEncoder().encode(`${id}\n${weights}`)))
}

async function keyCode(key: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  return (await deriveKey(key, 'latent/v1/pixels/key-check', salt)).subarray(0, CODE_BYTES)
}

/** The salt that travels with the code, once the code fits the key. */
async function checkKey(text: string | undefined, key: Uint8Array): Promise<Uint8Array | undefined> {
  if (text === undefined) return undefined
  const bytes = hexadecimal(text, KEY_CHECK, NONCE_BYTES + CODE_BYTES)
  const salt = bytes.subarray(0, NONCE_BYTES)
  if (!equalConstantTime(bytes.subarray(NONCE_BYTES), await keyCode(key, salt))) {
    throw new LatentError('E_NO_MATCH', 'this key is not the one that the picture was encrypted with', {
      hint: 'its check value does not fit; try another key file',
    })
  }
  return salt
}

async function checkPicture(
  source: Image,
  key: Uint8Array,
  salt: Uint8Array | undefined,
): Promise<DecryptedPicture['picture']> {
  const { [MAC]: text, [BESIDE_HASH]: beside } = source.annotations ?? {}
  // Neither code is written without the other, but for a picture without codes that keeps what stood beside its pixels.
  if (text === undefined) return salt && beside === undefined ? 'altered' : 'unknown'
  if (!salt) return 'altered'
  return equalConstantTime(hexadecimal(text, MAC, CODE_BYTES), await pictureCode(source, key, salt))
    ? 'as written'
    : 'altered'
}

/** Over shape, labels and samples; of the text chunks only ours, since others may be added on the way. */
async function pictureCode(source: Image, key: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const { width, height, channels, format, annotations = {} } = source
  const labels = Object.entries(annotations)
    .filter(([name]) => name.startsWith(OURS) && name !== MAC)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const code = await hmacSha256(await deriveKey(key, 'latent/v1/pixels/mac', salt), [
    new TextEncoder().encode(JSON.stringify([width, height, channels, format, labels])),
    sampleHash(source),
  ])
  return code.subarray(0, CODE_BYTES)
}

const SAMPLES_AT_ONCE = 1 << 18
const SAMPLE_BYTES: Readonly<Record<SampleFormat, number>> = { u8: 1, u16: 2, f32: 4 }

/** SHA-256 of the samples, high byte first; piece by piece, so that a picture is not held twice. */
function sampleHash({ data, format }: Image): Uint8Array {
  const hash = sha256()
  const view = new DataView(new ArrayBuffer(SAMPLES_AT_ONCE * SAMPLE_BYTES[format]))
  for (let at = 0; at < data.length; at += SAMPLES_AT_ONCE) {
    const part = data.subarray(at, at + SAMPLES_AT_ONCE)
    if (part instanceof Uint16Array) for (let i = 0; i < part.length; i++) view.setUint16(2 * i, part[i]!)
    if (part instanceof Float32Array) for (let i = 0; i < part.length; i++) view.setFloat32(4 * i, part[i]!)
    hash.update(part instanceof Uint8Array ? part : new Uint8Array(view.buffer, 0, part.length * SAMPLE_BYTES[format]))
  }
  return hash.digest()
}

const besideKey = (key: Uint8Array, salt: Uint8Array) => deriveKey(key, 'latent/v1/pixels/beside', salt)
const besideHash = (sealed: Uint8Array): string => toHex(sha256Of(sealed)).slice(0, 2 * CODE_BYTES)
const NOTHING = new Uint8Array(0)

/**
 * The nonce is a code over what is sealed, so that a deterministic encryption never uses one twice for two contents.
 */
async function sealBeside(beside: readonly PngChunk[], key: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const plain = joinBytes(beside.flatMap(({ type, data }) => [u32(data.length), new TextEncoder().encode(type), data]))
  const nonce = (await hmacSha256(await deriveKey(key, 'latent/v1/pixels/beside-nonce', salt), [plain])).subarray(
    0,
    GCM_NONCE_BYTES,
  )
  return concatBytes(nonce, await aes256GcmSeal(await besideKey(key, salt), nonce, plain, NOTHING))
}

/** Undefined if the chunk is missing or another one. */
async function openBeside(
  chunks: readonly PngChunk[],
  hash: string,
  key: Uint8Array,
  salt: Uint8Array,
): Promise<PngChunk[] | undefined> {
  const sealed = chunks.find(({ type, data }) => type === BESIDE && besideHash(data) === hash)?.data
  if (!sealed) return undefined
  const plain = await aes256GcmOpen(
    await besideKey(key, salt),
    sealed.subarray(0, GCM_NONCE_BYTES),
    sealed.subarray(GCM_NONCE_BYTES),
    NOTHING,
  )
  if (!plain) return undefined
  const view = new DataView(plain.buffer, plain.byteOffset, plain.length)
  const found: PngChunk[] = []
  for (let at = 0; at < plain.length;) {
    const end = at + 8 + view.getUint32(at)
    found.push({ type: new TextDecoder().decode(plain.subarray(at + 4, at + 8)), data: plain.subarray(at + 8, end) })
    at = end
  }
  return found
}

function hexadecimal(text: string, name: string, length: number): Uint8Array {
  const bytes = /^[0-9a-f]*$/.test(text) && text.length === 2 * length ? fromHex(text) : undefined
  if (!bytes)
    throw new LatentError('E_IMAGE', `the text chunk ${name} of this picture is malformed`, {
      hint: 'take the file that was written',
    })
  return bytes
}
