import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonLines, LatentError, parseJsonLines } from '@latent/core'
import { appendJsonLines, holdLock, ioError, publish, removeStale } from '@latent/core/node'
import { decodeSafetensors, encodeSafetensors } from '../safetensors.ts'
import type { Tensor } from '../tensor.ts'
import { lossCurve } from './curve.ts'
import type { LogEntry } from './curve.ts'
import type { Schedule } from './optimisers.ts'
import { openStepper } from './stepper.ts'
import type { Stepper, StepperOptions } from './stepper.ts'
import type { Training } from './training.ts'

export { lossCurve, NO_LOSSES } from './curve.ts'

/** A run: a training problem with its data, its length and where its files go. */
export interface RunOptions extends StepperOptions {
  /** Name in the checkpoint; one written under another name is refused. */
  readonly name: string
  readonly steps: number
  /** Of initial weights and data order. */
  readonly seed: number
  /** Learning rate of each phase. */
  readonly rates: readonly Schedule[]
  /**
   * The batch of one step (from 0). It must depend on the step and the seed alone: then a resumed run
   * sees what an unbroken one sees, and a checkpoint's step is its position in the data.
   */
  readonly data: (step: number) => Promise<Readonly<Record<string, Tensor>>>
  /** Images a batch holds, for the rate shown. */
  readonly batchSize: number
  /**
   * Folder of the run: `checkpoint.safetensors`, `log.jsonl`, and when it ends or is stopped `weights.safetensors` and
   * `curve.svg`.
   */
  readonly folder: string
  /** Continues from the folder's checkpoint, if it has one. Otherwise a folder with a checkpoint is refused. */
  readonly resume: boolean
  /** Steps from one log line to the next; each holds means. Default 20. */
  readonly logEvery?: number
  /** Seconds from one checkpoint to the next, at least. They are written after a log line. Default 60. */
  readonly checkpointSeconds?: number
  /**
   * A figure of merit (larger is better), taken every `every` steps; after `patience` without a better one the run ends
   * early.
   */
  readonly validation?: {
    readonly every: number
    readonly patience: number
    readonly score: (weights: Record<string, Tensor<'f32'>>) => Promise<number>
  }
  /** Figures for the log, taken every `every` steps and after the last one: they decide nothing. */
  readonly watch?: {
    readonly every: number
    readonly measure: (
      weights: Record<string, Tensor<'f32'>>,
      state: Record<string, Tensor<'f32'>>,
    ) => Promise<Readonly<Record<string, number>>>
  }
  readonly onProgress?: (progress: Progress) => void
  /** Ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** What is told of a training as it goes on. */
export interface Progress {
  readonly step: number
  readonly steps: number
  /** Means since the last report, by name. */
  readonly losses: Readonly<Record<string, number>>
  readonly imagesPerSecond: number
  readonly secondsLeft: number
  /** Of this process: where it began, and for how long it has trained. */
  readonly firstStep: number
  readonly seconds: number
  readonly backend: Stepper['backend']
}

/** What a run came to. */
export interface RunResult {
  readonly step: number
  readonly finished: boolean
  /** Trained weights (moving averages where they are kept), by path. */
  readonly weights: Record<string, Tensor<'f32'>>
  /** What the losses carry from step to step, such as running statistics, by path. */
  readonly state: Record<string, Tensor<'f32'>>
  readonly log: readonly LogEntry[]
}

/** What a checkpoint knows beside its tensors. */
export interface Position {
  readonly name: string
  readonly seed: number
  readonly step: number
  readonly best?: number
  readonly bestStep?: number
  /** The run ended by itself before its last step: its score no longer rose. */
  readonly ended?: true
}

/** How far the run in a folder has come, by its checkpoint; nothing if it has none. @throws E_WEIGHTS, E_IO */
export async function runPosition(folder: string): Promise<Position | undefined> {
  return (await readCheckpoint(folder))?.position
}

/**
 * Trains to the end, to an early stop or until told to stop. Killed at any moment, a run resumes from
 * its last checkpoint and gives the bytes it would have given (same machine, backend and threads).
 * @throws E_EXISTS for a folder that holds another run, or in which another process trains; E_WEIGHTS for a checkpoint
 * that does not fit; E_GRAPH if the loss is no number any more; E_IO
 */
export async function train<N, S>(training: Training<N, S>, options: RunOptions): Promise<RunResult> {
  const { folder } = options
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw ioError(error, `cannot make the folder ${folder}`)
  }
  const lock = await holdLock(join(folder, 'train.lock'), `is training into ${folder}`)
  try {
    return await trainInto(training, options)
  } finally {
    await lock.release()
  }
}

async function trainInto<N, S>(training: Training<N, S>, options: RunOptions): Promise<RunResult> {
  const { folder, steps, logEvery = 20, checkpointSeconds = 60 } = options
  const checkpoint = await readCheckpoint(folder)
  if (checkpoint && !options.resume) {
    throw new LatentError('E_EXISTS', `${folder} already holds a run`, {
      hint: 'continue it with --resume, or choose another folder with --out',
    })
  }
  if (!checkpoint) await requireNoResults(folder, options)
  await removeStale(folder)
  const stepper = await openStepper(training, options.seed, options)
  try {
    let position: Position = { name: options.name, seed: options.seed, step: 0 }
    if (checkpoint) {
      position = checkpoint.position
      if (position.name !== options.name || position.seed !== options.seed) {
        throw new LatentError('E_WEIGHTS', `the checkpoint is of ${position.name} with seed ${position.seed}`, {
          hint: 'give the same recipe, profile and seed, or another folder',
        })
      }
      stepper.restore(checkpoint.tensors, position.step)
    }
    const log = (await readLog(folder)).filter(entry => entry.step <= position.step)
    await writeLog(folder, log)
    const result = await loop(stepper, options, { log, position, logEvery, checkpointSeconds })
    const weights = await stepper.weights('average')
    await replaceFile(
      join(folder, 'weights.safetensors'),
      encodeSafetensors({ tensors: weights, metadata: runMetadata(options, stepper) }),
    )
    await replaceFile(
      join(folder, 'curve.svg'),
      new TextEncoder().encode(lossCurve(log, `${options.name}, ${stepper.step} of ${steps} steps`)),
    )
    return { step: stepper.step, finished: result.finished, weights, state: await stepper.state(), log }
  } finally {
    await stepper.close()
  }
}

/**
 * A run that was killed early leaves its best weights at most: whatever else is there is somebody's.
 * @throws E_EXISTS
 */
async function requireNoResults(folder: string, { name, seed }: RunOptions): Promise<void> {
  const best = await readIfThere(join(folder, 'best.safetensors'))
  const own = best && decodeSafetensors(best).metadata
  const foreign = (await readIfThere(join(folder, 'weights.safetensors')))
    ? 'weights.safetensors'
    : own && (own['name'] !== name || own['seed'] !== String(seed))
      ? 'best.safetensors'
      : undefined
  if (foreign !== undefined)
    throw new LatentError('E_EXISTS', `${folder} holds ${foreign} and no checkpoint`, {
      hint: 'choose another folder with --out, or move it away',
    })
}

const runMetadata = ({ name, seed, batchSize }: RunOptions, { step }: Stepper): Record<string, string> => ({
  name,
  seed: String(seed),
  batchSize: String(batchSize),
  steps: String(step),
})

interface LoopState {
  readonly log: LogEntry[]
  readonly position: Position
  readonly logEvery: number
  readonly checkpointSeconds: number
}

async function loop(
  stepper: Stepper,
  options: RunOptions,
  { log, position, logEvery, checkpointSeconds }: LoopState,
): Promise<{ finished: boolean }> {
  const { steps, folder, validation, watch } = options
  const started = performance.now()
  const firstStep = stepper.step
  let { best, bestStep } = position
  let saved = started
  let sums: Record<string, number> = {}
  let counted = 0
  const seconds = () => (performance.now() - started) / 1000
  while (stepper.step < steps) {
    const step = stepper.step
    const batch = await options.data(step)
    const losses = await stepper.advance(
      batch,
      options.rates.map(schedule => schedule(step, steps)),
    )
    for (const [name, value] of Object.entries(losses)) {
      if (!Number.isFinite(value))
        throw new LatentError('E_GRAPH', `training diverged: ${name} is ${value} at step ${step + 1}`, {
          hint: 'lower the learning rate or clip the gradients; the last checkpoint is untouched',
        })
      sums[name] = (sums[name] ?? 0) + value
    }
    counted++
    const stopping = options.signal?.aborted === true
    if (stepper.step % logEvery !== 0 && stepper.step !== steps && !stopping) continue

    const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / counted]))
    const imagesPerSecond = ((stepper.step - firstStep) * options.batchSize) / seconds()
    const entry: Record<string, number> & { step: number } = {
      step: stepper.step,
      ...means,
      rate: options.rates[0]!(step, steps),
      seconds: seconds(),
      imagesPerSecond,
    }
    sums = {}
    counted = 0
    let enough = false
    // The same for all who ask after this step.
    let found: Promise<Record<string, Tensor<'f32'>>> | undefined
    const averaged = () => (found ??= stepper.weights('average'))
    if (validation && stepper.step % validation.every < logEvery && stepper.step >= validation.every) {
      const weights = await averaged()
      const score = await validation.score(weights)
      entry['score'] = score
      if (best === undefined || score > best) {
        ;[best, bestStep] = [score, stepper.step]
        await replaceFile(
          join(folder, 'best.safetensors'),
          encodeSafetensors({ tensors: weights, metadata: { ...runMetadata(options, stepper), score: String(score) } }),
        )
      } else if (stepper.step - bestStep! >= validation.patience) enough = true
    }
    if (watch && (stepper.step === steps || (stepper.step % watch.every < logEvery && stepper.step >= watch.every)))
      Object.assign(entry, await watch.measure(await averaged(), await stepper.state()))
    log.push(entry)
    await appendJsonLines(logPath(folder), [entry])
    options.onProgress?.({
      step: stepper.step,
      steps,
      losses: means,
      imagesPerSecond,
      secondsLeft: ((steps - stepper.step) * options.batchSize) / imagesPerSecond,
      firstStep,
      seconds: seconds(),
      backend: stepper.backend,
    })
    const last = stepper.step === steps || stopping || enough
    if (last || performance.now() - saved >= checkpointSeconds * 1000) {
      const now: Position = {
        name: options.name,
        seed: options.seed,
        step: stepper.step,
        ...(best === undefined ? {} : { best, bestStep: bestStep! }),
        ...(enough ? { ended: true } : {}),
      }
      await writeCheckpoint(folder, stepper, now)
      saved = performance.now()
    }
    if (enough) return { finished: true }
    if (stopping && stepper.step < steps) return { finished: false }
  }
  return { finished: true }
}

/** The run's own files, which its lock and its checkpoint show to be its own. */
const replaceFile = async (path: string, bytes: Uint8Array): Promise<void> =>
  void (await publish(path, [bytes], { replace: () => true }))

async function writeCheckpoint(folder: string, stepper: Stepper, position: Position): Promise<void> {
  await replaceFile(
    join(folder, 'checkpoint.safetensors'),
    encodeSafetensors({ tensors: await stepper.snapshot(), metadata: { position: JSON.stringify(position) } }),
  )
}

async function readCheckpoint(
  folder: string,
): Promise<{ tensors: Readonly<Record<string, Tensor>>; position: Position } | undefined> {
  const bytes = await readIfThere(join(folder, 'checkpoint.safetensors'))
  if (!bytes) return undefined
  const { tensors, metadata } = decodeSafetensors(bytes)
  try {
    const position = JSON.parse(metadata['position'] ?? '') as Position | null
    if (
      typeof position?.name === 'string' &&
      Number.isSafeInteger(position.seed) &&
      Number.isSafeInteger(position.step) &&
      position.step >= 0
    )
      return { tensors, position }
  } catch {
    // Reported below, with every other way of saying nothing.
  }
  throw new LatentError('E_WEIGHTS', 'the checkpoint does not say which step it is of', {
    hint: 'it was altered or damaged; restore it, or train into another folder',
  })
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw ioError(error, `cannot read ${path}`)
  }
}

const logPath = (folder: string): string => join(folder, 'log.jsonl')

/** A line cut short by a kill is of a step that no checkpoint has, and is dropped. */
async function readLog(folder: string): Promise<LogEntry[]> {
  const text = new TextDecoder().decode((await readIfThere(logPath(folder))) ?? new Uint8Array(0))
  return parseJsonLines(text).values as LogEntry[]
}

async function writeLog(folder: string, log: readonly LogEntry[]): Promise<void> {
  await replaceFile(logPath(folder), new TextEncoder().encode(jsonLines(log)))
}
