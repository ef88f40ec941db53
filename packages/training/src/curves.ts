import { LatentError, parseJsonLines } from '@latent/core'
import { ioError, publish } from '@latent/core/node'
import type { LogEntry } from '@latent/graph'
import { readRecord } from './record.ts'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The course of one run, small enough to be kept: a file of `docs/training/`. */
export interface TrainingCurve {
  readonly run: string
  readonly recipe: string
  readonly profile: string
  readonly seed: number
  /** Done, and planned. */
  readonly step: number
  readonly steps: number
  readonly batchSize: number
  readonly seconds: number
  readonly machine: string
  /** What it started from, where that was no random draw. */
  readonly startedFrom?: string
  /** What is to be known of it: what worked, what did not. */
  readonly note: string
  /** Names of the columns of `points`; those that begin with `check.` are of validation pictures. */
  readonly columns: readonly string[]
  /** Some of the log's lines; null where a line has no such figure. */
  readonly points: readonly (readonly (number | null)[])[]
}

/** Lines kept of a log; those with validation figures come first. */
const MOST = 60

/** What is said of a run when its course is kept. */
export interface CurveOptions {
  /** Name of the file. */
  readonly run: string
  /** What came of it, for the table. */
  readonly note: string
  /** A folder; it is made if it is not there. */
  readonly out: string
  readonly machine?: string
  readonly startedFrom?: string
  readonly seconds?: number
  /** For logs without a record: what the record would say. */
  readonly recipe?: string
  readonly profile?: string
  readonly seed?: number
  readonly steps?: number
  readonly batchSize?: number
  readonly force?: boolean
}

/** What {@link writeCurve} wrote: the file, and how many lines of the log are in it. */
export interface WrittenCurve {
  readonly path: string
  readonly kept: number
  readonly lines: number
}

/**
 * Writes the course of a run, `RUN.json`, into the folder `out`.
 * @param folder that a training wrote
 * @throws E_WEIGHTS for a log without a line; E_ARGUMENT for what neither record nor options say; E_IO; E_EXISTS unless
 * forced
 */
export async function writeCurve(folder: string, options: CurveOptions): Promise<WrittenCurve> {
  const log = await readLog(folder)
  const record = await readRecord(folder)
  const { run, note, out, force = false } = options
  const required = <T>(value: T | undefined, what: string): T => {
    if (value === undefined)
      throw new LatentError('E_ARGUMENT', `${folder} has no record that says its ${what}`, { hint: `give --${what}` })
    return value
  }
  const sessions = record?.sessions ?? []
  const columns = [...new Set(log.flatMap(entry => Object.keys(entry)))].filter(
    name => name !== 'seconds' && name !== 'perSecond' && name !== 'imagesPerSecond' && !name.endsWith('.gradient'),
  )
  const last = log.at(-1)!
  const first = sessions[0]?.machine
  const startedFrom = options.startedFrom ?? record?.startedFrom
  const curve: TrainingCurve = {
    run,
    recipe: required(options.recipe ?? record?.recipe, 'recipe'),
    profile: required(options.profile ?? record?.profile, 'profile'),
    seed: required(options.seed ?? record?.seed, 'seed'),
    step: last.step,
    steps: required(options.steps ?? record?.steps, 'steps'),
    batchSize: required(options.batchSize ?? record?.batchSize, 'batch-size'),
    seconds: Math.round(
      options.seconds ??
        (sessions.length > 0 ? sessions.reduce((sum, { seconds }) => sum + seconds, 0) : (last['seconds'] ?? 0)),
    ),
    machine: required(options.machine ?? (first ? `${first.cpu}, ${first.cores} cores` : undefined), 'machine'),
    ...(startedFrom === undefined ? {} : { startedFrom }),
    note,
    columns,
    points: thinned(log).map(entry =>
      columns.map(name => (Number.isFinite(entry[name]) ? Number(entry[name]!.toPrecision(5)) : null)),
    ),
  }
  await mkdir(out, { recursive: true })
  const text =
    `${JSON.stringify({ ...curve, points: undefined }, undefined, 1).replace(/\n\}$/, '')},\n` +
    ` "points": [\n${curve.points.map(row => `  ${JSON.stringify(row)}`).join(',\n')}\n` +
    ' ]\n' +
    '}\n'
  const path = join(out, `${run}.json`)
  await publish(path, [new TextEncoder().encode(text)], { replace: () => force })
  return { path, kept: curve.points.length, lines: log.length }
}

async function readLog(folder: string): Promise<LogEntry[]> {
  const path = join(folder, 'log.jsonl')
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw ioError(error, `cannot read ${path}`)
  })
  const log = parseJsonLines(`${text}\n`).values as LogEntry[]
  if (log.length === 0)
    throw new LatentError('E_WEIGHTS', `the log of ${folder} is empty`, {
      hint: 'a run writes its first line after 20 steps',
    })
  return log
}

/** Every so-many-th line and the last; lines with a score or validation figures rather than their neighbours. */
function thinned(log: readonly LogEntry[]): LogEntry[] {
  const telling = log.filter(entry => Object.keys(entry).some(name => name === 'score' || name.startsWith('check.')))
  const every = (entries: readonly LogEntry[], count: number) =>
    entries.length <= count
      ? entries
      : Array.from({ length: count }, (_, i) => entries[Math.round((i * (entries.length - 1)) / (count - 1))]!)
  const kept = new Set([...every(telling, MOST / 2), ...every(log, MOST / 2), log.at(-1)!])
  return log.filter(entry => kept.has(entry))
}

/** Every curve of a folder, by name. @throws E_IO */
export async function readCurves(folder: string): Promise<TrainingCurve[]> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.json')).sort()
  return Promise.all(files.map(async file => JSON.parse(await readFile(join(folder, file), 'utf8')) as TrainingCurve))
}
