import type { ExactFlow } from './engine.ts'

/** Starting threads costs as much as this many bytes do in the thread that is there. */
const FEW_BYTES = 8 << 20

/**
 * A flow for a command that may have one photo to do or a hundred thousand: in this thread as long as there is little,
 * then on the threads of a pool, which this one goes on beside until they are ready.
 * @param here opens the flow in this thread, where native code blocks it a few milliseconds a tile
 * @param pool starts the threads, when they are worth it
 * @param lanes of the pool
 * @throws E_BACKEND, as `here` does; tiles reject if the pool does not start
 */
export async function openGrowing(
  here: () => Promise<ExactFlow>,
  pool: () => Promise<ExactFlow>,
  lanes: number,
): Promise<ExactFlow> {
  const small = await here()
  let bytes = 0
  let starting: Promise<ExactFlow> | undefined
  let current = Promise.resolve(small)
  const flowFor = (tile: Uint8Array): Promise<ExactFlow> => {
    bytes += tile.length
    if (bytes > FEW_BYTES && starting === undefined) {
      const pooled = pool()
      const ended = () => void (current = pooled)
      pooled.then(ended, ended)
      starting = pooled
    }
    return current
  }
  return {
    weightsId: small.weightsId,
    backend: small.backend,
    lanes,
    encrypt: async (key, tweak, tile, given) => (await flowFor(tile)).encrypt(key, tweak, tile, given),
    decrypt: async (key, tweak, tile, given) => (await flowFor(tile)).decrypt(key, tweak, tile, given),
    async close() {
      await small.close()
      await (await starting?.catch(() => undefined))?.close()
    },
  }
}
