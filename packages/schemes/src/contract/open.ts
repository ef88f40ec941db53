import {
  argumentError,
  type CipherTraits,
  fromHex,
  type Image,
  type ImageCipher,
  image,
  LatentError,
  NONCE_ANNOTATION,
  randomBytes,
  type SampleFormat,
  sha256Of,
  toHex,
} from '@latent/core'
import { requireResult, requireScheme, requireTransform } from './check.ts'
import { type Maker, readAnnotations, withAnnotations } from './annotations.ts'
import {
  type DecryptCall,
  type Description,
  type LoadOptions,
  MAX_NONCE_BYTES,
  type NonceRule,
  type Scheme,
  type Shape,
  type Transform,
} from './scheme.ts'

/** A scheme ready to encrypt and decrypt. */
export interface OpenScheme {
  readonly scheme: Scheme
  readonly cipher: ImageCipher
  /** SHA-256 of the weights in use, in hexadecimal. */
  readonly weights?: string
  /** It holds a backend: close it. */
  readonly close: () => Promise<void>
}

const KEY_BYTES = 32
const CHANNELS = [1, 2, 3, 4]

/**
 * Opens a scheme. What its description says is checked here and nowhere else: image, key, nonce, wire format and check
 * value; annotations are written and read here.
 * @throws E_SCRIPT for what is no scheme, or whose code is no transform; E_ARGUMENT if weights are given to a scheme
 * that has none; E_WEIGHTS, E_BACKEND
 */
export async function openScheme(scheme: Scheme, options: LoadOptions = {}): Promise<OpenScheme> {
  requireScheme(scheme)
  if (options.weights !== undefined && scheme.weights === undefined)
    throw new LatentError('E_ARGUMENT', `${scheme.id} has no trained weights to replace`, {
      hint: 'leave the weights away',
    })
  const transform = requireTransform(scheme, await scheme.load(options))
  return {
    scheme,
    cipher: schemeCipher(scheme, transform),
    ...(transform.made ? { weights: transform.made.sha256 } : {}),
    close: async () => transform.close?.(),
  }
}

/** A cipher from what is said of it and what it does: for studies that make their own transforms. */
export function schemeCipher(scheme: Description, transform: Transform): ImageCipher {
  const labelled = scheme.wire !== 'as plain'
  const maker: Maker = {
    scheme: scheme.id,
    profile: transform.made?.profile ?? '',
    sha256: transform.made?.sha256 ?? '',
  }
  const { keySpace } = scheme
  return {
    id: scheme.id,
    title: scheme.title,
    traits: traitsOf(scheme),
    ...(keySpace ? { keySpace } : {}),
    ...(transform.cost ? { cost: size => transform.cost!(size) } : {}),
    async encrypt(plain, key, { nonce: given, wire: asked, check = false } = {}) {
      requireImage(scheme, plain)
      requireSamples(scheme, plain, 0, 1)
      requireKey(scheme, key)
      const wire = chooseWire(scheme, plain.format, asked)
      if (check && !scheme.checkable)
        throw new LatentError('E_ARGUMENT', `${scheme.id} has no check value`, {
          hint: 'seal the file instead: a sealed file tells a wrong key',
        })
      const nonce = chooseNonce(scheme, given)
      const shape = labelled
        ? { format: wire }
        : { width: plain.width, height: plain.height, channels: plain.channels, format: wire }
      const made = requireResult(scheme, 'encrypt', await transform.encrypt(plain, { key, nonce, wire }), shape)
      const travels = scheme.nonce.use === 'fresh' || (given !== undefined && given.length > 0)
      if (labelled)
        return withAnnotations(made, plain, maker, key, { nonce: travels ? nonce : new Uint8Array(0), check })
      return travels ? { ...made, annotations: { ...made.annotations, [NONCE_ANNOTATION]: toHex(nonce) } } : made
    },
    async decrypt(source, key, { nonce: given } = {}) {
      if (!transform.decrypt)
        throw new LatentError('E_UNSUPPORTED', `${scheme.id} has no decryption`, {
          hint: 'its pictures are made for a classifier alone; keep the plain ones sealed',
        })
      requireKey(scheme, key)
      if (given !== undefined) requireNonce(scheme, given)
      requireSamples(scheme, image(source), -MAX_CIPHER_VALUE, MAX_CIPHER_VALUE)
      const call = labelled
        ? await labelledCall(scheme, image(source), maker, key, given)
        : plainCall(scheme, source, key, given)
      const { width, height, channels, format } = call.plain
      return requireResult(scheme, 'decrypt', await transform.decrypt(source, call), {
        width,
        height,
        channels,
        format,
      })
    },
  }
}

/** What the lab and the command line read. */
function traitsOf({ exact, wire, accepts, secret, nonce, learnable, tileBytes }: Description): CipherTraits {
  return {
    exact,
    wire: wire === 'as plain' ? accepts.formats : wire,
    lengthPreserving: wire === 'as plain',
    secret,
    randomised: nonce.use === 'fresh',
    learnable,
    ...(tileBytes === undefined ? {} : { tileBytes }),
  }
}

/**
 * @throws E_IMAGE for an image that the scheme does not take; E_LIMIT for one that is too large; E_ARGUMENT for none at
 * all
 */
function requireImage({ id, accepts }: Description, plain: Image): void {
  image(plain)
  const { width, height, channels, format } = plain
  const {
    formats,
    channels: counts = CHANNELS,
    sides: { minimum = 1, maximum = Infinity, multiple = 1 } = {},
    bytes = 1,
  } = accepts
  if (!formats.includes(format))
    throw new LatentError(
      'E_IMAGE',
      `${id} takes images of ${formats.map(name).join(' or ')} samples, received ${name(format)} ones`,
      { hint: 'convert the picture first, or choose another cipher' },
    )
  if (!counts.includes(channels))
    throw new LatentError('E_IMAGE', `${id} takes images of ${counts.join(', ')} channels, received ${channels}`, {
      hint: 'convert the picture first, or choose another cipher',
    })
  if (width < minimum || height < minimum)
    throw new LatentError(
      'E_IMAGE',
      `this picture has ${width} x ${height} pixels, and ${id} needs at least ${minimum} each way`,
      { hint: SEAL },
    )
  if (width > maximum || height > maximum)
    throw new LatentError('E_LIMIT', `${id} takes sides of at most ${maximum} pixels, received ${width} x ${height}`, {
      hint: 'cut the picture into smaller ones',
    })
  if (width % multiple !== 0 || height % multiple !== 0)
    throw new LatentError(
      'E_IMAGE',
      `${id} takes sides that are multiples of ${multiple}, received ${width} x ${height}`,
      { hint: 'crop or pad the images' },
    )
  if (plain.data.byteLength < bytes)
    throw new LatentError(
      'E_IMAGE',
      `this picture has ${plain.data.byteLength} bytes of samples, and ${id} needs at least ${bytes}`,
      { hint: SEAL },
    )
}

/** Float cipher images lie about 0..1 and go somewhat beyond; whatever is far from that nothing here has made. */
const MAX_CIPHER_VALUE = 1024

/**
 * Floats that no picture has drive a network where it was never trained, and what comes back can tell of its key or
 * weights.
 * @throws E_IMAGE for samples that are no numbers, or outside the range
 */
function requireSamples({ id }: Description, { format, data }: Image, low: number, high: number): void {
  if (format !== 'f32') return
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (value >= low && value <= high) continue
    throw new LatentError('E_IMAGE', `${id} takes float samples from ${low} to ${high}, and sample ${i} is ${value}`, {
      hint: 'scale the picture; values of 8 bits are divided by 255',
    })
  }
}

const SEAL = 'seal the file instead: latent seal takes any size'
const name = (format: SampleFormat): string => ({ u8: '8-bit', u16: '16-bit', f32: 'float' })[format]

/** @throws E_ARGUMENT; a transform that reads key files reports theirs with E_KEY */
function requireKey({ key: kind }: Description, key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw argumentError('key', 'bytes', key)
  if (kind === '32 bytes' && key.length !== KEY_BYTES) throw argumentError('key', `${KEY_BYTES} bytes`, key)
  if (kind === 'bytes' && key.length === 0) throw argumentError('key', 'at least one byte', key)
  // The text of a key file is an object of JSON: no raw key of another length passes for one.
  if (kind === '32 bytes or file' && key.length !== KEY_BYTES && key[0] !== OPENING_BRACE)
    throw argumentError('key', `${KEY_BYTES} bytes, or the text of a key file`, key)
}

const OPENING_BRACE = 0x7b

/** @throws E_ARGUMENT */
function chooseWire({ id, wire }: Description, plain: SampleFormat, asked: SampleFormat | undefined): SampleFormat {
  const formats = wire === 'as plain' ? [plain] : wire
  if (asked === undefined || formats.includes(asked)) return asked ?? formats[0]!
  throw new LatentError(
    'E_ARGUMENT',
    `${id} writes cipher images of ${formats.map(name).join(' or ')} samples, and ${name(asked)} ones were asked for`,
    { hint: formats.length > 1 ? `ask for one of ${formats.join(', ')}` : 'leave the wire format away' },
  )
}

/** @throws E_ARGUMENT */
function requireNonce({ id, nonce: { use } }: Description, given: Uint8Array): void {
  if (!(given instanceof Uint8Array)) throw argumentError('nonce', 'bytes', given)
  if (given.length > MAX_NONCE_BYTES) throw argumentError('nonce', `at most ${MAX_NONCE_BYTES} bytes`, given)
  if (use === 'none' && given.length > 0)
    throw new LatentError('E_ARGUMENT', `${id} makes no use of a nonce`, { hint: 'leave the nonce away' })
}

function chooseNonce(scheme: Description, given: Uint8Array | undefined): Uint8Array {
  if (given !== undefined) requireNonce(scheme, given)
  const rule = scheme.nonce
  if (rule.use === 'none') return new Uint8Array(0)
  if (given !== undefined && given.length > 0) return sized(rule, given)
  if (rule.use === 'fresh') return randomBytes(rule.bytes)
  return new Uint8Array(rule.others === 'hashed' ? rule.bytes : 0)
}

function sized(rule: NonceRule, nonce: Uint8Array): Uint8Array {
  return rule.use === 'none' || rule.others === 'as they are' || nonce.length === rule.bytes
    ? nonce
    : sha256Of(nonce).subarray(0, rule.bytes)
}

async function labelledCall(
  scheme: Description,
  source: Image,
  maker: Maker,
  key: Uint8Array,
  given: Uint8Array | undefined,
): Promise<DecryptCall> {
  const annotations = await readAnnotations(
    source,
    maker,
    traitsOf(scheme).wire,
    key,
    given === undefined ? {} : { nonce: sized(scheme.nonce, given) },
  )
  return { key, ...annotations }
}

/** @throws E_IMAGE if the nonce does not travel and none is given */
function plainCall(scheme: Description, source: Image, key: Uint8Array, given: Uint8Array | undefined): DecryptCall {
  requireImage(scheme, source)
  const plain: Shape = { width: source.width, height: source.height, channels: source.channels, format: source.format }
  const travelling = source.annotations?.[NONCE_ANNOTATION]
  const rule = scheme.nonce
  if (rule.use === 'none') return { key, nonce: new Uint8Array(0), wire: source.format, plain }
  if (given === undefined && travelling === undefined && rule.use === 'fresh') {
    throw new LatentError(
      'E_IMAGE',
      `a cipher image of ${scheme.id} carries its nonce in the annotation "${NONCE_ANNOTATION}", and this one has none`,
      { hint: 'take the file that was written, or give the nonce' },
    )
  }
  const nonce = given ?? (travelling === undefined ? undefined : hexadecimal(travelling))
  return {
    key,
    nonce: nonce === undefined ? chooseNonce(scheme, undefined) : sized(rule, nonce),
    wire: source.format,
    plain,
  }
}

function hexadecimal(text: string): Uint8Array {
  try {
    return fromHex(text)
  } catch {
    throw new LatentError('E_IMAGE', `the text chunk ${NONCE_ANNOTATION} of this picture is not hexadecimal`, {
      hint: 'give the nonce as an argument',
    })
  }
}
