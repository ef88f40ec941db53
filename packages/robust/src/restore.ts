import type { Geometry } from '@latent/vault'
import type { Mode } from './channel/modes.ts'
import { type Directory, readDirectory } from './directory.ts'
import { restoreParts } from './erasure.ts'
import type { Descriptor } from './frame.ts'
import { contentBytes } from './picture.ts'

/** A part that came back: which of its codewords could be decoded, and what they hold. */
export interface ReceivedPart {
  /** Where it came from, for messages. */
  readonly source: string
  readonly descriptor: Descriptor
  readonly mode: Mode
  /** For each codeword whether it is there. */
  readonly frames: readonly boolean[]
  /** The content of all codewords, with anything where one is missing. */
  content(): Promise<Uint8Array>
}

/** Parts of one set, as far as they came back. */
export interface PartSet {
  /** 16 hexadecimal digits. */
  readonly name: string
  readonly groups: readonly (PartGroup | undefined)[]
}

/** Parts of one group of a set. */
export interface PartGroup {
  readonly descriptor: Descriptor
  readonly mode: Mode
  readonly frames: number
  /** Copies of each part; several of one may have come back. */
  readonly parts: readonly (readonly ReceivedPart[])[]
}

const hex = (bytes: Uint8Array) => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

/** Sorts parts by set and group. Parts that say different things of one group are not put together. */
export function sortParts(parts: readonly ReceivedPart[]): PartSet[] {
  const sets = new Map<string, Map<number, Map<string, ReceivedPart[]>>>()
  for (const part of parts) {
    const { set, groups, group, size, data, spare } = part.descriptor
    const name = `${hex(set)}/${groups}`
    const found = sets.get(name) ?? new Map<number, Map<string, ReceivedPart[]>>()
    sets.set(name, found)
    const kinds = found.get(group) ?? new Map<string, ReceivedPart[]>()
    found.set(group, kinds)
    const kind = [size, data, spare, part.mode.id, part.frames.length].join('/')
    kinds.set(kind, [...(kinds.get(kind) ?? []), part])
  }
  return Array.from(sets, ([name, found]) => {
    const groups = Array.from({ length: Number(name.split('/')[1]) }, (_, index) => {
      const kinds = [...(found.get(index)?.values() ?? [])]
      return kinds.length === 0 ? undefined : groupOf(kinds.reduce((a, b) => (b.length > a.length ? b : a)))
    })
    return { name: name.slice(0, 16), groups }
  })
}

function groupOf(parts: readonly ReceivedPart[]): PartGroup {
  const { descriptor, mode, frames } = parts[0]!
  const count = descriptor.data + descriptor.spare
  return {
    descriptor,
    mode,
    frames: frames.length,
    parts: Array.from({ length: count }, (_, index) => parts.filter(part => part.descriptor.part === index)),
  }
}

/** Bytes of a group, and where some are lost. */
interface GroupBytes {
  readonly bytes: Uint8Array
  readonly holes: readonly (readonly [from: number, to: number])[]
}

async function restoreGroup({ descriptor, mode, frames, parts }: PartGroup): Promise<GroupBytes> {
  const each = contentBytes(mode)
  const { data, size } = descriptor
  const contents = await Promise.all(
    parts.map(copies => Promise.all(copies.map(async part => ({ frames: part.frames, bytes: await part.content() })))),
  )
  const partBytes = frames * each
  const bytes = new Uint8Array(data * partBytes)
  const holes: [number, number][] = []
  for (let frame = 0; frame < frames; frame++) {
    const range = [frame * each, (frame + 1) * each] as const
    const known = contents.map(copies => copies.find(copy => copy.frames[frame])?.bytes.subarray(...range))
    const restored = restoreParts(known, data) ?? known.slice(0, data)
    restored.forEach((content, part) => {
      const at = part * partBytes + range[0]
      if (content) bytes.set(content, at)
      else holes.push([at, at + each])
    })
  }
  return { bytes: bytes.subarray(0, size), holes: holes.filter(([from]) => from < size) }
}

/** One sealed file of a set. */
export interface RestoredFile {
  readonly geometry: Geometry
  /** Is all of it there? If not, zeros stand for what is lost. */
  readonly whole: boolean
  /** The pixel bytes of its picture of noise. */
  pixels(): AsyncGenerator<Uint8Array>
}

/** What can be had of a set. */
export interface RestoredSet {
  /** Nothing if both copies of the directory are lost. */
  readonly files: readonly RestoredFile[] | undefined
  readonly hasHoles: boolean
}

/**
 * Restores a set, group by group; the last one stays in memory. @throws E_HEADER for a directory that no writer
 * makes
 */
export async function restoreSet({ groups }: PartSet): Promise<RestoredSet> {
  const each = groups.find((group, index) => group && index < groups.length - 1)?.descriptor.size
  const last = groups.at(-1)?.descriptor.size
  if (each === undefined && groups.length > 1) return { files: undefined, hasHoles: true }
  const groupSize = each ?? last!
  const size = last === undefined ? undefined : (groups.length - 1) * groupSize + last
  let kept: { index: number; group: GroupBytes } | undefined
  const groupAt = async (index: number): Promise<GroupBytes | undefined> => {
    const group = groups[index]
    if (!group) return undefined
    if (kept?.index !== index) kept = { index, group: await restoreGroup(group) }
    return kept.group
  }
  const holes = new Map<number, GroupBytes['holes'] | undefined>()
  for (let index = 0; index < groups.length; index++) holes.set(index, (await groupAt(index))?.holes)
  const isWhole = (from: number, to: number) => {
    for (let index = Math.floor(from / groupSize); index * groupSize < to; index++) {
      const there = holes.get(index)
      if (!there || there.some(hole => hole[0] + index * groupSize < to && hole[1] + index * groupSize > from))
        return false
    }
    return true
  }
  const directory = size === undefined ? undefined : await directoryOf(size, groupSize, groupAt, isWhole)
  const files = directory?.geometries.map((geometry, index) => {
    const [from, to] = [directory.offsets[index]!, directory.offsets[index + 1]!]
    return {
      geometry,
      whole: isWhole(from, to),
      async *pixels() {
        for (let at = from; at < to;) {
          const index = Math.floor(at / groupSize)
          const end = Math.min(to, (index + 1) * groupSize)
          yield (
            (await groupAt(index))?.bytes.slice(at - index * groupSize, end - index * groupSize) ??
            new Uint8Array(end - at)
          )
          at = end
        }
      },
    }
  })
  return { files, hasHoles: Array.from(holes.values(), there => !there || there.length > 0).includes(true) }
}

async function directoryOf(
  size: number,
  groupSize: number,
  groupAt: (index: number) => Promise<GroupBytes | undefined>,
  isWhole: (from: number, to: number) => boolean,
): Promise<Directory | undefined> {
  const [first, last] = [await groupAt(0), Math.floor((size - 1) / groupSize)]
  const start = first?.bytes.slice(0, 1 << 16)
  const end = (await groupAt(last))?.bytes
  return readDirectory(size, (from, to) => {
    if (!isWhole(from, to)) return undefined
    if (start && to <= start.length) return start.subarray(from, to)
    const at = from - last * groupSize
    return end && at >= 0 ? end.slice(at, at + to - from) : undefined
  })
}

/** Which parts of a set are missing, and which are there with codewords that could not be decoded. */
export function partsAmiss({ groups }: PartSet): { missing: string[]; hurt: ReceivedPart[] } {
  const missing: string[] = []
  const hurt: ReceivedPart[] = []
  groups.forEach((group, index) => {
    const where = groups.length > 1 ? ` of group ${index + 1}` : ''
    if (!group) missing.push(`all parts${where}`)
    group?.parts.forEach((copies, part) => {
      if (copies.length === 0) missing.push(`part ${part + 1} of ${group.parts.length}${where}`)
      const [first] = copies
      if (first && !copies.some(({ frames }) => frames.every(Boolean))) hurt.push(first)
    })
  })
  return { missing, hurt }
}
