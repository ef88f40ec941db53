import { LatentError } from '@latent/core'
import { encodePng, readPngTexts } from '@latent/core/png'
import { type Blocks, framesOf } from './channel/geometry.ts'
import { type Mode, MODES } from './channel/modes.ts'
import { type Luma, type Received, transformed } from './channel/received.ts'
import { regridded, windowsOf } from './channel/regrid.ts'
import type { Window } from './channel/shrink.ts'
import { Draws } from './draws.ts'
import { qualityOf } from './jpeg/quality.ts'
import { locate } from './locate.ts'
import { decodePicture, encodePicture, pictureBytes } from './picture.ts'
import { type Preset, PRESETS } from './presets.ts'
import { openPicture, type PictureFormat, type PixelDecoder } from './read.ts'

/**
 * A test picture: a band for each mode, one below the other, with content that everyone knows. What came back tells
 * which of them a service leaves intact, by decoding them.
 */

/** Sides that a probe may have, and has if nothing is said. */
export const PROBE_SIDES = { least: 512, usual: 2048, most: 8192 } as const
/** Information above what the code needs at which codewords have been decoded without a failure. */
export const SAFE_MARGIN = 0.05

/** A part of the probe, as high as its mode needs for a codeword in the smallest one. */
interface Band {
  readonly mode: Mode
  readonly blocks: Blocks
  /** Where it begins, and how high it is, in pixels of the probe. */
  readonly top: number
  readonly height: number
}

interface Layout {
  readonly width: number
  readonly height: number
  readonly bands: readonly Band[]
}

function layoutOf(side: number): Layout {
  const width = 32 * Math.floor(side / 32)
  const height = 16 * Math.floor(side / 16)
  const [small, large] = [16 * Math.floor(height / 128), 32 * Math.floor((height * 15) / 32 / 32)]
  const heights = MODES.map(({ enlargement }) => (enlargement > 1 ? large : small))
  // The first mode has the fewest bits a block: what the others leave is its.
  heights[0] = height - heights.slice(1).reduce((sum, height) => sum + height, 0)
  const bands = MODES.map((mode, i): Band => {
    const unit = 8 * mode.enlargement
    return {
      mode,
      blocks: { wide: width / unit, high: heights[i]! / unit },
      top: heights.slice(0, i).reduce((sum, height) => sum + height, 0),
      height: heights[i]!,
    }
  })
  return { width, height, bands }
}

/** @throws E_ARGUMENT */
function checkSide(side: number): void {
  if (!Number.isInteger(side) || side < PROBE_SIDES.least || side > PROBE_SIDES.most)
    throw new LatentError(
      'E_ARGUMENT',
      `the side of a probe is ${PROBE_SIDES.least} to ${PROBE_SIDES.most} pixels, received ${side}`,
    )
}

function contentOf(mode: Mode, blocks: Blocks): Uint8Array {
  const draws = new Draws(0x5052_4f00 + mode.id)
  return Uint8Array.from({ length: pictureBytes(blocks, mode) }, () => draws.next() >>> 24)
}

const descriptorOf = (mode: Mode) => ({
  set: Uint8Array.of(...new TextEncoder().encode('probe'), 0, 0, mode.id),
  group: 0,
  groups: 1,
  size: 0,
  data: 1,
  spare: 0,
  part: 0,
})

/** The PNG of a probe. @param side of the square, in pixels, rounded down to whole bands; @throws E_ARGUMENT */
export function makeProbe(side: number = PROBE_SIDES.usual): Uint8Array {
  checkSide(side)
  const { width, height, bands } = layoutOf(side)
  const data = new Uint8Array(width * height)
  for (const { mode, blocks, top } of bands)
    data.set(encodePicture(contentOf(mode, blocks), descriptorOf(mode), blocks, mode), top * width)
  const annotations = { Comment: PROBE_COMMENT }
  return encodePng({ width, height, channels: 1, format: 'u8', data, annotations }, 0)
}

const PROBE_COMMENT = 'latent probe'

/** Is it a probe as it was made, rather than somebody's picture? */
export function isProbe(bytes: Uint8Array): boolean {
  try {
    return readPngTexts(bytes)['Comment'] === PROBE_COMMENT
  } catch {
    return false
  }
}

/** What a mode looks like at the other end. */
export interface ProbedMode {
  readonly mode: number
  /** Payload a pixel in bits, without spare parts. */
  readonly rate: number
  readonly information: number
  readonly needed: number
  readonly frames: number
  readonly decoded: number
  /** What luma has been multiplied with, on the average. */
  readonly gain: number
  /** All codewords came back, and the next few pictures will too. */
  readonly safe: boolean
}

/** What a service did to a probe. */
export interface ProbeReport {
  readonly format: PictureFormat
  readonly width: number
  readonly height: number
  readonly bytes: number
  /** Sides in terms of those that were sent; 1 if nothing was scaled. */
  readonly scale: number
  readonly cropped: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }
  readonly jpeg?: {
    /** Nearest of the common tables; exact if it is that very one. */
    readonly quality: number
    readonly exact: boolean
    readonly steps: readonly number[]
    readonly chromaSteps?: readonly number[]
    readonly sampling: string
    readonly progressive: boolean
    readonly metadata: readonly string[]
    readonly orientation?: number
  }
  /** Where the picture was scaled, those whose pictures survive that: nothing else can be read then. */
  readonly modes: readonly ProbedMode[]
  /** Names of presets whose pictures come back, the densest first. */
  readonly fitting: readonly string[]
}

/**
 * Reads a probe as it came back.
 * @param side as it was made with
 * @throws E_NOT_SEALED where no probe is found; E_IMAGE; E_LIMIT; E_ARGUMENT
 */
export async function readProbe(
  bytes: Uint8Array,
  side: number = PROBE_SIDES.usual,
  decode?: PixelDecoder,
): Promise<ProbeReport> {
  checkSide(side)
  const sent = layoutOf(side)
  const opened = await openPicture(bytes, decode)
  const { format, width, height, jpeg } = opened
  const facts = { format, width, height, bytes: bytes.length, ...(jpeg && { jpeg: { ...jpegFacts(jpeg) } }) }
  const untouched = { left: 0, top: 0, right: 0, bottom: 0 }
  const [across, down] = [width / sent.width, height / sent.height]
  if (Math.abs(across - down) < 0.01 && across < 0.97) {
    const modes = sent.bands
      .filter(isEnlarged)
      .map(band => probedAt(opened.luma(), band, windowsOf({ width, height }, sent, band)))
    return { ...facts, scale: across, cropped: untouched, modes, fitting: fittingProfiles(modes) }
  }
  const shifted = width !== sent.width || height !== sent.height
  const place = shifted ? locate(upperRows(opened.luma(), sent.bands[0]!.height)) : undefined
  if (shifted && !place) throw noProbe(width, height, sent)
  const [left, top] = place ? [8 * place.shift.x - place.left, 8 * place.shift.y - place.top] : [0, 0]
  const received = place
    ? { ...transformed(opened.luma(), place.left, place.top), shift: place.shift }
    : opened.received
  const modes = sent.bands.map(band =>
    isEnlarged(band)
      ? probedAt(opened.luma(), band, [{ left: -left, top: band.top - top, width: sent.width, height: band.height }])
      : probed(received, band),
  )
  if (modes.every(({ gain }) => gain < 0.05)) throw noProbe(width, height, sent)
  return {
    ...facts,
    scale: 1,
    cropped: {
      left,
      top,
      right: Math.max(0, sent.width - left - width),
      bottom: Math.max(0, sent.height - top - height),
    },
    modes,
    fitting: fittingProfiles(modes),
  }
}

/** Every band has pilots of its own: those of the first are looked for where it is. */
const upperRows = ({ width, height, data }: Luma, most: number): Luma => ({
  width,
  height: Math.min(height, most),
  data: data.subarray(0, width * Math.min(height, most)),
})

const noProbe = (width: number, height: number, sent: { width: number; height: number }) =>
  new LatentError('E_NOT_SEALED', `no probe is found in this picture of ${width} x ${height} pixels`, {
    hint: `a probe of ${sent.width} x ${sent.height} was looked for: give --side if it was made with another`,
  })

function jpegFacts(jpeg: NonNullable<Awaited<ReturnType<typeof openPicture>>['jpeg']>) {
  const { quality, exact } = qualityOf(jpeg.steps)
  return {
    quality,
    exact,
    steps: [...jpeg.steps],
    ...(jpeg.chromaSteps && { chromaSteps: [...jpeg.chromaSteps] }),
    sampling: jpeg.sampling,
    progressive: jpeg.progressive,
    metadata: jpeg.metadata,
    ...(jpeg.orientation === undefined ? {} : { orientation: jpeg.orientation }),
  }
}

const isEnlarged = ({ mode }: Band) => mode.enlargement > 1

/** A band of a mode that keeps its size. */
function probed(received: Received, { mode, blocks, top }: Band): ProbedMode {
  const above = (received.shift?.y ?? 0) - top / 8
  // Rows of blocks of this band alone: those before it have negative numbers.
  const first = Math.max(0, -above)
  const rows = Math.min(received.high - first, blocks.high - Math.max(0, above))
  const part: Received = {
    ...received,
    high: Math.max(0, rows),
    coefficients: received.coefficients.subarray(64 * first * received.stride),
    shift: { x: received.shift?.x ?? 0, y: Math.max(0, above) },
  }
  return measured(part, blocks, mode)
}

/** A band of a mode that may be made smaller. */
const probedAt = (luma: Luma, { mode, blocks }: Band, windows: readonly Window[]): ProbedMode =>
  measured(regridded(luma, blocks, mode, windows), blocks, mode)

function measured(received: Received, blocks: Blocks, mode: Mode): ProbedMode {
  const { channel, frames } = decodePicture(received, blocks, mode)
  const decoded = frames.filter(Boolean).length
  const { information, needed, lines } = channel
  return {
    mode: mode.id,
    rate: (8 * pictureBytes(blocks, mode)) / (64 * blocks.wide * blocks.high * mode.enlargement ** 2),
    information,
    needed,
    frames: framesOf(blocks, mode),
    decoded,
    gain: lines.reduce((sum, { gain }) => sum + gain, 0) / lines.length,
    safe: decoded === frames.length && information >= needed + SAFE_MARGIN,
  }
}

/** Presets whose mode is safe, the densest first. */
function fittingProfiles(modes: readonly ProbedMode[]): string[] {
  const rateOf = ({ mode }: Preset) => modes.find(probed => probed.mode === mode)!.rate
  return Object.entries(PRESETS)
    .filter(([, preset]) => modes.some(({ mode, safe }) => safe && mode === preset.mode))
    .toSorted(([, a], [, b]) => rateOf(b) - rateOf(a))
    .map(([name]) => name)
}
