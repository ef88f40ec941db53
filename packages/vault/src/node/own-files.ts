import { parseJsonLines } from '@latent/core'
import { isTemporary, onDisk } from '@latent/core/node'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'

/** The journal of an output folder. */
export const JOURNAL = '.latent-journal.jsonl'
/** Who can open what is in a sealed folder, for them alone: an age file. */
export const RECIPIENTS = '.latent-recipients.age'
/** The journal of an output folder of robust carriers. */
export const ROBUST_JOURNAL = '.latent-robust.jsonl'
/** Held by the run that writes into an output folder. */
export const LOCK = '.latent-lock.tmp'

/** A journal, or what a synchronising service calls its copy of one. */
export const isJournalName = (name: string): boolean => /^\.latent-journal[^/\\]*\.jsonl$/.test(name)

/** Names that files of others are not given, so that a later run does not take them for Latent's own. */
export const isReservedName = (name: string): boolean =>
  [RECIPIENTS, ROBUST_JOURNAL].includes(name) || isJournalName(name) || name.startsWith(LOCK) || isTemporary(name)

/**
 * Is it a journal, a lock or a temporary file of Latent's? A name alone says little: users have notes on Latent
 * too. One without content is what a kill leaves of a name that was claimed.
 */
export async function isOwnFile(path: string): Promise<boolean> {
  const name = basename(path)
  if (isTemporary(name)) return true
  if (!isReservedName(name)) return false
  const start = await startOf(path)
  if (start.trim() === '') return true
  if (name === RECIPIENTS) return start.startsWith('age-encryption.org/v1\n')
  // Any line will do: a kill may have cut the first.
  return parseJsonLines(start).values.some(value => isFields(value) && isOwnLine(name, value))
}

function isOwnLine(name: string, fields: Record<string, unknown>): boolean {
  if (name === ROBUST_JOURNAL) return 'set' in fields
  if (name.startsWith(LOCK)) return 'machine' in fields && 'process' in fields
  return ('target' in fields && 'nonce' in fields) || 'lock' in fields
}

/** An object, as every line of a journal or a lock is one. */
export const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

async function startOf(path: string): Promise<string> {
  const file = await open(onDisk(path))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1 << 16), 0, 1 << 16)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
