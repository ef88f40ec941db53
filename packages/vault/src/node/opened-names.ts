import { bytesOfName } from '@latent/core'
import { ioError, onDisk } from '@latent/core/node'
import { type BigIntStats, lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { spelledName, windowsName } from '../safe-name.ts'
import { isReservedName } from './own-files.ts'
import { foldedName } from './sealed-names.ts'

/**
 * The name a file gets here. The format keeps names out of other folders; what is left could still
 * drive a terminal, pass for a journal of ours, or mean something else to Windows: such characters
 * become underscores.
 */
export function safeName(name: string, platform: NodeJS.Platform = process.platform): string {
  const spelled = spelledName(name)
  const quiet = isReservedName(spelled) ? spelled.replace(/^\./, '_') : spelled
  return platform === 'win32' ? windowsName(quiet) : quiet
}

/** Names of eCryptfs have 143 bytes; every other file system of today takes this too. */
const PORTABLE_BYTES = 143

/** A name that any file system takes, for one that has refused the true one. */
export const portableName = (name: string): string => fitName(...splitName(safeName(name, 'win32')), PORTABLE_BYTES)

/** The same in letters that were there before there were others, for drivers that know no more. */
export const plainName = (name: string): string =>
  portableName(
    name
      .normalize('NFKD')
      .replaceAll(/\p{Mark}/gu, '')
      .replaceAll(/[^\x20-\x7e]/gu, '_'),
  )

/** `photo.jpg` is `photo` and `.jpg`; a dot in front begins no extension. */
export function splitName(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
}

/** Joins the parts of a name; of too long ones the stem is cut, between two characters. */
export function fitName(stem: string, end: string, most = 255): string {
  const bytes = (text: string) => bytesOfName(text).length
  if (bytes(end) >= most) return fitName(stem + end, '', most)
  const chars = Array.from(stem)
  while (bytes(chars.join('')) + bytes(end) > most) chars.pop()
  return chars.join('') + end
}

type Identity = Pick<BigIntStats, 'dev' | 'ino'>

/** What is at the place where a file is to go. */
export interface Place {
  readonly target: string
  readonly info?: BigIntStats
  /**
   * `free`: nothing; `there`: the very file; `twice`: the very file, and this run gave it the name; `taken`:
   * something else.
   */
  readonly state: 'free' | 'there' | 'twice' | 'taken'
}

/**
 * The names that a run gives: each once. Two sealed files of one folder may hold files of one name, or of
 * names that this file system holds to be one: the second becomes `name (2).jpg`, unless it is the same
 * file under the same name (what sync programs call a conflicted copy).
 */
export class GivenNames {
  readonly #given = new Set<string>()
  readonly #folded = new Map<string, Identity[]>()
  readonly #queues = new Map<string, Promise<unknown>>()

  /** Works on names that some file system might take for one, one after the other. */
  async inTurn<T>(folder: string, name: string, work: () => Promise<T>): Promise<T> {
    const key = foldedName(join(folder, name))
    const before = this.#queues.get(key)
    const mine = before === undefined ? work() : before.then(work)
    this.#queues.set(
      key,
      mine.catch(() => undefined),
    )
    return mine
  }

  /**
   * Finds where a file goes. Call in turn, and give the name when it is settled.
   * @param isSame is this the file, opened before?
   */
  async place(
    folder: string,
    name: string,
    isSame: (path: string, info: BigIntStats) => Promise<boolean>,
  ): Promise<Place> {
    const [stem, extension] = splitName(name)
    let taken: string | undefined
    for (let n = 1; ; n++) {
      const target = join(folder, n === 1 ? name : fitName(stem, ` (${n})${extension}`))
      const info = infoOf(target)
      if (!info && this.#given.has(target)) continue
      if (!info) return { target: taken ?? target, state: taken === undefined ? 'free' : 'taken' }
      if (!this.#given.has(target) && (await this.#isTwin(target, info))) continue
      if (await isSame(target, info)) return { target, info, state: this.#given.has(target) ? 'twice' : 'there' }
      if (!this.#given.has(target)) taken ??= target
    }
  }

  give(target: string, info: Identity): void {
    this.#given.add(target)
    this.#folded.set(foldedName(target), [...(this.#folded.get(foldedName(target)) ?? []), info])
  }

  /**
   * Does another file of this run stand here, under a name that the file system takes for this one? It has
   * the same number, or, where numbers do not last, a name that is listed otherwise.
   */
  async #isTwin(target: string, info: Identity): Promise<boolean> {
    const twins = this.#folded.get(foldedName(target)) ?? []
    return (
      twins.some(({ dev, ino }) => dev === info.dev && ino === info.ino) ||
      (twins.length > 0 && !(await isListed(target)))
    )
  }

  has(target: string): boolean {
    return this.#given.has(target)
  }
}

/** What lies there, whatever it is. @throws E_IO */
export function infoOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(onDisk(path), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw ioError(error, `cannot write ${basename(path)}`)
  }
}

/** Is the name in its folder as it is written here? */
async function isListed(path: string): Promise<boolean> {
  const wanted = Buffer.from(bytesOfName(basename(path)))
  return (await readdir(onDisk(dirname(path)), { encoding: 'buffer' })).some(name => name.equals(wanted))
}
