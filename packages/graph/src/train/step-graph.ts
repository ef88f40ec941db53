import { LatentError } from '@latent/core'
import { build, shape } from '../compile.ts'
import type { Shape } from '../compile.ts'
import { differentiate } from '../differentiate.ts'
import type { ConvolutionTarget } from '../lower/convolution.ts'
import { deviceTarget } from '../lower/device-target.ts'
import type { OnnxModel } from '../onnx.ts'
import * as op from '../ops.ts'
import type { Expr } from '../ops.ts'
import type { Parameter } from '../parameters.ts'
import { leaves, mapTree } from '../tree.ts'
import type { MapTree, Tree } from '../tree.ts'
import { CACHED, cutSlab, joinSlab, planSlabs, slabDims, WHOLE } from './slabs.ts'
import type { Slab, SlabSizes } from './slabs.ts'
import type { Optimiser } from './optimisers.ts'
import type { LossInput, Phase, Training } from './training.ts'

/** Where a step keeps its parameters: a few slabs a network, and the optimiser's slots beside each. */
export interface Layout {
  /** The slabs of every network. */
  readonly slabs: readonly { readonly network: string; readonly slab: Slab }[]
  /** How many arrays of its size the optimiser keeps beside each slab. */
  readonly slots: number[]
}

/** @throws E_ARGUMENT for a network that no phase trains, or more than one */
export function layout<N, S>(training: Training<N, S>, sizes: SlabSizes): Layout {
  const optimiserOf = (network: string): Optimiser => {
    const phases = training.phases.filter(({ trains }) => (trains as readonly string[]).includes(network))
    if (phases.length !== 1)
      throw new LatentError(
        'E_ARGUMENT',
        `expected network ${network} to be trained in one phase, found ${phases.length}`,
      )
    return phases[0]!.optimiser
  }
  const slabs = Object.entries(training.networks as Record<string, Tree<Parameter>>).flatMap(([network, tree]) =>
    planSlabs(
      leaves<Parameter>(tree).map(([path, leaf]) => [`${network}.${path}`, leaf.dims]),
      sizes,
      optimiserOf(network).alone,
    ).map(slab => ({ network, slab })),
  )
  return { slabs, slots: slabs.map(({ network }) => optimiserOf(network).slots) }
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
export const DEVICE: StepTarget = { ...deviceTarget, slabs: WHOLE }

/**
 * The step as an ONNX model, for a look at what the trainer runs.
 * @throws E_GRAPH for what cannot be lowered
 */
export const stepModel = <N, S>(training: Training<N, S>, target: StepTarget = {}): OnnxModel =>
  modelOf(training, layout(training, target.slabs ?? CACHED), target)

/** The step as an ONNX model over the slabs of a plan, for one target. @throws E_GRAPH for what cannot be lowered */
export const modelOf = <N, S>(training: Training<N, S>, plan: Layout, target: ConvolutionTarget): OnnxModel =>
  build((args: Traced) => traceStep(training, plan, args), argumentsOf(training, plan), target)

/**
 * The loss of one phase and its metrics as an ONNX model, not differentiated, for runtimes that differentiate by
 * themselves: inputs `networks.PATH`, `state.PATH` and `batch.NAME`, outputs `loss` and `metrics.NAME`. What
 * {@link op.withTangent} says of derivatives is not in it: a runtime must pass `Floor` by (straight-through), and
 * differentiate the rest as it is.
 * @throws E_GRAPH for what cannot be lowered
 */
export const lossModel = <N, S>({ networks, state, batch }: Training<N, S>, phase: Phase<N, S>): OnnxModel => {
  const shapesOf = (tree: unknown) =>
    mapTree(tree as object, (_, leaf) => shape((leaf as unknown as Parameter).dims)) as Record<string, Shape>
  return build(
    (args: Record<'networks' | 'state' | 'batch', Named>) => {
      const { loss, metrics = {} } = phase.loss(args as unknown as LossInput<N, S>)
      return { loss, metrics }
    },
    { networks: shapesOf(networks), state: shapesOf(state ?? {}), batch: batch as Record<string, Shape> } as never,
    {},
  )
}
