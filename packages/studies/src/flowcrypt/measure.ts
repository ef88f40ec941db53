import { type Image, KeyStream, type SampleFormat } from '@latent/core'
import {
  type FlowCryptRunner,
  gatherHalf,
  scatterHalf,
  stretch,
  throughWire,
  type TileKey,
  tileKey,
  transform,
} from '@latent/schemes/flowcrypt'
import {
  correlationTest,
  differential,
  type Disturbance,
  disturb,
  histogramTest,
  psnrOf,
  shannonEntropy,
} from '@latent/lab'
import { type Seen, seenOf } from './looks.ts'
import { pictureOf, type Planes, planesOf } from './planes.ts'

/** Key material to decrypt with: the right one, and every way of having only a part of it. */
export interface Keys {
  readonly right: TileKey
  /** Of a key that differs in the last character. */
  readonly wrong: TileKey
  readonly rightMapWrongMask: TileKey
  readonly wrongMapRightMask: TileKey
}

/**
 * Keys for one picture: two drawn ones, and mixtures that tell their parts apart.
 * @param width pixels, even where height is odd
 */
export async function keysFor(width: number, height: number, seed: number): Promise<Keys> {
  const of = async (text: string) =>
    tileKey(await stretch(new TextEncoder().encode(text), new Uint8Array(0)), { index: 0, width, height })
  const [right, wrong] = [await of(`key ${seed}-a`), await of(`key ${seed}-b`)]
  return {
    right,
    wrong,
    rightMapWrongMask: splitMap(wholeMap(right), wrong),
    wrongMapRightMask: splitMap(wholeMap(wrong), right),
  }
}

/** The map of a key over the whole picture, from its halves. */
export function wholeMap({ order, mapX, mapY }: TileKey): Float32Array {
  const map = new Float32Array(2 * mapX.length)
  scatterHalf(mapX, order.first, map)
  scatterHalf(mapY, order.second, map)
  return map
}

/** A map over the whole picture, split as the mask of another key says. */
export const splitMap = (map: Float32Array, { order }: TileKey): TileKey => ({
  order,
  mapX: gatherHalf(map, order.first),
  mapY: gatherHalf(map, order.second),
})

const through =
  (direction: 'forward' | 'backward') =>
  async (runner: FlowCryptRunner, { width, height, values }: Planes, key: TileKey): Promise<Planes> => ({
    width,
    height,
    values: await transform(runner, direction, 'f32', async () => key)(values, { index: 0, width, height }),
  })

/** The cipher of planes under one tile's key, before it is stored. */
export const encrypt = through('forward')

/** Planes back from a cipher, nothing rounded. */
export const decrypt = through('backward')

/** A cipher as it is after having been written in a format: rounded to its levels. */
export const stored = (cipher: Planes, wire: SampleFormat): Planes => ({
  ...cipher,
  values: throughWire(cipher.values, wire),
})

/** PSNR of what a viewer would see: values beyond 0..1 are cut off, nothing is rounded, and there is no upper limit. */
export function decibels(plain: Planes, restored: Planes): number {
  let squares = 0
  for (const [i, value] of restored.values.entries())
    squares += (Math.min(1, Math.max(0, value)) - plain.values[i]!) ** 2
  return psnrOf(squares / plain.values.length, 1)
}

/**
 * What is measured of one picture. PSNR in dB from each wire format and with each part of a key; the rest of the 8-bit
 * view.
 */
export interface Figures extends Record<Figure, number> {
  /** What is seen of the picture without a key. */
  readonly seen: Seen
  /** The same of noise in place of the cipher image. */
  readonly seenInNoise: Seen
}

/** The figures that are one number a picture. */
export type Figure =
  | 'f32'
  | 'u16'
  | 'u8'
  | 'entropy'
  | 'correlation'
  | 'chiSquare'
  | 'npcr'
  | 'uaci'
  | 'wrong'
  | 'rightMapWrongMask'
  | 'wrongMapRightMask'
  | 'misplaced'

/** Everything in the table, for one picture. */
export async function measurePicture(runner: FlowCryptRunner, plain: Planes, keys: Keys): Promise<Figures> {
  const cipher = await encrypt(runner, plain, keys.right)
  const restored = async (key: TileKey, from = cipher) => decibels(plain, await decrypt(runner, from, key))
  const whole = await decrypt(runner, cipher, keys.right)
  const view = pictureOf(cipher)
  const { width, height, data } = view
  const correlations = (['horizontal', 'vertical', 'diagonal'] as const).flatMap(
    direction => correlationTest(data, width, height, 3, direction)?.channels ?? [],
  )
  // One value of the middle pixel moves by one level.
  const changed = { ...plain, values: plain.values.slice() }
  const at = Math.floor(height / 2) * width + Math.floor(width / 2)
  changed.values[at] = changed.values[at]! > 0.5 ? changed.values[at]! - 1 / 255 : changed.values[at]! + 1 / 255
  const { npcr, uaci } = differential(data, pictureOf(await encrypt(runner, changed, keys.right)).data)
  return {
    f32: decibels(plain, whole),
    u16: await restored(keys.right, stored(cipher, 'u16')),
    u8: await restored(keys.right, stored(cipher, 'u8')),
    entropy: shannonEntropy(data),
    correlation: correlations.reduce((sum, r) => sum + Math.abs(r), 0) / correlations.length,
    chiSquare: histogramTest(data)?.value ?? NaN,
    npcr: 100 * npcr.value,
    uaci: 100 * uaci.value,
    wrong: await restored(keys.wrong),
    rightMapWrongMask: await restored(keys.rightMapWrongMask),
    wrongMapRightMask: await restored(keys.wrongMapRightMask),
    misplaced: decibels(plain, misplaced(whole, keys)),
    seen: seenOf(planesOf(view), plain, keys.right.order),
    seenInNoise: seenOf(await noiseLike(plain, keys.right), plain, keys.right.order),
  }
}

/** What a cipher image should look like: the control of what is seen of one. */
async function noiseLike({ values, ...size }: Planes, { mapX }: TileKey): Promise<Planes> {
  const drawn = new Uint8Array(mapX.slice(0, 8).buffer)
  const stream = await KeyStream.create(new Uint8Array(32), 'latent/v1/studies/noise', drawn)
  return { ...size, values: Float32Array.from(await stream.uniforms(values.length)) }
}

/** Both halves decrypted with their right maps, and pixels put back by a wrong mask. */
export function misplaced(restored: Planes, { right, wrong }: Keys): Planes {
  const values = new Float32Array(restored.values.length)
  for (const half of ['first', 'second'] as const)
    scatterHalf(gatherHalf(restored.values, right.order[half]), wrong.order[half], values)
  return { ...restored, values }
}

/** What is done to cipher images; strengths are shares of the area, densities and variances. */
export const DAMAGES: readonly Disturbance[] = [
  ...[1 / 64, 1 / 16, 1 / 4].map(strength => ({ kind: 'occlusion', strength }) as const),
  ...[0.01, 0.05, 0.1].map(strength => ({ kind: 'salt-pepper', strength }) as const),
  ...[1e-4, 1e-3, 1e-2].map(strength => ({ kind: 'gaussian', strength }) as const),
  { kind: 'one-level', strength: 1 },
]

/** PSNR of what is left after each damage to the 8-bit cipher image. */
export async function measureDamage(runner: FlowCryptRunner, plain: Planes, key: TileKey): Promise<number[]> {
  const view = pictureOf(await encrypt(runner, plain, key))
  const results: number[] = []
  for (const damage of DAMAGES) {
    const damaged = (await disturb(view, damage, new Uint8Array(32).fill(5))) as Image<'u8'>
    results.push(decibels(plain, await decrypt(runner, planesOf(damaged), key)))
  }
  return results
}

/** How wrong a map is: one entry by 0.1, or every entry by so much up or down. */
export const NUDGES = [
  { name: 'one entry moved by 0.1', by: 0.1, all: false },
  { name: 'every entry moved by 0.001', by: 0.001, all: true },
  { name: 'every entry moved by 0.01', by: 0.01, all: true },
  { name: 'every entry moved by 0.1', by: 0.1, all: true },
] as const

/** PSNR with a map that is nearly right. */
export async function measureNudges(runner: FlowCryptRunner, plain: Planes, key: TileKey): Promise<number[]> {
  const cipher = await encrypt(runner, plain, key)
  const map = wholeMap(key)
  const results: number[] = []
  for (const { by, all } of NUDGES) {
    const middle = Math.floor(map.length / 2)
    const moved = map.map((value, i) =>
      all ? value + (i % 2 === 0 ? by : -by) : i === middle ? value + (value > 0.5 ? -by : by) : value,
    )
    results.push(decibels(plain, await decrypt(runner, cipher, splitMap(moved, key))))
  }
  return results
}
