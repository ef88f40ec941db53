import { ROW_BYTES, rowsAtOnce, sealingWeights } from '@latent/schemes/exact-flow'
import { kernelRooms, openKernelOf } from '../packages/schemes/src/exact-flow/kernel.ts'
import { pointwiseNetworks } from '../packages/schemes/src/exact-flow/pointwise.ts'

/** Long enough for the clock, short enough that some turns meet no other work. */
const RUNS = 4
const TURNS = 300

/**
 * The exact flow's networks alone, on one thread: the kernel with relaxed SIMD beside the one without, by their best
 * turns.
 */
export default async function run(): Promise<void> {
  const weights = await sealingWeights()
  const rows = rowsAtOnce(weights)
  const kinds = await Promise.all(
    (['relaxed', 'plain'] as const).map(async kind => {
      const kernel = await openKernelOf(kind)
      if (kernel === undefined) throw new Error(`this engine does not run the ${kind} kernel`)
      const networks = pointwiseNetworks([kernel], weights)
      return { networks, room: kernelRooms(kernel)(2 * rows * ROW_BYTES), best: 0 }
    }),
  )
  for (let turn = 0; turn < TURNS; turn++) {
    for (const kind of kinds) {
      const { networks, room } = kind
      const started = performance.now()
      for (let i = 0; i < RUNS; i++) await networks.run(0, room.input, rows, room.output)
      kind.best = Math.max(kind.best, (RUNS * rows * ROW_BYTES) / 1000 / (performance.now() - started))
    }
  }
  const [relaxed, plain] = kinds.map(({ best }) => best) as [number, number]
  console.log(
    `networks of one round: relaxed ${relaxed.toFixed(0)} MB/s, plain ${plain.toFixed(0)} MB/s, ` +
      `ratio ${(relaxed / plain).toFixed(2)} (best of ${TURNS} turns)`,
  )
}
