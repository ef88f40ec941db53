import { PRESETS } from '@latent/robust'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { demap } from '../../packages/robust/src/channel/demap.ts'
import { type Blocks, blocksFor, framesOf, slotsOf } from '../../packages/robust/src/channel/geometry.ts'
import { enlarged } from '../../packages/robust/src/channel/enlarge.ts'
import { Interleaver } from '../../packages/robust/src/channel/interleave.ts'
import { corrected, networkOf, shippedNetwork } from '../../packages/robust/src/channel/learned.ts'
import { measureLines } from '../../packages/robust/src/channel/measure.ts'
import { carriedBy, type Mode, modeOf } from '../../packages/robust/src/channel/modes.ts'
import { modulate } from '../../packages/robust/src/channel/modulate.ts'
import { pilotIndex } from '../../packages/robust/src/channel/pilots.ts'
import { regridded, windowsOf } from '../../packages/robust/src/channel/regrid.ts'
import type { Received } from '../../packages/robust/src/channel/received.ts'
import { SEEN, Sight } from '../../packages/robust/src/channel/seen.ts'
import { Draws } from '../../packages/robust/src/draws.ts'
import { decodeFrame } from '../../packages/robust/src/frame.ts'
import { CODEWORD_BITS, dataBits } from '../../packages/robust/src/ldpc/code.ts'
import { openDecoder } from '../../packages/robust/src/ldpc/kernel.ts'
import { sharpPixels } from '../../packages/robust/src/node/pixels.ts'
import { encodePicture, pictureBytes, pictureSize } from '../../packages/robust/src/picture.ts'
import { openPicture } from '../../packages/robust/src/read.ts'
import { FEATURES, learnDemapper } from './demapper.ts'
import { ENCODERS } from './encoders.ts'
import { SCALERS } from './scalers.ts'

/** One way of pictures, and where the demapper made by hand begins to fail on it. */
interface Way {
  readonly preset: string
  readonly encoder: string
  readonly lowest: number
  readonly scaled?: { readonly by: string; readonly to: number }
  /** Was the network taught by it? */
  readonly taught: boolean
}

const ways = (encoder: string, taught: boolean, lowest: Readonly<Record<string, number>>): Way[] =>
  Object.entries(lowest).map(([preset, lowest]) => ({ preset, encoder, lowest, taught }))
const scaledWay = (by: string, to: number, lowest: number, taught: boolean): Way => ({
  preset: 'robust:resize',
  encoder: 'sharp JPEG 4:2:0',
  lowest,
  scaled: { by, to },
  taught,
})

/** Lowest qualities as `robust breaks` has them, or nearly. */
const WAYS: readonly Way[] = [
  ...ways('sharp JPEG 4:2:0', true, { robust: 65, 'robust:harsh': 30, 'robust:small': 55, 'robust:mild': 85 }),
  ...ways('mozjpeg', true, { robust: 75, 'robust:harsh': 45, 'robust:small': 70, 'robust:mild': 90 }),
  ...ways('sharp WebP', true, { robust: 35, 'robust:harsh': 15, 'robust:small': 35, 'robust:mild': 75 }),
  scaledWay('sharp lanczos3', 0.53, 75, true),
  scaledWay('sharp cubic', 0.5, 65, true),
  ...ways('jpeg-js', false, { robust: 65, 'robust:harsh': 30, 'robust:small': 55, 'robust:mild': 85 }),
  ...ways('sharp AVIF', false, { robust: 60, 'robust:harsh': 45, 'robust:small': 60, 'robust:mild': 70 }),
  ...ways('JPEG q85, then', false, { robust: 70, 'robust:harsh': 35, 'robust:small': 65 }),
  scaledWay('means', 0.56, 75, false),
  scaledWay('sharp mitchell', 0.6, 65, false),
]
const STEPS = 6000
/** One of so many coefficients is learned from. */
const EVERY = 4
const FRAMES = 2
const SHIPPED = new URL('../../packages/robust/src/channel/learned-weights.ts', import.meta.url)

const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

async function served(pixels: Uint8Array, blocks: Blocks, mode: Mode, way: Way, quality: number): Promise<Received> {
  const { encoder, scaled } = way
  const made = { ...pictureSize(blocks, mode), pixels }
  const file = await ENCODERS[encoder]!.encode(
    scaled ? await SCALERS[scaled.by]!.scale(made, scaled.to) : made,
    quality,
  )
  const opened = await openPicture(new Uint8Array(file!), sharpPixels)
  return mode.enlargement === 1 ? opened.received : regridded(opened.luma(), blocks, mode, windowsOf(opened, made))
}

/** Pictures of drawn bits, from qualities around those at which presets break. */
async function lessons() {
  const draws = new Draws(0x4c45_524e)
  const blocks = { wide: 40, high: 40 }
  const [inputs, signs]: [Float32Array[], Float32Array[]] = [[], []]
  for (const way of WAYS.filter(({ taught }) => taught))
    for (const change of [-6, -2, 3]) {
      const mode = modeOf(PRESETS[way.preset]!.mode)
      const bits = Uint8Array.from({ length: slotsOf(blocks, mode) }, () => draws.next() >>> 31)
      const inner = modulate(bits, blocks, mode)
      const pixels = mode.enlargement === 1 ? inner : enlarged(inner, 8 * blocks.wide, 8 * blocks.high)
      const received = await served(pixels, blocks, mode, way, way.lowest + change)
      const lines = measureLines(received, mode)
      const hand = demap(received, blocks, mode, lines, bits.length)
      const sight = new Sight(received, blocks, mode, lines)
      const { places, bits: widths } = carriedBy(mode)
      let slot = 0
      let index = 0
      for (let block = 0; block < blocks.wide * blocks.high; block++) {
        const [x, y] = [block % blocks.wide, Math.floor(block / blocks.wide)]
        for (let i = 0; i < places.length; i++) {
          if (i === pilotIndex(x, y, places.length)) continue
          if (index++ % EVERY === 0) {
            const seen = new Float32Array(FEATURES)
            seen.set(sight.lines.subarray(SEEN.line * i, SEEN.line * (i + 1)))
            seen.set(sight.blocks.subarray(SEEN.block * block, SEEN.block * (block + 1)), SEEN.line)
            sight.own(sight.at(x, y), i, hand, slot, seen.subarray(SEEN.line + SEEN.block))
            inputs.push(seen)
            const start = slot
            signs.push(Float32Array.from([0, 1, 2, 3], bit => (bit < widths[i]! ? 1 - 2 * bits[start + bit]! : 0)))
          }
          slot += widths[i]!
        }
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

/** Trains the demapper anew and writes it into the package. */
export async function learn(): Promise<void> {
  const started = performance.now()
  const samples = await lessons()
  const taught = performance.now()
  const { bytes, loss } = await learnDemapper(samples, STEPS, 1)
  networkOf(bytes)
  const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(0)} s`
  console.log(
    `${samples.inputs.length / FEATURES} samples in ${seconds(started, taught)}, ` +
      `${STEPS} steps in ${seconds(taught, performance.now())} on one thread, loss ${loss.toFixed(4)}`,
  )
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,112}/g)!
  const said = '/** Made by `npm run bench -- robust learn`, for `learned.ts`. In base64. */'
  writeFileSync(SHIPPED, `${said}\nexport const WEIGHTS =\n${lines.map(line => `  '${line}'`).join(' +\n')}\n`)
}

/** Codewords decoded below the breaking points, by the demapper made by hand and by the learned one. */
export async function learned(pictures: number): Promise<void> {
  console.log('\n## Codewords decoded just below the breaking points, by hand and by the learned demapper\n')
  row('preset', 'encoder', 'qualities', 'codewords', 'by hand', 'learned')
  row(...Array.from({ length: 6 }, () => '---'))
  const sums = { taught: [0, 0, 0], other: [0, 0, 0] }
  const network = shippedNetwork()
  for (const way of WAYS) {
    const { preset, encoder, lowest, scaled, taught } = way
    const mode = modeOf(PRESETS[preset]!.mode)
    const blocks = blocksFor(FRAMES, mode)
    const size = pictureBytes(blocks, mode)
    let [tried, byHand, byNetwork] = [0, 0, 0]
    for (let quality = lowest - 5; quality < lowest; quality++)
      for (let i = 0; i < pictures; i++) {
        const seed = `learned ${preset} ${encoder} ${quality} ${i}`
        const content = createHash('shake256', { outputLength: size }).update(seed).digest()
        const descriptor = { set: content.subarray(0, 8), group: 0, groups: 1, size, data: 1, spare: 0, part: 0 }
        const received = await served(encodePicture(content, descriptor, blocks, mode), blocks, mode, way, quality)
        const lines = measureLines(received, mode)
        const hand = demap(received, blocks, mode, lines, slotsOf(blocks, mode))
        tried += framesOf(blocks, mode)
        byHand += decoded(hand, blocks, mode)
        byNetwork += decoded(corrected(received, blocks, mode, lines, hand, network), blocks, mode)
      }
    ;[tried, byHand, byNetwork].forEach((number, i) => (sums[taught ? 'taught' : 'other'][i]! += number))
    const how = `${scaled ? `${scaled.by} to ${scaled.to}, ` : ''}${encoder}${taught ? '' : ' *'}`
    row(preset, how, `${lowest - 5} to ${lowest - 1}`, tried, byHand, byNetwork)
  }
  row('all', 'what taught it', '', ...sums.taught)
  row('all', 'others *', '', ...sums.other)
}
