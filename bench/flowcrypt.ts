import { initialise } from '@latent/graph'
import { sealingWeights, TILE_BYTES } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import { flowCryptParameters, networkCost, runnerOf, SHAPES } from '@latent/schemes/flowcrypt'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { median, openPeer, pause, timed } from './peer.ts'

/** Full tiles of the exact flow in one measurement. */
const TILES = 12
const TILE_PIXELS = TILE_BYTES / 3

/**
 * Megapixels a second: the exact flow (the whole cipher, two workers), and the network of FlowCrypt in
 * its paper profile on one image, in our engine and in PyTorch (the network alone: stretching keys,
 * splitting and joining are left out, in FlowCrypt's favour). One run, in turns; medians, and medians of
 * the ratios within a round. Options: --size of the image, --rounds, --threads of both engines.
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      size: { type: 'string', default: '256' },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string' },
    },
  })
  const size = Number(values.size)
  const threads = Number(values.threads ?? availableParallelism())
  const exact = await openExactFlow()
  const flowCrypt = await openFlowCrypt(size, threads)
  const peer = openPeer('peers/infer.py')
  await peer?.ask({ network: 'flowcrypt', size, threads })

  const rounds: { exact: number; ours: number; torch: number | undefined }[] = []
  // The first round warms all three up and does not count.
  for (let round = 0; round <= Number(values.rounds); round++) {
    const rates = {
      exact: await exact.rate(),
      ours: await flowCrypt.rate(),
      torch: peer && (size * size) / 1000 / (await peer.ask({ runs: 3 }))['wall']!,
    }
    if (round > 0) rounds.push(rates)
  }
  peer?.close()
  await Promise.all([exact.close(), flowCrypt.close()])

  const { parameters, macs } = networkCost(SHAPES.paper, size * size)
  console.log(
    `FlowCrypt: ${parameters} parameters, ${(macs / 1e9).toFixed(1)} GMAC for one ${size}x${size} ` +
      `image, ${threads} threads; load ${loadavg()[0]!.toFixed(1)}, ${rounds.length} rounds`,
  )
  const line = (name: string, rates: readonly number[]) =>
    console.log(
      `${name.padEnd(46)}${median(rates).toFixed(3).padStart(9)} MP/s  (${Math.min(...rates).toFixed(3)} ` +
        `to ${Math.max(...rates).toFixed(3)})`,
    )
  line(
    'exact flow, whole cipher, two workers',
    rounds.map(({ exact }) => exact),
  )
  line(
    'FlowCrypt, paper profile, our engine',
    rounds.map(({ ours }) => ours),
  )
  if (rounds.some(({ torch }) => torch === undefined)) return console.log('no PyTorch here to compare with')
  line(
    'FlowCrypt, paper profile, PyTorch',
    rounds.map(({ torch }) => torch!),
  )
  const ratio = (name: string, ratios: readonly number[]) =>
    console.log(
      `${name.padEnd(46)}${median(ratios).toFixed(2).padStart(9)}       (${Math.min(...ratios).toFixed(2)} ` +
        `to ${Math.max(...ratios).toFixed(2)})`,
    )
  ratio(
    'exact flow / FlowCrypt in PyTorch',
    rounds.map(({ exact, torch }) => exact / torch!),
  )
  ratio(
    'our FlowCrypt / FlowCrypt in PyTorch',
    rounds.map(({ ours, torch }) => ours / torch!),
  )
}

interface Contender {
  /** Megapixels a second. */
  rate(): Promise<number>
  close(): Promise<void>
}

async function openExactFlow(): Promise<Contender> {
  const pool = await openExactFlowPool({ workers: 2, weights: await sealingWeights() })
  const tile = Uint8Array.from({ length: TILE_BYTES }, (_, i) => i * i)
  return {
    rate: () =>
      rateOf(TILES * TILE_PIXELS, () =>
        Promise.all(Array.from({ length: TILES }, (_, i) => pool.encrypt(new Uint8Array(32), Uint8Array.of(i), tile))),
      ),
    close: () => pool.close(),
  }
}

async function openFlowCrypt(size: number, threads: number): Promise<Contender> {
  const runner = runnerOf(await initialise(flowCryptParameters(SHAPES.paper), 1), { threads })
  const [w, h] = [size / 2, size]
  const values = (length: number) => Float32Array.from({ length }, (_, i) => ((i * 2_654_435_761) % 1000) / 1000)
  const halves = { x: values(3 * w * h), y: values(3 * w * h), mapX: values(w * h), mapY: values(w * h) }
  return {
    rate: async () => {
      const rates: number[] = []
      for (let i = 0; i < 3; i++) rates.push(await rateOf(size * size, () => runner.run('forward', halves, { w, h })))
      return median(rates)
    },
    close: () => runner.close(),
  }
}

/** Idle threads of the contender before spin for a moment before they sleep. */
async function rateOf(pixels: number, work: () => Promise<unknown>): Promise<number> {
  await pause(150)
  return pixels / 1000 / (await timed('wall', work))
}
