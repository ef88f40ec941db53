import { adam, constantRate, ops, openStepper, shape, tensor, uniform } from '@latent/graph'
import type { Expr, Training, Tensor } from '@latent/graph'
import { cutHalves, type FlowCrypt, forward, gatherHalf, type TileKey } from '@latent/schemes/flowcrypt'

/** Three planes of a picture, `[3, height, width]`, in 0..1. */
interface Planes {
  readonly width: number
  readonly height: number
  readonly values: Float32Array
}

/**
 * An attack with one known pair: the weights are public, so the map is looked for by gradient descent
 * on the distance between the cipher and the encryption of the plain image, its entries free to take any
 * value. The attacker is given the mask, and the cipher as floats.
 *
 * @returns the map as found, with the mask that was given
 */
export async function attackMap(
  weights: FlowCrypt<Tensor<'f32'>>,
  plain: Planes,
  cipher: Planes,
  { order }: TileKey,
  { steps, seed }: { steps: number; seed: number },
): Promise<{ key: TileKey; distance: number }> {
  const [h, w] = [plain.height, plain.width / 2]
  const [half, map] = [
    [1, 3, h, w],
    [1, 1, h, w],
  ]
  const networks = { map: { x: uniform(map, 0.5), y: uniform(map, 0.5) } }
  const training: Training<typeof networks> = {
    networks,
    batch: { x: shape(half), y: shape(half), cipherX: shape(half), cipherY: shape(half) },
    phases: [
      {
        name: 'distance',
        trains: ['map'],
        optimiser: adam(),
        loss: ({ networks: { map: found }, batch }) => {
          const made = forward(
            weights,
            { x: batch['x']!, y: batch['y']! },
            { x: ops.add(found.x, 0.5), y: ops.add(found.y, 0.5) },
          )
          const error = (a: Expr, b: Expr) => ops.mean(ops.square(ops.sub(a, b)))
          return { loss: ops.add(error(made.x, batch['cipherX']!), error(made.y, batch['cipherY']!)) }
        },
      },
    ],
  }
  const stepper = await openStepper(training as unknown as Training<never, never>, seed, { threads: 1 })
  try {
    const halves = cutHalves(cipher.values, { w })
    const batch = {
      x: tensor('f32', half, gatherHalf(plain.values, order.first)),
      y: tensor('f32', half, gatherHalf(plain.values, order.second)),
      cipherX: tensor('f32', half, halves.x),
      cipherY: tensor('f32', half, halves.y),
    }
    let distance = Infinity
    const rate = constantRate(0.02)
    for (let step = 0; step < steps; step++) distance = (await stepper.advance(batch, [rate(step, steps)]))['distance']!
    const found = await stepper.weights()
    const shifted = (name: string) => found[name]!.data.map(value => value + 0.5)
    return { key: { order, mapX: shifted('map.x'), mapY: shifted('map.y') }, distance }
  } finally {
    await stepper.close()
  }
}
