import { parseJsonLines } from '@latent/core'

/** A source as it was sealed. Marks are keyed hashes, which only this machine can compare. */
export interface Sealed {
  /** Of where it lay. */
  readonly name: string
  /** Of its size and time, and of how it was sealed, for whom and into which pictures. */
  readonly stamp: string
  /** Of what else the system knows of it; nothing where it was written so lately that it could be again, unseen. */
  readonly seen: string
  /** Of its bytes. */
  readonly content: string
  /** Of the folder that it lay in, and of those above, the nearest first. */
  readonly within: readonly string[]
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

/** The picture that a set is named after in messages. */
export const firstPart = ({ parts }: SetEntry): string => [...parts.keys()].toSorted()[0]!

const isText = (value: unknown): value is string => typeof value === 'string'

/** Whoever can write to the folder can write lines: what is none of ours is passed over, and none reaches out of it. */
export function entriesOf(text: string): Map<string, SetEntry> {
  const entries = new Map<string, SetEntry>()
  for (const value of parseJsonLines(text).values) {
    if (typeof value !== 'object' || value === null) continue
    const { set, by, sources, part, sha256, whole, gone } = value as Record<string, unknown>
    if (!isText(set)) continue
    const entry = entries.get(set)
    if (Array.isArray(sources) && isText(by))
      entries.set(set, { set, by, sources: sources.flatMap(sealedOf), parts: new Map(), whole: false })
    else if (entry && isText(part) && isText(sha256) && isBelow(part))
      entries.set(set, { ...entry, parts: new Map([...entry.parts, [part, sha256]]) })
    else if (entry && whole === true) entries.set(set, { ...entry, whole })
    else if (gone === true) entries.delete(set)
  }
  return entries
}

function sealedOf(value: unknown): Sealed[] {
  if (typeof value !== 'object' || value === null) return []
  const { name, stamp, seen, content, within } = value as Record<string, unknown>
  if (!isText(name) || !isText(stamp) || !isText(seen) || !isText(content)) return []
  // Without this, nothing is ever said to be gone.
  return [{ name, stamp, seen, content, within: Array.isArray(within) ? within.filter(isText) : [] }]
}

const isBelow = (part: string): boolean =>
  part.endsWith('.png') && part.split(/[\\/]/).every(name => !['', '.', '..'].includes(name)) && !part.includes('\0')
