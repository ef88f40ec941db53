import { argumentError } from '@latent/core'
import { compile, layers, losses, mapTree, muon, ops, sgd, shape, tensor } from '@latent/graph'
import type { Compiled, Expr, Operand, Parameter, SessionOptions, Tensor, Training, Tree } from '@latent/graph'

/** What a network is to tell apart: images of this size, in so many classes. */
export interface Task {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly classes: number
}

/** Batch normalisation, by the batch's own statistics in training and by the running ones afterwards. */
export type Norm = (x: Expr, p: layers.Scale<Operand>, running: layers.RunningStatistics<Operand>) => Expr

/**
 * A network that sorts images into classes, ready to be trained: its parameters, the running
 * statistics of its batch norms (an empty tree where it has none), and `[N, C, H, W]` to logits
 * `[N, classes]`.
 */
export interface Classifier {
  readonly id: string
  readonly parameters: Tree<Parameter>
  readonly statistics: Tree<Parameter>
  readonly logits: (p: Tree<Operand>, statistics: Tree<Operand>, images: Expr, norm: Norm) => Expr
}

/** Keeps the types of a network's own trees inside it. */
export function classifier<P, S>(fields: {
  id: string
  parameters: P
  statistics: S
  logits: (p: Applied<P>, statistics: Applied<S>, images: Expr, norm: Norm) => Expr
}): Classifier {
  return fields as unknown as Classifier
}

/** The tree `T` of parameters with what operators take in place of each. */
export type Applied<T> = T extends Parameter
  ? Operand
  : T extends readonly (infer U)[]
    ? Applied<U>[]
    : { [K in keyof T]: Applied<T[K]> }

/** How a classifier is trained; momentum 0.9 by default. */
export interface ClassifierTrainingOptions {
  readonly batchSize: number
  /** Of gradient descent; Muon has none. */
  readonly weightDecay: number
  readonly momentum?: number
  readonly optimiser?: 'sgd' | 'muon'
}

/**
 * Cross-entropy against soft labels, by stochastic gradient descent with Nesterov's momentum, or by Muon, which needs
 * fewer epochs.
 */
export function classifierTraining(
  { parameters, statistics, logits }: Classifier,
  { width, height, channels, classes }: Task,
  { batchSize, weightDecay, momentum = 0.9, optimiser = 'sgd' }: ClassifierTrainingOptions,
): Training<never, never> {
  const training: Training<{ network: Tree<Parameter> }, Tree<Parameter>> = {
    networks: { network: parameters },
    state: statistics,
    batch: { images: shape([batchSize, channels, height, width]), labels: shape([batchSize, classes]) },
    phases: [
      {
        name: 'loss',
        trains: ['network'],
        optimiser: optimiser === 'muon' ? muon({ momentum }) : sgd({ momentum, weightDecay }),
        loss({ networks, state, batch }) {
          const after = new Map<unknown, layers.RunningStatistics<Expr>>()
          const norm: Norm = (x, p, running) => {
            const normed = layers.batchNormTraining(x, p, running as layers.RunningStatistics<Expr>)
            after.set(running, normed.running)
            return normed.y
          }
          const scores = logits(networks.network, state, batch['images']!, norm)
          return { loss: losses.crossEntropy(scores, batch['labels']!), state: replaced(state, after) as never }
        },
      },
    ],
  }
  return training as unknown as Training<never, never>
}

/** The tree with the nodes that the map knows replaced. */
function replaced(tree: Tree<Expr>, after: ReadonlyMap<unknown, Tree<Expr>>): Tree<Expr> {
  const found = after.get(tree)
  if (found !== undefined) return found
  if (Array.isArray(tree)) return tree.map(child => replaced(child as Tree<Expr>, after))
  return Object.fromEntries(Object.entries(tree).map(([key, child]) => [key, replaced(child as Tree<Expr>, after)]))
}

/** A trained network, compiled for batches of one size. */
export interface Predictor {
  /** The most likely class of each image; `images` is `[count, C, H, W]`, `count` at most the batch size. */
  classes(images: Float32Array, count: number): Promise<Uint8Array>
  close(): Promise<void>
}

/**
 * A trained network that sorts batches of one size. `weights` are by path, as a training run names them (`network.*`),
 * `statistics` by path without prefix.
 */
export async function openPredictor(
  network: Classifier,
  task: Task,
  {
    weights,
    statistics,
    batchSize,
  }: { weights: Readonly<Record<string, Tensor>>; statistics: Readonly<Record<string, Tensor>>; batchSize: number },
  options: SessionOptions = {},
): Promise<Predictor> {
  const { width, height, channels, classes } = task
  // Weights are constants of this graph: the runtime then lays them out for the processor once.
  const p = mapTree(network.parameters as object, path => found(weights, `network.${path}`)) as Tree<Tensor>
  const state = mapTree(network.statistics as object, path => found(statistics, path)) as Tree<Tensor>
  const compiled: Compiled = await compile(
    (args: { p: Tree<Expr>; state: Tree<Expr>; images: Expr }) =>
      network.logits(args.p as Tree<Operand>, args.state as Tree<Operand>, args.images, layers.batchNorm),
    { p, state, images: shape([batchSize, channels, height, width]) } as never,
    options,
  )
  return {
    async classes(images, count) {
      const { output } = await compiled.run({ images: tensor('f32', [batchSize, channels, height, width], images) })
      const scores = output!.data as Float32Array
      return Uint8Array.from({ length: count }, (_, i) =>
        indexOfLargest(scores.subarray(i * classes, (i + 1) * classes)),
      )
    },
    close: () => compiled.close(),
  }
}

function found(tensors: Readonly<Record<string, Tensor>>, path: string): Tensor {
  const value = tensors[path]
  if (!value) throw argumentError('weights', `a tensor ${path}`, undefined)
  return value
}

function indexOfLargest(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Mean over the pixels of each channel. */
export const pooled = (x: Expr): Expr => ops.mean(x, [2, 3])
