import type { Image } from '@latent/core'
import {
  adam,
  epochOrder,
  type Expr,
  heNormal,
  layers,
  losses,
  normal,
  openStepper,
  ops,
  type Operand,
  type Parameter,
} from '@latent/graph'
import { commonShape } from '../common-shape.ts'
import { planesOf } from './images.ts'
import type { Reconstructor } from './networks.ts'
import { type LearnOptions, type Reconstruction, reconstruction, trained } from './paired.ts'

/** {@link LearnOptions}, and what is presumed of pictures. */
export interface UnpairedOptions extends LearnOptions {
  /** Weight of the total variation of the guesses: a prior that pictures are smooth. Ours; 0 as published. */
  readonly smoothness?: number
  /** Channels of the discriminator's first layer, and half those of its second: 64 as published. */
  readonly width?: number
  /** Adam's rate of the discriminator; that of the generator, as published, where nothing is said. */
  readonly discriminatorRate?: number
}

type Discriminator<L> = {
  readonly first: layers.Affine<L>
  readonly second: L
  readonly secondBias: L
  readonly last: layers.Affine<L>
}

/**
 * 4x4 convolutions: stride 2 to `width` channels, stride 2 to twice as many with spectral norm, then to one score; the
 * greatest of each 3x3 scores counts.
 */
const discriminatorParameters = (channels: number, width: number): Discriminator<Parameter> => ({
  first: layers.conv2dParameters(channels, width, 4, { slope: 0.2 }),
  second: heNormal([2 * width, width, 4, 4], width * 16, { slope: 0.2 }),
  secondBias: layers.conv2dParameters(1, 2 * width, 1).bias!,
  last: layers.conv2dParameters(2 * width, 1, 4),
})

/**
 * Logits, and the next estimate of the second layer's greatest singular direction (Miyato et al. 2018: one power
 * iteration a step).
 */
function discriminate(p: Discriminator<Operand>, direction: Expr, x: Expr): { logits: Expr; direction: Expr } {
  const outputs = direction.shape[0]!
  const matrix = ops.reshape(p.second as Expr, [outputs, (outputs / 2) * 16])
  const still = ops.stopGradient(matrix)
  const unit = (v: Expr) => ops.div(v, ops.add(ops.sqrt(ops.sum(ops.square(v))), 1e-8))
  const v = unit(ops.matmul(ops.reshape(ops.stopGradient(direction), [1, outputs]), still))
  const u = unit(ops.matmul(v, ops.transpose(still, [1, 0])))
  const greatest = ops.sum(ops.mul(ops.matmul(u, matrix), v))
  const first = ops.leakyRelu(layers.conv2d(p.first, x, { stride: 2, padding: 1 }), 0.2)
  const second = ops.leakyRelu(
    ops.add(ops.conv(first, ops.div(p.second, greatest), { stride: 2, padding: 1 }), layers.perChannel(p.secondBias)),
    0.2,
  )
  const scores = layers.conv2d(p.last, second, { padding: 1 })
  return { logits: ops.maxPool(scores, 3), direction: ops.reshape(u, [outputs]) }
}

/**
 * The GAN attack (repository `learnable_encryption_robustness`, repaired): cipher images under one key and plain
 * images of the same kind, **none of them a pair**. A generator is trained until a discriminator cannot tell its
 * guesses from plain images. Adam (0.5, 0.999) at 2e-4 by default, binary cross-entropy, as published;
 * whether it finds the plain images, or others that look like them, is what the score must tell.
 * @param network one that takes and gives pictures (`sharedPixels`, `sharedBlocks`)
 * @throws E_ARGUMENT for pictures of several shapes, or smaller than 12 pixels
 */
export async function learnUnpaired(
  network: Reconstructor,
  ciphers: readonly Image<'u8'>[],
  plain: readonly Image<'u8'>[],
  options: UnpairedOptions,
): Promise<Reconstruction> {
  const { steps, batch = 32, rate = 2e-4, seed = 1, smoothness = 0, width = 64, onStep, ...others } = options
  const { discriminatorRate = rate, ...session } = others
  const size = commonShape([...ciphers, ...plain])
  const count = Math.min(batch, ciphers.length, plain.length)
  type State = { attacker: never; direction: Expr }
  const stepper = await openStepper(
    {
      networks: {
        attacker: network.parameters(size) as object,
        discriminator: discriminatorParameters(size.channels, width),
      },
      state: { attacker: network.state(size), direction: normal([2 * width], 1) },
      batch: { cipher: network.input(size, count), plain: network.output(size, count) },
      phases: [
        {
          name: 'discriminator',
          trains: ['discriminator'],
          optimiser: adam({ beta1: 0.5 }),
          loss: ({ networks, state, batch }) => {
            const { attacker, direction } = state as State
            const guess = ops.stopGradient(
              network.apply(networks.attacker as never, attacker, batch['cipher']!, true).y,
            )
            const real = discriminate(networks.discriminator, direction, batch['plain']!)
            return {
              loss: losses.bceGan.discriminator(
                real.logits,
                discriminate(networks.discriminator, direction, guess).logits,
              ),
              state: { attacker, direction: real.direction },
            }
          },
        },
        {
          name: 'generator',
          trains: ['attacker'],
          optimiser: adam({ beta1: 0.5 }),
          loss: ({ networks, state, batch }) => {
            const { attacker, direction } = state as State
            const guess = network.apply(networks.attacker as never, attacker, batch['cipher']!, true)
            const { logits } = discriminate(networks.discriminator, direction, guess.y)
            const fooled = losses.bceGan.generator(logits)
            const loss = smoothness > 0 ? ops.add(fooled, ops.mul(smoothness, losses.totalVariation(guess.y))) : fooled
            return { loss, state: { attacker: guess.state, direction } }
          },
        },
      ],
    },
    seed,
    session,
  )
  try {
    // Two orders: that the n-th cipher image and the n-th plain one are the same picture must not be of use.
    const orders = [epochOrder(seed, ciphers.length, count), epochOrder(seed + 1, plain.length, count)] as const
    for (let step = 0; step < steps; step++) {
      const [a, b] = [await orders[0](step), await orders[1](step)]
      const found = await stepper.advance(
        { cipher: network.encode(Array.from(a, i => ciphers[i]!)), plain: planesOf(Array.from(b, i => plain[i]!)) },
        [discriminatorRate, rate],
      )
      onStep?.(step + 1, found)
    }
    return reconstruction(network, size, await trained(stepper, 'attacker'), session)
  } finally {
    await stepper.close()
  }
}
