import { jsonLines, parseJsonLines } from '@latent/core'
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { EncodedEvidence } from '../evidence/index.ts'
import { type Row, rowName } from '../run/rows.ts'
import { type Journal, type JournalOptions, openJournal } from './journal.ts'

interface EvidenceLine {
  readonly row: string
  readonly evidence: EncodedEvidence
}

/**
 * The rows of a run. What a row gives to the sums over all images is tens of kilobytes that nobody reads, and lies in
 * `evidence.jsonl`, written before the row: a row that is there has its evidence.
 * @throws E_EXISTS if the folder holds a run with other arguments
 */
export function openRunJournal(out: string, options: Omit<JournalOptions<Row>, 'nameOf'>): Journal<Row> {
  const journal = openJournal<Row>(out, { ...options, nameOf: rowName })
  const path = join(out, 'evidence.jsonl')
  const known = new Map<string, EncodedEvidence>()
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8')
    const { values, length } = parseJsonLines(text)
    for (const { row, evidence } of values as EvidenceLine[]) known.set(row, evidence)
    truncateSync(path, Buffer.byteLength(text.slice(0, length)))
  }
  const whole = (row: Row): Row => {
    const evidence = known.get(rowName(row))
    return evidence && row.kind === 'image' ? { ...row, evidence } : row
  }
  const rows = journal.rows.map(whole)
  return {
    rows,
    has: name => journal.has(name),
    add(row) {
      if (row.kind === 'image' && row.evidence) {
        const { evidence, ...rest } = row
        appendFileSync(path, jsonLines([{ row: rowName(row), evidence } satisfies EvidenceLine]))
        journal.add(rest)
      } else journal.add(row)
      rows.push(row)
    },
  }
}
