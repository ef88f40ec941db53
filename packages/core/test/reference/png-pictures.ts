import fc from 'fast-check'
import { chunk, SAMPLES, type Stored, type StoredPicture } from './png-writer.ts'

/** Every colour type with every depth that it may have. */
export const KINDS: readonly (readonly [colour: number, depth: number])[] = [
  ...[1, 2, 4, 8, 16].map(depth => [0, depth] as const),
  ...[8, 16].map(depth => [2, depth] as const),
  ...[1, 2, 4, 8].map(depth => [3, depth] as const),
  ...[8, 16].map(depth => [4, depth] as const),
  ...[8, 16].map(depth => [6, depth] as const),
]

export const text = (keyword: string, value: string): Stored => ['tEXt', Buffer.from(`${keyword}\0${value}`, 'latin1')]

export function arbitraryPicture(colour: number, depth: number, interlaced: boolean): fc.Arbitrary<StoredPicture> {
  return fc
    .record({
      width: fc.integer({ min: 1, max: 19 }),
      height: fc.integer({ min: 1, max: 19 }),
      filters: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 }),
      transparent: fc.boolean(),
      proposal: fc.boolean(),
      cuts: fc.integer({ min: 1, max: 4 }),
      seed: fc.integer({ min: 1 }),
      around: fc.subarray<Stored>([
        text('Title', 'a heap of stones'),
        ['gAMA', Buffer.from([0, 1, 134, 160])],
        ['prVt', Buffer.from([1, 2, 3])],
        ['tIME', Buffer.from([7, 208, 1, 1, 0, 0, 0])],
      ]),
    })
    .map(({ width, height, filters, transparent, proposal, cuts, seed, around }) => {
      let state = seed
      const next = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
      const entries = 1 + next(2 ** Math.min(depth, 8))
      const samples = Array.from({ length: width * height * SAMPLES[colour]! }, () =>
        next(colour === 3 ? entries : 2 ** depth),
      )
      const palette = Array.from({ length: entries }, (): [number, number, number] => [next(256), next(256), next(256)])
      const alpha =
        colour === 3 ? Array.from({ length: 1 + next(entries) }, () => next(256)) : samples.slice(0, SAMPLES[colour])
      const hasPalette = colour === 3 || (proposal && (colour === 2 || colour === 6))
      return {
        width,
        height,
        depth,
        colour,
        interlaced,
        filters,
        samples,
        cuts,
        first: around.filter(([type]) => type === 'gAMA'),
        middle: around.filter(([type]) => type === 'prVt'),
        last: around.filter(([type]) => type === 'tEXt' || type === 'tIME'),
        ...(hasPalette ? { palette } : {}),
        ...(transparent && colour !== 4 && colour !== 6 ? { transparency: alpha } : {}),
      }
    })
}

/** Checksums made right again, so that changes reach what lies behind them. */
export function mended(file: Buffer): Buffer {
  const parts = [file.subarray(0, 8)]
  for (let at = 8; at + 12 <= file.length;) {
    const length = Math.min(file.readUInt32BE(at), file.length - at - 12)
    parts.push(chunk([file.toString('latin1', at + 4, at + 8), file.subarray(at + 8, at + 8 + length)]))
    at += 12 + length
  }
  return Buffer.concat(parts)
}
