import { type Arithmetic, type FlowBackend, sealingWeights, TILE_BYTES } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { chromium, openPage } from '../test/browser/page.ts'
import { rate } from './exact-flow/rate.ts'
import type * as Script from './exact-flow/rate-page.ts'

interface Line {
  readonly where: 'Node' | 'Chromium'
  readonly backend: FlowBackend
  readonly arithmetic: Arithmetic
  /** Workers side by side, each with its own tiles and sessions. */
  readonly workers: number
  /** Threads of each session. */
  readonly threads: number
  readonly gpu?: 'software'
}

const line = (
  where: Line['where'],
  backend: FlowBackend,
  arithmetic: Arithmetic,
  workers: number,
  threads: number,
): Line => ({ where, backend, arithmetic, workers, threads })

const LINES: readonly Line[] = [
  line('Node', 'ort-node', 'int8', 1, 1),
  line('Node', 'ort-node', 'int8', 1, 2),
  line('Node', 'ort-node', 'int8', 2, 1),
  line('Node', 'kernel', 'int8', 1, 1),
  line('Node', 'kernel', 'int8', 2, 1),
  line('Node', 'ort-wasm', 'int8', 1, 1),
  line('Node', 'ort-wasm', 'int8', 1, 2),
  line('Node', 'ort-wasm', 'int8', 2, 1),
  line('Chromium', 'kernel', 'int8', 1, 1),
  line('Chromium', 'kernel', 'int8', 2, 1),
  line('Chromium', 'ort-wasm', 'int8', 1, 1),
  line('Chromium', 'ort-wasm', 'int8', 1, 2),
  line('Chromium', 'ort-wasm', 'int8', 2, 1),
  line('Chromium', 'ort-wasm', 'float', 1, 1),
  line('Chromium', 'ort-wasm', 'float', 1, 2),
  { ...line('Chromium', 'ort-webgpu', 'float', 1, 1), gpu: 'software' },
]
const MILLISECONDS = 2000
// The software adapter takes seconds for a full tile.
const SMALL_TILE_BYTES = 98_304

/**
 * Exact-flow encryption in Chromium and in Node, native and in WebAssembly, by our kernel and by ONNX Runtime:
 * megabytes a second of the whole cipher, and ratios to native int8 on one thread. Every line is measured in each of
 * the passes, and the median ratio within a pass counts: what else the machine does changes from pass to pass.
 * `--passes N`; `--only TEXT` for the lines whose backend is called so, beside the first
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { passes: { type: 'string', default: '3' }, only: { type: 'string', default: '' } },
  })
  const lines = LINES.filter(
    ({ where, backend }, i) =>
      (where === 'Node' || chromium !== undefined) && (i === 0 || backend.includes(values.only)),
  )
  if (chromium === undefined) console.log('no Chromium here: Node alone')
  const passes: number[][] = []
  while (passes.length < Number(values.passes)) {
    const rates: number[] = []
    for (const line of lines) rates.push(await measure(line))
    passes.push(rates)
  }
  console.log(
    `load ${loadavg()[0]!.toFixed(1)}, ${passes.length} passes; MB/s: best and least; ratio: median over ` +
      "passes of MB/s to the first line's\n",
  )
  console.log(row('where', 'backend', 'workers', 'threads', 'MB/s', 'ratio'))
  for (const [i, { where, backend, arithmetic, workers, threads, gpu }] of lines.entries()) {
    const rates = passes.map(pass => pass[i]!)
    const ratios = passes.map(pass => pass[i]! / pass[0]!).toSorted((a, b) => a - b)
    console.log(
      row(
        where,
        `${backend} ${arithmetic}${gpu ? `, ${gpu} adapter` : ''}`,
        workers,
        gpu ? '' : threads,
        `${Math.max(...rates).toFixed(2)} ${Math.min(...rates).toFixed(2)}`,
        ratios[ratios.length >> 1]!.toFixed(3),
      ),
    )
  }
}

const row = (where: string, backend: string, ...cells: readonly (string | number)[]) =>
  where.padEnd(9) + backend.padEnd(34) + cells.map(cell => String(cell).padStart(8)).join('  ')

// Pools throughout, of one worker too: the WASM runtime of a thread or page keeps the number of threads it was first
// given.
async function measure({ where, backend, arithmetic, workers, threads, gpu }: Line): Promise<number> {
  const options = { backend, arithmetic, workers, threads }
  if (where === 'Node')
    return rate(await openExactFlowPool({ ...options, weights: await sealingWeights() }), TILE_BYTES, MILLISECONDS)
  const page = await openPage<typeof Script>(
    new URL('exact-flow/rate-page.ts', import.meta.url),
    gpu === undefined ? {} : { gpu },
  )
  try {
    return await page.call.rateInBrowser(options, gpu === 'software' ? SMALL_TILE_BYTES : TILE_BYTES, MILLISECONDS)
  } finally {
    await page.close()
  }
}
