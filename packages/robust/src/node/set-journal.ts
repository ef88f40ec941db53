import { jsonLines, toHex } from '@latent/core'
import { ioError, onDisk, readOwnText } from '@latent/core/node'
import {
  type Discovery,
  type Found,
  foldersFrom,
  hashOf,
  isGone,
  machineSecret,
  ROBUST_JOURNAL,
} from '@latent/vault/node'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { lstat, open, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { entriesOf, firstPart, type Sealed, type SetEntry } from './set-entries.ts'

/** Within this time a file system may give two states of a file one time. */
const RACY_MS = 2500

/** What an earlier run leaves to do. */
export interface SetPlan {
  /** Sources that are sealed and unchanged, with the first picture of their set. */
  readonly unchanged: ReadonlyMap<string, string>
  /** Sources that cannot be sealed anew by themselves: their set holds what this run did not meet. */
  readonly bound: ReadonlyMap<string, SetEntry>
  /** Sets whose sources are all sealed anew, or gone: what they leave is removed. */
  readonly outdated: readonly SetEntry[]
  /** Pictures of all other sets. */
  readonly kept: ReadonlySet<string>
  /** The sources of a set, as far as this run met them. */
  readonly sourcesOf: (entry: SetEntry) => readonly string[]
}

/** A set that holds what is gone: a restore would bring it back. */
export interface LeftSet {
  readonly entry: SetEntry
  /** In order, but for those that a later set has replaced. */
  readonly pictures: readonly { readonly part: string; readonly path: string }[]
}

/** What an earlier run left of sources that are gone. */
export interface LeftSets {
  /** Nothing else is in them. */
  readonly stale: readonly LeftSet[]
  /** Beside what is there. */
  readonly shared: readonly LeftSet[]
}

/**
 * The journal of a folder of robust carriers: which pictures hold which sources. A set is written down before its first
 * picture appears, each picture with its hash before it does, and that all are there behind the last. Nothing is ever
 * replaced or removed but files with the very hash that stands here.
 */
export class SetJournal {
  readonly #output: string
  readonly #file: FileHandle
  readonly #secret: Uint8Array
  readonly #how: string
  readonly #by: string
  readonly #entries: Map<string, SetEntry>

  private constructor(
    output: string,
    file: FileHandle,
    secret: Uint8Array,
    how: string,
    entries: Map<string, SetEntry>,
  ) {
    this.#output = output
    this.#file = file
    this.#secret = secret
    this.#how = how
    this.#by = this.#mark('by').slice(0, 8)
    this.#entries = entries
  }

  /**
   * @param how everything besides a source that decides what its pictures hold
   * @throws E_IO if the folder cannot be written
   */
  static async open(output: string, how: readonly string[]): Promise<SetJournal> {
    const path = join(output, ROBUST_JOURNAL)
    try {
      const there = await lstat(onDisk(path)).catch(() => undefined)
      const text = there ? await readOwnText(path) : ''
      const file = await open(onDisk(path), 'a', 0o666)
      // What follows an unfinished line must not be lost with it.
      if (text !== '' && !text.endsWith('\n')) await file.appendFile('\n')
      return new SetJournal(output, file, await machineSecret(), JSON.stringify(how), entriesOf(text))
    } catch (error) {
      throw ioError(error, `cannot write to the folder ${output}`)
    }
  }

  /** Sets that it knows. */
  get size(): number {
    return this.#entries.size
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** Removes what a run left that was ended within a set. */
  async mend(): Promise<void> {
    for (const entry of this.#entries.values())
      if (entry.by === this.#by && !entry.whole) await this.remove(entry, new Set())
  }

  /** Sets of which a part is gone, and nothing may be where the run did not look. */
  leftover({ base, files, folders, met }: Discovery): LeftSets {
    const names = (paths: Iterable<string>) => new Set(Array.from(paths, path => this.#mark('name', base, path)))
    const [there, known] = [names(files.map(({ relative }) => relative)), names(met)]
    const marks = (paths: Iterable<string>) => new Set(Array.from(paths, path => this.#mark('folder', base, path)))
    const seen = { folders: marks(folders), met: marks(met) }
    const own = [...this.#entries.values()].filter(
      ({ by, whole, sources }) => by === this.#by && whole && sources.length > 0,
    )
    // One that was lost in part was made again for what the run met of it.
    const holders = new Map(own.flatMap(entry => entry.sources.map(({ name }) => [name, entry] as const)))
    const owners = new Map(
      [...this.#entries.values()].flatMap(entry => [...entry.parts.keys()].map(part => [part, entry] as const)),
    )
    const leftSet = (entry: SetEntry): LeftSet => ({
      entry,
      pictures: [...entry.parts.keys()]
        .filter(part => owners.get(part) === entry)
        .toSorted()
        .map(part => ({ part, path: join(this.#output, part) })),
    })
    const [stale, shared]: [LeftSet[], LeftSet[]] = [[], []]
    for (const entry of own) {
      const left = entry.sources.filter(({ name }) => !there.has(name))
      const isHeld = entry.sources.some(({ name }) => there.has(name) && holders.get(name) === entry)
      if (left.length === 0 || !left.every(({ name, within }) => !known.has(name) && isGone(within, seen))) continue
      if (isHeld) shared.push(leftSet(entry))
      else stale.push(leftSet(entry))
    }
    return { stale, shared }
  }

  /**
   * Compares sources with what earlier runs sealed of them.
   * @param anew all of them are sealed anew
   * @param reread compare contents where sizes and times say that nothing changed
   * @param without sets that are given up: what is there of their sources is sealed anew
   */
  async plan(
    { base, files }: Discovery,
    {
      reread = false,
      anew = false,
      without = [],
    }: { readonly reread?: boolean; readonly anew?: boolean; readonly without?: readonly SetEntry[] },
  ): Promise<SetPlan> {
    const byName = new Map(files.map(file => [this.#mark('name', base, file.relative), file]))
    const unchanged = new Map<string, string>()
    const bound = new Map<string, SetEntry>()
    const outdated: SetEntry[] = []
    for (const entry of this.#entries.values()) {
      if (entry.by !== this.#by) continue
      const sources = entry.sources.flatMap(sealed => {
        const file = byName.get(sealed.name)
        return file ? [{ sealed, file }] : []
      })
      if (sources.length === 0) continue
      const given = without.includes(entry)
      const lost = anew || given || !(await this.#isThere(entry))
      const changed = new Set<string>()
      for (const { sealed, file } of sources)
        if (lost || !(await this.#isSource(sealed, file, reread))) changed.add(file.source)
      const all = given || sources.length === entry.sources.length
      if (changed.size > 0 && all) outdated.push(entry)
      else if (lost && !anew) continue
      else
        for (const { file } of sources)
          if (changed.has(file.source)) bound.set(file.source, entry)
          else unchanged.set(file.source, join(this.#output, firstPart(entry)))
    }
    const others = [...this.#entries.values()].filter(entry => !outdated.includes(entry))
    return {
      unchanged,
      bound,
      outdated,
      kept: new Set(others.flatMap(({ parts }) => [...parts.keys()])),
      sourcesOf: ({ sources }) => sources.flatMap(({ name }) => byName.get(name)?.source ?? []),
    }
  }

  /** A set begins: what it will hold. On the disk when it returns. */
  async begin(base: string, files: readonly Found[]): Promise<string> {
    const set = randomBytes(8).toString('hex')
    const sources: Sealed[] = []
    for (const file of files) {
      const { name, stamp, seen } = this.#marks(base, file)
      const within = Array.from(foldersFrom(dirname(file.relative)), folder => this.#mark('folder', base, folder))
      const content = this.#mark('content', await hashOf(file.source))
      // What was changed after it was sealed is not what was hashed.
      const { ctimeNs } = await lstat(onDisk(file.source), { bigint: true })
      sources.push({ name, stamp, seen, content: ctimeNs === file.info.ctimeNs ? content : '', within })
    }
    await this.#append({ set, by: this.#by, sources })
    this.#entries.set(set, { set, by: this.#by, sources, parts: new Map(), whole: false })
    return set
  }

  /** A picture is about to appear. */
  async promise(set: string, part: string, png: Uint8Array): Promise<void> {
    const sha256 = toHex(new Uint8Array(createHash('sha256').update(png).digest()))
    await this.#append({ set, part, sha256 })
    const entry = this.#entries.get(set)!
    this.#entries.set(set, { ...entry, parts: new Map([...entry.parts, [part, sha256]]) })
  }

  /** All pictures of a set are there. */
  async finish(set: string): Promise<void> {
    await this.#append({ set, whole: true })
    this.#entries.set(set, { ...this.#entries.get(set)!, whole: true })
  }

  /** Is what lies there the very picture of one of these sets? */
  async isOf(entries: readonly SetEntry[], part: string): Promise<boolean> {
    const known = entries.flatMap(({ parts }) => parts.get(part) ?? [])
    return known.length > 0 && known.includes(await hashOf(join(this.#output, part)).catch(() => ''))
  }

  /** Gives up a set that was begun: what is there of it is removed. */
  async abandon(set: string): Promise<void> {
    await this.remove(this.#entries.get(set)!, new Set())
  }

  /** Removes what is left of a set, but for pictures that another has replaced meanwhile. */
  async remove(entry: SetEntry, but: ReadonlySet<string>): Promise<void> {
    for (const part of entry.parts.keys()) if (!but.has(part)) await this.removePart(entry, part)
    await this.forget(entry)
  }

  /** Removes a picture of a set. @returns whether what lies there now is another, and stays */
  async removePart({ parts }: SetEntry, part: string): Promise<boolean> {
    const path = join(this.#output, part)
    const now = await hashOf(path).catch(() => undefined)
    if (now === parts.get(part)) await rm(onDisk(path), { force: true })
    return now !== undefined && now !== parts.get(part)
  }

  /** A set is no more. */
  async forget({ set }: SetEntry): Promise<void> {
    await this.#append({ set, gone: true })
    this.#entries.delete(set)
  }

  async #isThere({ parts }: SetEntry): Promise<boolean> {
    for (const [part, sha256] of parts)
      if ((await hashOf(join(this.#output, part)).catch(() => undefined)) !== sha256) return false
    return parts.size > 0
  }

  async #isSource({ stamp, seen, content }: Sealed, file: Found, reread: boolean): Promise<boolean> {
    const now = this.#marks('', file)
    if (stamp !== now.stamp) return false
    if (seen !== '' && seen === now.seen && !reread) return true
    return content === this.#mark('content', await hashOf(file.source))
  }

  #marks(base: string, { relative, info }: Found): Pick<Sealed, 'name' | 'stamp' | 'seen'> {
    const last = Number(info.mtimeMs > info.ctimeMs ? info.mtimeMs : info.ctimeMs)
    return {
      name: this.#mark('name', base, relative),
      stamp: this.#mark('stamp', this.#how, info.size, info.mtimeNs),
      seen: Date.now() - last > RACY_MS ? this.#mark('seen', info.ctimeNs, info.ino) : '',
    }
  }

  #mark(kind: string, ...facts: readonly (string | bigint)[]): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify(['robust', kind, ...facts.map(String)]))
      .digest('hex')
      .slice(0, 32)
  }

  async #append(line: object): Promise<void> {
    await this.#file.appendFile(jsonLines([line]))
    await this.#file.datasync().catch(() => undefined)
  }
}
