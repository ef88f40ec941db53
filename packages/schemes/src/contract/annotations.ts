import {
  type CipherOptions,
  concatBytes,
  equalConstantTime,
  fromHex,
  hmacSha256,
  type Image,
  LatentError,
  NONCE_ANNOTATION,
  type SampleFormat,
  toHex,
} from '@latent/core'
import type { Model } from '../models/model.ts'
import type { Shape } from './scheme.ts'

/**
 * What travels beside a lossy cipher image, as PNG text chunks: whatever decryption needs and the
 * pixels do not hold. All of it is public.
 */
const SCHEME = 'latent:scheme'
const WEIGHTS = 'latent:weights'
const PLAIN = 'latent:plain'
const WIRE = 'latent:wire'
const CHECK = 'latent:check'

/** Who made a cipher image: scheme, profile and weights. */
export type Maker = Pick<Model, 'scheme' | 'profile' | 'sha256'>

/** What travels with a cipher picture so that it can be decrypted. */
export interface Annotations {
  /** Shape of the plain image. */
  readonly plain: Shape
  /** The format it was written in; another one now means that it was converted on its way. */
  readonly wire: SampleFormat
  readonly nonce: Uint8Array
}

/** Digits of the weights' hash that travel. */
const NAME_DIGITS = 16
const CHECK_BYTES = 16
const CHECK_PURPOSE = new TextEncoder().encode('latent/v1/learned/key-check')

/** The cipher image with its annotations. A check value is added if the options ask for one. */
export async function withAnnotations(
  cipher: Image,
  plain: Shape,
  maker: Maker,
  key: Uint8Array,
  { nonce = new Uint8Array(0), check = false }: Pick<CipherOptions, 'nonce' | 'check'>,
): Promise<Image> {
  const { width, height, channels, format } = plain
  return {
    ...cipher,
    annotations: {
      [SCHEME]: `${maker.scheme}/${maker.profile}`,
      [WEIGHTS]: maker.sha256.slice(0, NAME_DIGITS),
      [PLAIN]: `${width}x${height}x${channels} ${format}`,
      [WIRE]: cipher.format,
      ...(nonce.length > 0 ? { [NONCE_ANNOTATION]: toHex(nonce) } : {}),
      ...(check ? { [CHECK]: toHex(await checkValue(key, nonce, maker)) } : {}),
    },
  }
}

/**
 * Reads the annotations, and holds them against the cipher that is to decrypt.
 * @throws E_IMAGE for a picture without them, of another scheme or profile, or in a format that the
 * scheme does not write; E_WEIGHTS if it was made with other weights; E_NO_MATCH if a check value
 * travels and the key does not fit it
 */
export async function readAnnotations(
  cipher: Image,
  maker: Maker,
  wires: readonly SampleFormat[],
  key: Uint8Array,
  options: CipherOptions = {},
): Promise<Annotations> {
  const annotations = cipher.annotations ?? {}
  const [scheme, weights, plain, wire, check] = [SCHEME, WEIGHTS, PLAIN, WIRE, CHECK].map(name => annotations[name])
  if (scheme === undefined || weights === undefined || plain === undefined || wire === undefined) {
    throw new LatentError(
      'E_IMAGE',
      `this picture lacks the text chunks that a cipher image of ${maker.scheme} travels with`,
      {
        hint:
          'it is no cipher image, or a service re-encoded it (JPEG, for one, loses them): take the file that was ' +
          'written',
      },
    )
  }
  if (scheme !== `${maker.scheme}/${maker.profile}`) {
    throw new LatentError(
      'E_IMAGE',
      `this cipher image is of ${shown(scheme)}, and ${maker.scheme}/${maker.profile} was asked to decrypt it`,
      { hint: `choose --scheme ${shown(scheme.split('/')[0]!)}` },
    )
  }
  if (weights !== maker.sha256.slice(0, NAME_DIGITS)) {
    throw new LatentError(
      'E_WEIGHTS',
      `this cipher image was made with the weights ${shown(weights)}..., and these ` +
        `are ${maker.sha256.slice(0, NAME_DIGITS)}...`,
      { hint: 'give the weights it was made with: --weights FILE' },
    )
  }
  const written = wires.find(format => format === wire)
  if (!written || !wires.includes(cipher.format)) {
    throw new LatentError(
      'E_IMAGE',
      `${maker.scheme} writes cipher images as ${wires.join(', ')}, and this one is ${cipher.format}, written ` +
        `as ${shown(wire)}`,
      { hint: 'it was converted on its way; take the file that was written' },
    )
  }
  const nonce = options.nonce ?? nonceOf(annotations[NONCE_ANNOTATION])
  if (check !== undefined && !equalConstantTime(hexadecimal(check, CHECK), await checkValue(key, nonce, maker))) {
    throw new LatentError('E_NO_MATCH', 'this key is not the one that the picture was encrypted with', {
      hint: 'its check value does not fit; try another key file',
    })
  }
  return { plain: plainShape(plain), wire: written, nonce }
}

async function checkValue(key: Uint8Array, nonce: Uint8Array, { scheme, profile }: Maker): Promise<Uint8Array> {
  const text = new TextEncoder().encode(`${scheme}/${profile}\n`)
  return (await hmacSha256(key, [concatBytes(CHECK_PURPOSE, Uint8Array.of(0), text), nonce])).subarray(0, CHECK_BYTES)
}

function plainShape(text: string): Shape {
  const [, width, height, channels, format] = /^(\d{1,7})x(\d{1,7})x([1-4]) (u8|u16|f32)$/.exec(text) ?? []
  if (format === undefined) throw malformed(PLAIN)
  return { width: Number(width), height: Number(height), channels: Number(channels), format: format as SampleFormat }
}

const nonceOf = (text: string | undefined): Uint8Array =>
  text === undefined ? new Uint8Array(0) : hexadecimal(text, NONCE_ANNOTATION)

function hexadecimal(text: string, name: string): Uint8Array {
  try {
    return fromHex(text)
  } catch {
    throw malformed(name)
  }
}

const malformed = (name: string) =>
  new LatentError('E_IMAGE', `the text chunk ${name} of this picture is malformed`, {
    hint: 'take the file that was written',
  })

/** What a stranger wrote into a file is shown in part, and printable. */
const shown = (text: string): string => text.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?')
