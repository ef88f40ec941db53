import {
  discardBuffer,
  floatsToPixels,
  type Image,
  LatentError,
  NONCE_ANNOTATION,
  pixelsToFloats,
  type SampleFormat,
} from '@latent/core'
import { ioError, onDisk } from '@latent/core/node'
import type { PngChunk } from '@latent/core/png'
import {
  decryptPicture,
  encryptPicture,
  findScheme,
  type LoadOptions,
  openScheme,
  type OpenScheme,
  openSchemeFor,
  requireKeyKind,
  type Scheme,
  schemeOf,
  schemes,
} from '@latent/schemes'
import { readFile, stat } from 'node:fs/promises'
import { usualMaxPixels } from '../node/index.ts'
import { DECRYPTED, type PictureSink, type PictureSource, readSource, requirePlace, write } from './places.ts'

/** What both directions take. */
export interface PictureFileOptions {
  /** 32 bytes, or the text of the scheme's own key file. */
  readonly key: Uint8Array
  /** Id of a scheme of the registry; {@link DEFAULT_SCHEME} unless said otherwise. */
  readonly scheme?: string
  /** Drawn for every picture unless given; when decrypting, the one that travels in it unless given. */
  readonly nonce?: Uint8Array
  /** A file of trained weights to use instead of those that come with Latent. */
  readonly weights?: string
  /** Larger pictures are refused before they are decoded: 100,000,000 pixels unless said otherwise. */
  readonly maxPixels?: number
  /** Replaces a picture that an earlier run of the same direction wrote. */
  readonly force?: boolean
  /** Files beside the source that must never be replaced, such as that of the key. */
  readonly protect?: readonly string[]
}

/** What encryption takes beside {@link PictureFileOptions}. */
export interface EncryptFileOptions extends PictureFileOptions {
  /** Format of the cipher image, for schemes that write several. */
  readonly wire?: SampleFormat
  /** No nonce: equal pictures give equal cipher pictures. */
  readonly deterministic?: boolean
  /** Codes travel by which a wrong key and a changed picture are told; true unless said otherwise. */
  readonly check?: boolean
}

/** What decryption takes beside {@link PictureFileOptions}. */
export interface DecryptFileOptions extends PictureFileOptions {
  /** Decrypts a picture that was changed on its way; what was changed comes out as noise. */
  readonly altered?: boolean
}

/** What is told of a picture in both directions. */
interface Facts {
  readonly scheme: string
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly sampleBits: number
  /** Names of PNG chunks that came along. */
  readonly carried: readonly string[]
}

/** What came of {@link encryptPictureFile}. */
export interface EncryptFacts extends Facts {
  /** Of the source: PNG, JPEG, WebP, AVIF, TIFF or GIF. */
  readonly format: string
  /** In hexadecimal. */
  readonly nonce: string | null
  /** Codes travel with it. */
  readonly checked: boolean
  /** Decryption gives the very same pixels. */
  readonly exact: boolean
  /** Nothing decrypts it. */
  readonly oneWay: boolean
  /** The camera was held otherwise, and the picture has been turned upright. */
  readonly turned: boolean
  /** What the file held and the cipher picture does not. */
  readonly lost: readonly string[]
  /** What the secrecy of the scheme rests on. */
  readonly secret: 'key' | 'mask' | 'weights' | 'none'
}

/** What came of {@link decryptPictureFile}. */
export interface DecryptFacts extends Facts {
  /** The picture names its cipher itself. */
  readonly schemeNamed: boolean
  /** Unknown where no code travels in it. */
  readonly key: 'right' | 'unknown'
  readonly cipherPicture: 'as written' | 'altered' | 'unknown'
  /** What stood beside the pixels was dropped on its way. */
  readonly besideLost: boolean
  /** The format that the cipher picture was written in, where it arrived in another one. */
  readonly writtenAs: string | null
}

/** What encrypts where nothing else is asked for. */
export const DEFAULT_SCHEME = 'exact-flow'
const MAX_WEIGHT_BYTES = 2 ** 28

/**
 * Pixel mode for a file: its pixels as a PNG of noise, with what decryption needs beside them.
 * @throws E_ARGUMENT; E_KEY; E_IMAGE; E_LIMIT; E_WEIGHTS; E_EXISTS; E_IO
 */
export async function encryptPictureFile(
  source: PictureSource,
  target: PictureSink,
  options: EncryptFileOptions,
): Promise<EncryptFacts> {
  const { key, nonce, wire, deterministic = false, check = true, force = false } = options
  const { protect = [], maxPixels = usualMaxPixels() } = options
  await requirePlace(source, target, force)
  const scheme = findScheme(options.scheme ?? DEFAULT_SCHEME)
  requireKeyKind(key, scheme)
  const opened = await openWith(given => openScheme(scheme, given), options)
  try {
    const { exact, wire: wires, secret } = opened.cipher.traits
    if (wire !== undefined && !wires.includes(wire))
      throw new LatentError(
        'E_ARGUMENT',
        `${scheme.id} writes cipher images as ${wires.join(' or ')}, not as ${wire}`,
        { hint: wires.length > 1 ? `give one of --wire ${wires.join(', ')}` : 'leave --wire away' },
      )
    const { image, beside, lost, format, turned } = await readSource(source, maxPixels)
    const travelling = beside.filter(({ type }) => type !== DECRYPTED)
    const facts = factsOf(scheme, image, travelling)
    const made = await encryptPicture(opened, image, key, {
      ...(nonce ? { nonce } : {}),
      ...(wire ? { wire } : {}),
      deterministic,
      check,
      beside: travelling,
    })
    discard(image, made.image)
    await write(target, {
      picture: asPixels(made.image),
      level: 0,
      chunks: made.chunks,
      source,
      protect: [...protect, options.weights],
      replace: force ? 'cipher pictures' : 'none',
    })
    return {
      ...facts,
      format,
      nonce: made.image.annotations?.[NONCE_ANNOTATION] ?? null,
      checked: check,
      exact,
      oneWay: !scheme.reversible,
      turned,
      lost,
      secret,
    }
  } finally {
    await opened.close()
  }
}

/**
 * A cipher picture back, as a PNG.
 * @throws as {@link encryptPictureFile}; E_NO_MATCH for another key; E_HASH for a picture that was changed, unless
 * `altered`; E_UNSUPPORTED
 */
export async function decryptPictureFile(
  source: PictureSource,
  target: PictureSink,
  options: DecryptFileOptions,
): Promise<DecryptFacts> {
  const { key, nonce, altered = false, force = false, protect = [], maxPixels = usualMaxPixels() } = options
  await requirePlace(source, target, force)
  if (options.scheme !== undefined) findScheme(options.scheme)
  const { image, beside: chunks, format } = await readSource(source, maxPixels)
  if (format !== 'PNG')
    throw new LatentError('E_IMAGE', `this is a ${format} file, and cipher pictures are PNGs`, {
      hint: 'a service converted it, or it was never encrypted: take the file that was written',
    })
  const input = pixelsToFloats(image)
  const scheme = chooseScheme(schemeOf(input), options.scheme)
  requireKeyKind(key, scheme)
  const opened = await openWith(given => openSchemeFor(input, scheme, given), options)
  try {
    const back = await decryptPicture(opened, input, key, { ...(nonce ? { nonce } : {}), altered, chunks })
    const beside = [...back.beside, { type: DECRYPTED, data: new Uint8Array(0) }]
    discard(image, back.image)
    await write(target, {
      picture: asPixels(back.image),
      level: 6,
      chunks: beside,
      source,
      protect: [...protect, options.weights],
      replace: force ? 'decrypted pictures' : 'none',
    })
    const written = input.annotations?.['latent:wire']
    return {
      ...factsOf(scheme, back.image, back.beside),
      schemeNamed: schemeOf(input) !== undefined,
      key: back.key,
      cipherPicture: back.picture,
      besideLost: back.besideLost,
      writtenAs: written !== undefined && written !== input.format ? written : null,
    }
  } finally {
    await opened.close()
  }
}

/**
 * A picture never chooses by itself the cipher that it meets the key with: whoever sends one could name a weak
 * one. It names its own, and another one is not tried on it.
 */
function chooseScheme(named: string | undefined, asked: string | undefined): Scheme {
  const scheme = findScheme(asked ?? DEFAULT_SCHEME)
  if (named === undefined || named === scheme.id) return scheme
  if (!schemes.some(({ id }) => id === named)) {
    throw new LatentError(
      'E_UNSUPPORTED',
      `this picture was encrypted with ${JSON.stringify(named.slice(0, 60))}, a cipher that this release does not know`,
      { hint: 'install the Latent that made it, or a newer one' },
    )
  }
  throw new LatentError(
    'E_ARGUMENT',
    `this picture was encrypted with ${named}, and ` +
      (asked === undefined ? `without --scheme it is taken for one of ${scheme.id}` : `--scheme ${asked} was given`),
    { hint: `give --scheme ${named}` },
  )
}

async function openWith(
  open: (options: LoadOptions) => Promise<OpenScheme>,
  { weights }: PictureFileOptions,
): Promise<OpenScheme> {
  if (weights === undefined) return open({})
  try {
    if ((await stat(onDisk(weights))).size > MAX_WEIGHT_BYTES)
      throw new LatentError('E_LIMIT', `${weights} is too large for a file of weights`, {
        hint: 'give a weights.safetensors that latent train wrote',
      })
    return await open({ weights: new Uint8Array(await readFile(onDisk(weights))) })
  } catch (error) {
    throw ioError(error, `cannot read ${weights}`)
  }
}

/**
 * Gives back the memory of a picture that is no longer needed; the collector would count it late. Small arrays may
 * share theirs.
 */
function discard({ data: { buffer } }: Image, made: Image): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LARGE && buffer !== made.data.buffer) discardBuffer(buffer)
}

const LARGE = 1 << 20

const asPixels = (result: Image): Image => (result.format === 'f32' ? floatsToPixels(result as Image<'f32'>) : result)

const BITS: Readonly<Record<SampleFormat, number>> = { u8: 8, u16: 16, f32: 32 }

const factsOf = ({ id }: Scheme, { width, height, channels, format }: Image, carried: readonly PngChunk[]): Facts => ({
  scheme: id,
  width,
  height,
  channels,
  sampleBits: BITS[format],
  carried: [...new Set(carried.map(({ type }) => type))],
})
