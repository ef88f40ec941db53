import { LatentError } from '@latent/core'
import { huffmanTable, type HuffmanTable } from './bits.ts'
import {
  brokenJpeg,
  type Frame,
  type HuffmanSpec,
  isJpeg,
  readFrame,
  readHuffman,
  readQuantisation,
  readRestart,
  readScanHeader,
} from './markers.ts'
import { decodeScan, type Plane } from './scan.ts'

/** The luma of a JPEG as it is stored: numbers of quantisation steps, never pixels. */
export interface JpegLuma {
  readonly width: number
  readonly height: number
  /** Blocks a row and rows of blocks: `ceil(width / 8)` and `ceil(height / 8)`. */
  readonly blocksWide: number
  readonly blocksHigh: number
  /** Blocks a row of `coefficients`, at least `blocksWide`. */
  readonly stride: number
  /** 64 a block in raster order, in steps. */
  readonly coefficients: Int16Array
  /** 64 steps in raster order. */
  readonly steps: Uint16Array
  readonly facts: JpegFacts
  /** Did the file end too early? The blocks behind are zero. */
  readonly cut: boolean
}

/** What the file says of how it was made. */
export interface JpegFacts {
  readonly progressive: boolean
  /** Sampling factors of each component, such as `2x2 1x1 1x1`. */
  readonly sampling: string
  readonly components: number
  /** The steps of the second component, if there is one. */
  readonly chromaSteps?: Uint16Array
  /** Names of APPn and COM segments as they come. */
  readonly metadata: readonly string[]
  /** EXIF orientation, 1 to 8, if it is said. */
  readonly orientation?: number
}

/** More scans than any encoder writes: each of them costs a pass over the picture. */
const MAX_SCANS = 64

/**
 * Reads the quantised coefficients of the first component of a baseline or progressive JPEG (T.81).
 * @param limits pixels a picture may have
 * @throws E_IMAGE (no JPEG, or one that is broken or of another kind); E_LIMIT
 */
export function readJpegLuma(bytes: Uint8Array, limits: { readonly pixels: number }): JpegLuma {
  if (!isJpeg(bytes)) throw brokenJpeg('it does not begin as one')
  return new JpegReader(bytes, limits.pixels).read()
}

class JpegReader {
  readonly #bytes: Uint8Array
  readonly #pixels: number
  readonly #quantisation = new Map<number, Uint16Array>()
  readonly #huffman = new Map<number, HuffmanSpec>()
  readonly #metadata: string[] = []
  #orientation: number | undefined
  #restart = 0
  #frame: Frame | undefined
  #planes: Plane[] = []
  #scans = 0
  #cut = false
  #steps: (Uint16Array | undefined)[] = []

  constructor(bytes: Uint8Array, pixels: number) {
    this.#bytes = bytes
    this.#pixels = pixels
  }

  read(): JpegLuma {
    const bytes = this.#bytes
    let at = 2
    for (;;) {
      while (at < bytes.length && bytes[at] !== 0xff) at++
      while (at < bytes.length && bytes[at] === 0xff) at++
      const marker = bytes[at++]
      if (marker === undefined) {
        this.#cut = true
        break
      }
      if (marker === 0xd9) break
      if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue
      const length = at + 1 < bytes.length ? bytes[at]! * 256 + bytes[at + 1]! : 0
      if (length < 2 || at + length > bytes.length) {
        this.#cut = true
        break
      }
      const segment = bytes.subarray(at + 2, at + length)
      at += length
      if (marker === 0xda) at = this.#scan(segment, at)
      else this.#segment(marker, segment)
    }
    return this.#result()
  }

  #segment(marker: number, segment: Uint8Array): void {
    if (marker === 0xdb) readQuantisation(segment, this.#quantisation)
    else if (marker === 0xc4) readHuffman(segment, this.#huffman)
    else if (marker === 0xdd) this.#restart = readRestart(segment)
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc)
      this.#begin(readFrame(marker, segment))
    else if ((marker >= 0xe0 && marker <= 0xef) || marker === 0xfe) this.#remark(marker, segment)
  }

  #remark(marker: number, segment: Uint8Array): void {
    if (this.#metadata.length >= 64) return
    const name = /^[\x20-\x7e]{3,28}/.exec(new TextDecoder('latin1').decode(segment.subarray(0, 28)))?.[0] ?? ''
    this.#metadata.push(marker === 0xfe ? 'comment' : name === '' ? `APP${marker - 0xe0}` : name)
    if (marker === 0xe1 && name.startsWith('Exif')) this.#orientation ??= exifOrientation(segment.subarray(6))
  }

  #begin(frame: Frame): void {
    if (this.#frame) throw brokenJpeg('it has two frames')
    const { width, height, components } = frame
    if (width * height > this.#pixels)
      throw new LatentError(
        'E_LIMIT',
        `this picture has ${width * height} pixels, more than the limit of ${this.#pixels}`,
        { hint: 'get the picture at the size it was made in: no robust carrier is this large' },
      )
    this.#frame = frame
    const hMost = Math.max(...components.map(({ h }) => h))
    const vMost = Math.max(...components.map(({ v }) => v))
    this.#planes = components.map(({ h, v }, index) => {
      const stride = Math.ceil(width / (8 * hMost)) * h
      const rows = Math.ceil(height / (8 * vMost)) * v
      return {
        h,
        v,
        blocksWide: Math.ceil(Math.ceil((width * h) / hMost) / 8),
        blocksHigh: Math.ceil(Math.ceil((height * v) / vMost) / 8),
        stride,
        kept: index === 0,
        coefficients: new Int16Array(64 * (index === 0 ? stride * rows : 1)),
      }
    })
    if (components[0]!.h < hMost || components[0]!.v < vMost)
      throw brokenJpeg('its first component is not the one with all pixels')
  }

  /** @returns where the data of the scan end */
  #scan(segment: Uint8Array, from: number): number {
    const frame = this.#frame
    if (!frame) throw brokenJpeg('a scan comes before the frame')
    if (++this.#scans > MAX_SCANS)
      throw new LatentError('E_LIMIT', `this JPEG has more than ${MAX_SCANS} scans`, {
        hint: 'no photo service writes such a file: get the picture from the service again',
      })
    const header = readScanHeader(segment)
    const { bytes, ends, next } = entropyCoded(this.#bytes, from)
    const indices = header.components.map(({ id }) => {
      const index = frame.components.findIndex(component => component.id === id)
      if (index === -1) throw brokenJpeg('a scan names a component that the frame has not')
      return index
    })
    for (const index of indices) this.#steps[index] ??= this.#quantisation.get(frame.components[index]!.table)?.slice()
    // AC of chroma alone: nothing of it is asked for.
    if (!indices.includes(0) && (indices.length === 1 || header.from > 0)) return next
    const table = (number: number): HuffmanTable | undefined => {
      const spec = this.#huffman.get(number)
      return spec && huffmanTable(spec)
    }
    const parts = header.components.map(({ dc, ac }, i) => {
      const [dcTable, acTable] = [table(dc), table(16 + ac)]
      return {
        plane: this.#planes[indices[i]!]!,
        ...(dcTable ? { dc: dcTable } : {}),
        ...(acTable ? { ac: acTable } : {}),
      }
    })
    const most = (of: 'h' | 'v') => Math.max(...frame.components.map(component => component[of]))
    const whole = decodeScan({
      header,
      progressive: frame.progressive,
      parts,
      mcusWide: Math.ceil(frame.width / (8 * most('h'))),
      mcusHigh: Math.ceil(frame.height / (8 * most('v'))),
      restart: this.#restart,
      bytes,
      ends,
    })
    if (!whole) this.#cut = true
    return next
  }

  #result(): JpegLuma {
    const frame = this.#frame
    const plane = this.#planes[0]
    const steps = this.#steps[0]
    if (!frame || !plane || !steps) throw brokenJpeg('it ends before its picture')
    return {
      width: frame.width,
      height: frame.height,
      blocksWide: plane.blocksWide,
      blocksHigh: plane.blocksHigh,
      stride: plane.stride,
      coefficients: plane.coefficients,
      steps,
      cut: this.#cut,
      facts: {
        progressive: frame.progressive,
        sampling: frame.components.map(({ h, v }) => `${h}x${v}`).join(' '),
        components: frame.components.length,
        ...(this.#steps[1] ? { chromaSteps: this.#steps[1] } : {}),
        metadata: this.#metadata,
        ...(this.#orientation === undefined ? {} : { orientation: this.#orientation }),
      },
    }
  }
}

/** The data of a scan without byte stuffing, cut at restart markers. */
function entropyCoded(bytes: Uint8Array, from: number): { bytes: Uint8Array; ends: number[]; next: number } {
  let end = from
  const markers: number[] = []
  for (;;) {
    end = bytes.indexOf(0xff, end)
    if (end === -1 || end + 1 >= bytes.length) {
      end = bytes.length
      break
    }
    const next = bytes[end + 1]!
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) break
    if (next !== 0xff) markers.push(end)
    end += next === 0xff ? 1 : 2
  }
  const out = new Uint8Array(end - from)
  const ends: number[] = []
  let filled = 0
  let at = from
  for (const marker of markers) {
    const stuffed = bytes[marker + 1] === 0
    const part = bytes.subarray(at, stuffed ? marker + 1 : marker)
    out.set(part, filled)
    filled += part.length
    if (!stuffed) ends.push(filled)
    at = marker + 2
  }
  out.set(bytes.subarray(at, end), filled)
  filled += end - at
  ends.push(filled)
  return { bytes: out.subarray(0, filled), ends, next: end }
}

/** Tag 0x0112 of the first directory of an EXIF block. */
function exifOrientation(tiff: Uint8Array): number | undefined {
  if (tiff.length < 14) return undefined
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length)
  const little = view.getUint16(0) === 0x4949
  const directory = view.getUint32(4, little)
  if (directory + 2 > tiff.length) return undefined
  const entries = view.getUint16(directory, little)
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i
    if (at + 12 > tiff.length) return undefined
    if (view.getUint16(at, little) !== 0x0112) continue
    const value = view.getUint16(at + 8, little)
    return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}
