import { LatentError } from '@latent/core'
import { modeOf } from './channel/modes.ts'

/** For which service a carrier is made. */
export interface Preset {
  /** How bits become pixels: see `channel/modes.ts`. */
  readonly mode: number
  /** The longest side of a picture, in pixels. */
  readonly side: number
  /** The most bytes that a picture may have after the service has encoded it. */
  readonly bytes?: number
  /** Bits a pixel that it has then at the worst; measured. */
  readonly bitsPerPixel: number
  /** Parts that stand in for lost ones, as a part of the parts with data: 0.1 makes up for one of ten. */
  readonly spare: number
  /** What it is made for, in words. */
  readonly made: string
}

/** The presets that come along. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  robust: { mode: 2, side: 4000, bitsPerPixel: 4, spare: 0, made: 'JPEG and WebP of quality 75 and better, 4:2:0' },
  'robust:harsh': { mode: 1, side: 4000, bitsPerPixel: 3.5, spare: 0, made: 'JPEG and WebP of quality 50 and better' },
  'robust:small': {
    mode: 3,
    side: 1600,
    bytes: 1_000_000,
    bitsPerPixel: 3.6,
    spare: 0,
    made: 'JPEG of quality 70 and better, at most 1,600 pixels a side and 1 MB a picture',
  },
  'robust:2k': {
    mode: 2,
    side: 2048,
    bitsPerPixel: 4,
    spare: 0,
    made: 'JPEG and WebP of quality 75 and better, at most 2,048 pixels a side',
  },
  'robust:mild': {
    mode: 4,
    side: 4000,
    bitsPerPixel: 4.7,
    spare: 0,
    made: 'WebP of quality 75 and JPEG of quality 85 and better',
  },
  'robust:resize': {
    mode: 5,
    side: 2048,
    bitsPerPixel: 4,
    spare: 0,
    made: 'services that make pictures smaller, to half their sides at the least; then JPEG and WebP of quality 75',
  },
}

/**
 * A preset of one's own.
 * @param text JSON with the fields of {@link Preset}: `mode` and `side`, the others if wanted
 * @throws E_ARGUMENT that says which field is wrong
 */
export function parsePreset(text: string): Preset {
  const wrong = (what: string) =>
    new LatentError('E_ARGUMENT', `this preset cannot be used: ${what}`, {
      hint: 'docs/robust-carrier.md shows one, with every field',
    })
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    throw wrong('it is no JSON')
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw wrong('it is no object')
  const known = ['mode', 'side', 'bytes', 'bitsPerPixel', 'spare', 'made']
  const given = fields as Record<string, unknown>
  const other = Object.keys(given).find(key => !known.includes(key))
  if (other !== undefined) throw wrong(`it has a field ${JSON.stringify(other.slice(0, 40))}`)
  const number = (name: string, least: number, most: number, otherwise?: number): number => {
    const value = given[name] ?? otherwise
    if (typeof value !== 'number' || !(value >= least && value <= most))
      throw wrong(`${name} is to be a number from ${least} to ${most}`)
    return value
  }
  const preset = {
    mode: number('mode', 1, 255),
    side: number('side', 256, 8192),
    bitsPerPixel: number('bitsPerPixel', 0.5, 24, 8),
    spare: number('spare', 0, 2, 0),
    made: typeof given['made'] === 'string' ? given['made'] : 'a preset of your own',
    ...(given['bytes'] === undefined ? {} : { bytes: number('bytes', 50_000, 2 ** 40) }),
  }
  modeOf(preset.mode)
  return preset
}
