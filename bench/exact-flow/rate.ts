import type { ExactFlow } from '@latent/schemes/exact-flow'

/**
 * Megabytes (10^6 bytes) a second of exact-flow encryption, key streams and all: tiles of `tileBytes`
 * for at least `milliseconds`, every lane busy, after one tile a lane of warming up. Closes the flow.
 */
export async function rate(flow: ExactFlow, tileBytes: number, milliseconds: number): Promise<number> {
  const key = new Uint8Array(32)
  const tile = Uint8Array.from({ length: tileBytes }, (_, i) => i * i)
  const encrypt = (number: number) => flow.encrypt(key, Uint8Array.of(number & 255), tile)
  await Promise.all(Array.from({ length: flow.lanes }, (_, i) => encrypt(i)))
  const start = performance.now()
  const inFlight: Promise<Uint8Array>[] = []
  let tiles = 0
  while (performance.now() - start < milliseconds) {
    inFlight.push(encrypt(tiles++))
    if (inFlight.length > flow.lanes) await inFlight.shift()
  }
  await Promise.all(inFlight)
  const spent = performance.now() - start
  await flow.close()
  return (tiles * tileBytes) / spent / 1000
}
