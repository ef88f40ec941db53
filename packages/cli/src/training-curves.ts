import { LatentError, parseJsonLines } from '@latent/core'
import { ioError, publish } from '@latent/core/node'
import type { LogEntry } from '@latent/graph'
import type { ModelCard } from '@latent/schemes/models'
import { readRecord } from '@latent/training'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatSeconds } from './format.ts'

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

export interface CurveOptions {
  readonly run: string
  readonly note: string
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

/** Writes the course of a run. @throws E_WEIGHTS for a folder without a log; E_IO; E_EXISTS unless forced */
export async function writeCurve(folder: string, options: CurveOptions): Promise<void> {
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
  await publish(join(out, `${run}.json`), [new TextEncoder().encode(text)], { replace: () => force })
  process.stdout.write(`${join(out, `${run}.json`)}: ${curve.points.length} of ${log.length} lines\n`)
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

/** The last value of a column, and the step it is of. */
function lastOf({ columns, points }: TrainingCurve, name: string): { value: number; step: number } | undefined {
  const [at, step] = [columns.indexOf(name), columns.indexOf('step')]
  const row = at < 0 ? undefined : points.findLast(values => values[at] !== null && values[at] !== undefined)
  return row && { value: row[at]!, step: row[step]! }
}

const shown = (found: { value: number } | undefined, digits: number): string =>
  found ? found.value.toFixed(digits) : ''

/** The runs of a folder as a table in Markdown: what `docs/training.md` holds. */
export function curveTable(curves: readonly TrainingCurve[]): string {
  const rows = curves.map(curve => {
    const figure = (name: string, digits: number) => shown(lastOf(curve, `check.${name}`), digits)
    const score = lastOf(curve, 'check.psnr') ?? lastOf(curve, 'score')
    return [
      `\`${curve.run}\``,
      `\`${curve.recipe}\` (${curve.profile}), seed ${curve.seed}`,
      `${curve.step} of ${curve.steps}, ${curve.batchSize} images each`,
      `${formatSeconds(curve.seconds)}, ${curve.machine}`,
      shown(score, 1) +
        (score && lastOf(curve, 'check.worst') ? ` (${figure('worst', 1)})` : '') +
        (score ? ` at ${score.step}` : ''),
      ...(['ssim', 'entropy', 'correlation', 'edges', 'deviation', 'squint'] as const).map(name =>
        figure(name, name === 'entropy' ? 2 : 3),
      ),
      curve.note,
    ]
  })
  return table(
    [
      'run',
      'recipe',
      'steps',
      'time, machine',
      'dB (worst) at step',
      'SSIM',
      'entropy',
      'correlation',
      'edges',
      'deviation',
      'squint',
      'what came of it',
    ],
    rows,
  )
}

/** The weights that come with Latent, as their cards have them. */
export function cardTable(cards: readonly ModelCard[]): string {
  const rows = cards.map(({ id, recipe, steps, batchSize, seconds, sessions, losses, score, startedFrom }) => [
    `\`${id}\``,
    `\`${recipe}\``,
    `${steps}, ${batchSize === 'unknown' ? 'unknown' : batchSize} images each`,
    seconds === 'unknown' || sessions === 'unknown'
      ? 'not noted down'
      : `${formatSeconds(seconds)}, ${sessions[0]?.machine.cpu ?? 'unknown'}`,
    score
      ? score.value.toFixed(2)
      : Object.entries(losses)
          .slice(0, 1)
          .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
          .join(''),
    startedFrom === undefined ? '' : startedFrom.slice(0, 16),
  ])
  return table(
    ['weights', 'recipe', 'steps', 'time, machine', 'score of the recipe, or its loss', 'started from'],
    rows,
  )
}

const table = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [columns, columns.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')

const FENCE = {
  runs: ['<!-- runs -->', '<!-- end of runs -->'],
  weights: ['<!-- weights -->', '<!-- end of weights -->'],
} as const

/** `docs/training.md` with its tables written anew. */
export function withTables(page: string, tables: Readonly<Record<keyof typeof FENCE, string>>): string {
  return (Object.keys(FENCE) as (keyof typeof FENCE)[]).reduce((text, name) => {
    const [open, close] = FENCE[name]
    const [from, to] = [text.indexOf(open), text.indexOf(close)]
    if (from < 0 || to < from)
      throw new LatentError('E_ARGUMENT', `the page has no place for the table of ${name}`, {
        hint: `put ${open} and ${close} around it`,
      })
    return `${text.slice(0, from + open.length)}\n\n${tables[name]}\n\n${text.slice(to)}`
  }, page)
}

/** The page of all trainings, its tables computed from `docs/training/` and the cards in `models/`. @throws E_IO */
export async function trainingPage(page: string, curves: string, models: string): Promise<string> {
  const files = (await readdir(models)).filter(file => file.endsWith('.json')).sort()
  const cards = await Promise.all(
    files.map(async file => JSON.parse(await readFile(join(models, file), 'utf8')) as ModelCard),
  )
  return withTables(page, { runs: curveTable(await readCurves(curves)), weights: cardTable(cards) })
}

/** Writes `docs/training.md` anew. @throws E_IO */
export async function writeTrainingPage(root: string): Promise<void> {
  const path = join(root, 'docs', 'training.md')
  const page = await readFile(path, 'utf8').catch((error: unknown) => {
    throw ioError(error, `cannot read ${path}`)
  })
  await publish(
    path,
    [new TextEncoder().encode(await trainingPage(page, join(root, 'docs', 'training'), join(root, 'models')))],
    { replace: () => true },
  )
}
