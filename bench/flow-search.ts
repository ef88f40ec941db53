// What the networks of the exact flow cost, and how well they hide a picture by themselves, for many shapes.
import { compile, shape, type Tensor } from '@latent/graph'
import { train } from '@latent/graph/train'
import { onnxNetworks, parseWeights, PICTURE_ROWS, serializeWeights } from '@latent/schemes/exact-flow'
import {
  INPUT_ROW_BYTES,
  networkCost,
  ROW_BYTES,
  secondWeights,
  trainedWeights,
  type Weights,
} from '@latent/schemes/exact-flow'
import {
  BATCH_DIMS,
  checkPictures,
  cipherLoss,
  flowRecipe,
  OPEN_PHOTOS,
  patchBatch,
  score,
} from '@latent/schemes/exact-flow/recipe'
import { flowTree, mastersOf, quantise } from '@latent/schemes/exact-flow/straight-through'
import { chart, type ChartPoint } from '@latent/studies'
import { recipeContext } from '@latent/training'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

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
  'b4 128,48': { block: 4, layers: [k(128), k(48)] },
  'b4 1x3 64,48': { block: 4, layers: [k(64, 1, 3), k(48)] },
  'b4 1x3 64,64,48': { block: 4, layers: [k(64, 1, 3), k(64), k(48)] },
  'b4 3x3 64,48': { block: 4, layers: [k(64, 3, 3), k(48)] },
}

const FOLDER = 'runs/flow-search'
const METRICS = ['loss', 'histogram', 'pairs', 'map', 'pixel', 'clipped'] as const
const BATCHES = 24

export default async function run(options: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: { train: { type: 'boolean' }, steps: { type: 'string', default: '600' }, chart: { type: 'string' } },
  })
  const names = positionals.length > 0 ? positionals : Object.keys(SHAPES)
  const context = recipeContext({ profile: 'compact', seed: 1 })
  if (values.train) for (const name of names) await trained(name, Number(values.steps))
  const photos = await context.images(OPEN_PHOTOS.set, 'val')
  const checks = await checkPictures(photos.slice(0, 2))
  const rows: [string, Weights][] = [
    ['first generation', await trainedWeights()],
    ['second generation', await secondWeights()],
  ]
  const points: ChartPoint[] = []
  for (const name of names) if (existsSync(fileOf(name))) rows.push([name, parseWeights(readFileSync(fileOf(name)))])
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

const fileOf = (name: string) => join(FOLDER, `${name}.weights`)

/** Trains a shape by the recipe, unless an earlier run has. */
async function trained(name: string, steps: number): Promise<void> {
  if (existsSync(fileOf(name))) return
  const prepared = await flowRecipe({ id: name, title: name, shape: SHAPES[name]!, steps, photos: OPEN_PHOTOS }).open(
    recipeContext({ profile: 'compact', seed: 1 }),
  )
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

/** The loss of the training and its terms, four positions told apart, on pictures that it has not seen: means. */
async function measured(weights: Weights, photos: Parameters<typeof patchBatch>[0]): Promise<Record<string, number>> {
  const graph = await compile(
    ({ flow, batch }) => {
      const { loss, metrics } = cipherLoss(Object.values(flow), batch, 4)
      return { loss, ...metrics }
    },
    {
      flow: mastersOf(weights),
      batch: Object.fromEntries(Object.entries(BATCH_DIMS).map(([name, dims]) => [name, shape(dims)])),
    },
    { backend: 'ort-node', threads: 1 },
  )
  const sums: Record<string, number> = {}
  for (let step = 0; step < BATCHES; step++) {
    const batch = await patchBatch(photos, 4242, step)
    const found = await graph.run(
      Object.fromEntries(Object.entries(batch).map(([name, value]): [string, Tensor] => [`batch.${name}`, value])),
    )
    for (const [name, { data }] of Object.entries(found)) sums[name] = (sums[name] ?? 0) + Number(data[0]) / BATCHES
  }
  await graph.close()
  return sums
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
