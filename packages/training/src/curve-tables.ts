import { LatentError, formatSeconds } from '@latent/core'
import { ioError, publish } from '@latent/core/node'
import type { ModelCard } from '@latent/schemes/models'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TrainingCurve, readCurves } from './curves.ts'

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
