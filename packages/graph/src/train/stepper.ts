import { defaultChain } from '#ort'
import { LatentError } from '@latent/core'
import { build, shape } from '../compile.ts'
import type { Shape } from '../compile.ts'
import { differentiate } from '../differentiate.ts'
import type { ConvolutionTarget } from '../lower/convolution.ts'
import { deviceTarget } from '../lower/device-target.ts'
import { encodeModel, type OnnxModel } from '../onnx.ts'
import * as op from '../ops.ts'
import type { Expr } from '../ops.ts'
import { initialise } from '../parameters.ts'
import type { Parameter } from '../parameters.ts'
import { type Loop, openLoop } from '../loop.ts'
import type { Backend, SessionOptions } from '../runtime.ts'
import { nativeTarget } from '../target.ts'
import { tensor, zeros } from '../tensor.ts'
import type { Tensor } from '../tensor.ts'
import { leaves, mapTree } from '../tree.ts'
import type { MapTree, Tree } from '../tree.ts'
import type { Optimiser } from './optimisers.ts'
import { CACHED, cutSlab, fillSlab, joinSlab, planSlabs, readSlab, slabDims, WHOLE } from './slabs.ts'
import type { Slab, SlabSizes } from './slabs.ts'

/** What a loss function sees: every network's parameters, the state, and the batch. */
export interface LossInput<N, S> {
  readonly networks: MapTree<N, Expr>
  readonly state: MapTree<S, Expr>
  readonly batch: Readonly<Record<string, Expr>>
}

export interface LossOutput<S> {
  readonly loss: Expr
  /** Scalars to report beside the loss. */
  readonly metrics?: Readonly<Record<string, Expr>>
  /** What the state becomes (running statistics, say). Default: what it was. */
  readonly state?: MapTree<S, Expr>
}

/** One turn of a step: some networks move down the gradient of one loss. */
export interface Phase<N, S> {
  readonly name: string
  readonly trains: readonly (keyof N & string)[]
  readonly optimiser: Optimiser
  /** Scales gradients down to this global norm (Pascanu et al. 2013). */
  readonly clip?: number
  readonly loss: (input: LossInput<N, S>) => LossOutput<S>
}

/** A training problem: networks, their data and how they are trained, in turn within each step. */
export interface Training<N = Record<string, object>, S = object> {
  /** Parameter trees by name. */
  readonly networks: N
  /** Arrays that losses update themselves. */
  readonly state?: S
  /** Inputs of one step, by name. */
  readonly batch: Readonly<Record<string, Shape>>
  readonly phases: readonly Phase<N, S>[]
  /**
   * Keeps exponential moving averages of all weights (Polyak averaging) with this decay, or with
   * (1 + t) / (10 + t) while that is less, so that the beginning is soon forgotten.
   */
  readonly average?: number
  /** Weights to start from, by path (such as `generator.first.weight`), instead of drawn ones; the rest is drawn. */
  readonly start?: Readonly<Record<string, Tensor<'f32'>>>
}

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

interface Layout {
  /** Slabs of each network, and which phase trains it. */
  readonly slabs: readonly { readonly network: string; readonly slab: Slab }[]
  readonly slots: number[]
}

function layout<N, S>(training: Training<N, S>, sizes: SlabSizes): Layout {
  const slabs = Object.entries(training.networks as Record<string, Tree<Parameter>>).flatMap(([network, tree]) =>
    planSlabs(
      leaves<Parameter>(tree).map(([path, leaf]) => [`${network}.${path}`, leaf.dims]),
      sizes,
    ).map(slab => ({ network, slab })),
  )
  const slots = slabs.map(({ network }) => {
    const phases = training.phases.filter(({ trains }) => (trains as readonly string[]).includes(network))
    if (phases.length !== 1)
      throw new LatentError(
        'E_ARGUMENT',
        `expected network ${network} to be trained in one phase, found ${phases.length}`,
      )
    return phases[0]!.optimiser.slots
  })
  return { slabs, slots }
}

/** The names under which a run's arrays enter the graph; what comes out has `next.` before it. */
function argumentsOf<N, S>(training: Training<N, S>, { slabs, slots }: Layout) {
  const each = (make: (i: number) => Shape) => Object.fromEntries(slabs.map((_, i) => [String(i), make(i)]))
  const like = (i: number) => shape(slabDims(slabs[i]!.slab))
  return {
    slabs: each(like),
    slots: Object.fromEntries(
      slabs.map((_, i) => [
        String(i),
        Object.fromEntries(Array.from({ length: slots[i]! }, (_, j) => [String(j), like(i)])),
      ]),
    ),
    average: training.average === undefined ? {} : each(like),
    decay: training.average === undefined ? {} : { average: shape([]) },
    state: mapTree(training.state ?? {}, (_, leaf) => shape((leaf as unknown as Parameter).dims)) as Record<
      string,
      Shape
    >,
    batch: training.batch,
    scalars: Object.fromEntries(
      training.phases.map((phase, i) => [
        String(i),
        Object.fromEntries(phase.optimiser.scalars(1, 0).map((_, j) => [String(j), shape([])])),
      ]),
    ),
  }
}

type Named = Record<string, Expr>
interface Traced {
  readonly slabs: Named
  readonly slots: Record<string, Named>
  readonly average: Named
  readonly decay: Named
  readonly state: Named
  readonly batch: Named
  readonly scalars: Record<string, Named>
}

/** Traced: one whole step, all phases in turn. */
function traceStep<N, S>(training: Training<N, S>, plan: Layout, args: Traced): Tree<Expr> {
  const slabs: Named = { ...args.slabs }
  const slots: Record<string, Named> = { ...args.slots }
  let state = args.state as MapTree<S, Expr>
  const report: Named = {}
  const networks = (): MapTree<N, Expr> => {
    const parts = new Map(plan.slabs.flatMap(({ slab }, i) => cutSlab(slab, slabs[String(i)]!)))
    return mapTree(training.networks as object, path => parts.get(path)!) as MapTree<N, Expr>
  }
  for (const [index, phase] of training.phases.entries()) {
    const all = networks() as Record<string, Tree<Expr>>
    const own = Object.fromEntries(phase.trains.map(name => [name, all[name]!]))
    const { loss, gradients, aux } = differentiate(own_ => {
      const {
        loss,
        metrics = {},
        state: next = state,
      } = phase.loss({ networks: { ...all, ...own_ } as MapTree<N, Expr>, state, batch: args.batch })
      return { loss, aux: { metrics, state: next } }
    }, own)
    state = aux.state
    const byPath = new Map(leaves<Expr>(gradients))
    const mine = plan.slabs.flatMap(({ network, slab }, i) =>
      (phase.trains as readonly string[]).includes(network) ? [{ i: String(i), gradient: joinSlab(slab, byPath) }] : [],
    )
    const clipped =
      phase.clip === undefined
        ? undefined
        : clipFactor(
            mine.map(({ gradient }) => gradient),
            phase.clip,
          )
    const scalars = Object.values(args.scalars[String(index)]!)
    for (const { i, gradient } of mine) {
      const g = clipped ? op.mul(gradient, clipped.factor) : gradient
      const next = phase.optimiser.update(slabs[i]!, g, Object.values(slots[i] ?? {}), scalars)
      slabs[i] = next.parameter
      slots[i] = Object.fromEntries(next.slots.map((slot, j) => [String(j), slot]))
    }
    report[phase.name] = loss
    if (clipped) report[`${phase.name}.gradient`] = clipped.norm
    for (const [name, value] of Object.entries(aux.metrics)) report[`${phase.name}.${name}`] = value
  }
  // old + (new - old) * (1 - decay): the host feeds 1 - decay.
  const average = Object.fromEntries(
    Object.entries(args.average).map(([i, old]) => [
      i,
      op.add(old, op.mul(op.sub(slabs[i]!, old), args.decay['average']!)),
    ]),
  )
  return { next: { slabs, slots, average, state: state as Tree<Expr> }, report }
}

function clipFactor(gradients: readonly Expr[], limit: number): { factor: Expr; norm: Expr } {
  const norm = op.sqrt(gradients.map(gradient => op.sum(op.square(gradient))).reduce((a, b) => op.add(a, b)))
  return { factor: op.minimum(1, op.div(limit, op.add(norm, 1e-6))), norm }
}

/** What a step is written for. */
export interface StepTarget extends ConvolutionTarget {
  readonly slabs?: SlabSizes
}

/** For graphics cards; right anywhere. */
const DEVICE: StepTarget = { ...deviceTarget, slabs: WHOLE }

/**
 * The step as an ONNX model, for a look at what the trainer runs.
 * @throws E_GRAPH for what cannot be lowered
 */
export const stepModel = <N, S>(training: Training<N, S>, target: StepTarget = {}): OnnxModel =>
  modelOf(training, layout(training, target.slabs ?? CACHED), target)

const modelOf = <N, S>(training: Training<N, S>, plan: Layout, target: ConvolutionTarget): OnnxModel =>
  build((args: Traced) => traceStep(training, plan, args), argumentsOf(training, plan), target)

export interface StepperOptions extends SessionOptions {
  /** Another runtime for the step than ONNX Runtime; it is given a step as graphics cards like it. */
  readonly loop?: (model: OnnxModel, initial: Readonly<Record<string, Tensor>>) => Promise<Loop>
}

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
  if (options.loop) return options.loop(modelOf(training, plan, DEVICE), initial)
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
  const plan = layout(training, options.loop || chainOf(options)[0] === 'ort-webgpu' ? WHOLE : CACHED)
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
