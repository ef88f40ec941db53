// What the networks of the exact flow cost, and how well they hide a picture by themselves, for many shapes.
import type { Image } from '@latent/core'
import { train } from '@latent/graph/train'
import { studentMean } from '@latent/lab'
import { onnxNetworks, parseWeights, PICTURE_ROWS, serializeWeights } from '@latent/schemes/exact-flow'
import {
  INPUT_ROW_BYTES,
  networkCost,
  ROW_BYTES,
  secondWeights,
  trainedWeights,
  type Weights,
} from '@latent/schemes/exact-flow'
import { checkPictures, flowRecipe, orthogonalStart, score } from '@latent/schemes/exact-flow/recipe'
import { flowTree, initialNetworks, quantise } from '@latent/schemes/exact-flow/straight-through'
import { chart, type ChartPoint } from '@latent/studies'
import { recipeContext } from '@latent/training'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { TERMS, termsOf } from './exact-flow/terms.ts'

type Shape = Parameters<typeof flowRecipe>[0]['shape']
const k = (outputs: number, height = 1, width = 1) => ({ outputs, kernel: [height, width] as const })

/** By name: positions a place, then the outputs of every layer and its kernel unless it is 1x1. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'b1 3x3 16,3x3 16,3x3 12': { block: 1, layers: [k(16, 3, 3), k(16, 3, 3), k(12, 3, 3)] },
  'b1 3x3 16,12': { block: 1, layers: [k(16, 3, 3), k(12)] },
  'b2 32,24': { block: 2, layers: [k(32), k(24)] },
  'b2 32,32,24': { block: 2, layers: [k(32), k(32), k(24)] },
  'b2 3x3 32,24': { block: 2, layers: [k(32, 3, 3), k(24)] },
  'b4 64,48': { block: 4, layers: [k(64), k(48)] },
  'b4 64,64,48': { block: 4, layers: [k(64), k(64), k(48)] },
  'b4 64,64,64,48': { block: 4, layers: [k(64), k(64), k(64), k(48)] },
  'b4 128,48': { block: 4, layers: [k(128), k(48)] },
  'b4 1x3 64,48': { block: 4, layers: [k(64, 1, 3), k(48)] },
  'b4 1x3 64,64,48': { block: 4, layers: [k(64, 1, 3), k(64), k(48)] },
  'b4 3x3 64,48': { block: 4, layers: [k(64, 3, 3), k(48)] },
}

const FOLDER = 'runs/flow-search'
const METRICS = ['loss', ...TERMS] as const
const BATCHES = 24

export default async function run(options: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: {
      train: { type: 'boolean' },
      starts: { type: 'boolean' },
      steps: { type: 'string', default: '600' },
      chart: { type: 'string' },
    },
  })
  const names = positionals.length > 0 ? positionals : Object.keys(SHAPES)
  const context = recipeContext({ profile: 'compact', seed: 1 })
  if (values.train) for (const name of names) await trained(name, Number(values.steps))
  const photos = await context.images('open-photos', 'val')
  const checks = await checkPictures(photos.slice(0, 2))
  const rows: [string, Weights][] = [
    ['first generation', await trainedWeights()],
    ['second generation', await secondWeights()],
  ]
  const points: ChartPoint[] = []
  for (const name of names) if (existsSync(fileOf(name))) rows.push([name, parseWeights(readFileSync(fileOf(name)))])
  if (values.starts)
    for (const name of names)
      if (isPlaces(SHAPES[name]!)) rows.push([`start of ${name}`, quantise(await orthogonalStart(1, 4, SHAPES[name]!))])
  console.log(['shape'.padEnd(26), 'weights', 'MAC/B', 'ns/B', 'WASM', ...METRICS, 'score'].join('  '))
  for (const [name, weights] of rows) {
    const metrics = await measured(weights, photos)
    const native = await nanoseconds(weights, 'ort-node')
    points.push({ x: native, y: metrics['loss']!, series: name })
    const { parameters, macs } = networkCost(weights)({ width: 1000, height: 1000, channels: 3 })
    console.log(
      [
        name.padEnd(26),
        String(parameters).padStart(7),
        (macs / 3e6).toFixed(0).padStart(5),
        native.toFixed(1).padStart(4),
        (await nanoseconds(weights, 'ort-wasm')).toFixed(1).padStart(4),
        ...METRICS.map(metric => metrics[metric]!.toFixed(4).padStart(metric.length)),
        (await score(weights, checks)).toFixed(3),
      ].join('  '),
    )
  }
  if (values.chart === undefined) return
  const drawn = await chart(points, {
    title: 'Four networks, whitening off',
    x: 'nanoseconds of one core for a byte, native int8',
    y: 'loss of the recipe',
    mark: 'point',
    zero: false,
  })
  writeFileSync(values.chart, `${drawn}\n`)
}

/** Is it a product of matrices, place by place? */
const isPlaces = ({ layers }: Shape) => layers.every(({ kernel }) => kernel[0] * kernel[1] === 1)

const fileOf = (name: string) => join(FOLDER, `${name}.weights`)

/** Trains a shape by the recipe, unless an earlier run has. */
async function trained(name: string, steps: number): Promise<void> {
  if (existsSync(fileOf(name))) return
  const network = SHAPES[name]!
  // Where windows are wider, the first start is the better one.
  const start = isPlaces(network) ? { start: orthogonalStart, rate: 0.05 } : { start: initialNetworks, rate: 0.1 }
  const plan = { id: name, title: name, shape: network, steps, photos: 'open-photos' as const, ...start }
  const prepared = await flowRecipe(plan).open(recipeContext({ profile: 'compact', seed: 1 }))
  mkdirSync(FOLDER, { recursive: true })
  const { weights, log } = await train(prepared.training, {
    ...prepared,
    name,
    steps,
    seed: 1,
    folder: join(FOLDER, name),
    resume: true,
    threads: 1,
  })
  const set = quantise(flowTree(weights))
  writeFileSync(fileOf(name), serializeWeights(set.networks))
  console.error(name, JSON.stringify(log.at(-1)))
}

/** Means of what the training's loss is made of, on pictures that it has not seen. */
async function measured(weights: Weights, photos: readonly Image<'u8'>[]): Promise<Record<string, number>> {
  const terms = await termsOf(weights, photos, 4242, BATCHES)
  return Object.fromEntries(Object.entries(terms).map(([name, values]) => [name, studentMean(values).mean]))
}

/** Processor time of the four networks alone for a byte of tile, on one thread: the best of a few tries. */
async function nanoseconds(weights: Weights, backend: 'ort-node' | 'ort-wasm'): Promise<number> {
  const networks = await onnxNetworks(weights, { backend, threads: 1 })
  const input = Uint8Array.from({ length: PICTURE_ROWS * INPUT_ROW_BYTES }, (_, i) => i * i)
  const output = new Uint8Array(PICTURE_ROWS * ROW_BYTES)
  const times = 8
  let best = Infinity
  for (let attempt = 0; attempt < 12; attempt++) {
    const before = process.cpuUsage()
    for (let i = 0; i < times; i++)
      for (let round = 0; round < 4; round++) await networks.run(round, input, PICTURE_ROWS, output)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, ((user + system) * 1000) / (2 * times * PICTURE_ROWS * ROW_BYTES))
  }
  await networks.close()
  return best
}
