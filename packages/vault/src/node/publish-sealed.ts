import { sha256, toHex } from '@latent/core'
import { onDisk, publish } from '@latent/core/node'
import { type BigIntStats, lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import type { SealContext } from './seal-run.ts'
import type { SourceInfo } from './source-file.ts'
import type { TargetState } from './target-state.ts'

/** A file that is sealed, as the journal tells it from others. */
export interface Source {
  readonly relative: string
  readonly info: SourceInfo
}

/** What the journal can say of a source before it is read: its path, what was to be sealed how, what else is known. */
export const sourceMarks = (context: SealContext, source: Source): { name: string; stamp: string; seen: string } => ({
  name: context.journal.mark('name', source.relative),
  stamp: stampMark(context, source),
  seen: seenMark(context, source),
})

/** Of the source as it is on the disk, and of how it is to be sealed. */
export const stampMark = ({ journal, run }: SealContext, { relative, info }: Source): string =>
  journal.mark('stamp', relative, info.size, info.mtimeNs, run.body.type, run.padding ?? 'none')

/** Of what else the system knows of the source: where nothing of it changed, the file was not written to. */
export const seenMark = ({ journal }: SealContext, { relative, info }: Source): string =>
  journal.mark('seen', relative, info.ctimeNs, info.ino)

/** Of the key that a file is sealed with. */
export const albumMark = (journal: Journal, key: Uint8Array): string => journal.mark('album', toHex(key))

/** Within this time a file system may give two states of a file one time. */
const RACY_MS = 2500

/** What was written this moment may be written again without another time to show for it. */
export const isSettled = ({ mtimeMs, ctimeMs }: SourceInfo) =>
  Date.now() - Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs) > RACY_MS

/** What the journal is told of a sealed file: its bytes, and their hash once they are written. */
export interface SealedFacts {
  readonly size: number
  readonly sha256: () => Uint8Array
}

/** Writes a sealed file between its two lines in the journal. @returns its bytes */
export async function publishSealed(
  { run, journal, destination, marks }: SealContext,
  entry: Pick<Entry, 'target' | 'nonce'>,
  png: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { size, sha256 }: SealedFacts,
  facts: () => Partial<Entry>,
  state: TargetState,
): Promise<number> {
  const { bytes, info } = await publish(join(run.output, entry.target), png, {
    destination,
    given: true,
    replace: state.kind === 'absent' ? undefined : path => isSameFile(path, state.info),
    beforePublish: () =>
      journal.promise({
        ...facts(),
        target: entry.target,
        nonce: entry.nonce,
        by: journal.by,
        ...marks,
        bytes: size,
        sha256: toHex(sha256()),
      }),
  })
  await journal.published(entry, info)
  return bytes
}

/** What was looked at and found to be ours is what is replaced. */
function isSameFile(path: string, { dev, ino, size, mtimeNs }: BigIntStats): boolean {
  const now = lstatSync(onDisk(path), { bigint: true, throwIfNoEntry: false })
  return now !== undefined && now.dev === dev && now.ino === ino && now.size === size && now.mtimeNs === mtimeNs
}

/** Hashes what goes by on its way to the disk. */
export function hashing(parts: AsyncIterable<Uint8Array>, size: number): [AsyncIterable<Uint8Array>, SealedFacts] {
  const hash = sha256()
  async function* passing() {
    for await (const part of parts) {
      hash.update(part)
      yield part
    }
  }
  return [passing(), { size, sha256: () => hash.digest() }]
}
