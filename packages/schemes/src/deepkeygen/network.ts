import { type Expr, layers, type Operand, ops, type Parameter } from '@latent/graph'

/** Channels at half and at a quarter of the resolution. */
export const [HALF, QUARTER] = [8, 16]
/** Residual blocks. */
export const BLOCKS = 2
/** Planes of a key image. */
export const PLANES = 3
/** The last layer's outputs fill -1..1 at this gain. */
export const GAIN = 3

/**
 * The generator of key images: two halvings, residual blocks, and up again, 3 x 3 kernels without biases. The drawn
 * and the trained variant have one shape.
 */
export type Generator<L> = {
  readonly down1: L
  readonly down2: L
  readonly blocks: readonly (readonly [L, L])[]
  readonly up1: L
  readonly up2: L
}

/** A generator of whatever a layer is made of, layer by layer in the order of the network. */
export function generatorOf<L>(make: (inputs: number, outputs: number) => L): Generator<L> {
  return {
    down1: make(PLANES, HALF),
    down2: make(HALF, QUARTER),
    blocks: Array.from({ length: BLOCKS }, () => [make(QUARTER, QUARTER), make(QUARTER, QUARTER)] as const),
    up1: make(QUARTER, HALF),
    up2: make(HALF, PLANES),
  }
}

/** Initial parameters for a training. */
export const generatorParameters = (): Generator<layers.Affine<Parameter>> =>
  generatorOf((inputs, outputs) => layers.conv2dParameters(inputs, outputs, 3, { bias: false }))

/**
 * Initial images `[N, 3, H, W]` in 0..1 to key images in -1..1; sides are multiples of 4. The graph of what
 * `cipher.ts` computes in doubles.
 */
export function generate(p: Generator<layers.Affine<Operand>>, initial: Expr): Expr {
  let x = ops.relu(layers.conv2d(p.down1, initial, { stride: 2, padding: 1 }))
  x = ops.relu(layers.conv2d(p.down2, x, { stride: 2, padding: 1 }))
  for (const [first, second] of p.blocks) x = ops.add(x, layers.conv2d(second, ops.relu(layers.conv2d(first, x))))
  x = ops.relu(layers.conv2d(p.up1, layers.upsampleNearest(x)))
  const y = ops.mul(GAIN, layers.conv2d(p.up2, layers.upsampleNearest(x)))
  return ops.div(y, ops.add(1, ops.abs(y)))
}
