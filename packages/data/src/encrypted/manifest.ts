import { deriveKey, type Image, LatentError, parseJsonLines, randomBytes, toHex } from '@latent/core'
import { appendJsonLines, ioError, isTemporary, onDisk, publish, removeStale } from '@latent/core/node'
import { existsSync } from 'node:fs'
import { appendFile, lstat, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLeaving } from '../node/leavings.ts'

/** How a data set lies on the disk; the encrypted one lies alike. */
export type Layout = 'folders' | 'cifar' | 'idx'

/** Beside the data set. Loaders look at folders and at names they know, and pass it over. */
export const MANIFEST = 'latent-dataset.json'
/** What is finished while a run goes on, one {@link Entry} a line; it goes when the manifest lists them all. */
export const JOURNAL = 'latent-dataset.jsonl'
/** While a run writes here. */
export const LOCK = 'latent-dataset.lock'
/** Of an encrypted folder, and of one that was decrypted. */
const FORMATS = { encrypt: 'latent data set 1', decrypt: 'latent decrypted data set 1' } as const

/** What a run does: it makes an encrypted data set, or the plain one of it. */
export type Direction = keyof typeof FORMATS

/** What the whole data set was made with. Never the key: `keyCheck` only tells whether a key is the same. */
export interface Header {
  readonly format: (typeof FORMATS)[Direction]
  readonly scheme: string
  /** 16 bytes derived from key and scheme. */
  readonly keyCheck: string
  /** Public; nonces of randomised ciphers are SHA-256(salt, file name, 0, image number in decimal). */
  readonly salt: string
  readonly layout: Layout
  /** Width, height, channels and sample format of every image. */
  readonly image: string
}

/** One finished file. */
export interface Entry {
  readonly file: string
  readonly images: number
  readonly sha256: string
  /**
   * HMAC-SHA-256 of the file it was made of, under a key derived from the cipher key: only who holds that can compare.
   */
  readonly source: string
  /**
   * The same of a picture's plain pixels, so that decrypting can tell whether it came back exactly. Not of files of an
   * earlier release, nor of batches, whose `source` tells.
   */
  readonly pixels?: string
  /** When decrypted: whether what came back is exactly what was encrypted; absent if nothing tells. */
  readonly exact?: boolean
}

/** The manifest as it is stored: a header at first, and everything when the data set is complete. */
export interface Manifest extends Header {
  readonly complete: boolean
  readonly images?: number
  readonly labels?: Readonly<Record<string, number>>
  /** Folders in which nothing lies: archives and clouds drop them, and loaders number classes by their folders. */
  readonly emptyFolders?: readonly string[]
  readonly files?: readonly Entry[]
}

/** @param salt of the encrypted data set, for one that is decrypted; a new one otherwise */
export async function headerFor(
  direction: Direction,
  {
    scheme,
    key,
    layout,
    first,
    salt = toHex(randomBytes(16)),
  }: { scheme: string; key: Uint8Array; layout: Layout; first: Image; salt?: string },
): Promise<Header> {
  const image = `${first.width}x${first.height}x${first.channels} ${first.format}`
  return { format: FORMATS[direction], scheme, keyCheck: await keyCheckOf(key, scheme), salt, layout, image }
}

const keyCheckOf = async (key: Uint8Array, scheme: string): Promise<string> =>
  toHex(await deriveKey(key, 'latent/v1/dataset/check', new TextEncoder().encode(scheme), 16))

/** An output folder under way: what is finished, line by line, until the manifest lists it all. */
export class DataSetFolder {
  readonly header: Header
  readonly entries = new Map<string, Entry>()
  readonly #folder: string

  private constructor(folder: string, header: Header) {
    this.#folder = folder
    this.header = header
  }

  /**
   * Begins a folder or goes on with one.
   * @throws E_EXISTS if it holds anything else, another scheme's data or another key's; E_DATA for a damaged manifest;
   * E_IO
   */
  static async open(folder: string, wanted: Header): Promise<DataSetFolder> {
    await requireOurs(folder)
    const stored = await readManifest(folder)
    if (!stored) {
      const begun = new DataSetFolder(folder, wanted)
      await begun.#write({ ...begun.header, complete: false }, false)
      return begun
    }
    const { complete: _, images: _images, labels: _labels, emptyFolders: _folders, files = [], ...header } = stored
    const differs = difference(header, wanted)
    if (differs !== undefined)
      throw new LatentError('E_EXISTS', `what ${folder} holds ${differs}`, { hint: 'give another folder' })
    const resumed = new DataSetFolder(folder, header)
    for (const entry of [...files, ...(await readJournal(join(folder, JOURNAL)))])
      resumed.entries.set(entry.file, entry)
    await removeStale(folder)
    return resumed
  }

  /** Called after the files are there. */
  async add(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    await appendJsonLines(join(this.#folder, JOURNAL), entries)
    for (const entry of entries) this.entries.set(entry.file, entry)
  }

  /** Everything is there: the manifest lists it, and the journal goes. */
  async complete(labels: ReadonlyMap<string, number>, emptyFolders: readonly string[]): Promise<void> {
    const files = Array.from(this.entries.values()).sort((a, b) => (a.file < b.file ? -1 : 1))
    const images = files.reduce((sum, { images }) => sum + images, 0)
    await this.#write(
      {
        ...this.header,
        complete: true,
        images,
        labels: Object.fromEntries(labels),
        ...(emptyFolders.length > 0 ? { emptyFolders } : {}),
        files,
      },
      true,
    )
    await rm(join(this.#folder, JOURNAL), { force: true })
  }

  async #write(stored: Manifest, again: boolean): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(stored, undefined, 1)}\n`)
    // What is replaced was read as a manifest of this data set.
    await publish(join(this.#folder, MANIFEST), [bytes], again ? { replace: () => true } : {})
  }
}

function difference(found: Header, wanted: Header): string | undefined {
  if (found.format !== wanted.format)
    return found.format === FORMATS.encrypt ? 'is an encrypted data set' : 'is a decrypted data set'
  if (found.scheme !== wanted.scheme) return `was made with ${found.scheme}`
  if (found.keyCheck !== wanted.keyCheck) return 'was made with another key'
  const sameImages =
    found.layout === wanted.layout &&
    found.image === wanted.image &&
    (found.format === FORMATS.encrypt || found.salt === wanted.salt)
  return sameImages ? undefined : `is another data set (${found.layout}, ${found.image})`
}

/**
 * The manifest of a whole encrypted data set.
 * @throws E_DATA if there is none, or it is not finished; E_NO_MATCH for another key than the data set's
 */
export async function readEncrypted(
  folder: string,
  key: Uint8Array,
): Promise<Manifest & { readonly files: readonly Entry[] }> {
  const stored = await readManifest(folder)
  if (!stored && !existsSync(onDisk(folder)))
    throw new LatentError('E_IO', `cannot read ${folder}: there is no such file or folder`, {
      hint: 'give the folder that latent dataset encrypt wrote',
    })
  if (!stored)
    throw new LatentError('E_DATA', `${folder} holds no encrypted data set`, {
      hint: `latent dataset encrypt leaves ${MANIFEST} in its folder, which decrypting needs`,
    })
  if (stored.format !== FORMATS.encrypt)
    throw new LatentError('E_DATA', `${folder} is decrypted already`, {
      hint: 'give the folder that holds the encrypted data set',
    })
  if (!stored.complete || !stored.files)
    throw new LatentError('E_DATA', `the data set in ${folder} was not encrypted to its end`, {
      hint: 'start the same encryption again, which goes on where it stopped',
    })
  if (stored.keyCheck !== (await keyCheckOf(key, stored.scheme)))
    throw new LatentError('E_NO_MATCH', `this is not the key that ${folder} was encrypted with`, {
      hint: 'give the key file that was given when it was encrypted',
    })
  return { ...stored, files: stored.files }
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw ioError(error, `cannot read ${path}`)
  })
  if (text === undefined) return undefined
  try {
    const stored = JSON.parse(text) as Manifest
    const whole =
      Object.values(FORMATS).includes(stored.format) &&
      typeof stored.salt === 'string' &&
      /^[0-9a-f]{32}$/.test(stored.salt) &&
      typeof stored.scheme === 'string'
    const files = stored.files === undefined || (Array.isArray(stored.files) && stored.files.every(isEntry))
    if (
      whole &&
      files &&
      (stored.emptyFolders === undefined || (Array.isArray(stored.emptyFolders) && stored.emptyFolders.every(isPlace)))
    )
      return stored
  } catch {
    // Reported below, with every other way of being no manifest.
  }
  throw new LatentError('E_DATA', `${path} is no manifest of this release`, {
    hint: 'give another folder, or remove this one',
  })
}

const isEntry = (entry: Partial<Entry> | null): entry is Entry =>
  isPlace(entry?.file) &&
  typeof entry?.images === 'number' &&
  typeof entry.sha256 === 'string' &&
  typeof entry.source === 'string'

/** Below the folder, whoever wrote it. */
const isPlace = (place: unknown): place is string =>
  typeof place === 'string' &&
  !place.includes('\0') &&
  place.split(process.platform === 'win32' ? /[/\\]/ : '/').every(name => name !== '' && name !== '.' && name !== '..')

/** A line that a killed run left unfinished names a file that is made again. */
async function readJournal(path: string): Promise<Entry[]> {
  const text = await readFile(onDisk(path), 'utf8').catch(() => '')
  const { values, length } = parseJsonLines(text)
  // What is appended must not join an unfinished line.
  if (length < text.length) await appendFile(onDisk(path), '\n')
  return (values as Partial<Entry>[]).filter(isEntry)
}

/**
 * @throws E_EXISTS for a folder that holds anything but a data set of ours, and for files of ours that lead elsewhere
 */
export async function requireOurs(folder: string): Promise<void> {
  for (const name of [MANIFEST, JOURNAL]) {
    const info = await lstat(join(folder, name)).catch(() => undefined)
    if (info && !info.isFile())
      throw new LatentError('E_EXISTS', `${join(folder, name)} is not a regular file`, { hint: 'give a new folder' })
  }
  let names: readonly string[] = []
  try {
    names = await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR')
      throw new LatentError('E_EXISTS', `${folder} is a file`, { hint: 'give a new folder' })
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw ioError(error, `cannot read ${folder}`)
  }
  const foreign = names.find(name => name !== LOCK && !isTemporary(name) && !isLeaving(name, false))
  if (!names.includes(MANIFEST) && foreign !== undefined)
    throw new LatentError('E_EXISTS', `${folder} is not empty and holds no data set of this kind`, {
      hint: 'give a new folder',
    })
}
