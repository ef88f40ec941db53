import type { Image, KeyStream } from '@latent/core'
import { amplitudes, type Field, fieldsOf, gridOf, lens, pictureOf, planesOf } from '@latent/schemes/optics'
import { defineAttack, type Oracles } from '../contract.ts'

const ROUNDS = 150
/** How much of a reflection is taken; the rest goes back to what the spectra say. */
const RELAXATION = 0.9

/** One known picture: its amplitude, and the spectrum of its cipher field. */
interface Known {
  readonly plain: Field
  readonly spectrum: Field
}

/**
 * Double random phase encoding under known pictures. The spectrum of a cipher field has the length of the spectrum
 * behind the input mask, whatever the Fourier mask; so both masks are found between the two planes, as phases are
 * retrieved from two amplitudes (Gerchberg and Saxton), here by relaxed averaged alternating reflections over all
 * pairs together. The Fourier mask then decrypts every other field.
 */
export const phaseRetrieval = defineAttack({
  id: 'phase-retrieval',
  title: 'both phase masks of an optical bench, retrieved from known pictures and their fields',
  threat: 'known-pairs',
  returns: 'key',
  budget: 4,
  source: 'Peng, Zhang, Wei and Yu, Optics Letters 31(8), 2006; Luke, Inverse Problems 21, 2005',
  appliesTo: ({ wire }) =>
    wire !== 'as plain' && wire[0] === 'f32' ? undefined : 'its cipher images are no fields of light',
  positiveControl: { scheme: 'drpe-1995', expects: 'opened' },
  async run({ shape, pairs }, budget, random) {
    const known = await pairs(Math.min(budget, 16))
    if (!known.every(({ cipher }) => isField(cipher, shape))) return undefined
    const grid = gridOf(shape)
    const spectra = known.map(({ cipher }) => fieldsOf(cipher, grid).map(field => lens(field)))
    const plains = known.map(({ plain }) => planesOf(plain, grid))
    const masks: Float64Array[] = []
    for (let c = 0; c < shape.channels; c++)
      masks.push(
        await fourierMask(
          plains.map((planes, k) => ({ plain: planes[c]!, spectrum: spectra[k]![c]! })),
          random,
        ),
      )
    return {
      open: targets =>
        targets.map(target => {
          const planes = fieldsOf(target, grid).map((field, c) =>
            amplitudes(lens(turned(lens(field), masks[c]!), 'backward')),
          )
          return pictureOf(planes, grid.width, { ...shape, format: 'u8' }) as Image<'u8'>
        }),
    }
  },
})

const isField = (cipher: Image, shape: Oracles['shape']): boolean => {
  const grid = gridOf(shape)
  return cipher.width === grid.width && cipher.height === 2 * grid.height && cipher.channels === shape.channels
}

/**
 * The Fourier mask as numbers of length one, up to one common angle. Light before the bench is one of two sets: what a
 * common input mask makes of the known amplitudes, and what a common Fourier mask makes of the known spectra.
 * Projecting on both by turns gets stuck with so few pictures; reflections that are relaxed and averaged do not.
 */
async function fourierMask(known: readonly Known[], random: KeyStream): Promise<Float64Array> {
  const { width, height, data } = known[0]!.plain
  const angles = await random.uniforms(width * height)
  const start = Float64Array.from(data, (_, i) => (i % 2 === 0 ? Math.cos : Math.sin)(2 * Math.PI * angles[i >> 1]!))
  const masked = (input: Float64Array) => known.map(({ plain }) => product(plain, input))
  /** The nearest light that a common input mask makes. */
  const byInput = (light: readonly Field[]) =>
    masked(lengthOne(sum(light.map((field, k) => product(field, known[k]!.plain.data, true)))))
  const maskOf = (light: readonly Field[]) =>
    lengthOne(sum(light.map((field, k) => product(known[k]!.spectrum, lens(field).data, true))))
  /** The nearest light that a common Fourier mask explains. */
  const byFourier = (light: readonly Field[]) => {
    const mask = maskOf(light)
    return known.map(({ spectrum }) => lens(turned(spectrum, mask), 'backward'))
  }
  let light = masked(start)
  for (let round = 0; round < ROUNDS; round++) {
    const explained = byFourier(light)
    const reflected = byInput(explained.map((field, k) => mixed([2, field], [-1, light[k]!])))
    light = light.map((field, k) =>
      mixed([RELAXATION, reflected[k]!], [RELAXATION, field], [1 - 2 * RELAXATION, explained[k]!]),
    )
  }
  return maskOf(byInput(byFourier(light)))
}

/** A weighted sum of fields. */
const mixed = (...parts: readonly (readonly [weight: number, field: Field])[]): Field => {
  const { width, height, data } = parts[0]![1]
  const out = new Float64Array(data.length)
  for (const [weight, field] of parts) for (let i = 0; i < out.length; i++) out[i]! += weight * field.data[i]!
  return { width, height, data: out }
}

/** a times b, or times b's conjugate, point by point. */
function product({ width, height, data: a }: Field, b: Float64Array, conjugate = false): Field {
  const out = new Float64Array(a.length)
  for (let i = 0; i < a.length; i += 2) {
    const im = conjugate ? -b[i + 1]! : b[i + 1]!
    out[i] = a[i]! * b[i]! - a[i + 1]! * im
    out[i + 1] = a[i]! * im + a[i + 1]! * b[i]!
  }
  return { width, height, data: out }
}

const turned = (field: Field, mask: Float64Array): Field => product(field, mask, true)

const sum = (fields: readonly Field[]): Float64Array =>
  mixed(...fields.map((field): [number, Field] => [1, field])).data

/** Every number over its length; one where there is nothing. */
function lengthOne(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length)
  for (let i = 0; i < values.length; i += 2) {
    const length = Math.hypot(values[i]!, values[i + 1]!)
    out[i] = length === 0 ? 1 : values[i]! / length
    out[i + 1] = length === 0 ? 0 : values[i + 1]! / length
  }
  return out
}
