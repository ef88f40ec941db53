import { compile, shape, tensor } from '@latent/graph'
import type { Compiled, Operand, SessionOptions, Tensor } from '@latent/graph'
import { type SizedNetwork, sizedNetwork } from '../neural/index.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { backward, type FlowCrypt, flowCryptParameters, type FlowCryptShape, forward, type Halves } from './network.ts'

/** Encryption runs the chain forward, decryption backward. */
export type Direction = 'forward' | 'backward'

/** Both halves of an image, `[3, h, w]` each, and of the map, `[h, w]` each. */
export interface HalfPlanes {
  readonly x: Float32Array
  readonly y: Float32Array
  readonly mapX: Float32Array
  readonly mapY: Float32Array
}

/** The network, ready for halves of any size: compiled for a size when it is first met. */
export interface FlowCryptRunner {
  /** `w` and `h` are the sides of a half. */
  run(
    direction: Direction,
    halves: HalfPlanes,
    size: { readonly w: number; readonly h: number },
  ): Promise<{ x: Float32Array; y: Float32Array }>
  close(): Promise<void>
}

/** @throws E_WEIGHTS if the model's arrays are not this network's */
export function flowCryptRunner(model: Model, sizes: FlowCryptShape, options: SessionOptions = {}): FlowCryptRunner {
  return runnerOf(networkWeights(model, 'flowcrypt', flowCryptParameters(sizes)), options)
}

/** The runner of weights as a tree. */
export function runnerOf(weights: FlowCrypt<Tensor<'f32'>>, options: SessionOptions = {}): FlowCryptRunner {
  const sized = (direction: Direction) =>
    sizedNetwork(({ width, height }) => compileFor(direction, weights, width, height, options))
  const networks: Readonly<Record<Direction, SizedNetwork>> = { forward: sized('forward'), backward: sized('backward') }
  return {
    async run(direction, { x, y, mapX, mapY }, { w, h }) {
      const [half, map] = [
        [1, 3, h, w],
        [1, 1, h, w],
      ]
      const out = await networks[direction].run(
        { width: w, height: h },
        {
          x: tensor('f32', half, x),
          y: tensor('f32', half, y),
          mapX: tensor('f32', map, mapX),
          mapY: tensor('f32', map, mapY),
        },
      )
      return { x: out['outX']!.data as Float32Array, y: out['outY']!.data as Float32Array }
    },
    async close() {
      await networks.forward.close()
      await networks.backward.close()
    },
  }
}

function compileFor(
  direction: Direction,
  weights: FlowCrypt<Tensor<'f32'>>,
  w: number,
  h: number,
  options: SessionOptions,
): Promise<Compiled> {
  const pass = direction === 'forward' ? forward : backward
  const [half, map] = [shape([1, 3, h, w]), shape([1, 1, h, w])]
  const both = (p: FlowCrypt<Operand>, halves: Halves, map: Halves) => {
    const out = pass(p, halves, map)
    return { outX: out.x, outY: out.y }
  }
  return compile(
    ({ p, x, y, mapX, mapY }) => both(p, { x, y }, { x: mapX, y: mapY }),
    { p: weights, x: half, y: half, mapX: map, mapY: map },
    options,
  )
}
