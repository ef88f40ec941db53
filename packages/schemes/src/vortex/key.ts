import { type KeyStream, LatentError } from '@latent/core'

/** One vortex: a disc whose rings are turned, each by an angle of its own. */
export interface Vortex {
  /** Row and column of the centre, counted from 1 as in the published key files; 0 occurs. */
  readonly centre: readonly [row: number, column: number]
  /** Pixels. A drawn radius of 0 or -1 makes the vortex do nothing. */
  readonly radius: number
  /** Radians: entry k - 1, times radius - k, is the turn of ring k. The last entry is never used. */
  readonly profile: readonly number[]
}

/** The vortices of one image size, applied one after the other. The same list serves every image of a data set. */
export interface VortexKey {
  readonly width: number
  readonly height: number
  readonly vortices: readonly Vortex[]
}

/** How a key is drawn: how many vortices, and what a profile is multiplied by to give radians. */
export interface VortexSettings {
  readonly count: number
  readonly strength: number
}

/**
 * Settings of the official scripts: grey 28x28 sets, and CIFAR. That one is for grey and the other for colour images is
 * our generalisation.
 */
export const GREY_SETTINGS: VortexSettings = { count: 10, strength: 0.8 }
/** Settings of the official script for CIFAR; here for colour images of any set. */
export const COLOUR_SETTINGS: VortexSettings = { count: 5, strength: 0.1 }

type Weights = readonly [number, number, number, number, number, number]

/** The five families of profile functions; x = i / radius. The j-th vortex, from 1, takes family j mod 5. */
export const PROFILE_FAMILIES: readonly ((x: number, w: Weights) => number)[] = [
  (x, [a, b, c, d, e, f]) => a * Math.sin(b * x + c) + d * Math.cos(e * x + f),
  (x, [a, b, c, d, e, f]) => a * x + b * x ** 3 + c * Math.exp(2 * x) + d * Math.cos(e * x + f),
  (x, [a, b, c, d, e, f]) => a * Math.sqrt(x) + b * x ** 2 + c * Math.exp(x) + d * Math.sin(e * x + f),
  (x, [a, b, c, d, e, f]) => a * x ** 5 + b * Math.log(x + 1) + c * Math.exp(x) + d * Math.cos(e * x + f),
  (x, [a, b, c, d, e, f]) => a * 2 ** x + 2 * b * x + c * Math.log10(x + 1) + d * Math.sin(e * x + f),
]

/**
 * Draws a key as the official code does: centres anywhere, discs as large as the nearest border
 * allows, six weights from (-2, 0] a profile. About a fifth of the vortices drawn at 28x28 do nothing.
 */
export async function drawVortexKey(
  stream: KeyStream,
  size: { width: number; height: number },
  { count, strength }: VortexSettings,
): Promise<VortexKey> {
  const { width, height } = size
  const vortices: Vortex[] = []
  for (let j = 1; j <= count; j++) {
    const [u, v, ...rest] = await stream.uniforms(8)
    const row = Math.round(u! * height)
    const column = Math.round(v! * width)
    const radius = Math.min(row, column, Math.abs(row - height), Math.abs(column - width)) - 1
    const weights = rest.map(value => 2 * value - 2) as unknown as Weights
    const family = PROFILE_FAMILIES[j % 5]!
    vortices.push({
      centre: [row, column],
      radius,
      profile: radius < 1 ? [] : Array.from({ length: radius + 1 }, (_, i) => strength * family(i / radius, weights)),
    })
  }
  return { width, height, vortices }
}

/** Far above any image that networks are trained on. */
const MAX_SIDE = 4096
const MAX_VORTICES = 1000

/**
 * A key file in JSON: `imageSide`, `profileDivisor`, and `vortices` of `centre` (row and column from
 * 1), `radius` and `profile`, whose entries divided by `profileDivisor` are radians. It holds what the
 * MATLAB key files of the paper's repository hold.
 * @throws E_KEY
 */
export function parseVortexKey(text: string): VortexKey {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch {
    throw malformed('it is not JSON')
  }
  if (typeof file !== 'object' || file === null) throw malformed('it holds no object')
  const { imageSide: side, profileDivisor: divisor, vortices } = file as Record<string, unknown>
  if (!isIntegerWithin(side, 1, MAX_SIDE)) throw malformed(`imageSide is a whole number from 1 to ${MAX_SIDE}`)
  if (typeof divisor !== 'number' || !Number.isFinite(divisor) || divisor <= 0)
    throw malformed('profileDivisor is a positive number')
  if (!Array.isArray(vortices) || vortices.length > MAX_VORTICES)
    throw malformed(`vortices is a list of at most ${MAX_VORTICES}`)
  return { width: side, height: side, vortices: vortices.map((vortex, i) => parseVortex(vortex, i + 1, side, divisor)) }
}

function parseVortex(entry: unknown, number: number, side: number, divisor: number): Vortex {
  if (typeof entry !== 'object' || entry === null) throw malformed(`vortex ${number} is no object`)
  const { centre, radius, profile } = entry as Record<string, unknown>
  if (!Array.isArray(centre) || centre.length !== 2 || !centre.every(value => isIntegerWithin(value, 0, side)))
    throw malformed(`the centre of vortex ${number} is not in the image`)
  if (!isIntegerWithin(radius, -1, side)) throw malformed(`the radius of vortex ${number} is no whole number from -1`)
  const [row, column] = centre as [number, number]
  if (radius < 1) return { centre: [row, column], radius, profile: [] }
  if (Math.min(row, column) <= radius || Math.max(row, column) + radius > side)
    throw malformed(`vortex ${number} reaches beyond the image`)
  if (
    !Array.isArray(profile) ||
    profile.length !== radius + 1 ||
    !profile.every(value => typeof value === 'number' && Number.isFinite(value))
  )
    throw malformed(`the profile of vortex ${number} is not radius + 1 numbers`)
  return { centre: [row, column], radius, profile: (profile as number[]).map(value => value / divisor) }
}

const isIntegerWithin = (value: unknown, low: number, high: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high

const malformed = (what: string) =>
  new LatentError('E_KEY', `the vortex key file is malformed: ${what}`, {
    hint: 'a vortex key is JSON with imageSide, profileDivisor and vortices',
  })
