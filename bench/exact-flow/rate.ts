import { type ExactFlowOptions, openExactFlow } from '@latent/schemes/exact-flow'

/**
 * Megabytes (10^6 bytes) a second of exact-flow encryption in this thread or page, key streams and all: whole
 * tiles of `tileBytes` for at least `milliseconds`, after one tile of warming up.
 */
export async function rate(options: ExactFlowOptions, tileBytes: number, milliseconds: number): Promise<number> {
  const flow = await openExactFlow(options)
  const key = new Uint8Array(32)
  const tile = Uint8Array.from({ length: tileBytes }, (_, i) => i * i)
  await flow.encrypt(key, Uint8Array.of(255), tile)
  const start = performance.now()
  let tiles = 0
  let spent = 0
  for (; spent < milliseconds; spent = performance.now() - start) await flow.encrypt(key, Uint8Array.of(tiles++ & 127), tile)
  await flow.close()
  return (tiles * tileBytes) / spent / 1000
}
