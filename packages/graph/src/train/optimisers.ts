import { argumentError } from '@latent/core'
import * as op from '../ops.ts'
import type { Expr } from '../ops.ts'

/**
 * An update rule, element by element. What depends on the step alone is computed on the host in double
 * precision and fed as a few scalars, so that no graph ever raises a decay to the millionth power.
 */
export interface Optimiser {
  /** For runtimes that have the rule themselves. */
  readonly rule?: OptimiserRule
  /** Parameters that the rule wants whole, not in a row with others. */
  readonly alone?: (dims: readonly number[]) => boolean
  /** Arrays of the parameters' shape that the rule carries from step to step. They start at zero. */
  readonly slots: number
  /** Scalars for step `step` (from 1) at learning rate `rate`. */
  readonly scalars: (step: number, rate: number) => readonly number[]
  readonly update: (
    parameter: Expr,
    gradient: Expr,
    slots: readonly Expr[],
    scalars: readonly Expr[],
  ) => { parameter: Expr; slots: Expr[] }
}

/** A rule by name, with its constants. */
export type OptimiserRule =
  | { readonly name: 'adam'; readonly beta1: number; readonly beta2: number; readonly epsilon: number }
  | {
      readonly name: 'muon'
      readonly beta1: number
      readonly beta2: number
      readonly epsilon: number
      readonly momentum: number
      readonly rest: number
    }

/** As in Kingma and Ba (2015): 0.9, 0.999 and 1e-8 unless given, without decay. */
export interface AdamOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Adam adds decay * parameter to the gradient; AdamW shrinks the parameter itself. */
  readonly weightDecay?: number
}

/** Adam (Kingma and Ba 2015). */
export const adam = (options: AdamOptions = {}): Optimiser => adamRule(options, false)

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019). Default decay 0.01. */
export const adamW = (options: AdamOptions = {}): Optimiser => adamRule({ weightDecay: 0.01, ...options }, true)

function adamRule(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamOptions,
  decoupled: boolean,
): Optimiser {
  for (const [name, beta] of Object.entries({ beta1, beta2 }))
    if (!(beta >= 0 && beta < 1)) throw argumentError(name, 'a number from 0 to below 1', beta)
  return {
    ...(weightDecay === 0 ? { rule: { name: 'adam', beta1, beta2, epsilon } as const } : {}),
    slots: 2,
    /*
     * The slots hold m / (1 - beta1) and v / (1 - beta2), which spares two passes over memory a step.
     * With s = sqrt((1 - beta2) / (1 - beta2^t)), the rule p - rate * mHat / (sqrt(vHat) + epsilon) becomes
     * p - [rate * (1 - beta1) / (1 - beta1^t) / s] * M / (sqrt(V) + epsilon / s).
     */
    scalars(step, rate) {
      const s = Math.sqrt((1 - beta2) / (1 - beta2 ** step))
      return [(rate * (1 - beta1)) / (1 - beta1 ** step) / s, epsilon / s, 1 - rate * weightDecay]
    },
    update(parameter, gradient, [m, v], [scale, floor, keep]) {
      const g = weightDecay > 0 && !decoupled ? op.add(gradient, op.mul(parameter, weightDecay)) : gradient
      const nextM = op.add(op.mul(m!, beta1), g)
      const nextV = op.add(op.mul(v!, beta2), op.square(g))
      const kept = weightDecay > 0 && decoupled ? op.mul(parameter, keep!) : parameter
      const move = op.mul(op.div(nextM, op.add(op.sqrt(nextV), floor!)), scale!)
      return { parameter: op.sub(kept, move), slots: [nextM, nextV] }
    },
  }
}

/** What may be said of Muon. */
export interface MuonOptions {
  /** Nesterov's. Default 0.95. */
  readonly momentum?: number
  /** Adam's rate for the other parameters, as a share of the rate. Default 0.5. */
  readonly rest?: number
}

/** Fewer channels than these on a side: the first and the last layer of an image network. */
const FEW_CHANNELS = 16
/** Of Newton and Schulz's iteration: five turns bring every singular value between about 0.7 and 1.2. */
const [TURNS, A, B, C] = [5, 3.4445, -4.775, 2.0315]

/**
 * Muon (Jordan et al. 2024): the momentum of a convolution between many channels, as a matrix of outputs by inputs, is
 * replaced by the orthogonal matrix nearest to it, so that directions with small gradients (fine details) are learned
 * as fast as those with large ones. The size of a move is that of Adam's at the same rate (Liu et al. 2025:
 * 0.2 sqrt(max(rows, columns))). All other parameters are moved by Adam.
 */
export function muon({ momentum = 0.95, rest = 0.5 }: MuonOptions = {}): Optimiser {
  const others = adam()
  const { beta1, beta2, epsilon } = others.rule as OptimiserRule
  const whole = (dims: readonly number[]) => dims.length === 4 && Math.min(dims[0]!, dims[1]!) >= FEW_CHANNELS
  return {
    rule: { name: 'muon', beta1, beta2, epsilon, momentum, rest },
    alone: whole,
    slots: others.slots,
    scalars: (step, rate) => [...others.scalars(step, rest * rate), rate],
    update(parameter, gradient, slots, scalars) {
      if (!whole(parameter.shape)) return others.update(parameter, gradient, slots, scalars)
      const [first, unused] = slots as [Expr, Expr]
      const next = op.add(op.mul(first, momentum), gradient)
      const rows = parameter.shape[0]!
      const columns = parameter.shape.slice(1).reduce((a, b) => a * b)
      const wanted = op.reshape(op.add(gradient, op.mul(next, momentum)), [rows, columns])
      const move = op.mul(orthogonalised(wanted), op.mul(scalars.at(-1)!, 0.2 * Math.sqrt(Math.max(rows, columns))))
      return { parameter: op.sub(parameter, op.reshape(move, parameter.shape)), slots: [next, unused] }
    },
  }
}

/** The orthogonal factor of a matrix, nearly. */
function orthogonalised(matrix: Expr): Expr {
  const tall = matrix.shape[0]! > matrix.shape[1]!
  const turned = (x: Expr) => op.transpose(x, [1, 0])
  let x = tall ? turned(matrix) : matrix
  x = op.div(x, op.add(op.sqrt(op.sum(op.square(x))), 1e-7))
  for (let turn = 0; turn < TURNS; turn++) {
    const square = op.matmul(x, turned(x))
    const polynomial = op.add(op.mul(square, B), op.mul(op.matmul(square, square), C))
    x = op.add(op.mul(x, A), op.matmul(polynomial, x))
  }
  return tall ? turned(x) : x
}

/** Momentum (0.9 unless given), whether it looks ahead (it does unless told not to), and decay added to gradients. */
export interface SgdOptions {
  readonly momentum?: number
  readonly nesterov?: boolean
  readonly weightDecay?: number
}

/** Stochastic gradient descent with momentum, Nesterov's by default (Sutskever et al. 2013, as PyTorch writes it). */
export function sgd({ momentum = 0.9, nesterov = true, weightDecay = 0 }: SgdOptions = {}): Optimiser {
  return {
    slots: momentum > 0 ? 1 : 0,
    scalars: (_, rate) => [rate],
    update(parameter, gradient, [velocity], [rate]) {
      const g = weightDecay > 0 ? op.add(gradient, op.mul(parameter, weightDecay)) : gradient
      if (!velocity) return { parameter: op.sub(parameter, op.mul(g, rate!)), slots: [] }
      const next = op.add(op.mul(velocity, momentum), g)
      const direction = nesterov ? op.add(g, op.mul(next, momentum)) : next
      return { parameter: op.sub(parameter, op.mul(direction, rate!)), slots: [next] }
    },
  }
}

/** A learning rate by step (from 0) of `total`. */
export type Schedule = (step: number, total: number) => number

/** The same learning rate at every step. */
export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate

/** Half a cosine from `rate` down to `end` (Loshchilov and Hutter 2017), after a linear rise over `warmup` steps. */
export const cosineRate =
  (rate: number, { warmup = 0, end = 0 }: { warmup?: number; end?: number } = {}): Schedule =>
  (step, total) => {
    if (step < warmup) return (rate * (step + 1)) / warmup
    const part = Math.min(1, (step - warmup) / Math.max(1, total - warmup))
    return end + ((rate - end) * (1 + Math.cos(Math.PI * part))) / 2
  }

/** `rate` multiplied by `factor` after each of `parts` equal parts of the run. */
export const stepRate =
  (rate: number, { factor = 0.5, parts = 4 }: { factor?: number; parts?: number } = {}): Schedule =>
  (step, total) =>
    rate * factor ** Math.min(parts - 1, Math.floor((step * parts) / total))

/** `rate` for the first `hold` of the run, then linearly down to zero (as CycleGAN trains). */
export const linearRate =
  (rate: number, { hold = 0.5 }: { hold?: number } = {}): Schedule =>
  (step, total) =>
    rate * Math.min(1, Math.max(0, (total - step) / (total * (1 - hold))))

/**
 * From zero up to `rate` over the first `rise` of the run, then down to zero, both linearly (one cycle; after Smith and
 * Topin 2019).
 */
export const triangularRate =
  (rate: number, { rise = 0.25 }: { rise?: number } = {}): Schedule =>
  (step, total) => {
    const part = Math.min(1, (step + 1) / (total + 1))
    return rate * (part < rise ? part / rise : (1 - part) / (1 - rise))
  }
