import type { ExactFlow } from './engine.ts'

/** Starting threads costs as much as this many bytes do in the thread that is there. */
const FEW_BYTES = 8 << 20

/**
 * A flow for a command that may have one photo to do or a hundred thousand: in this thread as long as there is little,
 * then on the threads of a pool, which this one goes on beside until they are ready.
 * @param here opens the flow in this thread, where native code blocks it a few milliseconds a tile
 * @param pool starts the threads, when they are worth it
 * @param lanes of the pool
 * @param expected bytes that are about to be worked on, if they are known: threads that will be needed start at once
 * @throws E_BACKEND, as `here` does; tiles reject if the pool does not start
 */
export async function openGrowing(
  here: () => Promise<ExactFlow>,
  pool: () => Promise<ExactFlow>,
  lanes: number,
  expected = 0,
): Promise<ExactFlow> {
  let pooled: Promise<ExactFlow> | undefined
  const opening = here()
  if (expected > FEW_BYTES) pooled = pool()
  pooled?.catch(() => undefined)
  const small = await opening.catch(async (error: unknown) => {
    await (await pooled?.catch(() => undefined))?.close()
    throw error
  })
  let bytes = 0
  let flow = small
  let failure: { readonly cause: unknown } | undefined
  let closing: Promise<void> | undefined
  // What is queued here is finished first; then its memory goes.
  const closeSmall = () => (closing ??= small.close())

  function grow(into: Promise<ExactFlow>): void {
    pooled = into
    into.then(
      ready => {
        flow = ready
        return closeSmall()
      },
      (cause: unknown) => {
        failure = { cause }
      },
    )
  }
  if (pooled) grow(pooled)

  function flowFor(tile: Uint8Array): ExactFlow {
    bytes += tile.length
    if (bytes > FEW_BYTES && pooled === undefined) grow(pool())
    if (failure) throw failure.cause
    return flow
  }

  return {
    weightsId: small.weightsId,
    backend: small.backend,
    lanes,
    encrypt: async (key, tweak, tile, given) => flowFor(tile).encrypt(key, tweak, tile, given),
    decrypt: async (key, tweak, tile, given) => flowFor(tile).decrypt(key, tweak, tile, given),
    async close() {
      await closeSmall()
      await (await pooled?.catch(() => undefined))?.close()
    },
  }
}
