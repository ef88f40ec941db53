import { type Image, image } from '@latent/core'
import type { FlowCryptRunner } from '@latent/schemes/flowcrypt'
import { defineAttack, type Oracles } from '../contract.ts'
import { type HalfSize, recoverFoldedMap } from '../folded-map.ts'
import { peak } from '../../metrics/samples.ts'

const [COLOURS, PEAK] = [3, 255]
/** The grey that the map is found from, and all greys that say how far it is off. */
const GREY = 128
const LEVELS = [60, GREY, 200]
/** A pixel's number in digits, one a colour, that are far enough apart to be read: twelve reach 4096 pixels. */
const [BASE, DIGITS] = [2, 12]
/** Maps of the other half that an answer is the mean over, while that half is not known. */
const OTHERS = 4
const MOST_PIXELS = BASE ** DIGITS

/** Planes of both halves. */
interface HalfValues {
  readonly x: Float32Array
  readonly y: Float32Array
}

/** Colour by colour, 0 to 1. */
function planesOf({ data, format }: Image): Float32Array {
  const pixels = data.length / COLOURS
  return Float32Array.from(data, (_, i) => data[(i % pixels) * COLOURS + Math.floor(i / pixels)]! / peak(format))
}

const filled = ({ width, height, channels }: Oracles['shape'], value: (i: number) => number): Image<'u8'> =>
  image({
    width,
    height,
    channels,
    format: 'u8',
    data: Uint8Array.from({ length: width * height * channels }, (_, i) => value(i)),
  })

/** A picture that shows three digits of each pixel's number. */
const numbered = (shape: Oracles['shape'], digit: number): Image<'u8'> =>
  filled(shape, i => {
    const value = Math.floor(Math.floor(i / COLOURS) / BASE ** (digit + (i % COLOURS))) % BASE
    return (PEAK * (value + 0.5)) / BASE
  })

/** Adds the digits that three planes show to the number of each place. */
function addDigits(numbers: Uint32Array, planes: Float32Array, digit: number): void {
  for (let colour = 0; colour < COLOURS; colour++)
    for (let i = 0; i < numbers.length; i++) {
      const value = Math.floor(BASE * planes[colour * numbers.length + i]!)
      numbers[i]! += BASE ** (digit + colour) * Math.min(BASE - 1, Math.max(0, value))
    }
}

const PLAIN_NETWORK = 'flowcrypt-2025-compact'

/**
 * FlowCrypt's weights are public, and its map K and mask are the same for all pictures of a size. What a grey picture
 * becomes depends on K alone, and gives it: see {@link recoverFoldedMap}. Pictures of numbered pixels, decrypted,
 * then say which pixel went where, which is the mask.
 */
export const foldedMap = defineAttack({
  id: 'folded-map',
  title: 'a grey picture gives the map of the network, and numbered pixels the mask',
  threat: 'chosen-plaintext',
  returns: 'key',
  weights: 'public',
  budget: LEVELS.length + DIGITS / COLOURS,
  appliesTo: ({ id }) => (id.startsWith('flowcrypt') ? undefined : 'it is for a network with a map beside the picture'),
  positiveControl: { scheme: PLAIN_NETWORK, expects: 'opened' },
  async run({ scheme, shape, encrypt }, _, random) {
    const { width, height, channels } = shape
    if (channels !== COLOURS || width % 2 !== 0 || width * height > MOST_PIXELS) return undefined
    const grey = await encrypt(filled(shape, () => GREY))
    if (grey.width !== width || grey.height !== height || grey.channels !== COLOURS) return undefined
    const { cutHalves, flowCryptRunner, scatterHalf, SHAPES, throughWire } = await import('@latent/schemes/flowcrypt')
    const { findScheme } = await import('@latent/schemes')
    const { modelFor } = await import('@latent/schemes/models')
    const { weights } = scheme.id.startsWith('flowcrypt') ? scheme : findScheme(PLAIN_NETWORK)
    const model = await modelFor(weights!, undefined)
    const opened = () => flowCryptRunner(model, SHAPES[model.profile as keyof typeof SHAPES])
    const half: HalfSize = { width: width / 2, height }
    const [size, places] = [{ w: half.width, h: height }, half.width * height]
    const seen = cutHalves(planesOf(grey), size)
    const runner = opened()
    try {
      const flat = new Float32Array(COLOURS * places).fill(GREY / PEAK)
      const answer = async (mapX: Float32Array, mapY: Float32Array, which: 'x' | 'y') =>
        throughWire((await runner.run('forward', { x: flat, y: flat, mapX, mapY }, size))[which], grey.format)
      // The first half is made with the second half's map, and next to nothing of its own.
      const mapY = await recoverFoldedMap(
        seen.x,
        async map => {
          const mean = new Float32Array(flat.length)
          for (let n = 0; n < OTHERS; n++) {
            const made = await answer(Float32Array.from(await random.uniforms(places)), map, 'x')
            for (let i = 0; i < mean.length; i++) mean[i]! += made[i]! / OTHERS
          }
          return mean
        },
        half,
        random,
      )
      if (!mapY) return undefined
      const mapX = await recoverFoldedMap(seen.y, map => answer(map, mapY, 'y'), half, random)
      if (!mapX) return undefined
      const decrypted = async (by: FlowCryptRunner, cipher: Image): Promise<HalfValues> =>
        by.run('backward', { ...cutHalves(planesOf(cipher), size), mapX, mapY }, size)
      // Entries that are a little off are off in the same way for every picture: what greys decrypt to says how.
      const off = { x: new Float32Array(flat.length), y: new Float32Array(flat.length) }
      for (const level of LEVELS) {
        const cipher = level === GREY ? grey : await encrypt(filled(shape, () => level))
        const made = await decrypted(runner, cipher)
        for (const which of ['x', 'y'] as const)
          for (let i = 0; i < flat.length; i++) off[which][i]! += (made[which][i]! - level / PEAK) / LEVELS.length
      }
      const undo = async (by: FlowCryptRunner, cipher: Image): Promise<HalfValues> => {
        const { x, y } = await decrypted(by, cipher)
        return { x: x.map((value, i) => value - off.x[i]!), y: y.map((value, i) => value - off.y[i]!) }
      }
      const read = { first: new Uint32Array(places), second: new Uint32Array(places) }
      for (let digit = 0; digit < DIGITS; digit += COLOURS) {
        const { x, y } = await undo(runner, await encrypt(numbered(shape, digit)))
        addDigits(read.first, x, digit)
        addDigits(read.second, y, digit)
      }
      // A digit that was misread may lead outside.
      const inside = (numbers: Uint32Array) => numbers.map(number => Math.min(number, width * height - 1))
      const order = { first: inside(read.first), second: inside(read.second) }
      return {
        async open(targets) {
          const opening = opened()
          try {
            const found: Image<'u8'>[] = []
            for (const target of targets) {
              const halves = await undo(opening, target)
              const planes = new Float32Array(2 * COLOURS * places)
              scatterHalf(halves.x, order.first, planes)
              scatterHalf(halves.y, order.second, planes)
              found.push(
                filled(shape, i => {
                  const value = planes[(i % COLOURS) * 2 * places + Math.floor(i / COLOURS)]!
                  return Math.min(PEAK, Math.max(0, Math.round(PEAK * value)))
                }),
              )
            }
            return found
          } finally {
            await opening.close()
          }
        },
      }
    } finally {
      await runner.close()
    }
  },
})
