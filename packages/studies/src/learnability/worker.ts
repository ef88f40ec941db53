import { type ErrorCode, LatentError } from '@latent/core'
import { train } from '@latent/graph/train'
import type { LabelledSet } from '@latent/data'
import type { MessagePort } from 'node:worker_threads'
import { measureNormalisation, type Normalisation, plainBatch, trainingBatches } from './classifiers/augmentation.ts'
import { type Classifier, classifierTraining, openPredictor } from './classifiers/classifier.ts'
import { findClassifier } from './classifiers/index.ts'
import { type LearningSettings, scheduleOf } from './classifiers/settings.ts'
import { type Variant, type VariantContext, encryptSet, openVariant } from './variants.ts'
import { variantInformation } from './information.ts'
import type { LearningRow } from './summary.ts'

/** One variant under one seed, trained on a thread of its own. Sets lie in shared memory. */
export interface LearningTask {
  readonly variant: string
  readonly seed: number
  readonly train: LabelledSet
  readonly test: LabelledSet
  readonly settings: LearningSettings
  readonly keyFiles: VariantContext['keyFiles']
  /** The plain variant's row of this seed, if it is there already. */
  readonly plain?: LearningRow
  /** Of the checkpoints. */
  readonly folder: string
  readonly threads: number
  /** Receives {@link LearningProgress}. */
  readonly port: MessagePort
  /** Set to 1 from outside, it ends the run after the current step, with a checkpoint. */
  readonly stop: Int32Array
}

/** How far one network has been trained; the loss is that of the step. */
export interface LearningProgress {
  readonly variant: string
  readonly seed: number
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly imagesPerSecond: number
  readonly secondsLeft: number
}

const PREDICTED_AT_ONCE = 100
/** Test images whose accuracy is watched while training. */
const WATCHED = 1000
const CURVE_POINTS = 60

/** What became of a task. Errors lose their code between threads, and are told in parts. */
export type LearningOutcome =
  | { readonly row: LearningRow }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }
  | 'stopped'

export default async function learn(task: LearningTask): Promise<LearningOutcome> {
  try {
    const row = await trained(task)
    return row ? { row } : 'stopped'
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
    return { failure: { code: error.code, message: `${task.variant}: ${error.message}`, hint: error.hint } }
  } finally {
    task.port.close()
  }
}

/** @returns undefined if the run was stopped */
async function trained(task: LearningTask): Promise<LearningRow | undefined> {
  const opened = await openVariant(task.variant, {
    seed: task.seed,
    channels: task.train.channels,
    keyFiles: task.keyFiles,
  })
  try {
    return await learnVariant(opened, task)
  } finally {
    await opened.close()
  }
}

async function learnVariant(
  variant: Variant,
  { seed, train: plainTrain, test: plainTest, settings, plain, folder, threads, port, stop }: LearningTask,
): Promise<LearningRow | undefined> {
  const started = performance.now()
  const information = await variantInformation(variant, plainTest)
  const [training, test] = [
    await encryptSet(variant, plainTrain, 'train'),
    await encryptSet(variant, plainTest, 'test'),
  ]
  const unchanged = equalShare(plainTest.samples, test.samples)
  // A vortex key may do nothing: with the same images, order, weights and thread the network comes out the same.
  if (plain && unchanged === 1 && equalShare(plainTrain.samples, training.samples) === 1) {
    return {
      ...plain,
      variant: variant.id,
      title: variant.title,
      seconds: Math.round((performance.now() - started) / 100) / 10,
      sameAs: plain.variant,
      ...(information ? { information } : {}),
    }
  }
  const network = findClassifier(settings.network, training)
  const normalisation = settings.normalisation === 'measured' ? measureNormalisation(training) : settings.normalisation
  const { batchSize } = settings
  const perEpoch = training.labels.length / batchSize
  const steps = Math.round(settings.epochs * perEpoch)
  const batches = trainingBatches(training, normalisation, { ...settings.augmentation, batchSize, seed })
  const stopped = new AbortController()
  const correct = (weights: Weights, statistics: Weights, count: number) =>
    countCorrect({ network, set: test, normalisation, weights, statistics, count, threads })
  const result = await train(classifierTraining(network, training, settings), {
    name: `${variant.id} ${JSON.stringify(settings)}`,
    seed,
    steps,
    rates: [scheduleOf(settings)],
    batchSize,
    folder,
    resume: true,
    threads,
    backend: 'ort-node',
    logEvery: Math.max(1, Math.min(20, Math.floor(perEpoch))),
    signal: stopped.signal,
    async data(step) {
      if (Atomics.load(stop, 0) === 1) stopped.abort()
      return batches(step)
    },
    watch: {
      every: Math.max(1, Math.round(perEpoch)),
      async measure(weights, statistics) {
        const count = Math.min(WATCHED, test.labels.length)
        return { accuracy: (await correct(weights, statistics, count)) / count }
      },
    },
    onProgress: ({ step, losses, imagesPerSecond, secondsLeft }) =>
      port.postMessage({
        variant: variant.id,
        seed,
        step,
        steps,
        loss: losses['loss']!,
        imagesPerSecond,
        secondsLeft,
      } satisfies LearningProgress),
  })
  if (!result.finished) return undefined
  return {
    variant: variant.id,
    title: variant.title,
    seed,
    correct: await correct(result.weights, result.state, test.labels.length),
    images: test.labels.length,
    steps,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    unchanged,
    ...(information ? { information } : {}),
    curve: curveOf(result.log, steps),
  }
}

type Weights = Parameters<typeof openPredictor>[2]['weights']

interface CountOptions {
  readonly network: Classifier
  readonly set: LabelledSet
  readonly normalisation: Normalisation
  readonly weights: Weights
  readonly statistics: Weights
  readonly count: number
  readonly threads: number
}

/** Right answers among the first `count` images. */
async function countCorrect({
  network,
  set,
  normalisation,
  weights,
  statistics,
  count,
  threads,
}: CountOptions): Promise<number> {
  const predictor = await openPredictor(
    network,
    set,
    { weights, statistics, batchSize: PREDICTED_AT_ONCE },
    { threads, backend: 'ort-node' },
  )
  try {
    let correct = 0
    for (let first = 0; first < count; first += PREDICTED_AT_ONCE) {
      const size = Math.min(PREDICTED_AT_ONCE, count - first)
      const classes = await predictor.classes(plainBatch(set, first, size, PREDICTED_AT_ONCE, normalisation), size)
      correct += classes.filter((found, i) => found === set.labels[first + i]).length
    }
    return correct
  } finally {
    await predictor.close()
  }
}

function equalShare(a: Uint8Array, b: Uint8Array): number {
  let equal = 0
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++
  return equal / a.length
}

/** Watched points, and a few of the loss between them. */
function curveOf(log: readonly Readonly<Record<string, number>>[], steps: number): LearningRow['curve'] {
  const apart = Math.max(1, Math.floor(steps / CURVE_POINTS))
  let next = 0
  return log.flatMap(entry => {
    const { step, loss, accuracy } = entry
    if (step === undefined || loss === undefined)
      throw new LatentError('E_INTERNAL', 'the log of a training run lacks its loss')
    if (accuracy === undefined && step < next) return []
    next = step + apart
    return [{ step, loss: Number(loss.toPrecision(5)), ...(accuracy === undefined ? {} : { accuracy }) }]
  })
}
