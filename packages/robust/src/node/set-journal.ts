import { jsonLines, parseJsonLines, toHex } from '@latent/core'
import { ioError, onDisk, readOwnText } from '@latent/core/node'
import { type Found, hashOf, machineSecret, ROBUST_JOURNAL } from '@latent/vault/node'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { lstat, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** A source as it was sealed. Marks are keyed hashes, which only this machine can compare. */
interface Sealed {
  /** Of where it lay. */
  readonly name: string
  /** Of its size and time, and of how it was sealed, for whom and into which pictures. */
  readonly stamp: string
  /** Of what else the system knows of it; nothing where it was written so lately that it could be again, unseen. */
  readonly seen: string
  /** Of its bytes. */
  readonly content: string
}

/** A set of pictures, as the journal knows it. */
export interface SetEntry {
  readonly set: string
  /** The machine that sealed it. */
  readonly by: string
  readonly sources: readonly Sealed[]
  /** SHA-256 of each picture, by its path below the output folder. */
  readonly parts: ReadonlyMap<string, string>
  /** Was every picture of it published? */
  readonly whole: boolean
}

/** Within this time a file system may give two states of a file one time. */
const RACY_MS = 2500

/** What an earlier run leaves to do. */
export interface SetPlan {
  /** Sources that are sealed and unchanged, with the first picture of their set. */
  readonly unchanged: ReadonlyMap<string, string>
  /** Sources that cannot be sealed anew by themselves: their picture holds what this run did not meet. */
  readonly bound: ReadonlyMap<string, string>
  /** Sets whose sources are all sealed anew: what they leave is removed. */
  readonly outdated: readonly SetEntry[]
  /** Pictures of all other sets. */
  readonly kept: ReadonlySet<string>
  /** The sources of a set, as far as this run met them. */
  readonly sourcesOf: (entry: SetEntry) => readonly string[]
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

  close(): Promise<void> {
    return this.#file.close()
  }

  /**
   * Compares sources with what earlier runs sealed of them, and removes what a run left that was ended within a set.
   * @param anew all of them are sealed anew
   * @param base the folder that the sources' paths are relative to
   * @param reread compare contents where sizes and times say that nothing changed
   */
  async plan(
    base: string,
    files: readonly Found[],
    { reread = false, anew = false }: { readonly reread?: boolean; readonly anew?: boolean },
  ): Promise<SetPlan> {
    const byName = new Map(files.map(file => [this.#mark('name', base, file.relative), file]))
    const unchanged = new Map<string, string>()
    const bound = new Map<string, string>()
    const outdated: SetEntry[] = []
    for (const entry of this.#entries.values()) {
      if (entry.by !== this.#by) continue
      const sources = entry.sources.flatMap(sealed => {
        const file = byName.get(sealed.name)
        return file ? [{ sealed, file }] : []
      })
      if (!entry.whole) {
        await this.remove(entry, new Set())
        continue
      }
      if (sources.length === 0) continue
      const [first] = [...entry.parts.keys()].toSorted()
      const lost = anew || !(await this.#isThere(entry))
      const changed = new Set<string>()
      for (const { sealed, file } of sources)
        if (lost || !(await this.#isSource(sealed, file, reread))) changed.add(file.source)
      const all = sources.length === entry.sources.length
      if (changed.size > 0 && all) outdated.push(entry)
      else if (lost && !anew) continue
      else
        for (const { file } of sources)
          if (changed.has(file.source)) bound.set(file.source, first!)
          else unchanged.set(file.source, join(this.#output, first!))
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
      const content = this.#mark('content', await hashOf(file.source))
      // What was changed after it was sealed is not what was hashed.
      const { ctimeNs } = await lstat(onDisk(file.source), { bigint: true })
      sources.push({ name, stamp, seen, content: ctimeNs === file.info.ctimeNs ? content : '' })
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
  async remove({ set, parts }: SetEntry, but: ReadonlySet<string>): Promise<void> {
    for (const [part, sha256] of parts) {
      const path = join(this.#output, part)
      const now = but.has(part) ? undefined : await hashOf(path).catch(() => undefined)
      if (now === sha256) await rm(onDisk(path), { force: true })
    }
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

const isText = (value: unknown): value is string => typeof value === 'string'

/** Whoever can write to the folder can write lines: what is none of ours is passed over, and none reaches out of it. */
function entriesOf(text: string): Map<string, SetEntry> {
  const entries = new Map<string, SetEntry>()
  for (const value of parseJsonLines(text).values) {
    if (typeof value !== 'object' || value === null) continue
    const { set, by, sources, part, sha256, whole, gone } = value as Record<string, unknown>
    if (!isText(set)) continue
    const entry = entries.get(set)
    if (Array.isArray(sources) && isText(by))
      entries.set(set, { set, by, sources: sources.filter(isSealed), parts: new Map(), whole: false })
    else if (entry && isText(part) && isText(sha256) && isBelow(part))
      entries.set(set, { ...entry, parts: new Map([...entry.parts, [part, sha256]]) })
    else if (entry && whole === true) entries.set(set, { ...entry, whole })
    else if (gone === true) entries.delete(set)
  }
  return entries
}

const isSealed = (value: unknown): value is Sealed =>
  typeof value === 'object' &&
  value !== null &&
  ['name', 'stamp', 'seen', 'content'].every(field => isText((value as Record<string, unknown>)[field]))

const isBelow = (part: string): boolean =>
  part.endsWith('.png') && part.split(/[\\/]/).every(name => !['', '.', '..'].includes(name)) && !part.includes('\0')
