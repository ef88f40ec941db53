import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { dirname } from 'node:path'
import type { Discovery } from './discover.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import { failure, type FileResult } from './run.ts'
import { distinctName, hiddenName, isHiddenName, plainFolder, portableName, sealedName } from './sealed-names.ts'
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
  /** Their names do not tell where their sources lay, and some folders were not looked into. */
  readonly untold: readonly Entry[]
}

/**
 * Only what this run would have met is said to be gone: folders that it did not look into, and what it left
 * out or could not read, may hold their sources still.
 */
export function leftover(journal: Journal, targets: Targets, found: Discovery, base: string, hide = false): Leftover {
  const others = journal.expected().filter(({ target }) => !targets.isOfThisRun(target))
  const kept = others.length === 0 ? new Set<string>() : namesOfMet(journal, found, hide)
  const unmatched = others.filter(({ target }) => !kept.has(target))
  const isOfThisBase = (entry: Entry) => entry.by === journal.by && entry.base === base
  const told = unmatched.filter(({ target }) => !isHiddenName(target))
  const hidden = isGone(['.'], found)
    ? unmatched.filter(entry => isHiddenName(entry.target) && isOfThisBase(entry))
    : []
  const gone = told.filter(({ target }) => isGone(foldersFrom(plainFolder(dirname(target))), found))
  const all = found.closed.length === 0
  return {
    stale: [...gone.filter(isOfThisBase), ...(all ? hidden : [])],
    unplaced: gone.filter(({ by }) => by === undefined),
    untold: all ? [] : hidden,
  }
}

/** Every name that a sealed file may have of whatever was met. */
function namesOfMet(journal: Journal, { files, met }: Discovery, hide: boolean): Set<string> {
  const worked = new Set(files.map(({ relative }) => relative))
  return new Set(
    Array.from(met).flatMap(relative => {
      const isHidden = worked.has(relative) ? [hide] : [false, true]
      return isHidden.flatMap(hidden =>
        hidden
          ? [hiddenName(journal.mark('hidden', relative))]
          : [sealedName(relative), distinctName(relative), portableName(relative)],
      )
    }),
  )
}

/** A folder and those that it lies in, the nearest first. */
export function* foldersFrom(folder: string): Generator<string> {
  yield folder
  if (dirname(folder) !== folder) yield* foldersFrom(dirname(folder))
}

/**
 * Is what a run did not meet gone? Yes if the nearest folder that it lay in, and that is still there, was looked into.
 * @param folders as {@link foldersFrom} gives them, or whatever stands for them in the sets
 */
export function isGone(
  folders: Iterable<string>,
  { folders: looked, met }: Pick<Discovery, 'folders' | 'met'>,
): boolean {
  for (const folder of folders) {
    if (looked.has(folder)) return true
    if (met.has(folder)) return false
  }
  return false
}

/** A sealed file whose source is gone. */
export interface Stale {
  readonly path: string
  /** @throws E_EXISTS if something else lies there now */
  remove(): Promise<void>
}

/** Names them, and removes them if that was said. */
export async function* pruneStale(stale: Iterable<Stale>, isWanted: boolean): AsyncGenerator<FileResult> {
  for (const each of stale) {
    const { path } = each
    const common = { source: path, target: path, status: 'skipped' as const }
    if (!isWanted) {
      yield { ...common, reason: 'sealed files whose sources are gone: latent seal --prune removes them' }
      continue
    }
    try {
      await each.remove()
      yield { ...common, reason: 'removed: their sources are gone' }
    } catch (error) {
      yield failure(path, ioError(error, 'cannot remove it'))
    }
  }
}

/** What to throw where something else lies there. */
export const notOurs = (): LatentError =>
  new LatentError('E_EXISTS', 'it is not the file that was sealed, and stays', {
    hint: 'look at it, and remove it by hand',
  })
