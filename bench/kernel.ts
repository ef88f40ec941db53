import { ROW_BYTES, rowsAtOnce, sealingWeights } from '@latent/schemes/exact-flow'
import { kernelRooms, openKernelOf } from '../packages/schemes/src/exact-flow/kernel.ts'
import { pointwiseNetworks } from '../packages/schemes/src/exact-flow/pointwise.ts'
import { inTurns, timed } from './peer.ts'

/** Passes over the rows that networks take at once, long enough for the engine to have compiled them well. */
const RUNS = 200
const ROUNDS = 7

/** The exact flow's networks alone, on one thread: the kernel with relaxed SIMD beside the one without. */
export default async function run(): Promise<void> {
  const weights = await sealingWeights()
  const rows = rowsAtOnce(weights)
  const passes = await Promise.all(
    (['relaxed', 'plain'] as const).map(async kind => {
      const kernel = await openKernelOf(kind)
      if (kernel === undefined) throw new Error(`this engine does not run the ${kind} kernel`)
      const networks = pointwiseNetworks([kernel], weights)
      const { input, output } = kernelRooms(kernel)(2 * rows * ROW_BYTES)
      return async () => {
        for (let i = 0; i < RUNS; i++) await networks.run(0, input, rows, output)
      }
    }),
  )
  for (const pass of passes) await pass()
  const [relaxed, plain] = passes.map(pass => async () => [await timed('wall', pass)])
  const { ours, theirs, ratio, spread } = await inTurns(ROUNDS, relaxed!, plain!)
  const rate = (milliseconds: number) => ((RUNS * rows * ROW_BYTES) / 1000 / milliseconds).toFixed(0)
  console.log(
    `networks of one round: relaxed ${rate(ours)} MB/s, plain ${rate(theirs)} MB/s, ratio ${ratio.toFixed(2)} ` +
      `(${spread.map(value => value.toFixed(2)).join(' to ')} in ${ROUNDS} rounds)`,
  )
}
