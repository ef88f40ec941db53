import { build, encodeSafetensors, initialise, leaves, openStepper, type OnnxModel, ops, shape } from '@latent/graph'
import type { Expr, Tensor, Training, Tree } from '@latent/graph'
import { findRecipe } from '@latent/schemes/recipes'
import { recipeContext } from '@latent/training'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type BatchKind, trainingFile } from './training-file.ts'

const KINDS: Readonly<Record<string, BatchKind>> = {
  'encipher-gan-repaired': 'pair',
  'dense-resnet-learned': 'pair',
  'flowcrypt-learned': 'flowcrypt',
}
const RATE = 1e-4

/**
 * The step of a recipe on ONNX Runtime and on PyTorch (its graphics card, if it has one), from the same weights on the
 * same batch: how far their losses over three steps agree, and how many steps a second there are. Options: recipes,
 * --profile, --steps, --python (one with PyTorch), --write FOLDER (leaves the training files there, for
 * `bench/peers/train_graph.py` on another machine; they have no check).
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: {
      profile: { type: 'string', default: 'paper' },
      steps: { type: 'string', default: '3' },
      python: { type: 'string', default: '/usr/bin/python3' },
      write: { type: 'string' },
    },
  })
  const profile = values.profile === 'compact' ? 'compact' : 'paper'
  const folder = values.write ?? (await mkdtemp(join(tmpdir(), 'latent-gpu-')))
  for (const recipe of positionals.length > 0 ? positionals : Object.keys(KINDS)) {
    const kind = KINDS[recipe]
    if (kind === undefined) throw new Error(`expected one of: ${Object.keys(KINDS).join(', ')}`)
    const prepared = await findRecipe(recipe).open(recipeContext({ profile, seed: 1 }))
    const path = (name: string) => join(folder, `${recipe}.${name}`)
    await writeFile(path('training'), trainingFile(prepared.training, { recipe, kind }, NOTHING))
    const batch = await prepared.data(1000)
    const start = Object.fromEntries(
      leaves<Tensor<'f32'>>((await initialise(prepared.training.networks as object, 1)) as Tree<Tensor<'f32'>>),
    )
    await writeFile(path('start'), encodeSafetensors({ tensors: start, metadata: {} }))
    await writeFile(path('batch'), encodeSafetensors({ tensors: batch, metadata: {} }))
    const ours = await onProcessor(prepared.training as unknown as Training, batch, Number(values.steps))
    const { stdout } = await promisify(execFile)(values.python, [
      join(import.meta.dirname, 'peers/train_graph.py'),
      '--measure',
      path('training'),
      path('start'),
      path('batch'),
      String(RATE),
      values.steps,
    ])
    const theirs = JSON.parse(stdout) as Measured
    const apart = Math.max(
      ...ours.reports.flatMap((report, i) =>
        Object.entries(report).map(([name, value]) => {
          const other = theirs.reports[i]![name]!
          return Math.abs(value - other) / (Math.abs(other) + 1e-6)
        }),
      ),
    )
    const [here, there] = [ours.perSecond, theirs.perSecond]
    console.log(
      `gpu ${recipe} (${profile}, ${prepared.batchSize} images a step): ` +
        `ONNX Runtime on ${availableParallelism()} threads ${here.toPrecision(3)} steps/s, ` +
        `PyTorch ${theirs.torch} on ${theirs.device} ${there.toPrecision(3)} steps/s, ` +
        `ratio ${(there / here).toPrecision(3)}; losses over 3 steps agree to ${apart.toExponential(0)}`,
    )
    await prepared.close?.()
  }
  if (values.write === undefined) await rm(folder, { recursive: true })
}

interface Measured {
  readonly device: string
  readonly torch: string
  readonly perSecond: number
  readonly reports: readonly Readonly<Record<string, number>>[]
}

const NOTHING: OnnxModel = build((x: Expr) => ops.add(x, 1), shape([1]))

async function onProcessor(
  training: Training,
  batch: Readonly<Record<string, Tensor>>,
  steps: number,
): Promise<Pick<Measured, 'reports' | 'perSecond'>> {
  const stepper = await openStepper(training, 1)
  const rates = training.phases.map(() => RATE)
  const reports: Record<string, number>[] = []
  for (let i = 0; i < 3; i++) reports.push(await stepper.advance(batch, rates))
  const began = performance.now()
  for (let i = 0; i < steps; i++) await stepper.advance(batch, rates)
  const perSecond = (1000 * steps) / (performance.now() - began)
  await stepper.close()
  return { reports, perSecond }
}
