import { inverseDct } from '../../packages/robust/src/channel/dct.ts'
import { Draws } from '../../packages/robust/src/draws.ts'
import { openPicture } from '../../packages/robust/src/read.ts'
import { sharpPixels } from '../../packages/robust/src/node/pixels.ts'
import { ENCODERS } from './encoders.ts'

const SIDE = 512
const BINS = 64

/**
 * Mutual information, in bits a pixel, of a normal signal on all 64 coefficients (standard deviation 45 levels)
 * and what
 * an encoder leaves of it: by counting, with as many equally likely bins of what was sent as there are pairs to
 * fill them.
 */
export async function mutualInformation(encoder: string, quality: number): Promise<number | undefined> {
  const draws = new Draws(0x4c49_4d54)
  const normal = () =>
    Math.sqrt(-2 * Math.log(draws.next() / 2 ** 32)) * Math.cos((2 * Math.PI * draws.next()) / 2 ** 32)
  const pixels = new Uint8Array(SIDE * SIDE)
  const sent = Array.from({ length: 64 }, () => [] as number[])
  const block = new Float64Array(64)
  const wide = SIDE / 8
  for (let b = 0; b < wide * wide; b++) {
    for (let i = 0; i < 64; i++) sent[i]!.push((block[i] = 45 * normal()))
    inverseDct(block)
    block.forEach((value, i) => {
      const at = (8 * Math.floor(b / wide) + (i >> 3)) * SIDE + 8 * (b % wide) + (i & 7)
      pixels[at] = Math.max(0, Math.min(255, Math.round(value + 128)))
    })
  }
  const file = await ENCODERS[encoder]!.encode({ width: SIDE, height: SIDE, pixels }, quality)
  if (!file) return undefined
  const { received } = await openPicture(new Uint8Array(file), sharpPixels)
  let total = 0
  for (let i = 0; i < 64; i++) {
    const step = received.steps[i]!
    const got = sent[i]!.map(
      (_, b) => step * received.coefficients[64 * (Math.floor(b / wide) * received.stride + (b % wide)) + i]!,
    )
    total += step < 1 ? ofNormals(sent[i]!, got) : ofSteps(sent[i]!, got, step)
  }
  return total / 64
}

/** Where what arrives is not quantised: by the correlation. */
function ofNormals(sent: readonly number[], got: readonly number[]): number {
  let [both, s, g] = [0, 0, 0]
  sent.forEach((x, i) => {
    both += x * got[i]!
    s += x * x
    g += got[i]! ** 2
  })
  return -0.5 * Math.log2(1 - Math.min(0.999999, both ** 2 / (s * g)))
}

/** By counting, less what counting so few overstates (Miller and Madow, 1955). */
function ofSteps(sent: readonly number[], got: readonly number[], step: number): number {
  const order = sent.map((_, i) => i).toSorted((a, b) => sent[a]! - sent[b]!)
  const joint = new Map<string, number>()
  const values = new Map<number, number>()
  order.forEach((i, rank) => {
    const value = Math.round(got[i]! / step)
    const key = `${Math.floor((rank * BINS) / order.length)} ${value}`
    joint.set(key, (joint.get(key) ?? 0) + 1)
    values.set(value, (values.get(value) ?? 0) + 1)
  })
  const entropy = (counts: Iterable<number>) =>
    [...counts].reduce((sum, n) => sum - (n / order.length) * Math.log2(n / order.length), 0)
  const excess = (BINS - 1 + values.size - 1 - (joint.size - 1)) / (2 * order.length * Math.LN2)
  return Math.max(0, Math.log2(BINS) + entropy(values.values()) - entropy(joint.values()) + excess)
}
