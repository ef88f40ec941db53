import { dirname } from 'node:path'
import type { Discovery } from './discover.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import { distinctName, hiddenName, plainFolder, portableName, sealedName } from './sealed-names.ts'
import type { Targets } from './targets.ts'

/** Sealed files that no source of a run belongs to. */
export interface Leftover {
  /** Their sources are gone or have other names now: a restore would bring them back. */
  readonly stale: readonly Entry[]
  /**
   * Version 0.1.0 did not write down which folder paths are relative to: these may be of another folder, and a
   * person must look.
   */
  readonly unplaced: readonly Entry[]
}

/**
 * Only what this run would have met is said to be gone: folders that it did not look into, and what it left
 * out or could not read, may hold their sources still.
 */
export function leftover(
  journal: Journal,
  targets: Targets,
  { folders, met }: Discovery,
  base: string,
  hide = false,
): Leftover {
  const kept = new Set(
    Array.from(met).flatMap(relative =>
      hide
        ? [hiddenName(journal.mark('hidden', relative))]
        : [sealedName(relative), distinctName(relative), portableName(relative)],
    ),
  )
  const isGone = (folder: string): boolean => {
    if (folders.has(folder)) return true
    const parent = dirname(folder)
    return parent !== folder && !met.has(folder) && isGone(parent)
  }
  const unmatched = journal
    .expected()
    .filter(({ target }) => !targets.isOfThisRun(target) && !kept.has(target) && isGone(plainFolder(dirname(target))))
  return {
    stale: unmatched.filter(entry => entry.by === journal.by && entry.base === base),
    unplaced: unmatched.filter(({ by }) => by === undefined),
  }
}
