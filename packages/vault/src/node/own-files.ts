import { isTemporary, onDisk } from '@latent/core/node'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'

export const JOURNAL = '.latent-journal.jsonl'
export const LOCK = '.latent-lock.tmp'

/** A journal, or what a synchronising service calls its copy of one. */
export const isJournalName = (name: string): boolean => /^\.latent-journal[^/\\]*\.jsonl$/.test(name)

/** Names that files of others are not given, so that a later run does not take them for Latent's own. */
export const isReservedName = (name: string): boolean =>
  isJournalName(name) || name.startsWith(LOCK) || isTemporary(name)

/** Is it a journal, a lock or a temporary file of Latent's? A name alone says little: users have notes on Latent too. */
export async function isOwnFile(path: string): Promise<boolean> {
  const name = basename(path)
  if (isTemporary(name)) return true
  if (!isReservedName(name)) return false
  const [line] = (await startOf(path)).split('\n')
  const fields = parseFields(line ?? '')
  return name.startsWith(LOCK)
    ? 'machine' in fields && 'process' in fields
    : line === '' || ('target' in fields && 'nonce' in fields) || 'lock' in fields
}

export function parseFields(line: string): Record<string, unknown> {
  try {
    const fields = JSON.parse(line) as unknown
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : {}
  } catch {
    // A kill may leave a line unfinished.
    return {}
  }
}

async function startOf(path: string): Promise<string> {
  const file = await open(onDisk(path))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1 << 16), 0, 1 << 16)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
