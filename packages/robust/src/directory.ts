import { LatentError, u32 } from '@latent/core'
import type { Geometry } from '@latent/vault'

/**
 * What a set carries: sealed files, each the pixel bytes of its picture of noise, between two copies of a directory of
 * their sizes. One copy is enough.
 */
export interface Directory {
  readonly geometries: readonly Geometry[]
  /** Where the pixel bytes of each begin, and where the last ones end. */
  readonly offsets: readonly number[]
  readonly size: number
}

const ENTRY = 8
const COUNT = 4
/** No writer puts more files into one set. */
export const MOST_ENTRIES = 4096

const bytesOf = ({ width, height }: Geometry) => 3 * width * height

/** The directory of some sealed files. */
export function directoryOf(geometries: readonly Geometry[]): Directory {
  const offsets = [COUNT + ENTRY * geometries.length]
  for (const geometry of geometries) offsets.push(offsets.at(-1)! + bytesOf(geometry))
  return { geometries, offsets, size: offsets.at(-1)! + COUNT + ENTRY * geometries.length }
}

const entries = ({ geometries }: Directory) => geometries.flatMap(({ width, height }) => [u32(width), u32(height)])

/** What stands before the files: how many there are, then width and height of each. */
export const leading = (directory: Directory): Uint8Array[] => [u32(directory.geometries.length), ...entries(directory)]

/** The same behind them, in the other order. */
export const trailing = (directory: Directory): Uint8Array[] => [
  ...entries(directory),
  u32(directory.geometries.length),
]

/**
 * Reads either copy.
 * @param read gives bytes of the set, or nothing where they are lost
 * @returns nothing if both are lost
 * @throws E_HEADER for a directory that no writer makes
 */
export function readDirectory(
  size: number,
  read: (from: number, to: number) => Uint8Array | undefined,
): Directory | undefined {
  const wrong = () =>
    new LatentError('E_HEADER', 'the directory of this robust carrier is malformed', {
      hint: 'it was not made by latent seal; do not trust it',
    })
  const number = (at: number): number | undefined => {
    const bytes = read(at, at + 4)
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
  }
  const at = (countAt: number, entriesAt: (count: number) => number): Directory | undefined => {
    if (size < 2 * COUNT) throw wrong()
    const count = number(countAt)
    if (count === undefined) return undefined
    if (count < 1 || count > MOST_ENTRIES || 2 * (COUNT + ENTRY * count) > size) throw wrong()
    const from = entriesAt(count)
    const geometries: Geometry[] = []
    for (let i = 0; i < count; i++) {
      const [width, height] = [number(from + ENTRY * i), number(from + ENTRY * i + 4)]
      if (width === undefined || height === undefined) return undefined
      if (width === 0 || height === 0 || width > 2 ** 24) throw wrong()
      geometries.push({ width, height })
    }
    const directory = directoryOf(geometries)
    if (directory.size !== size) throw wrong()
    return directory
  }
  return at(0, () => COUNT) ?? at(size - COUNT, count => size - COUNT - ENTRY * count)
}
