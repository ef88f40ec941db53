import type { Compiled, Tensor } from '@latent/graph'
import type { Tile } from './tiles.ts'

/** A network compiled for each size that it meets. */
export interface SizedNetwork {
  /** Feeds and results by name, as {@link Compiled.run} has them. */
  run(size: Size, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  close(): Promise<void>
}

type Size = Pick<Tile, 'width' | 'height'>

/** An image has tiles of at most four sizes: whole ones, those at the right and lower edge, and the corner. */
const KEPT = 4

/**
 * Compiles when a size is first met and keeps the last few. Calls wait for one another: a compiled network does not
 * run twice at once.
 */
export function sizedNetwork(make: (size: Size) => Promise<Compiled>): SizedNetwork {
  const known = new Map<string, Promise<Compiled>>()
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const result = turn.then(action)
    turn = result.catch(() => undefined)
    return result
  }
  return {
    run: (size, feeds) =>
      inTurn(async () => {
        const name = `${size.width}x${size.height}`
        let compiled = known.get(name)
        known.delete(name)
        if (!compiled && known.size === KEPT) {
          const [oldest] = known.keys()
          await (await known.get(oldest!)!).close()
          known.delete(oldest!)
        }
        compiled ??= make(size)
        known.set(name, compiled)
        return (await compiled).run(feeds)
      }),
    close: () =>
      inTurn(async () => {
        await Promise.all(Array.from(known.values(), async compiled => (await compiled).close()))
        known.clear()
      }),
  }
}
