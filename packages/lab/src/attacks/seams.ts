import type { Image, KeyStream } from '@latent/core'
import { cutBlock, placesOf } from './block-states.ts'
import { fitRidge } from './ridge.ts'

/** One side of a block: the samples at its rim, and those one pixel further in. */
export interface Strip {
  readonly rim: Uint8Array
  readonly behind: Uint8Array
}

/** How unlikely it is that two sides meet in a picture: the lower, the better they fit. */
export type Seam = (a: Strip, b: Strip) => number

/** The four sides of a block of samples: top, right, bottom, left. */
export function stripsOf(block: Uint8Array, side: number, channels: number): Strip[] {
  const [outer, inner] = [placesOf(side, channels, 0), placesOf(side, channels, 1)]
  return outer.map((places, i) => ({
    rim: Uint8Array.from(places, at => block[at]!),
    behind: Uint8Array.from(inner[i]!, at => block[at]!),
  }))
}

/** How many sides that do not meet are shown for one that does. */
const OTHERS = 3
/** What is never called more certain than this, either way. */
const SURE = 0.99

/**
 * Learns from public pictures which sides of blocks meet: plain distances take two blocks of plain sky for neighbours
 * anywhere, and never two on either side of an outline. Channels in another order and complements change nothing.
 */
export async function learnSeams(pictures: readonly Image<'u8'>[], side: number, random: KeyStream): Promise<Seam> {
  const [inputs, outputs]: [Float64Array[], number[][]] = [[], []]
  for (const picture of pictures) {
    const [across, down] = [picture.width / side, picture.height / side]
    const strips = Array.from({ length: across * down }, (_, b) =>
      stripsOf(cutBlock(picture, b, side), side, picture.channels),
    )
    const met = strips.flatMap((_, b) => [
      ...((b + 1) % across > 0 ? [[b, b + 1, RIGHT, LEFT] as const] : []),
      ...(b + across < strips.length ? [[b, b + across, BOTTOM, TOP] as const] : []),
    ])
    const others = await random.integers(OTHERS * met.length, strips.length)
    for (const [n, [a, b, own, theirs]] of met.entries()) {
      inputs.push(seamFeatures(strips[a]![own]!, strips[b]![theirs]!, picture.channels))
      outputs.push([1])
      for (const other of others.subarray(OTHERS * n, OTHERS * (n + 1))) {
        if (other === a || other === b) continue
        inputs.push(seamFeatures(strips[a]![own]!, strips[other]![theirs]!, picture.channels))
        outputs.push([0])
      }
    }
  }
  const { predict } = fitRidge(inputs, outputs, 1e-4)
  const channels = pictures[0]!.channels
  return (a, b) => -Math.log(Math.min(SURE, Math.max(1 - SURE, predict(seamFeatures(a, b, channels))[0]!)))
}

const [TOP, RIGHT, BOTTOM, LEFT] = [0, 1, 2, 3] as const

/** How far two sides are from one another, how lively each is along and across its rim, and all products. */
function seamFeatures(a: Strip, b: Strip, channels: number): Float64Array {
  const length = a.rim.length
  let [step, root, bent, most, acrossA, acrossB, alongA, alongB] = [0, 0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < length; i++) {
    const [a0, a1, b0, b1] = [a.rim[i]!, a.behind[i]!, b.rim[i]!, b.behind[i]!]
    const distance = Math.abs(a0 - b0)
    step += distance
    root += Math.sqrt(distance)
    // The least of: the samples as they are, and each side's slope continued.
    bent += Math.min(distance, Math.abs(2 * a0 - a1 - b0), Math.abs(2 * b0 - b1 - a0))
    most = Math.max(most, distance)
    acrossA += Math.abs(a0 - a1)
    acrossB += Math.abs(b0 - b1)
    if (i < channels) continue
    alongA += Math.abs(a0 - a.rim[i - channels]!)
    alongB += Math.abs(b0 - b.rim[i - channels]!)
  }
  const found = [
    step / length,
    (root / length) ** 2,
    bent / length,
    most,
    Math.min(alongA, alongB) / length,
    Math.max(alongA, alongB) / length,
    Math.min(acrossA, acrossB) / length,
    Math.max(acrossA, acrossB) / length,
  ].map(Math.log1p)
  return Float64Array.from([...found, ...found.flatMap((x, i) => found.slice(0, i + 1).map(y => x * y))])
}
