import { concatBytes, crc32, deriveKey, hmacSha256, sha256Of, toHex } from '@latent/core'
import { constantWeights, openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import {
  bodyCipher,
  type BodyType,
  collect,
  encodeMetadata,
  fileKeys,
  type Geometry,
  geometryFor,
  type Header,
  MAX_FILLER,
  pixelBytes,
  streamOf,
  writeCarrier,
} from '@latent/vault'
import { zlibSync } from 'fflate'
import { ALBUM_KEY, readKeys } from './keys.ts'
import { vectorPlaintext } from './vector.ts'

/** Builds sealed files piece by piece, so that each piece can be wrong on its own. */
export const keys = await readKeys()
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const envelope = (name: keyof typeof keys.envelopes): Uint8Array =>
  new Uint8Array(Buffer.from(keys.envelopes[name], 'base64'))

/** Most vectors are of the first set of weights, and stay what they were. */
export const FIRST_WEIGHTS = (await constantWeights()).id

// The loop: the vectors must not depend on the backend that they are to test.
const { flows } = openFlows(weights => openExactFlow({ weights, loop: true }))

export const METADATA = { name: 'photo.jpg', type: 'image/jpeg', modified: 1_600_000_000_000 }

/** A metadata region from JSON text: zeros up to a whole number of blocks. */
export const region = (json: string): Uint8Array =>
  concatBytes(text(json), new Uint8Array(128 - (text(json).length % 128)))

export interface Payload {
  readonly size: number
  readonly region: Uint8Array
  readonly hash: Uint8Array
  readonly padding: Uint8Array
}

export function payload(size: number, changes: Partial<Payload> = {}): Payload {
  return {
    size,
    region: encodeMetadata({ ...METADATA, size }),
    hash: sha256Of(vectorPlaintext(size)),
    padding: new Uint8Array(0),
    ...changes,
  }
}

export const payloadBytes = ({ size, region, hash, padding }: Payload): Uint8Array =>
  concatBytes(region, vectorPlaintext(size), hash, padding)

/** Plaintext bytes of the file for which the payload is so many whole chunks. */
export const sizeForChunks = (chunks: number, chunk: number): number => chunks * chunk - 128 - 32

export interface Plan {
  readonly payload: Payload
  readonly body?: BodyType
  /** Weights of an exact-flow body. */
  readonly weights?: string
  readonly chunk?: number
  readonly envelope?: Uint8Array
  /** Tells apart files of one vector: the nonce is its hash. */
  readonly label?: string
  /** What the header lines say; a fault goes in here. Does not change how the body is sealed. */
  readonly lines?: (lines: HeaderLines) => HeaderLines
  /** The number and last flag under which chunk i of n is sealed. */
  readonly place?: (index: number, last: boolean) => { index: number; last: boolean }
  /** So many bytes of filler; else what fits the most square picture. */
  readonly filler?: number
  /** The key in the envelope. */
  readonly albumKey?: Uint8Array
  /** Header fields that the chunks are sealed under instead of the true ones. */
  readonly associated?: Partial<Header>
}

export interface HeaderLines {
  /** The lines bound to every chunk. */
  readonly fixed: readonly string[]
  readonly envelopeLine: string
  readonly envelope: Uint8Array
  readonly envelopeEnd: string
  readonly fillerLine: (length: number) => string
  readonly fillerEnd: string
  readonly mac: (hex: string) => string
}

export interface Crafted {
  readonly header: Uint8Array
  readonly chunks: readonly Uint8Array[]
  readonly geometry: Geometry
  /** Header and chunks. */
  readonly pixels: Uint8Array
}

/** A sealed file of the plan, not yet a PNG. Whatever the header says, its code is right. */
export async function craft({
  payload,
  body = 'aes-256-gcm',
  weights = FIRST_WEIGHTS,
  chunk = 512,
  envelope: wrapped = envelope('first'),
  label = 'a',
  lines = same => same,
  place = (index, last) => ({ index, last }),
  filler,
  albumKey = ALBUM_KEY,
  associated = {},
}: Plan): Promise<Crafted> {
  const nonce = sha256Of(text(`latent conformance kit: nonce ${label}`))
  const header: Header = {
    body,
    ...(body === 'aes-256-gcm' ? {} : { weights }),
    chunk,
    metadata: payload.region.length,
    nonce,
    envelope: wrapped,
  }
  const derived = await fileKeys(albumKey, nonce)
  const said = lines({
    fixed: [
      'latent sealed 1',
      `body ${body}`,
      ...(header.weights === undefined ? [] : [`weights ${header.weights}`]),
      `chunk ${chunk}`,
      `metadata ${header.metadata}`,
      `nonce ${toHex(nonce)}`,
    ],
    envelopeLine: `envelope ${wrapped.length}`,
    envelope: wrapped,
    envelopeEnd: '\n',
    fillerLine: length => `filler ${String(length).padStart(5, '0')}`,
    fillerEnd: '\n',
    mac: hex => `mac ${hex}\n`,
  })
  const encode = async (filler: number): Promise<Uint8Array> => {
    const noise =
      filler === 0 || filler > MAX_FILLER
        ? new Uint8Array(filler)
        : await deriveKey(derived.filler, 'latent/v1/sealed/filler-bytes', undefined, filler)
    const covered = concatBytes(
      text(said.fixed.map(line => `${line}\n`).join('')),
      text(`${said.envelopeLine}\n`),
      said.envelope,
      text(`${said.envelopeEnd}${said.fillerLine(filler)}\n`),
      noise,
      text(said.fillerEnd),
    )
    return concatBytes(covered, text(said.mac(toHex(await hmacSha256(derived.header, [covered])))))
  }

  const cipher = await bodyCipher({ ...header, ...associated }, derived, async weightsId => ({
    ...(await flows(weights)),
    weightsId,
  }))
  const plaintext = payloadBytes(payload)
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < plaintext.length; at += chunk, i++) {
    const where = place(i, at + chunk >= plaintext.length)
    chunks.push(await cipher.seal(where.index, where.last, plaintext.slice(at, at + chunk)))
  }
  const bare = (await encode(0)).length + chunks.reduce((sum, sealed) => sum + sealed.length, 0)
  const geometry = filler === undefined ? geometryFor(bare) : { width: (bare + filler) / 3, height: 1 }
  const encoded = await encode(pixelBytes(geometry) - bare)
  return { header: encoded, chunks, geometry, pixels: concatBytes(encoded, ...chunks) }
}

/** The PNG as the library writes it. */
export const carrier = async (geometry: Geometry, pixels: Uint8Array): Promise<Uint8Array> =>
  collect(writeCarrier(geometry, streamOf(pixels)))

export const sealed = async (plan: Plan): Promise<Uint8Array> => {
  const { geometry, pixels } = await craft(plan)
  return carrier(geometry, pixels)
}

/** A whole picture of other bytes: one row. Their number must be a multiple of 3. */
export async function rebuilt(...parts: Uint8Array[]): Promise<Uint8Array> {
  const pixels = concatBytes(...parts)
  return carrier({ width: pixels.length / 3, height: 1 }, pixels)
}

export interface Png extends Geometry {
  readonly depth?: number
  readonly colour?: number
  readonly interlace?: number
  /** Rows with their filter bytes. */
  readonly raw: Uint8Array
  readonly level?: 0 | 6
  /** Chunks between IHDR and IDAT. */
  readonly before?: readonly Uint8Array[]
  /** Bytes of deflate data an IDAT chunk. */
  readonly idat?: number
}

/** A PNG as other tools write them. */
export function png({
  width,
  height,
  depth = 8,
  colour = 2,
  interlace = 0,
  raw,
  level = 6,
  before = [],
  idat = 8192,
}: Png): Uint8Array {
  const header = new Uint8Array(13)
  new DataView(header.buffer).setUint32(0, width)
  new DataView(header.buffer).setUint32(4, height)
  header.set([depth, colour, 0, 0, interlace], 8)
  const data = zlibSync(raw, { level })
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += idat) parts.push(pngChunk('IDAT', data.subarray(at, at + idat)))
  return concatBytes(
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    pngChunk('IHDR', header),
    ...before,
    ...parts,
    pngChunk('IEND'),
  )
}

export function pngChunk(type: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const chunk = concatBytes(new Uint8Array(4), text(type), data, new Uint8Array(4))
  new DataView(chunk.buffer).setUint32(0, data.length)
  new DataView(chunk.buffer).setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)))
  return chunk
}

/** Rows of `bytes` bytes, each behind a filter byte; `filter` says which, for each row. */
export function rows(
  pixels: Uint8Array,
  rowBytes: number,
  bpp: number,
  filter: (row: number) => number = () => 0,
): Uint8Array {
  const height = pixels.length / rowBytes
  const raw = new Uint8Array(height * (rowBytes + 1))
  for (let y = 0; y < height; y++) {
    raw[y * (rowBytes + 1)] = filter(y)
    for (let x = 0; x < rowBytes; x++) {
      const at = (dy: number, dx: number) => (y - dy < 0 || x - dx < 0 ? 0 : pixels[(y - dy) * rowBytes + x - dx]!)
      raw[y * (rowBytes + 1) + 1 + x] = pixels[y * rowBytes + x]! - predict(filter(y), at(0, bpp), at(1, 0), at(1, bpp))
    }
  }
  return raw
}

function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter < 3) return [0, left, up][filter]!
  if (filter === 3) return (left + up) >>> 1
  const estimate = left + up - corner
  const [dl, du, dc] = [left, up, corner].map(value => Math.abs(estimate - value)) as [number, number, number]
  return dl <= du && dl <= dc ? left : du <= dc ? up : corner
}

/** One byte changed. Negative positions count from the end. */
export function flipped(bytes: Uint8Array, position: number, mask = 1): Uint8Array {
  const copy = bytes.slice()
  copy[position < 0 ? bytes.length + position : position]! ^= mask
  return copy
}
