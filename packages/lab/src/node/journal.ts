import { jsonLines, LatentError, parseJsonLines } from '@latent/core'
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { MARKS, publishTextNow } from './outputs.ts'

/** Rows of a run, each on the disk before it counts, so that a killed run goes on where it stopped. */
export interface Journal<R> {
  readonly rows: R[]
  has(name: string): boolean
  add(row: R): void
}

/** What a journal belongs to, and what tells its rows apart. */
export interface JournalOptions<R> {
  /** What all rows depend on; a folder with another is refused. Kept in `run.json`. */
  readonly config: object
  /** Kept beside it, and not compared. */
  readonly machine: string
  /** What makes a row unique. */
  readonly nameOf: (row: R) => string
  /** Brings rows and configurations of earlier releases into the form of this one. */
  readonly upgrade?: (stored: Record<string, unknown>) => Record<string, unknown>
}

/**
 * Writes a value as indented JSON, whole or not at all, over a file that this package wrote.
 * @throws E_EXISTS for a file of somebody else's; E_IO
 */
export function writeJson(path: string, value: object): void {
  publishTextNow(path, `${JSON.stringify(value, undefined, 1)}\n`, MARKS.json)
}

function storedConfig(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new LatentError('E_DATA', `${path} is damaged`, { hint: 'choose another folder with --out', cause })
  }
}

/**
 * Opens `rows.jsonl` in a folder for appending; a line that a killed run left half written is cut off.
 * @throws E_EXISTS if the folder holds a run with other arguments
 */
export function openJournal<R>(
  out: string,
  { config, machine, nameOf, upgrade = stored => stored }: JournalOptions<R>,
): Journal<R> {
  const configPath = join(out, 'run.json')
  const rowsPath = join(out, 'rows.jsonl')
  // Infinity (a one-time pad's key space) does not survive JSON: compare what is stored.
  const wanted = JSON.stringify(config)
  if (existsSync(configPath)) {
    const { machine: _, ...stored } = storedConfig(configPath)
    if (JSON.stringify(upgrade(stored)) !== wanted)
      throw new LatentError('E_EXISTS', `${out} holds a run with other arguments`, {
        hint: 'give another --out, or remove that folder',
      })
  } else writeJson(configPath, { ...config, machine })

  const rows: R[] = []
  if (existsSync(rowsPath)) {
    const text = readFileSync(rowsPath, 'utf8')
    const { values, length } = parseJsonLines(text)
    rows.push(...(values as Record<string, unknown>[]).map(row => upgrade(row) as R))
    truncateSync(rowsPath, Buffer.byteLength(text.slice(0, length)))
  }
  const names = new Set(rows.map(nameOf))
  return {
    rows,
    has: name => names.has(name),
    add(row) {
      appendFileSync(rowsPath, jsonLines([row]))
      rows.push(row)
      names.add(nameOf(row))
    },
  }
}
