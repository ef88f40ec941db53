import { LatentError, sha256Of, toHex } from '@latent/core'
import { ioError, publish } from '@latent/core/node'
import type { Progress } from '@latent/graph/train'
import { contentOf, type DataSet, isPublished } from '@latent/data/node'
import type { DataRead, TrainingSession } from '@latent/schemes/models'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, type } from 'node:os'
import { join } from 'node:path'

/** `run.json` in the folder of a run: what a card must say and nobody remembers afterwards. */
export interface RunRecord {
  readonly version: 1
  readonly recipe: string
  readonly profile: string
  readonly seed: number
  readonly batchSize: number
  /** Of the last command. */
  readonly steps: number
  /** Every set of pictures or labels, as it was read. */
  readonly data: readonly DataRead[]
  /** SHA-256 of the weights that training started from, if they were given. */
  readonly startedFrom?: string
  /** One for each process that trained, in order; the steps of a run whose record began later are in none. */
  readonly sessions: readonly TrainingSession[]
}

const NAME = 'run.json'

/** @throws E_WEIGHTS for a damaged record; E_IO */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  const path = join(folder, NAME)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw ioError(error, `cannot read ${path}`)
  })
  if (text === undefined) return undefined
  try {
    const record = JSON.parse(text) as Partial<RunRecord> | null
    if (record?.version === 1 && Array.isArray(record.data) && Array.isArray(record.sessions))
      return record as RunRecord
  } catch {
    // Reported below, with every other way of being no record.
  }
  throw new LatentError('E_WEIGHTS', `${path} is no record of this release`, {
    hint: 'it was altered or damaged; remove it, and what it said stays unknown',
  })
}

/** Of a set that recipes ask for by name, whatever folder it lies in. */
export async function dataRead(set: DataSet, root: string): Promise<DataRead> {
  const published = await isPublished(set.name, root)
  return { set: set.name, ...(await contentOf(set)), published: published ?? 'unknown' }
}

/** Labels alone: the pictures are read as a set of their own. */
export const labelsRead = (name: string, labels: Uint8Array): DataRead => ({
  set: `${name}, labels`,
  labels: labels.length,
  sha256: toHex(sha256Of(labels)),
  published: 'unknown',
})

/** What is known of a run before its first step. */
export interface RunStart extends Omit<RunRecord, 'version' | 'sessions'> {
  readonly threads: number | undefined
  /** Which Latent trains: its version. */
  readonly release: string
}

/** Keeps the record of a run, `run.json`, while it trains. */
export interface Recorder {
  /** Written seldom enough not to be felt: a killed run loses a few seconds of its record. */
  readonly progress: (progress: Progress) => void
  /** @throws E_IO */
  readonly end: () => Promise<void>
}

const EVERY_MS = 10_000

/**
 * Keeps the record of a run that is about to begin or go on.
 * @throws E_DATA if the run began on other pictures: it would not be the run that it says it is
 */
export async function openRecord(
  folder: string,
  { threads = availableParallelism(), release, ...start }: RunStart,
): Promise<Recorder> {
  const before = await readRecord(folder)
  requireSameData(folder, before, start.data)
  const startedFrom = before?.startedFrom ?? start.startedFrom
  const { machine, software } = here(release)
  let last: Progress | undefined
  let written = -Infinity
  let writing = Promise.resolve()
  const write = async ({ firstStep, step, seconds, backend }: Progress) => {
    const session: TrainingSession = {
      fromStep: firstStep,
      toStep: step,
      seconds: Number(seconds.toFixed(1)),
      backend,
      threads,
      machine,
      software,
    }
    const record: RunRecord = {
      version: 1,
      ...start,
      ...(startedFrom === undefined ? {} : { startedFrom }),
      sessions: [...(firstStep > 0 ? (before?.sessions ?? []) : []), session],
    }
    await publish(join(folder, NAME), [new TextEncoder().encode(`${JSON.stringify(record, undefined, 2)}\n`)], {
      replace: () => true,
    })
  }
  return {
    progress(progress) {
      last = progress
      if (performance.now() - written < EVERY_MS) return
      written = performance.now()
      // What goes wrong here shows at the end, when it is written once more.
      writing = writing.then(() => write(progress)).catch(() => undefined)
    },
    async end() {
      await writing
      if (last) await write(last)
    },
  }
}

function requireSameData(folder: string, before: RunRecord | undefined, now: readonly DataRead[]): void {
  for (const { set, sha256 } of before?.data ?? []) {
    const other = now.find(read => read.set === set && read.sha256 !== sha256)
    if (other)
      throw new LatentError(
        'E_DATA',
        `the run in ${folder} began on other pictures than the ${set} that is there now`,
        { hint: 'give the same --data, or train into another folder with --out' },
      )
  }
}

/** Never a name of the machine or of its user. */
function here(release: string): Pick<TrainingSession, 'machine' | 'software'> {
  const cpu = cpus()[0]?.model.trim()
  return {
    machine: {
      cpu: cpu === undefined || cpu === '' ? 'unknown' : cpu,
      cores: availableParallelism(),
      system: `${type()} ${process.arch}`,
    },
    software: { latent: release, node: process.versions.node },
  }
}
