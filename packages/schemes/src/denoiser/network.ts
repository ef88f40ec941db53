import { type Expr, layers, type Operand, ops, type Parameter } from '@latent/graph'

/** A chain of convolutions by name, `conv0` first. */
export type Chain<L> = Record<string, layers.Affine<L>>

/** How many convolutions, and how many channels between them. */
export interface ChainSize {
  readonly depth: number
  readonly channels: number
}

/** Parameters of the chain of convolutions, one grey channel in and out; the last begins small. */
export function chainParameters({ depth, channels }: ChainSize): Chain<Parameter> {
  return Object.fromEntries(
    Array.from({ length: depth }, (_, i) => {
      const [inputs, outputs] = [i === 0 ? 1 : channels, i === depth - 1 ? 1 : channels]
      return [`conv${i}`, layers.conv2dParameters(inputs, outputs, 3, { slope: 0.01, gain: i === depth - 1 ? 0.1 : 1 })]
    }),
  )
}

/** Grey images `[N, 1, H, W]` in 0..1 without (most of) their noise. */
export function denoise(p: Chain<Operand>, noisy: Expr): Expr {
  const convolutions = Object.values(p)
  const noise = convolutions.reduce(
    (x, layer, i) => (i === 0 ? layers.conv2d(layer, x) : layers.conv2d(layer, ops.leakyRelu(x))),
    noisy,
  )
  return ops.sub(noisy, noise)
}
