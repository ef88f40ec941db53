import { LatentError, randomBytes, sha256Of, toHex } from '@latent/core'
import { TILE_BYTES } from './description.ts'
import { type ExactFlow, type ExactFlowOptions, openExactFlow } from './engine.ts'
import { WEIGHT_SETS } from './known.ts'

// SHA-256 of one tile of 10,007 bytes i^2 mod 256 under the zero key and tweak 00, for each set of weights: the plain
// loop gives it.
const SELF_TEST_BYTES = 10_007
const SELF_TEST: Readonly<Record<string, string>> = {
  constant: '58d28e5138edf2be0d327fa62dd27e6e5791795dabfa8095e2eccec94c9a9dfc',
  second: '5b594dd8a7c3fb6e4882a75b573bd7569e47a7cf77981250361b518fb2313ea2',
  trained: 'c2be95e2b44c5697491d46db7e3370b123aab1852b99f383f27b56011f244bf1',
}

/** Sets whose networks are 1x1 convolutions, which the kernel computes. */
const POINTWISE: readonly string[] = ['second']

/** Every way in which the networks of the flow can be computed, by a name for people. */
const ARITHMETICS: Readonly<Record<string, ExactFlowOptions>> = {
  'native int8': { backend: 'ort-node', arithmetic: 'int8', threads: 1 },
  'native float': { backend: 'ort-node', arithmetic: 'float', threads: 1 },
  'WASM int8': { backend: 'ort-wasm', arithmetic: 'int8' },
  'WASM float': { backend: 'ort-wasm', arithmetic: 'float' },
  'WASM kernel': { backend: 'kernel' },
  'plain loop': { loop: true },
}

/**
 * Whether this machine computes the flow right: one tile under every known set of weights, in every way that can
 * compute it.
 * @returns by way, `right`, `wrong`, or `not available` with the reason
 */
export async function selfTests(): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  for (const [name, options] of Object.entries(ARITHMETICS)) results[name] = await selfTest(options)
  return results
}

async function selfTest(options: ExactFlowOptions): Promise<string> {
  try {
    const computed = ([set]: readonly [string, unknown]) => options.backend !== 'kernel' || POINTWISE.includes(set)
    for (const [name, { load }] of Object.entries(WEIGHT_SETS).filter(computed)) {
      const flow = await openExactFlow({ ...options, weights: await load() })
      const cipher = await flow.encrypt(
        new Uint8Array(32),
        Uint8Array.of(0),
        Uint8Array.from({ length: SELF_TEST_BYTES }, (_, i) => i * i),
      )
      await flow.close()
      if (toHex(sha256Of(cipher)) !== SELF_TEST[name]) return 'wrong'
    }
    return 'right'
  } catch (error) {
    return `not available (${error instanceof LatentError ? (error.hint ?? error.message) : String(error)})`
  }
}

/** Whole tiles that a flow encrypts in a second under a random key, the cipher alone, in megabytes (10^6). */
export async function flowSpeed(flow: ExactFlow): Promise<number> {
  const key = randomBytes(32)
  const tile = randomBytes(TILE_BYTES)
  const round = async (tiles: number) => {
    const underWay: Promise<Uint8Array>[] = []
    for (let i = 0; i < tiles; i++) {
      underWay.push(flow.encrypt(key, Uint8Array.of(i), tile))
      if (underWay.length > flow.lanes + 1) await underWay.shift()
    }
    await Promise.all(underWay)
  }
  await round(4 * flow.lanes)
  const started = performance.now()
  const tiles = 16 * flow.lanes
  await round(tiles)
  return (tiles * TILE_BYTES) / 1e6 / ((performance.now() - started) / 1000)
}
