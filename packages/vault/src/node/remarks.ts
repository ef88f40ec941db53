import type { Discovery } from './discover.ts'
import { failure, type FileResult, type RunWatcher } from './run.ts'

/**
 * What was met and is not worked on, each with its reason.
 * @param holders what holds files and no folders, for the message
 */
export function* remarksOn(
  { passedOver, excluded, own, emptyFolders }: Discovery,
  holders: string,
): Generator<FileResult> {
  for (const { source, error, failed } of passedOver)
    yield failed ? failure(source, error) : { ...failure(source, error), status: 'skipped' }
  for (const source of excluded) yield { source, status: 'skipped', reason: 'excluded' }
  for (const source of own) yield { source, status: 'skipped', reason: 'a journal or temporary file of Latent itself' }
  for (const source of emptyFolders)
    yield { source, status: 'skipped', reason: `empty folders, which ${holders} cannot hold` }
}

/** Patterns that were to leave something out and did not: a mistake, most likely. */
export function noticeIdle({ idle }: Discovery, watcher: RunWatcher | undefined): void {
  for (const pattern of idle)
    watcher?.notice?.(`--exclude ${pattern} left nothing out: patterns with a slash are paths below an input`)
}
