import { PRESETS } from '@latent/robust'
import { createHash } from 'node:crypto'
import { demap } from '../../packages/robust/src/channel/demap.ts'
import { type Blocks, blocksFor, framesOf, slotsOf } from '../../packages/robust/src/channel/geometry.ts'
import { Interleaver } from '../../packages/robust/src/channel/interleave.ts'
import { measureLines } from '../../packages/robust/src/channel/measure.ts'
import { type Mode, modeOf } from '../../packages/robust/src/channel/modes.ts'
import { modulate } from '../../packages/robust/src/channel/modulate.ts'
import type { Received } from '../../packages/robust/src/channel/received.ts'
import { Draws } from '../../packages/robust/src/draws.ts'
import { decodeFrame } from '../../packages/robust/src/frame.ts'
import { CODEWORD_BITS, dataBits } from '../../packages/robust/src/ldpc/code.ts'
import { LLR_SCALE } from '../../packages/robust/src/ldpc/decode.ts'
import { openDecoder } from '../../packages/robust/src/ldpc/kernel.ts'
import { sharpPixels } from '../../packages/robust/src/node/pixels.ts'
import { encodePicture, pictureBytes } from '../../packages/robust/src/picture.ts'
import { openPicture } from '../../packages/robust/src/read.ts'
import { FEATURES, learnDemapper, seenOf } from './demapper.ts'
import { ENCODERS } from './encoders.ts'

/** Where the demapper made by hand fails: the lowest quality of `robust breaks`, by preset. */
const BREAKS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  robust: { 'sharp JPEG 4:2:0': 65, mozjpeg: 75, 'sharp WebP': 35, 'sharp AVIF': 60, 'jpeg-js': 65 },
  'robust:harsh': { 'sharp JPEG 4:2:0': 30, mozjpeg: 45, 'sharp WebP': 15, 'sharp AVIF': 45, 'jpeg-js': 30 },
  'robust:small': { 'sharp JPEG 4:2:0': 55, mozjpeg: 70, 'sharp WebP': 35, 'sharp AVIF': 60, 'jpeg-js': 60 },
  'robust:mild': { 'sharp JPEG 4:2:0': 85, mozjpeg: 90, 'sharp WebP': 75, 'sharp AVIF': 70, 'jpeg-js': 85 },
}
const TAUGHT = ['sharp JPEG 4:2:0', 'mozjpeg', 'sharp WebP']
const STEPS = 4000
/** One of so many coefficients is learned from. */
const EVERY = 4
const FRAMES = 2

const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

async function served(pixels: Uint8Array, blocks: Blocks, encoder: string, quality: number): Promise<Received> {
  const picture = { width: 8 * blocks.wide, height: 8 * blocks.high, pixels }
  const file = await ENCODERS[encoder]!.encode(picture, quality)
  return (await openPicture(new Uint8Array(file!), sharpPixels)).received
}

function looked(received: Received, blocks: Blocks, mode: Mode) {
  const lines = measureLines(received, mode)
  const hand = demap(received, blocks, mode, lines, slotsOf(blocks, mode))
  return { hand, ...seenOf(received, blocks, mode, lines, hand) }
}

/** Pictures of drawn bits, from qualities around those at which presets break. */
async function lessons() {
  const draws = new Draws(0x4c45_524e)
  const blocks = { wide: 40, high: 40 }
  const [inputs, signs]: [Float32Array[], Float32Array[]] = [[], []]
  for (const [name, byEncoder] of Object.entries(BREAKS))
    for (const encoder of TAUGHT)
      for (const change of [-5, 0, 5]) {
        const mode = modeOf(PRESETS[name]!.mode)
        const bits = Uint8Array.from({ length: slotsOf(blocks, mode) }, () => draws.next() >>> 31)
        const received = await served(modulate(bits, blocks, mode), blocks, encoder, byEncoder[encoder]! + change)
        const seen = looked(received, blocks, mode)
        for (let i = 0; i < seen.widths.length; i += EVERY) {
          inputs.push(seen.inputs.subarray(i * FEATURES, (i + 1) * FEATURES))
          signs.push(
            Float32Array.from([0, 1, 2, 3], bit => (bit < seen.widths[i]! ? 1 - 2 * bits[seen.slots[i]! + bit]! : 0)),
          )
        }
      }
  return { inputs: joined(inputs), signs: joined(signs) }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const each = parts[0]!.length
  const out = new Float32Array(each * parts.length)
  parts.forEach((part, i) => out.set(part, i * each))
  return out
}

/** Codewords that decode from these likelihoods. */
function decoded(slots: Int8Array, blocks: Blocks, mode: Mode): number {
  const frames = framesOf(blocks, mode)
  const [interleaver, decoder] = [new Interleaver(frames), openDecoder(mode.rate)]
  const codeword = new Int8Array(CODEWORD_BITS)
  let right = 0
  for (let frame = 0; frame < frames; frame++) {
    interleaver.gather(frame, slots, codeword)
    decoder.likelihoods.set(codeword)
    decoder.decode(60)
    const bytes = Uint8Array.from({ length: dataBits(mode.rate) / 8 }, (_, i) =>
      Array.from({ length: 8 }, (_, bit) => (decoder.likelihoods[8 * i + bit]! < 0 ? 128 >> bit : 0)).reduce(
        (a, b) => a | b,
      ),
    )
    if (decodeFrame(frame, bytes)) right++
  }
  return right
}

/** Codewords decoded below the breaking points, by the demapper made by hand and by the learned one. */
export async function learned(pictures: number): Promise<void> {
  console.log('\n## Codewords decoded just below the breaking points, by hand and by a learned demapper\n')
  const started = performance.now()
  const samples = await lessons()
  const taught = performance.now()
  const demapper = await learnDemapper(samples, STEPS, 1)
  console.log(
    `${samples.inputs.length / FEATURES} samples in ${((taught - started) / 1000).toFixed(0)} s, ` +
      `${STEPS} steps in ${((performance.now() - taught) / 1000).toFixed(0)} s on one thread\n`,
  )
  row('preset', 'encoder', 'qualities', 'codewords', 'by hand', 'learned')
  row(...Array.from({ length: 6 }, () => '---'))
  const sums = { taught: [0, 0, 0], other: [0, 0, 0] }
  for (const [name, byEncoder] of Object.entries(BREAKS))
    for (const [encoder, lowest] of Object.entries(byEncoder)) {
      const mode = modeOf(PRESETS[name]!.mode)
      const blocks = blocksFor(FRAMES, mode)
      const size = pictureBytes(blocks, mode)
      let [tried, byHand, byNetwork] = [0, 0, 0]
      for (let quality = lowest - 5; quality < lowest; quality++)
        for (let i = 0; i < pictures; i++) {
          const seed = `learned ${name} ${encoder} ${quality} ${i}`
          const content = createHash('shake256', { outputLength: size }).update(seed).digest()
          const descriptor = { set: content.subarray(0, 8), group: 0, groups: 1, size, data: 1, spare: 0, part: 0 }
          const received = await served(encodePicture(content, descriptor, blocks, mode), blocks, encoder, quality)
          const { hand, inputs, widths, slots } = looked(received, blocks, mode)
          const corrected = await demapper.correct(inputs)
          const own = hand.slice()
          widths.forEach((width, k) => {
            for (let bit = 0; bit < width; bit++)
              own[slots[k]! + bit] = Math.max(-127, Math.min(127, Math.round(LLR_SCALE * corrected[4 * k + bit]!)))
          })
          tried += framesOf(blocks, mode)
          byHand += decoded(hand, blocks, mode)
          byNetwork += decoded(own, blocks, mode)
        }
      const isTaught = TAUGHT.includes(encoder)
      ;[tried, byHand, byNetwork].forEach((number, i) => (sums[isTaught ? 'taught' : 'other'][i]! += number))
      row(name, `${encoder}${isTaught ? '' : ' *'}`, `${lowest - 5} to ${lowest - 1}`, tried, byHand, byNetwork)
    }
  for (const [kind, numbers] of Object.entries(sums))
    row('all', kind === 'taught' ? 'encoders that taught it' : 'others *', '', ...numbers)
  await demapper.close()
}
