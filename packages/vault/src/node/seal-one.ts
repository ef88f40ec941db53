import { LatentError, sha256, toHex } from '@latent/core'
import { ioError, readFileParts } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { basename, join } from 'node:path'
import { openSealed } from '../open.ts'
import { rewrapSealed } from '../rewrap.ts'
import { releasing } from '../streams.ts'
import type { Found } from './discover.ts'
import type { Entry } from './journal-state.ts'
import { albumMark, hashing, isSettled, publishSealed, seenMark, sourceMarks, stampMark } from './publish-sealed.ts'
import { isNameRefused, refusalOf } from './refused-names.ts'
import { failure, type FileResult, stopIfAborted } from './run.ts'
import { sealNow, skip } from './seal-now.ts'
import type { SealContext, SealRun } from './seal-run.ts'
import { milliseconds } from './source-file.ts'
import { hashOf, lookAt } from './target-state.ts'

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
      ...hashing(rewrapping.png, rewrapping.size),
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

/** How version 0.1.0 told a source: without a key. */
function oldStamp({ lockName, body, padding = 'none' }: SealRun, { relative, size, modifiedNs }: Found): string {
  const hash = sha256()
  hash.update(
    new TextEncoder().encode(JSON.stringify([relative, size, modifiedNs, lockName, body.type, padding].map(String))),
  )
  return toHex(hash.digest()).slice(0, 32)
}
