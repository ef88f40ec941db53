import { LatentError, parseJsonLines } from '@latent/core'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrialRow } from '../attacks/trial.ts'
import { type PageStrip, stripsOf } from '../report/matrix-strips.ts'

/**
 * The trials of a verdict matrix that was written before: its raw rows, with the pictures that its page shows. A row
 * whose picture the page does not show has none. Rows say nothing of the code that they were measured with: those of a
 * scheme or an attack that has changed since are to be removed first.
 *
 * @throws E_IO where there is no such folder; E_ARGUMENT for rows that are none of the lab's
 */
export async function readMatrix(folder: string): Promise<TrialRow[]> {
  const names = await orFailure(folder, () => readdir(join(folder, 'rows')))
  const rows: TrialRow[] = []
  for (const name of names.filter(one => one.endsWith('.jsonl')).toSorted()) {
    const path = join(folder, 'rows', name)
    const text = await orFailure(path, () => readFile(path, 'utf8'))
    const { values } = parseJsonLines(text)
    if (!text.endsWith('\n') || values.length !== text.split('\n').length - 1 || !values.every(isTrial))
      throw new LatentError('E_ARGUMENT', `${path} holds lines that are no trials`, {
        hint: 'it is damaged, or not of latent lab matrix; take it away, and its trials are run again',
      })
    rows.push(...values)
  }
  const page = await orFailure(folder, () => readFile(join(folder, 'matrix.html'), 'utf8'))
  return withStrips(rows, stripsOf(page))
}

const isTrial = (value: unknown): value is TrialRow =>
  typeof value === 'object' &&
  value !== null &&
  (value as TrialRow).kind === 'trial' &&
  typeof (value as TrialRow).scheme === 'string' &&
  typeof (value as TrialRow).attack === 'string' &&
  Array.isArray((value as TrialRow).targets)

/** Rows with the pictures of the cells that they stand in. */
export function withStrips(rows: readonly TrialRow[], strips: readonly PageStrip[]): TrialRow[] {
  const out = rows.slice()
  const show = (strip: string, fits: (row: TrialRow) => boolean): boolean => {
    const at = out.findIndex(row => !row.control && row.outcome === 'found' && fits(row))
    if (at >= 0 && out[at]!.shown === undefined) out[at] = { ...out[at]!, shown: strip }
    return at >= 0
  }
  for (const { scheme, strip, cell } of strips.toSorted((a, b) => Number(!a.cell) - Number(!b.cell))) {
    const own = (row: TrialRow) => row.scheme === scheme
    if (cell) {
      const nonces = cell.column === 'reused' ? 'reused' : 'as meant'
      show(strip, row => own(row) && row.attack === cell.attack && row.nonces === nonces)
      // The pair beside a name is that of looking, or else that of any attack.
    } else if (!show(strip, row => own(row) && row.attack === 'look')) show(strip, own)
  }
  return out
}

async function orFailure<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw new LatentError('E_IO', `${path} is no verdict matrix that can be gone on from`, {
      hint: 'give the folder with matrix.html and rows/ that latent lab matrix wrote',
      cause,
    })
  }
}
