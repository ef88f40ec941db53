import type { Image } from '@latent/core'
import {
  adam,
  compile,
  type Compiled,
  cosineRate,
  epochOrder,
  type Expr,
  leaves,
  losses,
  mapTree,
  openStepper,
  type Parameter,
  type SessionOptions,
  type Shape,
  shape,
  type Stepper,
  type Tensor,
  type Tree,
} from '@latent/graph'
import type { TargetShape } from '../chosen-plaintext.ts'
import { commonShape } from '../common-shape.ts'
import type { Pair } from './images.ts'
import type { Reconstructor } from './networks.ts'

/**
 * How long an attacker is trained, and how. Defaults: 32 images a step, seed 1, and a rate of 2e-3 with known
 * pairs, 2e-4 without.
 */
export interface LearnOptions extends SessionOptions {
  readonly steps: number
  readonly batch?: number
  /** Adam's highest rate, falling to zero along a cosine. */
  readonly rate?: number
  readonly seed?: number
  readonly onStep?: (step: number, losses: Readonly<Record<string, number>>) => void
}

/** A trained attacker. */
export interface Reconstruction {
  /** What it takes the plain images to be. */
  readonly open: (ciphers: readonly Image<'u8'>[]) => Promise<Image<'u8'>[]>
}

/**
 * The inverse-transformation attack (ITN): a network is trained on images that are known in both forms,
 * and opens others. Mean squared error; Adam instead of the published SGD of 50 epochs, which small budgets do not
 * leave room for.
 *
 * Whether the pairs were made under the key of the images that are opened later decides what it can
 * learn: under another key for each pair, only what is common to all keys.
 * @throws E_ARGUMENT for pairs of several shapes
 */
export async function learnInverse(
  network: Reconstructor,
  pairs: readonly Pair[],
  { steps, batch = 32, rate = 2e-3, seed = 1, onStep, ...session }: LearnOptions,
): Promise<Reconstruction> {
  const size = commonShape(pairs.flatMap(({ plain, cipher }) => [plain, cipher]))
  const count = Math.min(batch, pairs.length)
  const stepper = await openStepper(
    {
      networks: { attacker: network.parameters(size) as object },
      state: { attacker: network.state(size) },
      batch: { cipher: network.input(size, count), plain: network.output(size, count) },
      phases: [
        {
          name: 'mse',
          trains: ['attacker'],
          optimiser: adam(),
          loss: ({ networks, state, batch }) => {
            const found = network.apply(
              networks.attacker as never,
              (state as { attacker: never }).attacker,
              batch['cipher']!,
              true,
            )
            return { loss: losses.mse(found.y, batch['plain']!), state: { attacker: found.state } }
          },
        },
      ],
    },
    seed,
    session,
  )
  try {
    const order = epochOrder(seed, pairs.length, count)
    const rates = cosineRate(rate)
    for (let step = 0; step < steps; step++) {
      const picked = Array.from(await order(step), i => pairs[i]!)
      const found = await stepper.advance(
        {
          cipher: network.encode(picked.map(({ cipher }) => cipher)),
          plain: network.target(picked.map(({ plain }) => plain)),
        },
        [rates(step, steps)],
      )
      onStep?.(step + 1, found)
    }
    return reconstruction(network, size, await trained(stepper, 'attacker'), session)
  } finally {
    await stepper.close()
  }
}

/** Weights and running statistics of one network, by path within it. */
export interface Trained {
  readonly weights: Readonly<Record<string, Tensor>>
  readonly state: Readonly<Record<string, Tensor>>
}

/**
 * What training has made of one network.
 * @param network its name among those of the stepper
 * @returns weights and state (running means) by their paths within that network
 */
export async function trained(stepper: Stepper, network: string): Promise<Trained> {
  const below = (tensors: Readonly<Record<string, Tensor>>, prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
      ),
    )
  return {
    weights: below(await stepper.weights(), `${network}.`),
    state: below(await stepper.snapshot(), `state.${network}.`),
  }
}

/** Networks of several kinds have trees of several types, which `compile` would derive for any. */
type Untyped = (
  fn: (args: { p: never; state: never; x: Expr }) => Expr,
  args: object,
  session: SessionOptions,
) => Promise<Compiled>

/** A trained network as a function of cipher images; compiled for each call, which opens many at once. */
export function reconstruction(
  network: Reconstructor,
  size: TargetShape,
  { weights, state }: Trained,
  session: SessionOptions,
): Reconstruction {
  return {
    async open(ciphers) {
      const filled = (tree: Tree<Parameter>) =>
        mapTree<Shape, unknown>(tree, (_, leaf) => shape((leaf as Parameter).dims)) as object
      const guess = ({ p, state, x }: { p: never; state: never; x: Expr }) => network.apply(p, state, x, false).y
      const compiled = await (compile as Untyped)(
        guess,
        {
          p: filled(network.parameters(size)),
          state: filled(network.state(size)),
          x: network.input(size, ciphers.length),
        },
        session,
      )
      try {
        const feeds = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
          Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`${prefix}.${name}`, value]))
        const { output } = await compiled.run({
          ...feeds('p', weights),
          ...feeds('state', state),
          x: network.encode(ciphers),
        })
        return network.decode(output!.data as Float32Array, size)
      } finally {
        await compiled.close()
      }
    },
  }
}

/** Trainable values of a network for images of this size. */
export const sizeOf = (network: Reconstructor, size: TargetShape): number =>
  leaves(network.parameters(size)).reduce((sum, [, leaf]) => sum + leaf.dims.reduce((a, b) => a * b, 1), 0)
