import { type Image, KeyStream, sha256Of } from '@latent/core'
import {
  type DenseNetworks,
  type Diffusion,
  diffuse,
  intermediateCipher,
  openIntermediate,
  passKeys,
} from '@latent/schemes/dense-resnet'
import {
  correlationTest,
  differential,
  type Direction,
  DIRECTIONS,
  mean,
  npcrLimits,
  npcrOneSidedLimit,
  quality,
  shannonEntropy,
  uaciLimits,
} from '@latent/lab'
import type { NamedImage } from '../study.ts'

const ALPHA = 0.05

const seeded = (seed: number, purpose: string) =>
  KeyStream.create(sha256Of(new TextEncoder().encode(`${purpose}/${seed}`)), 'latent/v1/lab/dense-resnet')
/** A key of 32 bytes for one purpose of the study; the same for the same seed. */
export const keyOf = async (seed: number, purpose: string): Promise<Uint8Array> =>
  (await seeded(seed, `key/${purpose}`)).bytes(32)

/** What comes back of pictures (PSNR in dB), and what their ciphers look like. */
export interface Trips {
  readonly pictures: number
  readonly psnr: readonly number[]
  readonly ssim: readonly number[]
  /** Of the networks' output, and after the diffusion. */
  readonly intermediate: Looks
  readonly final: Looks
}

/** How much of a picture a cipher still looks like: means over pictures. */
export interface Looks {
  readonly entropy: number
  readonly lowestEntropy: number
  /** Mean magnitude over channels and pictures. */
  readonly correlation: Readonly<Record<Direction, number>>
}

/** Every picture to the intermediate cipher, to the final one, and back. */
export async function roundTrips(
  networks: DenseNetworks,
  pictures: readonly NamedImage[],
  diffusion: Diffusion,
  seed: number,
  progress: (done: number) => void,
): Promise<Trips> {
  const [psnr, ssim]: [number[], number[]] = [[], []]
  const [intermediates, finals]: [Image<'u8'>[], Image<'u8'>[]] = [[], []]
  for (const [i, { image }] of pictures.entries()) {
    const intermediate = (await intermediateCipher(networks, image)) as Image<'u8'>
    const keys = await passKeys(
      diffusion,
      intermediate.data.length,
      await keyOf(seed, 'trips'),
      Uint8Array.of(i & 255, i >> 8),
    )
    intermediates.push(intermediate)
    finals.push({ ...intermediate, data: diffuse(diffusion.rule, intermediate.data, keys) })
    const found = quality(image, await openIntermediate(networks, intermediate, image), 'one')
    psnr.push(found.psnr)
    ssim.push(found.ssim ?? Number.NaN)
    progress(i + 1)
  }
  return { pictures: pictures.length, psnr, ssim, intermediate: looks(intermediates), final: looks(finals) }
}

function looks(ciphers: readonly Image<'u8'>[]): Looks {
  const entropies = ciphers.map(({ data }) => shannonEntropy(data))
  const along = (direction: Direction) =>
    mean(
      ciphers.flatMap(({ data, width, height, channels }) =>
        (correlationTest(data, width, height, channels, direction)?.channels ?? []).map(r =>
          Number.isNaN(r) ? 1 : Math.abs(r),
        ),
      ),
    )
  return {
    entropy: mean(entropies),
    lowestEntropy: Math.min(...entropies),
    correlation: Object.fromEntries(
      (Object.keys(DIRECTIONS) as Direction[]).map(direction => [direction, along(direction)]),
    ) as Record<Direction, number>,
  }
}

/** NPCR and UACI of many trials, in percent, and how many of the trials lay within the limits at 0.05. */
export interface Spread {
  readonly trials: number
  readonly npcr: readonly number[]
  readonly uaci: readonly number[]
  readonly oneSided: number
  readonly twoSided: number
  readonly uaciWithin: number
  /** Trials within the two-sided limits of NPCR and those of UACI at once. */
  readonly both: number
}

function spread(pairs: readonly (readonly [Uint8Array, Uint8Array])[]): Spread {
  const found = pairs.map(([a, b]) => {
    const { n, npcr, uaci } = differential(a, b)
    const [limits, range] = [npcrLimits(n, ALPHA), uaciLimits(n, ALPHA)]
    const [two, within] = [
      npcr.value >= limits.low && npcr.value <= limits.high,
      uaci.value >= range.low && uaci.value <= range.high,
    ]
    return {
      npcr: 100 * npcr.value,
      uaci: 100 * uaci.value,
      one: npcr.value >= npcrOneSidedLimit(n, ALPHA),
      two,
      within,
    }
  })
  const count = (test: (one: (typeof found)[number]) => boolean) => found.filter(test).length
  return {
    trials: found.length,
    npcr: found.map(({ npcr }) => npcr),
    uaci: found.map(({ uaci }) => uaci),
    oneSided: count(({ one }) => one),
    twoSided: count(({ two }) => two),
    uaciWithin: count(({ within }) => within),
    both: count(({ two, within }) => two && within),
  }
}

const GREY_SAMPLES = 256 * 256

/**
 * The diffusion alone: a random grey picture of 256 x 256, and the same with one random byte raised by 1 (modulo 256).
 */
export async function diffusionSpread(diffusion: Diffusion, trials: number, seed: number): Promise<Spread> {
  const draws = await seeded(seed, `diffusion/${diffusion.rule}/${diffusion.passes}`)
  const key = await keyOf(seed, 'diffusion')
  const pairs: [Uint8Array, Uint8Array][] = []
  for (let trial = 0; trial < trials; trial++) {
    const plain = await draws.bytes(GREY_SAMPLES)
    const at = (await draws.integers(1, GREY_SAMPLES))[0]!
    const keys = await passKeys(diffusion, GREY_SAMPLES, key, await draws.bytes(8))
    pairs.push([diffuse(diffusion.rule, plain, keys), diffuse(diffusion.rule, plain.with(at, plain[at]! + 1), keys)])
  }
  return spread(pairs)
}

/** How far one changed level of a picture spreads through networks and diffusion. */
export interface WholeSpread {
  /** One entry a diffusion asked for, in order. */
  readonly spreads: readonly Spread[]
  /** Trials in which the networks gave equal bytes for both pictures. */
  readonly swallowed: number
  /** Bytes of the intermediate cipher that differed, by trial. */
  readonly changed: readonly number[]
}

/**
 * The whole cipher: one sample of a photograph changed by 1 (upwards, and downwards from 255), the same key
 * and nonce before and after.
 */
export async function wholeSpread(
  networks: DenseNetworks,
  pictures: readonly NamedImage[],
  trialsEach: number,
  diffusions: readonly Diffusion[],
  seed: number,
  progress: (done: number) => void,
): Promise<WholeSpread> {
  const draws = await seeded(seed, 'whole')
  const key = await keyOf(seed, 'whole')
  const pairs: [Uint8Array, Uint8Array][][] = diffusions.map(() => [])
  const changed: number[] = []
  for (const [i, { image }] of pictures.entries()) {
    const before = (await intermediateCipher(networks, image)).data as Uint8Array
    for (let trial = 0; trial < trialsEach; trial++) {
      const at = (await draws.integers(1, image.data.length))[0]!
      const value = image.data[at]!
      const after = (
        await intermediateCipher(networks, { ...image, data: image.data.with(at, value === 255 ? 254 : value + 1) })
      ).data as Uint8Array
      changed.push(before.reduce((sum, byte, j) => sum + Number(byte !== after[j]), 0))
      const nonce = await draws.bytes(8)
      for (const [d, diffusion] of diffusions.entries()) {
        const keys = await passKeys(diffusion, before.length, key, nonce)
        pairs[d]!.push([diffuse(diffusion.rule, before, keys), diffuse(diffusion.rule, after, keys)])
      }
    }
    progress(i + 1)
  }
  return { spreads: pairs.map(spread), swallowed: changed.filter(count => count === 0).length, changed }
}

/** A key that differs in one bit: how the ciphers of one intermediate differ. */
export async function keySpread(
  intermediates: readonly Uint8Array[],
  diffusion: Diffusion,
  trials: number,
  seed: number,
): Promise<Spread> {
  const draws = await seeded(seed, 'key-bits')
  const pairs: [Uint8Array, Uint8Array][] = []
  for (let trial = 0; trial < trials; trial++) {
    const bytes = intermediates[trial % intermediates.length]!
    const key = await draws.bytes(32)
    const bit = (await draws.integers(1, 256))[0]!
    const other = key.with(bit >> 3, key[bit >> 3]! ^ (1 << (bit & 7)))
    const of = async (secret: Uint8Array) =>
      diffuse(diffusion.rule, bytes, await passKeys(diffusion, bytes.length, secret, new Uint8Array(0)))
    pairs.push([await of(key), await of(other)])
  }
  return spread(pairs)
}
