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

/**
 * Inputs that are empty, where something was sealed before.
 * @param sealed how many files are sealed in the output
 */
export function noticeEmpty({ emptyInputs }: Discovery, sealed: number, watcher: RunWatcher | undefined): void {
  for (const input of sealed > 0 ? emptyInputs : [])
    watcher?.notice?.(`${input} is empty, so nothing of it is said to be gone: its disk may not be mounted`)
}

/** Patterns that were to leave something out and did not: a mistake, most likely. */
export function noticeIdle({ idle }: Discovery, watcher: RunWatcher | undefined): void {
  for (const pattern of idle)
    watcher?.notice?.(`--exclude ${pattern} left nothing out: patterns with a slash are paths below an input`)
}
