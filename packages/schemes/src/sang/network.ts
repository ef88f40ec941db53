import { type Expr, layers, type Operand, ops, type Parameter } from '@latent/graph'

/** Samples of a block: the scrambled picture is cut into as many. */
export const BLOCK = 64
const HIDDEN = 128
const SLOPE = 0.1

/** A full layer up and one back to the size of a block. */
type Half<L> = { readonly up: layers.Affine<L>; readonly down: layers.Affine<L> }

/**
 * A deep auto-encoder of blocks of scrambled samples: 64 - 128 - 64 - 128 - 64, as many codes as samples, since
 * scrambled neighbours have nothing in common that could be left out.
 */
export type BlockAutoencoder<L> = { readonly encoder: Half<L>; readonly decoder: Half<L> }

/** Initial parameters. */
export function autoencoderParameters(): BlockAutoencoder<Parameter> {
  const half = (): Half<Parameter> => ({
    up: layers.denseParameters(BLOCK, HIDDEN, { slope: SLOPE }),
    down: layers.denseParameters(HIDDEN, BLOCK, { gain: Math.SQRT1_2 }),
  })
  return { encoder: half(), decoder: half() }
}

const through = (p: Half<Operand>, x: Expr): Expr =>
  layers.dense(p.down, ops.leakyRelu(layers.dense(p.up, ops.sub(ops.mul(2, x), 1)), SLOPE))

/** Blocks `[N, 64]` in 0..1 to codes in 0..1. */
export const encode = (p: Half<Operand>, blocks: Expr): Expr => ops.sigmoid(through(p, blocks))

/** Codes to blocks; beyond 0..1 where it errs. */
export const decode = (p: Half<Operand>, codes: Expr): Expr => ops.add(0.5, through(p, codes))
