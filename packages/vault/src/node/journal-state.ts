import { type LatentError, parseJsonLines } from '@latent/core'
import { onDisk, readOwnText, systemCode } from '@latent/core/node'
import { readdir } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { isFields, isJournalName, JOURNAL } from './own-files.ts'
import { isHiddenName } from './sealed-names.ts'

/**
 * One sealed file, as the journal knows it. Marks are keyed hashes: only the machine whose secret keyed
 * them (`by`) can compare them.
 */
export interface Entry {
  /** Path below the output folder. */
  readonly target: string
  /** Of the sealed file's header. */
  readonly nonce: string
  readonly by?: string
  /** The folder that paths are relative to, the path, and who can open it. */
  readonly base?: string
  readonly name?: string
  readonly lock?: string
  /** Files with one album key: who is given the key of one can open them all. */
  readonly album?: string
  /** Size and time of the source and how it was sealed; what else the system knows of it; its bytes. */
  readonly stamp?: string
  readonly seen?: string
  readonly content?: string
  /** The sealed file: anyone who has it can check it against these. */
  readonly bytes?: number
  readonly sha256?: string
  /** Size and times of the sealed file as it lay there when it was last known to be whole. */
  readonly file?: string
  readonly gone?: boolean
}

const TEXTS = ['by', 'base', 'name', 'lock', 'album', 'stamp', 'seen', 'content', 'sha256', 'file'] as const

const ANY_FOLDER = resolve(sep, 'folder')

/**
 * Whoever can write to a sealed folder can write lines into its journal: none may reach out of the folder, or name a
 * file in another way than a run does.
 */
const isBelow = (target: string): boolean =>
  !target.includes('\0') && resolve(ANY_FOLDER, target) === ANY_FOLDER + sep + target.replaceAll('/', sep)

/** What a folder was sealed from, read from its journal and from the copies that services made of it. */
export class JournalState {
  /** Of each target, its entries by nonce; the last is the newest. */
  readonly #targets = new Map<string, Map<string, Entry>>()
  readonly #byName = new Map<string, string>()
  readonly locks = new Map<string, readonly string[]>()
  /** Lines that a rewritten journal would not have. */
  surplus = 0
  /** Version 0.1.0 hashed sizes and times without a key. */
  unkeyed = false
  /** Copies that synchronising services made where two machines wrote. */
  copies: readonly string[] = []

  /** @param known is gone on from, and of no use any more */
  constructor(known?: JournalState) {
    if (!known) return
    this.#targets = known.#targets
    this.#byName = known.#byName
    this.locks = known.locks
    this.surplus = known.surplus
    this.unkeyed = known.unkeyed
    this.copies = known.copies
  }

  /** @throws E_IO if there is a journal that cannot be read */
  static async read(folder: string): Promise<JournalState> {
    const state = new JournalState()
    const found = await readdir(onDisk(folder), { withFileTypes: true }).catch(() => [])
    state.copies = found
      .filter(entry => entry.isFile() && entry.name !== JOURNAL && isJournalName(entry.name))
      .map(({ name }) => name)
      .toSorted()
    // The journal itself last: what it says is newest.
    for (const name of [...state.copies, JOURNAL]) {
      const text = await readOwnText(join(folder, name)).catch((error: unknown) => {
        if (systemCode((error as LatentError).cause) === 'ENOENT') return ''
        throw error
      })
      for (const value of parseJsonLines(text).values) if (isFields(value)) state.take(value)
    }
    return state
  }

  take(fields: Record<string, unknown>): void {
    const { target, nonce, lock, members } = fields
    if (typeof lock === 'string' && Array.isArray(members)) this.locks.set(lock, members.map(String))
    if (typeof target !== 'string' || typeof nonce !== 'string' || !isBelow(target)) return
    if (typeof fields['stamp'] === 'string' && typeof fields['by'] !== 'string') this.unkeyed = true
    const known = this.#targets.get(target) ?? new Map<string, Entry>()
    this.#targets.set(target, known)
    const before = known.get(nonce)
    if (before) this.surplus++
    known.delete(nonce)
    const entry: Entry = {
      ...before,
      target,
      nonce,
      ...texts(fields),
      ...(typeof fields['bytes'] === 'number' ? { bytes: fields['bytes'] } : {}),
      ...(before?.gone || fields['gone'] === true ? { gone: fields['gone'] === true } : {}),
    }
    known.set(nonce, entry)
    if (entry.name !== undefined && !entry.gone)
      this.#byName.set(`${entry.by} ${entry.name} ${isHiddenName(target)}`, target)
  }

  find(target: string, nonce: string): Entry | undefined {
    const entry = this.#targets.get(target)?.get(nonce)
    return entry?.gone ? undefined : entry
  }

  /** The newest file that is known to have been published there. */
  latest(target: string): Entry | undefined {
    const last = Array.from(this.#targets.get(target)?.values() ?? []).findLast(
      entry => isPublished(entry) || entry.gone,
    )
    return last?.gone ? undefined : last
  }

  /** Is there a line on it at all, be it of a run that was killed before the file appeared? */
  mentions(target: string): boolean {
    return this.#targets.has(target)
  }

  /** Where a source was sealed to last, by its mark: under a name that tells nothing, or another one. */
  targetOf(by: string, name: string, isHidden: boolean): string | undefined {
    return this.#byName.get(`${by} ${name} ${isHidden}`)
  }

  /** The sealed files that ought to be in the folder. */
  expected(): Entry[] {
    return Array.from(this.#targets.keys()).flatMap(target => this.latest(target) ?? [])
  }

  all(): Entry[] {
    return Array.from(this.#targets.values()).flatMap(entries => Array.from(entries.values()))
  }

  /** Everything that a later run can need. */
  live(): Entry[] {
    return Array.from(this.#targets.values()).flatMap(entries => {
      const list = Array.from(entries.values())
      const newest = list.findLastIndex(entry => isPublished(entry) || entry.gone)
      return list.slice(Math.max(0, newest)).filter(entry => !entry.gone)
    })
  }
}

/** Version 0.1.0 wrote a line before the file appeared, and none afterwards. */
const isPublished = ({ file, by }: Entry) => file !== undefined || by === undefined

function texts(fields: Record<string, unknown>): Partial<Entry> {
  const found: Partial<Record<(typeof TEXTS)[number], string>> = {}
  for (const key of TEXTS) {
    const value = fields[key]
    if (typeof value === 'string') found[key] = value
  }
  return found
}
