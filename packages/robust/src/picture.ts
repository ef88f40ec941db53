import { LatentError } from '@latent/core'
import { demap, informationIn } from './channel/demap.ts'
import { type Blocks, frameBytes, framesOf, slotsOf } from './channel/geometry.ts'
import { enlarged } from './channel/enlarge.ts'
import { Interleaver } from './channel/interleave.ts'
import { corrected } from './channel/learned.ts'
import type { Line } from './channel/line.ts'
import { measureLines, pilotAgreement } from './channel/measure.ts'
import { type Mode, PLAIN_MODES } from './channel/modes.ts'
import { modulate } from './channel/modulate.ts'
import type { Received } from './channel/received.ts'
import { Draws } from './draws.ts'
import { decodeFrame, type Descriptor, encodeFrame, type Frame, FRAME_OVERHEAD } from './frame.ts'
import { CODEWORD_BITS, dataBits } from './ldpc/code.ts'
import { openDecoder, openEncoder } from './ldpc/kernel.ts'

/** Bytes of content in a codeword. */
export const contentBytes = (mode: Mode): number => frameBytes(mode) - FRAME_OVERHEAD

/** Bytes of content in a picture. */
export const pictureBytes = (blocks: Blocks, mode: Mode): number => framesOf(blocks, mode) * contentBytes(mode)

/** Sides of a picture in pixels. */
export const pictureSize = ({ wide, high }: Blocks, { enlargement }: Mode): { width: number; height: number } => ({
  width: 8 * wide * enlargement,
  height: 8 * high * enlargement,
})

/** The grey pixels, row by row, of a picture that carries `content`, which is as long as {@link pictureBytes} says. */
export function encodePicture(content: Uint8Array, descriptor: Descriptor, blocks: Blocks, mode: Mode): Uint8Array {
  const frames = framesOf(blocks, mode)
  const each = contentBytes(mode)
  if (content.length !== frames * each)
    throw new LatentError('E_INTERNAL', `a picture of ${frames * each} bytes was to hold ${content.length}`)
  const slots = new Uint8Array(slotsOf(blocks, mode))
  const rest = new Draws(0x5245_5354)
  for (let at = frames * CODEWORD_BITS; at < slots.length; at++) slots[at] = rest.next() >>> 31
  const interleaver = new Interleaver(frames)
  const encoder = openEncoder(mode.rate)
  for (let first = 0; first < frames; first += TOGETHER) {
    const codewords = new Uint8Array(Math.min(TOGETHER, frames - first) * CODEWORD_BITS)
    for (let at = 0, index = first; at < codewords.length; at += CODEWORD_BITS, index++) {
      unpackBits(encodeFrame(index, descriptor, content.subarray(index * each, (index + 1) * each)), encoder.codeword)
      encoder.addParity()
      codewords.set(encoder.codeword, at)
    }
    interleaver.scatter(first, codewords, slots)
  }
  const pixels = modulate(slots, blocks, mode)
  return mode.enlargement === 1 ? pixels : enlarged(pixels, 8 * blocks.wide, 8 * blocks.high)
}

/** So many codewords are spread over their slots, or collected from them, at a time. */
const TOGETHER = 16

/** Bits of bytes, the highest first, one an element. */
function unpackBits(bytes: Uint8Array, bits: Uint8Array): void {
  for (let i = 0, at = 0; i < bytes.length; i++, at += 8) {
    const byte = bytes[i]!
    for (let bit = 0; bit < 8; bit++) bits[at + bit] = (byte >> (7 - bit)) & 1
  }
}

/** Bytes of bits that are 1 where a likelihood is negative. */
function packSigns(likelihoods: Int16Array, bytes: Uint8Array): void {
  for (let i = 0, at = 0; i < bytes.length; i++, at += 8) {
    let byte = 0
    for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | (likelihoods[at + bit]! >>> 31)
    bytes[i] = byte
  }
}

/** What was measured of the way that a picture took. */
export interface Channel {
  readonly mode: Mode
  /** How well the pilots are found: 1 where nothing happened. */
  readonly agreement: number
  readonly lines: readonly Line[]
  /** What a coded bit still tells, 0 to 1, and what the code needs of it at least. */
  readonly information: number
  readonly needed: number
}

/** A picture that was read: its codewords as far as they could be decoded. */
export interface DecodedPicture {
  readonly channel: Channel
  readonly frames: readonly (Frame | undefined)[]
  /** Rounds of the decoder, all codewords together. */
  readonly rounds: number
}

/** Pilots are there if they agree so well. Chance alone is normal, of deviation `1 / sqrt(blocks)`. */
const leastAgreement = (blocks: number) => Math.max(0.3, 5 / Math.sqrt(blocks))
/** With less the codewords are not tried: nothing below has ever been decoded. */
const HOPELESS = 0.9
const MOST_ROUNDS = 60
/** Likelihoods of more pixels are not corrected: two megapixels or so take a second. */
const MOST_CORRECTED = 2 ** 24

/** The mode whose pilots a picture of its own size has, if any. */
export function findMode(received: Received): { readonly mode: Mode; readonly agreement: number } | undefined {
  const found = PLAIN_MODES.map(mode => ({ mode, agreement: pilotAgreement(received, mode) }))
  const best = found.reduce((a, b) => (b.agreement > a.agreement ? b : a))
  return best.agreement >= leastAgreement(received.wide * received.high) ? best : undefined
}

/**
 * Decodes what came back.
 * @param blocks the picture as it was made
 * @param few stop when the first codewords have failed: to try whether `blocks` is right
 */
export function decodePicture(received: Received, blocks: Blocks, mode: Mode, few = false): DecodedPicture {
  const lines = measureLines(received, mode)
  const slots = demap(received, blocks, mode, lines, slotsOf(blocks, mode))
  const needed = dataBits(mode.rate) / CODEWORD_BITS
  const information = informationIn(slots)
  const channel = { mode, agreement: pilotAgreement(received, mode), lines, information, needed }
  const frames: (Frame | undefined)[] = Array.from({ length: framesOf(blocks, mode) })
  if (information < HOPELESS * needed) return { channel, frames, rounds: 0 }
  let rounds = decodeFrames(slots, mode, frames, few)
  const isCorrectable = information >= needed && 64 * blocks.wide * blocks.high <= MOST_CORRECTED
  const isTrial = few && !frames.some(Boolean)
  if (frames.every(Boolean) || isTrial || !isCorrectable) return { channel, frames, rounds }
  rounds += decodeFrames(corrected(received, blocks, mode, lines, slots), mode, frames, few)
  return { channel, frames, rounds }
}

/** Fills in codewords that are missing. @returns rounds of the decoder */
function decodeFrames(slots: Int8Array, mode: Mode, frames: (Frame | undefined)[], few: boolean): number {
  const interleaver = new Interleaver(frames.length)
  const decoder = openDecoder(mode.rate)
  const bytes = new Uint8Array(frameBytes(mode))
  let rounds = 0
  let failed = 0
  for (let first = 0; first < frames.length; first += TOGETHER) {
    const codewords = new Int8Array(Math.min(TOGETHER, frames.length - first) * CODEWORD_BITS)
    interleaver.gather(first, slots, codewords)
    for (let at = 0, index = first; at < codewords.length; at += CODEWORD_BITS, index++) {
      if (frames[index]) continue
      decoder.likelihoods.set(codewords.subarray(at, at + CODEWORD_BITS))
      rounds += decoder.decode(MOST_ROUNDS).rounds
      packSigns(decoder.likelihoods, bytes)
      frames[index] = decodeFrame(index, bytes)
      if (frames[index] === undefined && ++failed >= 3 && failed > index && (few || index >= 8)) return rounds
    }
  }
  return rounds
}
