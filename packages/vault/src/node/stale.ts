import { dirname } from 'node:path'
import type { Discovery } from './discover.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import { distinctName, plainFolder, portableName, sealedName } from './sealed-names.ts'
import type { Targets } from './targets.ts'

/**
 * Sealed files whose sources are gone or have other names now: a restore would bring them back. Only
 * what this run would have met is said to be gone: folders that it did not look into, and what it left
 * out or could not read, may hold their sources still.
 */
export function staleEntries(journal: Journal, targets: Targets, { folders, met }: Discovery, base: string): Entry[] {
  const kept = new Set(
    Array.from(met).flatMap(relative => [sealedName(relative), distinctName(relative), portableName(relative)]),
  )
  const isGone = (folder: string): boolean => {
    if (folders.has(folder)) return true
    const parent = dirname(folder)
    return parent !== folder && !met.has(folder) && isGone(parent)
  }
  return journal
    .expected()
    .filter(
      entry =>
        entry.by === journal.by &&
        entry.base === base &&
        !targets.isOfThisRun(entry.target) &&
        !kept.has(entry.target) &&
        isGone(plainFolder(dirname(entry.target))),
    )
}
