import { LatentError, sha256, toHex } from '@latent/core'
import { Destination, holdLock, ioError, onDisk, publish, readFileParts, removeStale } from '@latent/core/node'
import { existsSync, lstatSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { type Album, Keyring, type Keys, recipientKinds, wrapAlbum } from '../envelope.ts'
import { recipientOf } from '../keys/index.ts'
import { rewrapSealed } from '../rewrap.ts'
import { readSealedNote } from '../sealed-note.ts'
import { discover, type Found } from './discover.ts'
import { Journal } from './journal.ts'
import { machineSecret } from './machine-secret.ts'
import { JOURNAL, LOCK } from './own-files.ts'
import { envelopeHash, readRecipientsList, type RecipientsList, writeRecipientsList } from './recipients-list.ts'
import { failure, type FileResult, runAll, type RunWatcher, stopIfAborted } from './run.ts'

/** One envelope, and the files that carry it. */
export interface EnvelopeGroup {
  readonly hash: string
  /** Kinds of recipients, one each. */
  readonly kinds: readonly string[]
  /** Who they are, where it can be known: the folder's list says so, or the one key that was given is the only one. */
  readonly recipients: readonly string[] | undefined
  /** A run that was to give these files to `recipients` has not come to them: who could open them still can. */
  readonly pending: boolean
  readonly files: readonly string[]
  /** 32 bytes; nothing if no key that was given opens it. */
  readonly albumKey: Uint8Array | undefined
  readonly envelope: Uint8Array
}

/** What a look at a sealed folder found. */
export interface FolderRecipients {
  readonly groups: readonly EnvelopeGroup[]
  readonly failed: readonly FileResult[]
  readonly files: readonly Found[]
}

/** Who can open the sealed files of a folder, as far as it can be known. @throws E_IO; E_KEY */
export async function folderRecipients(folder: string, keys: Keys): Promise<FolderRecipients> {
  const { files, passedOver } = await discover([folder], '.latent-nowhere')
  const failed: FileResult[] = passedOver.flatMap(({ source, error, failed: bad }) =>
    bad ? [failure(source, error)] : [],
  )
  const list = await readRecipientsList(folder, keys)
  const keyring = new Keyring(keys)
  const groups = new Map<string, Omit<EnvelopeGroup, 'files'> & { files: string[] }>()
  for await (const { file, found } of runAll(files, 4, async one => ({ file: one, found: await look(one, keyring) }))) {
    if ('status' in found) {
      if (found.code !== 'E_NOT_SEALED' || /\.png$/i.test(file.source)) failed.push(found)
      continue
    }
    const { envelope, albumKey } = found
    const hash = envelopeHash(envelope)
    const kinds = recipientKinds(envelope)
    const group = groups.get(hash) ?? {
      hash,
      kinds,
      envelope,
      albumKey,
      pending: list !== undefined && list.replaced.has(hash) && !list.envelopes.has(hash),
      recipients:
        list?.envelopes.has(hash) || list?.replaced.has(hash) ? list.recipients : await onlyOne(kinds, keys, albumKey),
      files: [] as string[],
    }
    group.files.push(file.source)
    groups.set(hash, group)
  }
  return { groups: Array.from(groups.values()), failed, files }
}

type Front = { readonly envelope: Uint8Array; readonly albumKey: Uint8Array | undefined }

async function look({ source }: Found, keyring: Keyring): Promise<Front | FileResult> {
  let envelope: Uint8Array | undefined
  const watching = {
    albumKey: (it: Uint8Array) => {
      envelope = it
      return keyring.albumKey(it)
    },
  }
  try {
    const { albumKey } = await readSealedNote(readFileParts(source), watching)
    return { envelope: envelope!, albumKey }
  } catch (error) {
    if (envelope && error instanceof LatentError && error.code === 'E_NO_MATCH')
      return { envelope, albumKey: undefined }
    return failure(source, ioError(error, `cannot read ${basename(source)}`))
  }
}

/** The only key that was given opens what is for one recipient alone. */
async function onlyOne(
  kinds: readonly string[],
  { identities = [] }: Keys,
  albumKey: Uint8Array | undefined,
): Promise<readonly string[] | undefined> {
  const [identity] = identities
  if (!albumKey || kinds.length !== 1 || kinds[0] === 'scrypt' || identities.length !== 1 || !identity) return undefined
  return [await recipientOf(identity)]
}

/** What is to become of the recipients of a folder. */
export interface RewrapRun {
  readonly folder: string
  readonly keys: Keys
  /** The recipients from now on, from those that are known; `undefined` before it where they are not. */
  change(before: readonly string[] | undefined): readonly string[]
  readonly jobs?: number
  readonly watcher?: RunWatcher
  readonly signal?: AbortSignal
}

/**
 * Gives the sealed files of a folder new envelopes; bodies are copied as they are. A run that is stopped has changed
 * some of them, each whole; the same run goes on.
 * @throws E_ARGUMENT where it cannot be known who can open them; E_KEY; E_IO: before anything is changed
 */
export async function* rewrapFiles(run: RewrapRun): AsyncGenerator<FileResult> {
  const { folder, watcher } = run
  const lock = await holdLock(join(folder, LOCK), 'is sealing into this folder')
  const journal = existsSync(onDisk(join(folder, JOURNAL)))
    ? await Journal.open(folder, await machineSecret())
    : undefined
  try {
    await removeStale(folder)
    const { groups, failed, files } = await folderRecipients(folder, run.keys)
    yield* failed
    const { recipients, albums, done } = await decide(run, groups)
    const byPath = new Map(files.map(file => [file.source, file]))
    const size = (path: string) => byPath.get(path)?.size ?? 0
    const all = groups.flatMap(group => group.files.map(source => ({ source, group })))
    watcher?.planned?.(
      all.length,
      all.reduce((sum, { source }) => sum + size(source), 0),
    )
    const destination = new Destination(folder)
    const mark = journal?.mark('lock', lockNameOf(recipients))
    if (journal && mark !== undefined)
      await journal.knowLock(
        mark,
        recipients.map(recipient => journal.mark('recipient', recipient)),
      )
    const work = { run, journal, destination, albums, mark }
    yield* runAll(all, run.jobs ?? 4, async ({ source, group }): Promise<FileResult> => {
      try {
        stopIfAborted(run.signal)
        if (!group.albumKey)
          throw new LatentError('E_NO_MATCH', 'none of the given keys or passphrases opens this file', {
            hint: 'give a key that opens it: only who can open a file can say who else may',
          })
        const result: FileResult = done.has(group.hash)
          ? { source, status: 'skipped', reason: 'for these recipients already' }
          : await rewrapOne(work, source)
        watcher?.progress?.(source, size(source))
        return result
      } catch (error) {
        return failure(source, ioError(error, `cannot rewrap ${basename(source)}`))
      }
    })
    await destination.flush()
  } finally {
    await journal?.close()
    await lock.release()
  }
}

/** Names recipients as `latent seal` does. */
export const lockNameOf = (recipients: readonly string[]): string => {
  const hash = sha256()
  hash.update(new TextEncoder().encode(recipients.toSorted().join('\n')))
  return toHex(hash.digest())
}

/** Settles everything before anything is changed: for whom, with which envelopes, and what is done already. */
async function decide(
  run: RewrapRun,
  groups: readonly EnvelopeGroup[],
): Promise<{ recipients: readonly string[]; albums: Map<string, Album>; done: ReadonlySet<string> }> {
  const { folder, keys } = run
  const list = await readRecipientsList(folder, keys)
  const opened = groups.filter(({ albumKey }) => albumKey)
  const known = opened.every(group => group.recipients)
    ? Array.from(new Set(opened.flatMap(group => group.recipients!)))
    : undefined
  const recipients = run.change(known)
  const same = list !== undefined && lockNameOf(list.recipients) === lockNameOf(recipients)
  const done = new Set(opened.flatMap(({ hash }) => (same && list.envelopes.has(hash) ? [hash] : [])))
  const albums = new Map<string, Album>()
  // A run that was stopped has made some of them: they are taken up.
  for (const { hash, albumKey, envelope } of opened)
    if (done.has(hash)) albums.set(toHex(albumKey!), { key: albumKey!, envelope })
  for (const { albumKey } of opened) {
    const name = toHex(albumKey!)
    if (!albums.has(name)) albums.set(name, await wrapAlbum(albumKey!, { recipients }))
  }
  const fresh: RecipientsList = {
    recipients,
    envelopes: new Set(Array.from(albums.values(), ({ envelope }) => envelopeHash(envelope))),
    replaced: new Set(opened.flatMap(({ hash }) => (done.has(hash) ? [] : [hash]))),
  }
  if (opened.length > done.size) await writeRecipientsList(folder, fresh)
  return { recipients, albums, done }
}

interface Work {
  readonly run: RewrapRun
  readonly journal: Journal | undefined
  readonly destination: Destination
  readonly albums: ReadonlyMap<string, Album>
  readonly mark: string | undefined
}

async function rewrapOne({ run, journal, destination, albums, mark }: Work, source: string): Promise<FileResult> {
  const before = lstatSync(onDisk(source), { bigint: true })
  const rewrapping = await rewrapSealed(readFileParts(source), new Keyring(run.keys), async key =>
    albums.get(toHex(key))!,
  )
  try {
    const entry = journal?.find(relative(run.folder, source), toHex(rewrapping.nonce))
    const hash = sha256()
    async function* hashed() {
      for await (const part of rewrapping.png) {
        stopIfAborted(run.signal)
        hash.update(part)
        yield part
      }
    }
    const { bytes, info } = await publish(source, hashed(), {
      destination,
      replace: path => {
        const now = lstatSync(onDisk(path), { bigint: true, throwIfNoEntry: false })
        return now?.ino === before.ino && now.size === before.size && now.mtimeNs === before.mtimeNs
      },
      beforePublish: async () => {
        if (!journal || !entry) return
        const own = entry.by === journal.by && mark !== undefined ? { lock: mark } : {}
        await journal.promise({ ...entry, ...own, bytes: rewrapping.size, sha256: toHex(hash.digest()) })
      },
    })
    if (journal && entry && entry.by === journal.by) await journal.published(entry, info)
    return { source, status: 'done', sealedBytes: bytes }
  } finally {
    await rewrapping.close()
  }
}
