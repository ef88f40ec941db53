import { LatentError, release, sha256, toHex } from '@latent/core'
import { ioError, onDisk, openSteady, publish, readFileParts } from '@latent/core/node'
import { type BigIntStats, lstatSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import { Keyring } from '../envelope.ts'
import { openSealed } from '../open.ts'
import { mediaType, type Metadata, metadataFault } from '../payload.ts'
import { noteOfPlace } from '../place.ts'
import { rewrapSealed } from '../rewrap.ts'
import { looksSealed } from '../salvage.ts'
import { prepareSeal } from '../seal.ts'
import { alongside, releasing } from '../streams.ts'
import type { Found } from './discover.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import { isNameRefused, refusalOf } from './refused-names.ts'
import { counted, failure, type FileResult, stopIfAborted } from './run.ts'
import type { SealContext, SealRun } from './seal-run.ts'
import { hashOf, lookAt, type TargetState } from './target-state.ts'

/** Seals a file, or finds that an earlier run did. Never throws: a failure is the file's own. */
export async function sealOne(context: SealContext, file: Found): Promise<FileResult> {
  const target = context.targets.of(file)
  try {
    stopIfAborted(context.run.signal)
    return await sealTo(context, file, target).catch((error: unknown) => {
      if (!isWriting(error) || !isNameRefused(error, target)) throw error
      return sealUnderPortableName(context, file, error)
    })
  } catch (error) {
    return failure(file.source, ioError(error, `cannot seal ${basename(file.source)}`), {
      target: join(context.run.output, context.targets.of(file)),
      plainBytes: file.size,
    })
  }
}

async function sealUnderPortableName(context: SealContext, file: Found, refusal: unknown): Promise<FileResult> {
  try {
    return {
      ...(await sealTo(context, file, context.targets.portable(file))),
      note: 'the target cannot hold such a name, so the sealed file got another one; inside it is kept',
    }
  } catch (error) {
    // It was not the name, then.
    throw refusalOf(error) === refusalOf(refusal) ? refusal : error
  }
}

const isWriting = (error: unknown) => error instanceof LatentError && error.message.startsWith('cannot write')

async function sealTo(context: SealContext, file: Found, target: string): Promise<FileResult> {
  const { run, journal, marks } = context
  const path = join(run.output, target)
  const state = await lookAt(run.output, target, journal, run.reread ?? false)
  if (state.kind === 'ours' && state.damaged) context.counts.damaged++
  if (state.kind === 'ours' && !state.damaged) {
    const { entry, info } = state
    if (await isSource(context, file, entry)) {
      // The marks of another machine say nothing here.
      if (entry.by !== journal.by || entry.lock === marks.lock) {
        await refresh(context, file, entry, info)
        return skip(run, file, path, 'sealed and unchanged')
      }
      const rewrapped = await rewrap(context, file, entry, info)
      if (rewrapped) return rewrapped
      context.counts.resealedForLock++
    } else if (entry.by === journal.by && entry.base !== marks.base && !run.force) {
      throw new LatentError('E_EXISTS', `${basename(target)} was sealed from a file of another folder`, {
        hint: 'seal into a folder of its own, or --force to replace it',
      })
    } else if (entry.by !== undefined && entry.by !== journal.by) {
      context.counts.unmarked++
    }
  }
  if (state.kind === 'foreign') {
    const known = state.sealed ? await recognised(context, file, target) : undefined
    if (known) {
      context.counts.adopted++
      await refresh(context, file, known, state.info)
      return skip(run, file, path, 'sealed and unchanged')
    }
    if (!state.sealed)
      throw new LatentError('E_EXISTS', `${basename(target)} exists and is no sealed file`, {
        hint: 'move it away, or choose another folder',
      })
    if (!run.force)
      throw new LatentError('E_EXISTS', `${basename(target)} exists, and the journal of this folder does not know it`, {
        hint: `${
          run.keyring ? 'it holds something else than the source' : 'give -i IDENTITY, and what it opens is recognised'
        }; --force seals it anew`,
      })
  }
  return sealNow(context, file, target, state)
}

type Source = Pick<Found, 'relative' | 'info'>

/** What the journal can say of a source before it is read: its path, what was to be sealed how, what else is known. */
const sourceMarks = (context: SealContext, source: Source): { name: string; stamp: string; seen: string } => ({
  name: context.journal.mark('name', source.relative),
  stamp: stampMark(context, source),
  seen: seenMark(context, source),
})

const stampMark = ({ journal, run }: SealContext, { relative, info }: Source): string =>
  journal.mark('stamp', relative, info.size, info.mtimeNs, run.body.type, run.padding ?? 'none')

const seenMark = ({ journal }: SealContext, { relative, info }: Source): string =>
  journal.mark('seen', relative, info.ctimeNs, info.ino)

const albumMark = (journal: Journal, key: Uint8Array): string => journal.mark('album', toHex(key))

/** Was it sealed from this source, as it is now? */
async function isSource(context: SealContext, file: Found, entry: Entry): Promise<boolean> {
  const { journal, run } = context
  if (entry.by === undefined) return entry.stamp !== undefined && entry.stamp === oldStamp(run, file) && !run.reread
  if (entry.by !== journal.by) return (await recognised(context, file, entry.target)) !== undefined
  if (entry.stamp !== stampMark(context, file)) return false
  if (entry.seen === seenMark(context, file) && !run.reread) return true
  return entry.content === journal.contentMark(entry, await hashOf(file.source))
}

/** Brings the journal up to date about a file that is there and right. */
async function refresh(context: SealContext, file: Found, entry: Entry, info: BigIntStats): Promise<void> {
  const { run, journal, marks } = context
  const seen = isSettled(file.info) ? seenMark(context, file) : ''
  if (entry.by !== journal.by || entry.base !== marks.base || (entry.seen !== seen && seen !== '')) {
    const path = join(run.output, entry.target)
    const content =
      entry.by === journal.by && entry.content !== undefined
        ? entry.content
        : journal.contentMark(entry, await hashOf(file.source))
    await journal.promise({
      ...entry,
      by: journal.by,
      ...sourceMarks(context, file),
      seen,
      content,
      base: marks.base,
      lock: entry.lock ?? marks.lock,
      bytes: Number(info.size),
      sha256: entry.sha256 ?? (await hashOf(path)),
    })
  } else if (entry.file === journal.fileMark(entry, info)) {
    return
  }
  await journal.published(entry, info)
}

/** Within this time a file system may give two states of a file one time. */
const RACY_MS = 2500

/** What was written this moment may be written again without another time to show for it. */
const isSettled = ({ mtimeMs, ctimeMs }: BigIntStats) =>
  Date.now() - Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs) > RACY_MS

/**
 * The entry that a sealed file deserves which the journal does not know, or another machine sealed: the key
 * opens it, and what is inside is the source, byte for byte.
 */
async function recognised(
  { run, journal, marks }: SealContext,
  file: Found,
  target: string,
): Promise<Entry | undefined> {
  if (!run.keyring) return undefined
  try {
    const opened = await openSealed(releasing(readFileParts(join(run.output, target))), run.keyring, run.flows)
    const { name, size, modified } = opened.metadata
    if (name !== basename(file.source) || size !== file.size || modified !== milliseconds(file.modifiedNs)) {
      await opened.close()
      return undefined
    }
    const hash = sha256()
    for await (const part of releasing(opened.bytes)) hash.update(part)
    if (toHex(hash.digest()) !== (await hashOf(file.source))) return undefined
    return {
      target,
      nonce: toHex(opened.header.nonce),
      lock: marks.lock,
      album: albumMark(journal, await run.keyring.albumKey(opened.header.envelope)),
    }
  } catch {
    return undefined
  }
}

async function sealNow(context: SealContext, file: Found, target: string, state: TargetState): Promise<FileResult> {
  const { run, journal } = context
  const started = performance.now()
  const source = await openSteady(file.source)
  try {
    const first = (await source.parts.next()).value ?? new Uint8Array(0)
    if (looksSealed(first)) return skip(run, file, join(run.output, target), 'it is a sealed file already')
    const size = Number(source.info.size)
    const modified = milliseconds(source.info.mtimeNs)
    const permissions = process.platform === 'win32' ? {} : { mode: Number(source.info.mode) & 0o777 }
    const metadata = fitting({ name: basename(file.source), type: mediaType(first), size, modified, ...permissions })
    const sealing = await prepareSeal({
      ...run,
      metadata,
      padding: run.padding ?? 'none',
      ...(run.hideNames ? { note: noteOfPlace(file.relative.split(sep).join('/')) } : {}),
    })
    const entry = { target, nonce: toHex(sealing.nonce) }
    const album = albumMark(journal, run.album.key)
    let content: Uint8Array = new Uint8Array(0)
    const parts = releasing(joined(first, source.parts))
    const plain = counted(parts, bytes => run.watcher?.progress?.(file.source, bytes), run.signal)
    const made = sealing.png(plain, sha256 => (content = sha256))
    const png = run.check === false ? made : alongside(made, copy => checkSealed(run, copy))
    const facts = () => {
      const marks = sourceMarks(context, { relative: file.relative, info: source.info })
      return {
        ...marks,
        album,
        seen: isSettled(source.info) ? marks.seen : '',
        content: journal.contentMark(entry, toHex(content)),
      }
    }
    const bytes = await publishSealed(context, entry, sealing.size, png, facts, state)
    const notes = [
      ...(BigInt(modified) === source.info.mtimeNs / 1_000_000n
        ? []
        : ['its time is beyond what a sealed file holds; the nearest was kept']),
      ...(metadata.name === basename(file.source) ? [] : ['its name is longer than a sealed file holds, and was cut']),
    ]
    return {
      source: file.source,
      target: join(run.output, target),
      status: 'done',
      ...(notes.length > 0 ? { note: notes.join('; ') } : {}),
      plainBytes: size,
      sealedBytes: bytes,
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    await source.parts.return(undefined)
    await source.close()
  }
}

/**
 * A name whose bytes are no text takes more room in a sealed file than on the disk: what does not fit is cut from
 * its stem.
 */
function fitting(metadata: Metadata): Metadata {
  const { name } = metadata
  const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length
  for (let length = dot; length > 0; length--) {
    const cut = { ...metadata, name: name.slice(0, length) + name.slice(dot) }
    if (metadataFault(cut) === undefined) return cut
  }
  return metadata
}

/** The same sealed file for the recipients of this run, if the key opens it. */
async function rewrap(
  context: SealContext,
  file: Found,
  entry: Entry,
  info: BigIntStats,
): Promise<FileResult | undefined> {
  const { run, wrap, counts } = context
  if (!run.keyring || !wrap) return undefined
  if (!context.mayWrap(entry)) {
    counts.keyShared++
    return undefined
  }
  const path = join(run.output, entry.target)
  const rewrapping = await rewrapSealed(readFileParts(path), run.keyring, wrap).catch((error: unknown) => {
    if (error instanceof LatentError && error.code === 'E_NO_MATCH') return undefined
    throw error
  })
  if (!rewrapping) return undefined
  try {
    const { lock: _, file: __, ...kept } = entry
    const bytes = await publishSealed(
      context,
      kept,
      rewrapping.size,
      rewrapping.png,
      () => ({ ...sourceMarks(context, file), ...kept }),
      { kind: 'ours', entry, info, damaged: false },
    )
    counts.rewrapped++
    run.watcher?.progress?.(file.source, file.size)
    return {
      source: file.source,
      target: path,
      status: 'done',
      reason: 'wrapped for other recipients',
      plainBytes: file.size,
      sealedBytes: bytes,
    }
  } finally {
    await rewrapping.close()
  }
}

/** Writes a sealed file between its two lines in the journal. @returns its bytes */
async function publishSealed(
  { run, journal, destination, marks }: SealContext,
  entry: Pick<Entry, 'target' | 'nonce'>,
  size: number,
  png: AsyncIterable<Uint8Array>,
  facts: () => Partial<Entry>,
  state: TargetState,
): Promise<number> {
  const sealed = sha256()
  const { bytes, info } = await publish(join(run.output, entry.target), hashed(png, sealed), {
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
        sha256: toHex(sealed.digest()),
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

function skip({ watcher }: SealRun, { source, size }: Found, target: string, reason: string): FileResult {
  watcher?.progress?.(source, size)
  return { source, target, status: 'skipped', reason, plainBytes: size }
}

/**
 * Opens what is being written, to the end; its hash comparison is the check. It shares the album key and the threads
 * with the sealing and computes everything else again, keys and key streams too: what a fault of memory or processor
 * had spoilt there would be spoilt here as well, and compare equal.
 */
async function checkSealed({ album, flows }: SealRun, png: AsyncIterable<Uint8Array>): Promise<void> {
  const { bytes } = await openSealed(png, new Keyring().remember(album), flows)
  for await (const part of bytes) release(part)
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  yield* rest
}

async function* hashed(
  parts: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): void },
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    hash.update(part)
    yield part
  }
}

/** Whole milliseconds since 1970, as near as a sealed file can hold them. */
function milliseconds(nanoseconds: bigint): number {
  const exact = Number(nanoseconds / 1_000_000n)
  return Math.min(Math.max(exact, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

/** How version 0.1.0 told a source: without a key. */
function oldStamp({ lockName, body, padding = 'none' }: SealRun, { relative, size, modifiedNs }: Found): string {
  const hash = sha256()
  hash.update(
    new TextEncoder().encode(JSON.stringify([relative, size, modifiedNs, lockName, body.type, padding].map(String))),
  )
  return toHex(hash.digest()).slice(0, 32)
}
