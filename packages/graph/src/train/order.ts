import { KeyStream } from '@latent/core'
import { seedKey } from '../parameters.ts'

/**
 * Random numbers that depend on the seed, a purpose and the step alone: what a batch draws is the same
 * whether a run was broken off before it or not.
 */
export function stepStream(seed: number, step: number, purpose: string): Promise<KeyStream> {
  return KeyStream.create(seedKey(seed), 'latent/v1/training-data', new TextEncoder().encode(`${purpose}/${step}`))
}

/**
 * The items of one step when `count` items are gone through in epochs, each in an order of its own.
 * A last incomplete batch of an epoch is filled from the next.
 */
export function epochOrder(seed: number, count: number, batchSize: number): (step: number) => Promise<Uint32Array> {
  const orders = new Map<number, Promise<Uint32Array>>()
  const order = (epoch: number) => {
    let known = orders.get(epoch)
    if (!known) {
      if (orders.size > 1) orders.delete(Math.min(...orders.keys()))
      orders.set(epoch, (known = stepStream(seed, epoch, 'epoch').then(stream => stream.permutation(count))))
    }
    return known
  }
  return async step => {
    const first = step * batchSize
    const picked = new Uint32Array(batchSize)
    for (let i = 0; i < batchSize; i++) picked[i] = (await order(Math.floor((first + i) / count)))[(first + i) % count]!
    return picked
  }
}
