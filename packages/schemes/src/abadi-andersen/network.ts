import { type Expr, layers, type Operand, ops, type Parameter, type Tensor } from '@latent/graph'

/** Bits of a message, of a key, and numbers of a cipher. */
export const BITS = 16

/**
 * The "mix and transform" network of Abadi and Andersen (2016): a fully connected layer of 2N over what goes in, then
 * four one-dimensional convolutions, sigmoids between them and a hyperbolic tangent at the end. As `window, inputs,
 * outputs, stride`: 4, 1, 2, 1; 2, 2, 4, 2; 1, 4, 4, 1; 1, 4, 1, 1. Their biases are our choice.
 */
export type Mixer<L> = {
  readonly mix: layers.Affine<L>
  readonly first: layers.Affine<L>
  readonly second: layers.Affine<L>
  readonly third: layers.Affine<L>
  readonly last: layers.Affine<L>
}

/** Alice encrypts, Bob decrypts with the key, Eve without. */
export type Parties<L> = { readonly alice: Mixer<L>; readonly bob: Mixer<L>; readonly eve: Mixer<L> }

const WIDTH = 2 * BITS
const WINDOW = 4

/** Initial parameters: variance of one over the inputs, for sigmoids. */
export function partyParameters(): Parties<Parameter> {
  const dense = (inputs: number, outputs: number) => layers.denseParameters(inputs, outputs, { gain: Math.SQRT1_2 })
  const mixer = (inputs: number): Mixer<Parameter> => ({
    mix: dense(inputs, WIDTH),
    first: dense(WINDOW, 2),
    second: dense(2 * 2, 4),
    third: dense(4, 4),
    last: dense(4, 1),
  })
  return { alice: mixer(2 * BITS), bob: mixer(2 * BITS), eve: mixer(BITS) }
}

/** `[B, n]` in -1..1, the parts side by side, to `[B, 16]` in -1..1. Windows of a convolution are rows of a product. */
export function mix(p: Mixer<Operand>, parts: readonly Expr[]): Expr {
  const [batch] = parts[0]!.shape as [number]
  const mixed = ops.sigmoid(layers.dense(p.mix, parts.length === 1 ? parts[0]! : ops.concat(parts, 1)))
  const padded = ops.pad(mixed, [
    [0, 0],
    [1, 2],
  ])
  const windows = Array.from({ length: WINDOW }, (_, i) =>
    ops.reshape(ops.slice(padded, 1, i, i + WIDTH), [batch, WIDTH, 1]),
  )
  let x = ops.sigmoid(layers.dense(p.first, ops.concat(windows, 2)))
  x = ops.sigmoid(layers.dense(p.second, ops.reshape(x, [batch, BITS, 4])))
  x = ops.sigmoid(layers.dense(p.third, x))
  return ops.tanh(ops.reshape(layers.dense(p.last, x), [batch, BITS]))
}

/** Bits that are wrong on average, by distance: a guess of nothing is wrong in half of them. */
export const bitsWrong = (found: Expr, bits: Expr): Expr => ops.mul(BITS / 2, ops.mean(ops.abs(ops.sub(found, bits))))

/** Trained weights of those who hold the key. */
export type Correspondents = Pick<Parties<Tensor<'f32'>>, 'alice' | 'bob'>
