import { systemCode, onDisk } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { dirname, extname, join, relative, resolve, sep } from 'node:path'
import type { Found } from './discover.ts'
import { JournalState } from './journal-state.ts'
import type { OpenRun } from './open-run.ts'

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
export async function expectedFiles(
  inputs: readonly string[],
  found: readonly Found[],
  listedBeside: OpenRun['listedBeside'] = () => Promise.resolve([]),
): Promise<Expectation> {
  const nonces = new Map<string, string>()
  const beside = new Set<string>()
  const unlisted: string[] = []
  const readJournal = async (folder: string): Promise<FolderJournal[]> => {
    const [state, others] = await Promise.all([JournalState.read(folder), listedBeside(folder)])
    return state.all().length + others.length === 0 ? [] : [{ folder, state, others }]
  }
  for (const input of inputs.map(path => resolve(path))) {
    if (!(await isFolder(input))) continue
    const below = new Set(
      found.flatMap(({ source }) => (isBelow(input, source) ? foldersBetween(input, dirname(source)) : [])),
    )
    let journals = (await Promise.all([input, ...below].map(readJournal))).flat()
    for (let folder = input; journals.length === 0 && dirname(folder) !== folder;) {
      folder = dirname(folder)
      journals = await readJournal(folder).catch(() => [])
    }
    if (journals.length === 0) unlisted.push(input)
    for (const { folder, state, others } of journals) {
      for (const { target, nonce } of state.expected()) {
        const path = join(folder, target)
        if (isBelow(input, path)) nonces.set(path, nonce)
      }
      for (const path of others.map(other => join(folder, other))) if (isBelow(input, path)) beside.add(path)
    }
  }
  const sources = new Set(found.map(({ source }) => source))
  const numbers = new Set(found.map(({ info }) => fileNumber(info)))
  // A service that encodes pictures anew gives them another ending.
  const stems = new Set(beside.size === 0 ? [] : found.map(({ source }) => stemOf(source)))
  const paths = [...nonces.keys(), ...Array.from(beside).filter(path => sources.has(path) || !stems.has(stemOf(path)))]
  const states = await Promise.all(
    paths.map(async path => [path, sources.has(path) || (await stateOf(path, numbers))] as const),
  )
  const of = (state: 'gone' | 'unread') => states.flatMap(([path, is]) => (is === state ? [path] : []))
  return { listed: nonces.size + beside.size, missing: of('gone'), unread: of('unread'), nonces, unlisted }
}

/** What the journals of a folder say. */
interface FolderJournal {
  readonly folder: string
  readonly state: JournalState
  readonly others: readonly string[]
}

const stemOf = (path: string) => path.slice(0, path.length - extname(path).length)

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
