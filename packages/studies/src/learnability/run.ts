import { argumentError, LatentError } from '@latent/core'
import { parameterCount } from '@latent/graph'
import { parseVortexKey } from '@latent/schemes/vortex'
import { openWorkers } from '@latent/core/workers'
import type { LabelledSet, LabelledSetName } from '@latent/data'
import { dataRoot, readLabelledSet, requireLabelledSet } from '@latent/data/node'
import { type Journal, machine, openJournal, writeJson } from '@latent/lab/node'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { findClassifier } from './classifiers/index.ts'
import { DEFAULT_PRESET, findSettings, type LearningSettings } from './classifiers/settings.ts'
import {
  type VariantContext,
  CONTROL_VARIANTS,
  DEFAULT_VARIANTS,
  encryptImage,
  imageOf,
  keyFileVariant,
  openVariant,
  PUBLISHED_VARIANT,
} from './variants.ts'
import {
  type LearningRow,
  learningRowName,
  type LearningRun,
  type LearningSummary,
  summariseLearning,
} from './summary.ts'
import type { LearningOutcome, LearningProgress, LearningTask } from './worker.ts'

/** What is compared, how, and where it goes. */
export interface LearnabilityOptions {
  /** `cifar10`, `mnist` or `fashion-mnist`. */
  readonly data: string
  /** See `openVariant`; controls are added. Default: {@link DEFAULT_VARIANTS}. */
  readonly variants?: readonly string[]
  /** Repetitions, each with other keys, initial weights and data order. */
  readonly seeds: number
  /** Default: {@link DEFAULT_PRESET}. */
  readonly preset?: string
  /** Instead of the preset's. */
  readonly network?: string
  readonly epochs?: number
  /** The first so many images. */
  readonly train?: number
  readonly test?: number
  /** For `rows.jsonl`, `summary.json`, and checkpoints. */
  readonly out: string
  /** Go on with what is in the folder; otherwise one that holds a run is refused. */
  readonly resume: boolean
  /** Networks trained at a time, one thread each. */
  readonly workers?: number
  /** Text of a vortex key file: one more variant. */
  readonly vortexKey?: Uint8Array
  readonly root?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: LearningProgress) => void
  readonly onRow?: (row: LearningRow, done: number, total: number) => void
}

/**
 * Trains one network a variant and seed with equal settings, controls included, and sums up. Rows are on
 * the disk as they come, unfinished networks have checkpoints: a run that was killed goes on from there.
 * More seeds or variants may be asked for later.
 * @throws E_ARGUMENT; E_DATA; E_KEY for a vortex key of another image size; E_EXISTS; E_INTERRUPTED; E_CONTROLS
 * (nothing is summed up)
 */
export async function learnability(options: LearnabilityOptions): Promise<LearningSummary> {
  const { seeds, preset = DEFAULT_PRESET, out, resume, root = dataRoot() } = options
  const data = requireLabelledSet(options.data)
  for (const [name, value] of Object.entries({
    seeds,
    epochs: options.epochs ?? 1,
    train: options.train ?? 1,
    test: options.test ?? 1,
    workers: options.workers ?? 1,
  })) {
    if (!Number.isSafeInteger(value) || value < 1) throw argumentError(name, 'a positive whole number', value)
  }
  const published = await publishedVortexKey(data, root)
  const own = options.vortexKey
  const keyFiles = {
    ...(published ? { [PUBLISHED_VARIANT]: published } : {}),
    ...(own ? { [keyFileVariant(own)]: own } : {}),
  }
  // Asked for by name it is needed; among the usual variants it is left out where the file is not there.
  const usualVariants = DEFAULT_VARIANTS.filter(variant => variant !== PUBLISHED_VARIANT || published)
  const variants = [
    ...new Set([
      CONTROL_VARIANTS.positive,
      ...(options.variants ?? usualVariants),
      ...(own ? [keyFileVariant(own)] : []),
      CONTROL_VARIANTS.negative,
    ]),
  ]
  const usual = findSettings(preset, data)
  const settings: LearningSettings = {
    ...usual,
    ...(options.network === undefined ? {} : { network: options.network }),
    ...(options.epochs === undefined ? {} : { epochs: options.epochs }),
  }
  const sets = {
    train: await readLabelledSet(data, 'train', options.train, root),
    test: await readLabelledSet(data, 'test', options.test, root),
  }
  if (sets.train.labels.length < settings.batchSize)
    throw argumentError('train', `at least a batch of ${settings.batchSize} images`, sets.train.labels.length)
  for (const text of Object.values(keyFiles)) parseVortexKey(new TextDecoder().decode(text))
  await requireVariants(variants, sets.train, keyFiles)

  const network = findClassifier(settings.network, sets.train)
  const run: LearningRun = {
    version: 1,
    data,
    preset,
    settings,
    parameters: parameterCount(network.parameters),
    train: sets.train.labels.length,
    test: sets.test.labels.length,
    testClasses: Array.from(
      { length: sets.test.classes },
      (_, label) => sets.test.labels.filter(found => found === label).length,
    ),
    limited: options.train !== undefined || options.test !== undefined,
  }
  if (!resume && existsSync(join(out, 'run.json')))
    throw new LatentError('E_EXISTS', `${out} already holds a run`, {
      hint: 'go on with --resume, or choose another folder with --out',
    })
  await mkdir(out, { recursive: true })
  const journal = openJournal<LearningRow>(out, { config: run, machine: machine(), nameOf: learningRowName, upgrade })
  // Seed by seed: whatever is done when a run is stopped can be compared.
  const wanted = Array.from({ length: seeds }, (_, seed) =>
    variants.map(variant => ({ variant, seed: seed + 1 })),
  ).flat()
  await learnAll(wanted, journal, { ...options, settings, sets, keyFiles })
  const rows = journal.rows.filter(({ seed }) => seed <= seeds)
  const summary = summariseLearning(run, machine(), rows, [
    ...new Set([...variants, ...rows.map(({ variant }) => variant)]),
  ])
  writeJson(join(out, 'summary.json'), summary)
  return summary
}

const KEY_FILES: Readonly<Record<LabelledSetName, string>> = {
  cifar10: 'cifar.json',
  mnist: 'mnist_result.json',
  'fashion-mnist': 'fashion.json',
}

const publishedVortexKey = (data: LabelledSetName, root: string): Promise<Uint8Array | undefined> =>
  readFile(join(root, 'vortex-keys', KEY_FILES[data])).catch(() => undefined)

/** Every variant encrypts one image before hours are spent. */
async function requireVariants(
  variants: readonly string[],
  set: LabelledSet,
  keyFiles: VariantContext['keyFiles'],
): Promise<void> {
  for (const id of variants) {
    const variant = await openVariant(id, { seed: 1, channels: set.channels, keyFiles })
    try {
      await encryptImage(variant, imageOf(set, 0), 'probe', 0)
    } finally {
      await variant.close()
    }
  }
}

interface Prepared extends LearnabilityOptions {
  readonly settings: LearningSettings
  readonly sets: { readonly train: LabelledSet; readonly test: LabelledSet }
  readonly keyFiles: VariantContext['keyFiles']
}

async function learnAll(
  wanted: readonly { variant: string; seed: number }[],
  journal: Journal<LearningRow>,
  { out, settings, sets, keyFiles, workers = availableParallelism(), signal, onProgress, onRow }: Prepared,
): Promise<void> {
  const open = wanted.filter(row => !journal.has(learningRowName(row)))
  if (open.length === 0) return
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const abort = () => void Atomics.store(stop, 0, 1)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  const pool = openWorkers<LearningTask, LearningOutcome>(new URL('./worker.ts', import.meta.url), {
    threads: Math.min(workers, open.length),
  })
  let done = wanted.length - open.length
  let failure: unknown
  const queue = [...open]
  // Each takes the next one when it is done, so that whole seeds are finished one after the other.
  const runner = async (): Promise<void> => {
    for (let next = queue.shift(); next && Atomics.load(stop, 0) === 0; next = queue.shift()) {
      const { variant, seed } = next
      const folder = join(out, 'training', `${variant.replace(':', '-')}-${seed}`)
      const { port1, port2 } = new MessageChannel()
      port1.on('message', (progress: LearningProgress) => onProgress?.(progress))
      try {
        const plain = journal.rows.find(row => row.variant === CONTROL_VARIANTS.positive && row.seed === seed)
        const task: LearningTask = {
          variant,
          seed,
          ...sets,
          settings,
          keyFiles,
          ...(plain ? { plain } : {}),
          folder,
          threads: 1,
          port: port2,
          stop,
        }
        const outcome = await pool.run(task, [port2])
        if (outcome === 'stopped') continue
        if ('failure' in outcome)
          throw new LatentError(
            outcome.failure.code,
            outcome.failure.message,
            outcome.failure.hint === undefined ? {} : { hint: outcome.failure.hint },
          )
        journal.add(outcome.row)
        // Not before the row is on the disk: it is all there is of hours.
        await rm(folder, { recursive: true, force: true })
        onRow?.(outcome.row, ++done, wanted.length)
      } catch (error) {
        // The others end with a checkpoint before the first failure is told.
        failure ??= error
        abort()
      } finally {
        port1.close()
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(workers, open.length) }, runner))
  } finally {
    signal?.removeEventListener('abort', abort)
    await pool.close()
  }
  if (failure !== undefined) throw failure
  if (Atomics.load(stop, 0) === 1)
    throw new LatentError(
      'E_INTERRUPTED',
      `stopped after ${done} of ${wanted.length} networks; checkpoints are written`,
      { hint: 'the same command with --resume goes on' },
    )
}

/** Release 0.2 called a variant an arm, and a preset a recipe; what it wrote is read and gone on with. */
const RENAMED = new Map([
  ['arm', 'variant'],
  ['arms', 'variants'],
  ['recipe', 'preset'],
])
const upgrade = (stored: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(stored).map(([key, value]) => [RENAMED.get(key) ?? key, value]))

const upgradeSummary = ({ run, ...stored }: Record<string, unknown>): Partial<LearningSummary> => {
  const summary = upgrade(stored)
  const upgraded: Record<string, unknown> = {
    ...summary,
    ...(typeof run === 'object' && { run: upgrade(run as Record<string, unknown>) }),
    ...(Array.isArray(summary['variants']) && { variants: summary['variants'].map(upgrade) }),
  }
  return upgraded
}

/**
 * What a finished comparison came to.
 * @throws E_DATA where none is; E_UNSUPPORTED for one of another format
 */
export async function readLearningSummary(folder: string): Promise<LearningSummary> {
  let summary: Partial<LearningSummary>
  try {
    summary = upgradeSummary(
      JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')) as Record<string, unknown>,
    )
  } catch (cause) {
    throw new LatentError('E_DATA', `${folder} holds no finished comparison`, {
      hint: 'latent lab learnability writes summary.json when every control has behaved',
      cause,
    })
  }
  if (summary.run?.version !== 1 || !Array.isArray(summary.variants))
    throw new LatentError('E_UNSUPPORTED', `the summary in ${folder} is of a format that this release does not know`, {
      hint: 'use the release that wrote it, or run it again',
    })
  return summary as LearningSummary
}
