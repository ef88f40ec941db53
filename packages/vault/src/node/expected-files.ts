import { systemCode, onDisk } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Found } from './discover.ts'
import { JournalState } from './journal-state.ts'

/** What ought to be in some folders, by the journals that sealing leaves there. */
export interface Expectation {
  /** Sealed files that journals list. */
  readonly listed: number
  /** Of these, what is gone. */
  readonly missing: readonly string[]
  /** Of these, what is there in name alone: a link or a folder, or behind one, where no run looks. */
  readonly unread: readonly string[]
  /** Nonces of the files that were sealed last, by path. */
  readonly nonces: ReadonlyMap<string, string>
  /** Folders without a journal, in them or above: what is gone from there cannot be told. */
  readonly unlisted: readonly string[]
}

/**
 * Looks for journals in the inputs that are folders, in the folders of `found` below them, and, where
 * only a part of a sealed folder is asked for, above them.
 */
export async function expectedFiles(inputs: readonly string[], found: readonly Found[]): Promise<Expectation> {
  const nonces = new Map<string, string>()
  const unlisted: string[] = []
  for (const input of inputs.map(path => resolve(path))) {
    if (!(await isFolder(input))) continue
    const below = new Set(
      found.flatMap(({ source }) => (isBelow(input, source) ? foldersBetween(input, dirname(source)) : [])),
    )
    let journals = (await Promise.all([input, ...below].map(readJournal))).flatMap(journal => journal ?? [])
    for (let folder = input; journals.length === 0 && dirname(folder) !== folder;) {
      folder = dirname(folder)
      journals = (
        await readJournal(folder).then(
          journal => [journal],
          () => [],
        )
      ).flatMap(journal => journal ?? [])
    }
    if (journals.length === 0) unlisted.push(input)
    for (const { folder, state } of journals) {
      for (const { target, nonce } of state.expected()) {
        const path = join(folder, target)
        if (isBelow(input, path)) nonces.set(path, nonce)
      }
    }
  }
  const sources = new Set(found.map(({ source }) => source))
  const numbers = new Set(found.map(({ info }) => fileNumber(info)))
  const states = await Promise.all(
    Array.from(nonces.keys()).map(async path => [path, sources.has(path) || (await stateOf(path, numbers))] as const),
  )
  const of = (state: 'gone' | 'unread') => states.flatMap(([path, is]) => (is === state ? [path] : []))
  return { listed: nonces.size, missing: of('gone'), unread: of('unread'), nonces, unlisted }
}

async function readJournal(folder: string): Promise<{ folder: string; state: JournalState } | undefined> {
  const state = await JournalState.read(folder)
  return state.all().length === 0 ? undefined : { folder, state }
}

const isBelow = (folder: string, path: string) =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

/** Every folder from `path` up to below `folder`. */
function foldersBetween(folder: string, path: string): string[] {
  const parts = relative(folder, path)
    .split(sep)
    .filter(part => part !== '')
  return parts.map((_, i) => join(folder, ...parts.slice(0, i + 1)))
}

const isFolder = async (path: string) => (await stat(onDisk(path)).catch(() => undefined))?.isDirectory() ?? false

const fileNumber = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`

/**
 * Of a file that was not found under this name: it may be there in another spelling of it. What cannot be looked at is
 * not said to be gone.
 */
async function stateOf(path: string, found: ReadonlySet<string>): Promise<'gone' | 'unread' | 'there'> {
  try {
    await lstat(onDisk(path))
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '') ? 'gone' : 'there'
  }
  const info = await stat(onDisk(path), { bigint: true }).catch(() => undefined)
  return info && found.has(fileNumber(info)) ? 'there' : 'unread'
}
