import type { ExactFlowOptions } from '@latent/schemes/exact-flow'
import { TILE_BYTES } from '@latent/schemes/exact-flow'
import { loadavg } from 'node:os'
import { Worker } from 'node:worker_threads'
import { chromium, openPage } from '../test/browser/page.ts'
import type * as Script from './exact-flow/rate.ts'

/**
 * The exact flow in Chromium and in Node, WASM and native: whole-cipher megabytes a second, and the
 * ratio to native int8 on one thread, all in one run. Every line is measured twice, the two passes
 * apart; a line's figures are the better pass and, in brackets, the other.
 */
interface Line {
  readonly where: 'Node' | 'Chromium'
  readonly options: ExactFlowOptions
  readonly gpu?: 'software'
}

const LINES: readonly Line[] = [
  { where: 'Node', options: { backend: 'ort-node', arithmetic: 'int8', threads: 1 } },
  { where: 'Node', options: { backend: 'ort-node', arithmetic: 'int8', threads: 2 } },
  { where: 'Node', options: { backend: 'ort-wasm', arithmetic: 'int8', threads: 1 } },
  { where: 'Node', options: { backend: 'ort-wasm', arithmetic: 'int8', threads: 2 } },
  { where: 'Chromium', options: { backend: 'ort-wasm', arithmetic: 'int8', threads: 1 } },
  { where: 'Chromium', options: { backend: 'ort-wasm', arithmetic: 'int8', threads: 2 } },
  { where: 'Chromium', options: { backend: 'ort-wasm', arithmetic: 'float', threads: 1 } },
  { where: 'Chromium', options: { backend: 'ort-wasm', arithmetic: 'float', threads: 2 } },
  { where: 'Chromium', options: { backend: 'ort-webgpu', arithmetic: 'float' }, gpu: 'software' },
]
const MILLISECONDS = 2000
// The software adapter takes seconds for a full tile.
const SMALL_TILE_BYTES = 98_304

export default async function run(): Promise<void> {
  const lines = LINES.filter(({ where }) => where === 'Node' || chromium !== undefined)
  if (chromium === undefined) console.log('no Chromium here: Node alone')
  const passes: number[][] = []
  for (let pass = 0; pass < 2; pass++) {
    const rates: number[] = []
    for (const line of lines) rates.push(await measure(line))
    passes.push(rates)
  }
  const best = lines.map((_, i) => Math.max(passes[0]![i]!, passes[1]![i]!))
  console.log(`${'where'.padEnd(9)} ${'backend'.padEnd(28)} ${'threads'.padStart(7)} ${'MB/s'.padStart(16)} ${'to native int8'.padStart(15)}`)
  for (const [i, { where, options, gpu }] of lines.entries()) {
    const backend = `${[options.backend].flat().join()} ${options.arithmetic}${gpu ? `, ${gpu} adapter` : ''}`
    const rates = `${best[i]!.toFixed(2)} (${Math.min(passes[0]![i]!, passes[1]![i]!).toFixed(2)})`
    console.log(`${where.padEnd(9)} ${backend.padEnd(28)} ${String(options.threads ?? '').padStart(7)} ${rates.padStart(16)} ${(best[i]! / best[0]!).toFixed(3).padStart(15)}`)
  }
}

async function measure({ where, options, gpu }: Line): Promise<number> {
  const args = [options, gpu === 'software' ? SMALL_TILE_BYTES : TILE_BYTES, MILLISECONDS] as const
  if (where === 'Node') {
    const worker = new Worker(new URL('exact-flow/rate-worker.ts', import.meta.url), { workerData: args })
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  }
  const page = await openPage<typeof Script>(new URL('exact-flow/rate.ts', import.meta.url), gpu === undefined ? {} : { gpu })
  try {
    return await page.call.rate(...args)
  } finally {
    await page.close()
  }
}
