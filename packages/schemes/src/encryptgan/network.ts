import { layers, ops } from '@latent/graph'
import type { Expr, Operand, Parameter } from '@latent/graph'
import { type Dimensions, generate, type Generator, generatorParameters } from '../encipher-gan/network.ts'
import { unit } from '../neural/crops.ts'
import type { Profile } from '../recipe.ts'

/**
 * The networks of EncryptGAN (Zheng, Liu, Yu, Zheng, Wu, Yang, Shi, arXiv 1905.11582). A key is a picture; what the
 * generators see of it are features of an auto-encoder that learned to draw such pictures again:
 *
 * ```text
 * encryption: cover, message, features of the key -> disguise
 * decryption: disguise, noise, features of the key -> cover, message
 * ```
 *
 * The generators have the form of Encipher GAN's, with thresholds in place of instance norm, which lets no picture's
 * contrast come back.
 */
export type Networks<L> = {
  readonly keys: KeyNetwork<L>
  readonly encryption: Generator<L>
  readonly decryption: Generator<L>
}

/** A U-Net: levels down, each half as wide and high, and levels up, each joined to its counterpart. */
export type KeyNetwork<L> = { readonly down: readonly layers.Affine<L>[]; readonly up: readonly layers.Affine<L>[] }

/** Of the generators; `paper` as published. */
const DIMENSIONS: Record<Profile, Dimensions> = { compact: { width: 16, blocks: 3 }, paper: { width: 64, blocks: 9 } }
/** Channels of the levels; published are eight levels. */
const WIDTHS = [8, 16, 32, 32]
/** Levels whose features are the key; published are the second to the fourth. */
const FEATURES = { from: 1, to: 4 }
/** Sides of a key picture are multiples of this. */
const KEY_MULTIPLE = 2 ** WIDTHS.length
/** Planes of every picture. */
export const PLANES = 3

/** The side of a key picture for pictures of a side. */
export const keySide = (side: number): number => KEY_MULTIPLE * Math.ceil(side / KEY_MULTIPLE)

/** Initial parameters in a profile. */
export const encryptGanParameters = (profile: Profile): Networks<Parameter> => ({
  keys: {
    down: WIDTHS.map((width, i) => layers.conv2dParameters(WIDTHS[i - 1] ?? PLANES, width)),
    up: WIDTHS.map((width, i) =>
      layers.conv2dParameters(i === WIDTHS.length - 1 ? width : width + WIDTHS[i]!, WIDTHS[i - 1] ?? PLANES),
    ),
  },
  encryption: generatorParameters(DIMENSIONS[profile], 'frozen', { inputs: 3 * PLANES, outputs: PLANES }),
  decryption: generatorParameters(DIMENSIONS[profile], 'frozen', { inputs: 3 * PLANES, outputs: 2 * PLANES }),
})

/** Levels of the key network, widest first. @param key `[N, 3, H, W]` in 0..1, sides multiples of 16 */
function levels({ down }: KeyNetwork<Operand>, key: Expr): Expr[] {
  const out: Expr[] = []
  for (const conv of down) out.push(ops.leakyRelu(layers.conv2d(conv, out.at(-1) ?? key, { stride: 2 }), 0.2))
  return out
}

/** What the key network draws of key pictures: what it is trained by. */
export function redraw(p: KeyNetwork<Operand>, key: Expr): Expr {
  const across = levels(p, key)
  let x = across.at(-1)!
  for (let i = p.up.length - 1; i >= 0; i--) {
    x = layers.conv2d(p.up[i]!, layers.upsampleNearest(x))
    if (i > 0) x = ops.concat([across[i - 1]!, ops.leakyRelu(x, 0.2)], 1)
  }
  return ops.sigmoid(x)
}

/**
 * Features of key pictures, `[N, 3, height, width]` in -1..1: the mean channel of each of three levels, resized, from
 * its darkest to its brightest point.
 */
export function keyFeatures(p: KeyNetwork<Operand>, key: Expr, width: number, height: number): Expr {
  const maps = levels(p, key)
    .slice(FEATURES.from, FEATURES.to)
    .map(level => {
      const whole = layers.resizeBilinear(ops.mean(level, [1], true), keySide(height), keySide(width))
      const map = ops.slice(ops.slice(whole, 2, 0, height), 3, 0, width)
      const [low, high] = [ops.min(map, [2, 3], true), ops.max(map, [2, 3], true)]
      return ops.sub(ops.div(ops.mul(2, ops.sub(map, low)), ops.add(ops.sub(high, low), 1e-6)), 1)
    })
  return ops.concat(maps, 1)
}

const signed = (x: Expr): Expr => ops.sub(ops.mul(2, x), 1)

/** The disguise of a message. Pictures `[N, 3, H, W]` in 0..1. */
export const disguise = (p: Generator<Operand>, cover: Expr, message: Expr, features: Expr): Expr =>
  unit(generate(p, ops.concat([signed(cover), signed(message), features], 1), 'frozen'))

/** What a disguise gives back under a key. Pictures `[N, 3, H, W]` in 0..1. */
export function uncover(
  p: Generator<Operand>,
  disguised: Expr,
  noise: Expr,
  features: Expr,
): { readonly cover: Expr; readonly message: Expr } {
  const both = unit(generate(p, ops.concat([signed(disguised), signed(noise), features], 1), 'frozen'))
  return { cover: ops.slice(both, 1, 0, PLANES), message: ops.slice(both, 1, PLANES, 2 * PLANES) }
}
