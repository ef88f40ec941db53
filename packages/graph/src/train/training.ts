import type { Shape } from '../compile.ts'
import type { Expr } from '../ops.ts'
import type { Tensor } from '../tensor.ts'
import type { MapTree } from '../tree.ts'
import type { Optimiser } from './optimisers.ts'

/** What a loss function sees: every network's parameters, the state, and the batch. */
export interface LossInput<N, S> {
  readonly networks: MapTree<N, Expr>
  readonly state: MapTree<S, Expr>
  readonly batch: Readonly<Record<string, Expr>>
}

/** What a loss function gives: the loss, and what is to be known beside it. */
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
