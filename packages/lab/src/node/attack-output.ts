import { type Image, jsonLines } from '@latent/core'
import { publish } from '@latent/core/node'
import { decodePng, encodePng, readPngTexts } from '@latent/core/png'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { THREATS } from '../attacks/contract.ts'
import { type AttackResult, attackResults, type Situation, SITUATIONS, matrixRows } from '../attacks/results.ts'
import { TARGETS, type TrialRow } from '../attacks/trial.ts'
import { renderMatrix } from '../report/matrix.ts'
import type { AttackRun } from './attack-run.ts'
import { MARKS, publishText } from './outputs.ts'

/** Verdicts of a run, in order; see {@link attackResults}. */
export const resultsOf = ({ attacks, schemes, rows }: AttackRun): AttackResult[] =>
  attackResults(attacks, schemes, rows)

/** Without the pictures, which are large. */
const withoutPicture = <T extends { readonly shown?: string }>(row: T): Omit<T, 'shown'> => {
  const { shown, ...rest } = row
  return shown === undefined ? row : rest
}

/**
 * Writes `summary.json` and, where an attack gave pictures, `pictures.png`: a line a scheme and attack with the plain
 * picture, the cipher image and what the attacker makes of it.
 * @returns the names of the files
 */
export async function writeAttackSummary(run: AttackRun, folder: string): Promise<string[]> {
  const results = resultsOf(run)
  const text = JSON.stringify({ version: 1, threats: THREATS, results: results.map(withoutPicture) }, undefined, 1)
  await publishText(join(folder, 'summary.json'), `${text}\n`, MARKS.json)
  const strips = results.flatMap(({ shown }) => (shown === undefined ? [] : [stripOf(shown)]))
  if (strips.length === 0) return ['summary.json']
  await publish(join(folder, 'pictures.png'), [encodePng({ ...under(strips, 3), annotations: PICTURES_MARK })], {
    replace: async path => isOurs(new Uint8Array(await readFile(path))),
  })
  return ['summary.json', 'pictures.png']
}

const PICTURES_MARK = { Software: 'latent lab attack' }

function isOurs(bytes: Uint8Array): boolean {
  try {
    return readPngTexts(bytes)['Software'] === PICTURES_MARK.Software
  } catch {
    return false
  }
}

const stripOf = (base64: string): Image<'u8'> => {
  const decoded = decodePng(Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)))
  return decoded as Image<'u8'>
}

/** Pictures of one width under one another, every pixel as a square. */
function under(strips: readonly Image<'u8'>[], factor: number): Image<'u8'> {
  const width = Math.max(...strips.map(strip => strip.width))
  const gap = 1
  const height = strips.reduce((sum, strip) => sum + strip.height + gap, -gap)
  const data = new Uint8Array(width * factor * height * factor * 3).fill(255)
  let top = 0
  for (const strip of strips) {
    for (let y = 0; y < strip.height * factor; y++) {
      for (let x = 0; x < strip.width * factor; x++) {
        const from = (Math.floor(y / factor) * strip.width + Math.floor(x / factor)) * strip.channels
        const to = ((top * factor + y) * width * factor + x) * 3
        for (let c = 0; c < 3; c++) data[to + c] = strip.data[from + Math.min(c, strip.channels - 1)]!
      }
    }
    top += strip.height + gap
  }
  return { width: width * factor, height: height * factor, channels: 3, format: 'u8', data }
}

/**
 * The verdict matrix of a run: `matrix.html`, `matrix.json`, `matrix.csv`, and the raw rows of every scheme in `rows`.
 * `readMatrix` reads the trials back.
 * @param command what made it, as it is printed in the page
 */
export async function writeMatrix(run: AttackRun, folder: string, command: string): Promise<void> {
  const { attacks, schemes, rows } = run
  const results = resultsOf(run)
  const matrix = matrixRows(attacks, schemes, results)
  await mkdir(join(folder, 'rows'), { recursive: true })
  for (const { id } of schemes)
    await publishRows(
      join(folder, 'rows', `${id}.jsonl`),
      rows.filter(row => row.scheme === id),
    )
  // Positive controls that are no schemes of this matrix: without them it could not be gone on from.
  const elsewhere = rows.filter(row => schemes.every(({ id }) => id !== row.scheme))
  if (elsewhere.length > 0) await publishRows(join(folder, 'rows', CONTROL_ROWS), elsewhere)
  const cells = matrix.flatMap(({ scheme, cells: own }) =>
    (Object.keys(SITUATIONS) as Situation[]).map(column => {
      const cell = own[column]
      if (cell.kind === 'empty') return { scheme: scheme.id, column, verdict: 'none' as const, reason: cell.reason }
      const best = cell.best && withoutPicture(cell.best)
      return {
        scheme: scheme.id,
        column,
        verdict: cell.kind === 'held' ? ('nothing found' as const) : cell.verdict,
        ...(cell.kind === 'broken' && cell.already && { already: cell.already }),
        ...(cell.kind === 'held' && { tried: cell.tried.map(({ attack }) => attack) }),
        ...(best && { attack: best.attack, queries: best.judged.queries, judged: best.judged }),
      }
    }),
  )
  await publishText(
    join(folder, 'matrix.json'),
    `${JSON.stringify({ version: 1, command, columns: SITUATIONS, cells }, undefined, 1)}\n`,
    MARKS.json,
  )
  await publishText(join(folder, 'matrix.csv'), csv(cells), CSV_HEAD)
  const html = renderMatrix({
    rows: matrix,
    attacks,
    results,
    keys: Math.max(...rows.map(({ key }) => key)),
    targets: TARGETS.plaintext,
    rowsOf: id => `rows/${id}.jsonl`,
    command,
  })
  await publishText(join(folder, 'matrix.html'), html, MARKS.page)
}

/** Of trials on schemes that have no row in the matrix. */
const CONTROL_ROWS = 'controls.jsonl'

async function publishRows(path: string, rows: readonly TrialRow[]): Promise<void> {
  const text = jsonLines(rows.map(withoutPicture))
  await publish(path, [new TextEncoder().encode(text)], {
    replace: async there => /^(?:\{.*"attack":|$)/.test(await readFile(there, 'utf8')),
  })
}

const CSV_HEAD = 'scheme,situation,verdict,attack,queries,measure,mean,low,high,recognised,reason'

interface CsvCell {
  readonly scheme: string
  readonly column: string
  readonly verdict: string
  readonly already?: string
  readonly attack?: string
  readonly queries?: number
  readonly judged?: AttackResult['judged']
  readonly reason?: string
}

const csv = (cells: readonly CsvCell[]): string =>
  `${CSV_HEAD}\n${cells
    .map(({ scheme, column, verdict, already, attack, queries, judged, reason }) =>
      [
        scheme,
        column,
        verdict,
        attack ?? '',
        queries ?? '',
        judged?.of ?? '',
        judged?.value?.mean.toFixed(4) ?? '',
        judged?.value?.low.toFixed(4) ?? '',
        judged?.value?.high.toFixed(4) ?? '',
        judged?.recognised?.mean.toFixed(4) ?? '',
        reason ?? (already ? `as with ${already}` : ''),
      ]
        .map(field => (/[",\n]/.test(String(field)) ? `"${String(field).replaceAll('"', '""')}"` : field))
        .join(','),
    )
    .join('\n')}\n`
