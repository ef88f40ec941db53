import { KeyStream } from '@latent/core'
import type { Transform } from '../contract/scheme.ts'
import { rememberLast } from '../remember.ts'
import { decodePhases, encodePhases } from './bench.ts'
import type { Field } from './fourier.ts'
import { gridOf, pictureOf, planesOf, samplesImage, samplesOf } from './planes.ts'

/** Amplitude of the reference light: above the sum of both parts of nearly every point of a field. */
const REFERENCE = 4
/** Brightest that the camera sees: reference and a field of length 3. */
const BRIGHTEST = (REFERENCE + 3) ** 2
/** How much of a sample is hologram; the rest is the host picture. */
const SHARE = 1 / 16

/**
 * A phase-only bench that hides what it makes, in the spirit of Zhang and Li 2022: the picture is the phase of the
 * light, from 0 to half a turn, two random masks scatter it as in double random phase encoding, and one exposure of a
 * camera sees it interfere with reference light. Half of the camera's points see the reference a quarter of a turn
 * later, so that one exposure has the whole field. A sixteenth of it lies in a host picture, which is public.
 *
 * Cipher image: each channel on a grid of powers of two, the points with the early reference above, the others below.
 */
export function hidingTransform(): Transform {
  const masksOf = rememberLast(async (key, { width, height }) => {
    const stream = await KeyStream.create(key, 'latent/v1/optics/hiding')
    return { input: await stream.uniforms(width * height), fourier: await stream.uniforms(width * height) }
  })
  return {
    async encrypt(plain, { key, wire }) {
      const grid = gridOf(plain)
      const masks = await masksOf(key, grid)
      const exposures = planesOf(plain, grid).map(plane => exposed(encodePhases(phaseOnly(plane), masks)))
      return samplesImage(
        exposures.map((light, c) =>
          light.map((seen, at) => (1 - SHARE) * host(at, c, grid) + SHARE * Math.min(1, seen / BRIGHTEST)),
        ),
        grid,
        wire,
      )
    },
    async decrypt(cipher, { key, plain }) {
      const grid = gridOf(plain)
      const masks = await masksOf(key, grid)
      const exposures = samplesOf(cipher, grid).map((samples, c) =>
        samples.map((sample, at) => (BRIGHTEST * Math.max(0, sample - (1 - SHARE) * host(at, c, grid))) / SHARE),
      )
      return pictureOf(
        exposures.map(light => phases(decodePhases(fieldOf(light, grid), masks))),
        grid.width,
        plain,
      )
    },
  }
}

/** Light of unit length whose phase is half a turn times the amplitude of what is given. */
function phaseOnly({ width, height, data }: Field): Field {
  const out = new Float64Array(data.length)
  for (let i = 0; i < data.length; i += 2) {
    out[i] = Math.cos(Math.PI * data[i]!)
    out[i + 1] = Math.sin(Math.PI * data[i]!)
  }
  return { width, height, data: out }
}

/** Phases in half turns; those below a quarter of a turn before zero are taken for ones above half a turn. */
const phases = ({ data }: Field): Float64Array =>
  Float64Array.from({ length: data.length / 2 }, (_, i) => {
    const turn = Math.atan2(data[2 * i + 1]!, data[2 * i]!) / Math.PI
    return turn < -0.5 ? turn + 2 : turn
  })

/** What a camera sees of a field and reference light: the points where that is real, then those a quarter turn on. */
export function exposed({ data }: Field): Float64Array {
  const area = data.length / 2
  const out = new Float64Array(data.length)
  for (let i = 0; i < area; i++) {
    const [re, im] = [data[2 * i]!, data[2 * i + 1]!]
    out[i] = (re + REFERENCE) ** 2 + im ** 2
    out[area + i] = re ** 2 + (im + REFERENCE) ** 2
  }
  return out
}

/**
 * The inverse of {@link exposed}: two quadratic equations in two unknowns, of whose solutions the one is taken in which
 * the parts of the field and the reference add up to more than nothing.
 */
export function fieldOf(exposure: Float64Array, { width, height }: Pick<Field, 'width' | 'height'>): Field {
  const area = width * height
  const data = new Float64Array(2 * area)
  for (let i = 0; i < area; i++) {
    const apart = (exposure[i]! - exposure[area + i]!) / (2 * REFERENCE)
    const sum = apart + REFERENCE
    const square = sum ** 2 - 2 * (apart ** 2 - exposure[area + i]! + REFERENCE ** 2)
    const im = (Math.sqrt(Math.max(0, square)) - sum) / 2
    data[2 * i] = im + apart
    data[2 * i + 1] = im
  }
  return { width, height, data }
}

/** The host picture at a point, public and the same for all pictures of a size: hills in 0.15..0.85. */
function host(at: number, c: number, { width, height }: Pick<Field, 'width' | 'height'>): number {
  const [x, y] = [at % width, Math.floor(at / width)]
  const [u, v] = [(2 * Math.PI * x) / width, (2 * Math.PI * y) / (2 * height)]
  return 0.5 + 0.15 * Math.sin(2 * u + v + c) + 0.12 * Math.sin(3 * v - u + 2 * c) + 0.08 * Math.sin(5 * u + 4 * v)
}
