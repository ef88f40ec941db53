import { type Discovery, type FileResult, noticeEmpty, notOurs, pruneStale, type SealRun } from '@latent/vault/node'
import type { LeftSet, LeftSets, SetJournal } from './set-journal.ts'

/** What an earlier run left of sources that are gone, and whether it is to go. */
export interface GivenUp extends LeftSets {
  readonly isGivenUp: boolean
}

/**
 * Looks for pictures of sources that are gone, and asks. This comes before anything is sealed: what shares a picture
 * with them is sealed anew.
 */
export async function leftSets(
  { prune, watcher }: Pick<SealRun, 'prune' | 'watcher'>,
  journal: SetJournal,
  found: Discovery,
): Promise<GivenUp> {
  noticeEmpty(found, journal.size, watcher)
  const left = journal.leftover(found)
  const sets = [...left.stale, ...left.shared]
  if (left.shared.length > 0 && prune)
    watcher?.notice?.('some of these pictures hold files that are there, too: those are sealed anew first')
  const paths = sets.flatMap(({ pictures }) => pictures.map(({ path }) => path))
  return { ...left, isGivenUp: sets.length > 0 && prune !== undefined && (await prune(paths)) }
}

/** Names pictures of sources that are gone, or removes them; those that others shared are made anew by now. */
export async function* pruneSets(
  journal: SetJournal,
  { stale, shared, isGivenUp }: GivenUp,
): AsyncGenerator<FileResult> {
  for (const set of stale) yield* pruneSet(journal, set, isGivenUp)
  if (isGivenUp) return
  for (const { pictures } of shared)
    for (const { path: source } of pictures)
      yield {
        source,
        target: source,
        status: 'skipped',
        reason: 'pictures that hold files whose sources are gone, beside others: latent seal --prune makes them anew',
      }
}

async function* pruneSet(
  journal: SetJournal,
  { entry, pictures }: LeftSet,
  isWanted: boolean,
): AsyncGenerator<FileResult> {
  const stale = pictures.map(({ part, path }) => ({
    path,
    async remove() {
      if (await journal.removePart(entry, part)) throw notOurs()
    },
  }))
  let isRid = isWanted
  for await (const result of pruneStale(stale, isWanted)) {
    // What could not be removed is tried again by the next run; what is none of ours is not.
    if (result.status === 'failed' && result.code !== 'E_EXISTS') isRid = false
    yield result
  }
  if (isRid) await journal.forget(entry)
}
