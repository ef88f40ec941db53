import { type Image, image } from '@latent/core'
import { peak } from '../../metrics/samples.ts'
import { defineAttack, type Oracles } from '../contract.ts'
import { fitKernelRidge } from '../kernel-ridge.ts'

/** Side of the squares, and how many pixels one has: each is lit alone once. */
const SIDE = 16
const PIXELS = SIDE ** 2

/**
 * A cipher that adds up (the cipher image of two lit pixels is the sum of those of one each) is known from the pictures
 * in which one pixel is lit, in all squares and channels at once; what it makes of others is a system of linear
 * equations. Of ciphers that write floats: bytes round away what one pixel changes.
 */
export const superposition = defineAttack({
  id: 'superposition',
  title: 'pictures with one pixel lit in each square; the rest adds up',
  threat: 'chosen-plaintext',
  returns: 'key',
  budget: PIXELS + 2,
  source:
    'linearity of optical encryption, as Carnicer, Montes-Usategui, Arcos and Juvells, Optics Letters 30(13), 2005',
  appliesTo: ({ wire }) =>
    wire !== 'as plain' && wire[0] === 'f32' ? undefined : 'its cipher images are no sums of light',
  positiveControl: { scheme: 'ghost-imaging', expects: 'opened' },
  async run({ shape, encrypt }, budget) {
    if (budget < PIXELS + 2 || shape.width % SIDE !== 0 || shape.height % SIDE !== 0) return undefined
    const shine = (...pixels: number[]) => encrypt(withPixels(shape, pixels))
    const lit = [await shine(), await shine(0), await shine(1)]
    if (!sameShape(lit[0]!, shape) || !addsUp(lit, await shine(0, 1))) return undefined
    for (let at = 2; at < PIXELS; at++) lit.push(await shine(at))
    const squares = squaresOf(shape)
    const outputs = Array.from({ length: PIXELS + 1 }, (_, n) =>
      Float32Array.from({ length: PIXELS }, (_, pixel) => Number(pixel === n - 1)),
    )
    const maps = squares.map(places =>
      fitKernelRidge(
        lit.map(cipher => samplesOf(cipher, places)),
        outputs,
        0,
      ),
    )
    return {
      open: targets =>
        targets.map(target => {
          const data = new Uint8Array(shape.width * shape.height * shape.channels)
          for (const [s, places] of squares.entries())
            for (const [i, value] of maps[s]!.predict(samplesOf(target, places)).entries())
              data[places[i]!] = Math.min(255, Math.max(0, Math.round(255 * value)))
          return image({ ...shape, format: 'u8', data })
        }),
    }
  },
})

/** White where a square's pixels of these numbers are, black elsewhere. */
function withPixels({ width, height, channels }: Oracles['shape'], pixels: readonly number[]): Image<'u8'> {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / (channels * width))]
    return pixels.includes((y % SIDE) * SIDE + (x % SIDE)) ? 255 : 0
  })
  return image({ width, height, channels, format: 'u8', data })
}

/** How far two pixels may be from the sum of one each, beside what they change. */
const TOLERANCE = 0.01

/** Whether two lit pixels change the cipher image of black as each alone, together: few questions tell. */
function addsUp([black, first, second]: readonly Image[], both: Image): boolean {
  let [change, error] = [0, 0]
  for (let i = 0; i < both.data.length; i++) {
    const [one, two] = [first!.data[i]! - black!.data[i]!, second!.data[i]! - black!.data[i]!]
    change += Math.abs(one) + Math.abs(two)
    error += Math.abs(both.data[i]! - black!.data[i]! - one - two)
  }
  return error <= TOLERANCE * change
}

/** Where the samples of each square lie, channel by channel. */
function squaresOf({ width, height, channels }: Oracles['shape']): Uint32Array[] {
  const [across, down] = [width / SIDE, height / SIDE]
  return Array.from({ length: across * down * channels }, (_, s) => {
    const [square, c] = [Math.floor(s / channels), s % channels]
    const [left, top] = [(square % across) * SIDE, Math.floor(square / across) * SIDE]
    return Uint32Array.from(
      { length: PIXELS },
      (_, i) => ((top + Math.floor(i / SIDE)) * width + left + (i % SIDE)) * channels + c,
    )
  })
}

// Enlarged, so that what one pixel changes is far above what keeps the equations soluble.
const samplesOf = ({ data, format }: Image, places: Uint32Array): Float32Array =>
  Float32Array.from(places, at => (PIXELS * data[at]!) / peak(format))

const sameShape = (cipher: Image, { width, height, channels }: Oracles['shape']): boolean =>
  cipher.width === width && cipher.height === height && cipher.channels === channels
