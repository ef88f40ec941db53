import { defaultChain } from '#ort'
import { LatentError } from '@latent/core'
import { encodeModel } from '../onnx.ts'
import { initialise } from '../parameters.ts'
import { type Loop, openLoop } from '../loop.ts'
import type { Backend, SessionOptions } from '../runtime.ts'
import { nativeTarget } from '../target.ts'
import { tensor, zeros } from '../tensor.ts'
import type { Tensor } from '../tensor.ts'
import { leaves } from '../tree.ts'
import type { Tree } from '../tree.ts'
import { CACHED, fillSlab, readSlab, slabDims, WHOLE } from './slabs.ts'
import type { Training } from './training.ts'
import { type Layout, layout, DEVICE, modelOf } from './step-graph.ts'

/** Everything that a run carries from one step to the next, by name: a checkpoint's tensors. */
export type Snapshot = Readonly<Record<string, Tensor>>

/** A compiled training step with its weights. */
export interface Stepper {
  readonly backend: Loop['backend']
  /** Steps done. */
  readonly step: number
  /** One step of every phase, at one learning rate for each. @returns losses and metrics by name */
  advance(batch: Readonly<Record<string, Tensor>>, rates: readonly number[]): Promise<Record<string, number>>
  /** Weights by path: the trained ones, or their moving averages. */
  weights(which?: 'networks' | 'average'): Promise<Record<string, Tensor<'f32'>>>
  /** Copies of the state's arrays (running statistics, say), by path. */
  state(): Promise<Record<string, Tensor<'f32'>>>
  snapshot(): Promise<Snapshot>
  /** @throws E_WEIGHTS if the snapshot belongs to another training problem */
  restore(snapshot: Snapshot, step: number): void
  close(): Promise<void>
}

/** Where a training step runs. */
export type StepperOptions = SessionOptions

/**
 * On the native backend with all that its processor offers; on a graphics card as cards like it; on any other, standard
 * ONNX.
 */
async function openStep<N, S>(
  training: Training<N, S>,
  plan: Layout,
  initial: Readonly<Record<string, Tensor>>,
  options: StepperOptions,
): Promise<Loop> {
  const chain = chainOf(options)
  if (chain[0] === 'ort-node') {
    const target = await nativeTarget()
    if (target.convolution) {
      const native = encodeModel(modelOf(training, plan, target))
      try {
        return await openLoop(native, initial, { ...options, backend: 'ort-node' })
      } catch (error) {
        // Without the native library the rest of the chain may serve; a graph it refuses is our defect, unless asked
        // otherwise.
        if (chain.length === 1) throw error
      }
    }
  }
  return openLoop(encodeModel(modelOf(training, plan, chain[0] === 'ort-webgpu' ? DEVICE : {})), initial, options)
}

const chainOf = ({ backend }: SessionOptions): readonly Backend[] =>
  backend === undefined ? defaultChain : [backend].flat()

/**
 * Compiles a training step and draws initial weights: loss, gradients, clipping, optimiser and moving
 * averages of all phases are one ONNX graph, whose outputs of one step are the inputs of the next.
 * @param seed of the initial weights
 */
export async function openStepper<N, S>(
  training: Training<N, S>,
  seed: number,
  options: StepperOptions = {},
): Promise<Stepper> {
  const plan = layout(training, chainOf(options)[0] === 'ort-webgpu' ? WHOLE : CACHED)
  const drawn = startingWeights(
    Object.fromEntries(leaves<Tensor>((await initialise(training.networks as object, seed)) as Tree<Tensor>)),
    training.start ?? {},
  )
  const initialState = Object.fromEntries(leaves<Tensor>(await initialise(training.state ?? {}, seed)))

  const initial: Record<string, Tensor> = {}
  plan.slabs.forEach(({ slab }, i) => {
    initial[`slabs.${i}`] = fillSlab(slab, drawn)
    for (let j = 0; j < plan.slots[i]!; j++) initial[`slots.${i}.${j}`] = zeros('f32', slabDims(slab))
    if (training.average !== undefined) initial[`average.${i}`] = fillSlab(slab, drawn)
  })
  for (const [path, value] of Object.entries(initialState)) initial[`state.${path}`] = value
  const loop = await openStep(training, plan, initial, options)
  let step = 0

  return {
    backend: loop.backend,
    get step() {
      return step
    },
    async advance(batch, rates) {
      const feeds: Record<string, Tensor> = {}
      for (const [name, value] of Object.entries(batch)) feeds[`batch.${name}`] = value
      training.phases.forEach((phase, i) => {
        phase.optimiser
          .scalars(step + 1, rates[i]!)
          .forEach((value, j) => (feeds[`scalars.${i}.${j}`] = tensor('f32', [], Float32Array.of(value))))
      })
      const decay = Math.min(training.average ?? 0, (2 + step) / (11 + step))
      feeds['decay.average'] = tensor('f32', [], Float32Array.of(1 - decay))
      const report = await loop.run(feeds)
      step++
      return Object.fromEntries(
        Object.entries(report).map(([name, { data }]) => [name.slice('report.'.length), Number(data[0])]),
      )
    },
    async weights(which = 'networks') {
      const kind = which === 'average' && training.average !== undefined ? 'average' : 'slabs'
      const current = await loop.read(name => name.startsWith(`${kind}.`))
      return Object.fromEntries(plan.slabs.flatMap(({ slab }, i) => readSlab(slab, current[`${kind}.${i}`]!)))
    },
    async state() {
      const current = await loop.read(name => name.startsWith('state.'))
      return Object.fromEntries(
        Object.keys(initialState).map(path => [path, current[`state.${path}`] as Tensor<'f32'>]),
      )
    },
    snapshot: async () => named(plan, await loop.read()),
    restore(snapshot, at) {
      loop.write(unnamed(plan, snapshot, initial))
      step = at
    },
    close: () => loop.close(),
  }
}

const slabKey = /^(slabs|slots|average)\.(\d+)(?:\.(\d+))?$/

const roleOf = (kind: string, slot: string | undefined) =>
  kind === 'slabs' ? 'networks' : kind === 'slots' ? `slots.${slot}` : 'average'

/** Arrays by slab as arrays by parameter: the form a checkpoint keeps, whatever the slabs. */
function named({ slabs }: Layout, set: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(set).flatMap(([name, value]) => {
      const [, kind, i, slot] = slabKey.exec(name) ?? []
      if (kind === undefined) return [[name, value]]
      return readSlab(slabs[Number(i)]!.slab, value).map(([path, part]): [string, Tensor] => [
        `${roleOf(kind, slot)}.${path}`,
        part,
      ])
    }),
  )
}

function unnamed(
  { slabs }: Layout,
  snapshot: Snapshot,
  like: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const used = new Set<string>()
  const take = (name: string, dims: readonly number[]): Tensor => {
    const found = snapshot[name]
    if (!found || found.dtype !== 'f32' || found.dims.join() !== dims.join()) {
      throw new LatentError('E_WEIGHTS', `the checkpoint has no ${name} of shape [${dims.join(', ')}]`, {
        hint: 'it was written by another recipe, profile or version',
      })
    }
    used.add(name)
    return found
  }
  const result = Object.fromEntries(
    Object.entries(like).map(([name, value]): [string, Tensor] => {
      const [, kind, i, slot] = slabKey.exec(name) ?? []
      if (kind === undefined) return [name, take(name, value.dims)]
      const { slab } = slabs[Number(i)]!
      const role = roleOf(kind, slot)
      return [
        name,
        fillSlab(slab, Object.fromEntries(slab.members.map(({ path, dims }) => [path, take(`${role}.${path}`, dims)]))),
      ]
    }),
  )
  const extra = Object.keys(snapshot).find(name => !used.has(name))
  if (extra !== undefined)
    throw new LatentError('E_WEIGHTS', `the checkpoint has ${extra}, which this training does not know`, {
      hint: 'it was written by another recipe, profile or version',
    })
  return result
}

/** @throws E_WEIGHTS for a starting weight that no network has, or of another shape */
function startingWeights(
  drawn: Readonly<Record<string, Tensor>>,
  start: Readonly<Record<string, Tensor<'f32'>>>,
): Record<string, Tensor> {
  for (const [path, { dims }] of Object.entries(start)) {
    const expected = drawn[path]?.dims
    if (!expected)
      throw new LatentError('E_WEIGHTS', `the weights to start from hold ${path}, which this training has not`, {
        hint: 'start from a run of the same recipe and profile',
      })
    if (dims.join() !== expected.join())
      throw new LatentError(
        'E_WEIGHTS',
        `expected ${path} with dims [${expected.join(', ')}], received [${dims.join(', ')}]`,
        { hint: 'start from a run of the same recipe and profile' },
      )
  }
  return { ...drawn, ...start }
}
