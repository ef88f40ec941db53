import { LatentError } from '@latent/core'
import { pictureFormat } from '../picture-format.ts'
import { pictureSize } from '../picture-size.ts'
import type { PixelDecoder, Pixels } from '../read.ts'

/** What pages need a decoder for. */
export type WebFormat = 'WebP' | 'AVIF'

/** WebAssembly of decoders that a page has with it, where it can load nothing. */
export type CarriedDecoders = Readonly<Partial<Record<WebFormat, Uint8Array>>>

/** One of the decoders: libwebp, or libavif with libaom. */
interface Codec {
  init(options: {
    readonly wasmBinary?: Uint8Array
    readonly onRuntimeInitialized: () => void
    readonly onAbort: (reason: unknown) => void
    readonly printErr: () => void
  }): Promise<void>
  decode(bytes: ArrayBuffer): Promise<Pick<ImageData, 'width' | 'height' | 'data'> | null>
}

const LOADERS: Readonly<Record<WebFormat, () => Promise<Codec>>> = {
  WebP: async () => codecOf(await import('@jsquash/webp/decode.js')),
  AVIF: async () => codecOf(await import('@jsquash/avif/decode.js')),
}

const codecOf = ({ init, default: decode }: { init: unknown; default: unknown }): Codec => ({
  init: init as Codec['init'],
  decode: decode as Codec['decode'],
})

/**
 * Pixels of WebP and AVIF in a page, by decoders in WebAssembly that are loaded when the first such picture comes:
 * never by a canvas, which converts colours. Every picture has an instance of its own, one after the other, so that no
 * picture leaves anything in the memory in which the next is decoded. None takes more than the 2 GiB that its
 * WebAssembly allows.
 *
 * @param carried where nothing can be loaded; otherwise a bundler finds the decoders' files
 * @returns a decoder that throws E_IMAGE for what is broken, animated or neither, E_LIMIT before anything of the pixels
 * is decoded, and E_BACKEND where the decoder itself could not be loaded
 */
export function webDecoder(carried: CarriedDecoders = {}): PixelDecoder {
  let last: Promise<unknown> = Promise.resolve()
  return (bytes, { pixels }) => {
    const turn = last.then(() => decodeAlone(bytes, pixels, carried))
    last = turn.catch(() => undefined)
    return turn
  }
}

async function decodeAlone(bytes: Uint8Array, most: number, carried: CarriedDecoders): Promise<Pixels> {
  const format = pictureFormat(bytes)
  if (format !== 'WebP' && format !== 'AVIF')
    throw new LatentError('E_IMAGE', `there is no decoder for ${format} here`, {
      hint: 'get it from the service as JPEG or PNG',
    })
  const size = pictureSize(format, bytes)
  if (!size) throw broken(format)
  requireSize(size, most)
  const codec = await startCodec(format, carried[format])
  let found: Awaited<ReturnType<Codec['decode']>>
  try {
    found = await codec.decode(bytes.slice().buffer)
  } catch (cause) {
    throw broken(format, cause)
  }
  if (!found) throw broken(format)
  // What it says of itself and what it holds may differ.
  requireSize(found, most)
  const { width, height, data } = found
  return { width, height, channels: 4, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

async function startCodec(format: WebFormat, wasm: Uint8Array | undefined): Promise<Codec> {
  try {
    const codec = await LOADERS[format]()
    await new Promise<void>((resolve, reject) => {
      const heard = { onRuntimeInitialized: resolve, onAbort: reject, printErr: () => undefined }
      codec.init({ ...heard, ...(wasm && { wasmBinary: wasm }) }).catch(reject)
    })
    return codec
  } catch (cause) {
    throw new LatentError('E_BACKEND', `the decoder for ${format} could not be loaded`, {
      hint: 'check the connection and try again; JPEG and PNG need no decoder',
      cause,
    })
  }
}

function requireSize({ width, height }: { readonly width: number; readonly height: number }, most: number): void {
  if (width * height > most)
    throw new LatentError('E_LIMIT', `this picture has more pixels than the limit of ${most}`, {
      hint: 'get the picture at the size it was made in: no robust carrier is this large',
    })
}

const broken = (format: WebFormat, cause?: unknown): LatentError =>
  new LatentError('E_IMAGE', `this ${format} cannot be decoded`, { hint: 'download or copy it again', cause })
