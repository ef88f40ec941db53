import { BitReader, type HuffmanTable, OUT_OF_DATA } from './bits.ts'
import { brokenJpeg, type ScanHeader, ZIGZAG } from './markers.ts'

/** A component on its way: where its blocks go, if they are kept. */
export interface Plane {
  readonly h: number
  readonly v: number
  /** Blocks of a scan of this component alone. */
  readonly blocksWide: number
  readonly blocksHigh: number
  /** Blocks a row in memory: whole MCUs. */
  readonly stride: number
  /** 64 a block in raster order; one block for all where nobody asks for them. */
  readonly coefficients: Int16Array
  readonly kept: boolean
}

/** One scan: its header, the planes and tables of its components, and its data without byte stuffing. */
export interface Scan {
  readonly header: ScanHeader
  readonly progressive: boolean
  readonly parts: readonly { readonly plane: Plane; readonly dc?: HuffmanTable; readonly ac?: HuffmanTable }[]
  /** MCUs of an interleaved scan. */
  readonly mcusWide: number
  readonly mcusHigh: number
  readonly restart: number
  readonly bytes: Uint8Array
  /** Where the segments between restart markers end. */
  readonly ends: readonly number[]
}

type DecodeBlock = (bits: BitReader, coefficients: Int16Array, at: number, state: State) => void
interface State {
  prediction: number
  run: number
}

/**
 * Decodes a scan into its planes.
 * @returns whether all of it was there
 * @throws E_IMAGE
 */
export function decodeScan(scan: Scan): boolean {
  const { parts, restart, bytes, ends } = scan
  const alone = parts.length === 1
  const [{ plane }] = parts as [Scan['parts'][0]]
  const [wide, high] = alone ? [plane.blocksWide, plane.blocksHigh] : [scan.mcusWide, scan.mcusHigh]
  const decoders = parts.map(part => ({
    ...part.plane,
    decode: blockDecoder(scan, part),
    state: { prediction: 0, run: 0 },
  }))
  let segment = 0
  let bits = new BitReader(bytes, 0, ends[0]!)
  let whole = true
  let mcu = 0
  const total = wide * high
  while (mcu < total) {
    const until = restart > 0 ? Math.min(total, (segment + 1) * restart) : total
    try {
      for (; mcu < until; mcu++) {
        const [x, y] = [mcu % wide, Math.floor(mcu / wide)]
        for (const { h, v, stride, coefficients, kept, decode, state } of decoders) {
          if (alone) decode(bits, coefficients, kept ? 64 * (y * stride + x) : 0, state)
          else
            for (let by = 0; by < v; by++)
              for (let bx = 0; bx < h; bx++)
                decode(bits, coefficients, kept ? 64 * ((y * v + by) * stride + x * h + bx) : 0, state)
        }
      }
    } catch (error) {
      if (error !== OUT_OF_DATA) throw error
      whole = false
      if (segment + 1 >= ends.length) return false
    }
    mcu = until
    segment++
    if (mcu >= total) break
    if (segment >= ends.length) return false
    bits = new BitReader(bytes, ends[segment - 1]!, ends[segment]!)
    for (const { state } of decoders) Object.assign(state, { prediction: 0, run: 0 })
  }
  return whole
}

function blockDecoder({ header, progressive }: Scan, { dc, ac }: Scan['parts'][0]): DecodeBlock {
  const need = (table: HuffmanTable | undefined): HuffmanTable => {
    if (!table) throw brokenJpeg('a Huffman table is missing')
    return table
  }
  if (!progressive) return baseline(need(dc), need(ac))
  if (header.from === 0) return header.high === 0 ? firstDc(need(dc), header.low) : refineDc(header.low)
  return header.high === 0 ? firstAc(need(ac), header) : refineAc(need(ac), header)
}

const baseline =
  (dc: HuffmanTable, ac: HuffmanTable): DecodeBlock =>
  (bits, coefficients, at, state) => {
    const size = bits.symbol(dc)
    if (size > 15) throw brokenJpeg('a difference is too large')
    state.prediction += bits.signed(size)
    coefficients[at] = state.prediction
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(ac)
      const size = symbol & 15
      if (size === 0) {
        if (symbol !== 0xf0) return
        k += 15
        continue
      }
      k += symbol >> 4
      if (k > 63) throw brokenJpeg('a block has more than 64 coefficients')
      coefficients[at + ZIGZAG[k]!] = bits.signed(size)
    }
  }

const firstDc =
  (dc: HuffmanTable, low: number): DecodeBlock =>
  (bits, coefficients, at, state) => {
    const size = bits.symbol(dc)
    if (size > 15) throw brokenJpeg('a difference is too large')
    state.prediction += bits.signed(size)
    coefficients[at] = state.prediction << low
  }

const refineDc =
  (low: number): DecodeBlock =>
  (bits, coefficients, at) => {
    coefficients[at]! |= bits.bits(1) << low
  }

const firstAc =
  (ac: HuffmanTable, { from, to, low }: ScanHeader): DecodeBlock =>
  (bits, coefficients, at, state) => {
    if (state.run > 0) {
      state.run--
      return
    }
    for (let k = from; k <= to; k++) {
      const symbol = bits.symbol(ac)
      const [run, size] = [symbol >> 4, symbol & 15]
      if (size === 0) {
        if (run < 15) {
          state.run = (1 << run) - 1 + bits.bits(run)
          return
        }
        k += 15
        continue
      }
      k += run
      if (k > to) throw brokenJpeg('a block has more coefficients than its scan')
      coefficients[at + ZIGZAG[k]!] = bits.signed(size) * (1 << low)
    }
  }

/** T.81, G.1.2.3: one more bit of what is not zero, and new coefficients between them. */
const refineAc =
  (ac: HuffmanTable, { from, to, low }: ScanHeader): DecodeBlock =>
  (bits, coefficients, at, state) => {
    const bit = 1 << low
    const refine = (place: number) => {
      const value = coefficients[place]!
      if (bits.bits(1) === 1 && (Math.abs(value) & bit) === 0) coefficients[place] = value + (value > 0 ? bit : -bit)
    }
    let k = from
    if (state.run === 0) {
      for (; k <= to; k++) {
        const symbol = bits.symbol(ac)
        let run = symbol >> 4
        let value = 0
        if ((symbol & 15) === 0) {
          if (run < 15) {
            state.run = (1 << run) + bits.bits(run)
            break
          }
        } else value = bits.bits(1) === 1 ? bit : -bit
        for (; k <= to; k++) {
          const place = at + ZIGZAG[k]!
          if (coefficients[place] !== 0) refine(place)
          else if (run-- === 0) {
            coefficients[place] = value
            break
          }
        }
      }
    }
    if (state.run > 0) {
      for (; k <= to; k++) {
        const place = at + ZIGZAG[k]!
        if (coefficients[place] !== 0) refine(place)
      }
      state.run--
    }
  }
