import { deriveKey, type Image, LatentError, randomBytes, toHex } from '@latent/core'
import { streamOf } from '@latent/vault'
import { ioError, removeStale, writeWhole } from '@latent/vault/node'
import { appendFile, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Layout } from './source.ts'

/** Beside the data set. Loaders look at folders and at names they know, and pass it over. */
export const MANIFEST = 'latent-dataset.json'
const JOURNAL = 'latent-dataset.jsonl'
/** Of an encrypted folder, and of one that was decrypted. */
const FORMATS = { encrypt: 'latent data set 1', decrypt: 'latent decrypted data set 1' } as const

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
  /** HMAC-SHA-256 of the file it was made of, under a key derived from the cipher key: only who holds that can compare. */
  readonly source: string
}

export interface Manifest extends Header {
  readonly complete: boolean
  readonly images?: number
  readonly labels?: Readonly<Record<string, number>>
  readonly files?: readonly Entry[]
}

/** @param salt of the encrypted data set, for one that is decrypted; a new one otherwise */
export async function headerFor(direction: Direction, { scheme, key, layout, first, salt = toHex(randomBytes(16)) }: { scheme: string; key: Uint8Array; layout: Layout; first: Image; salt?: string }): Promise<Header> {
  const image = `${first.width}x${first.height}x${first.channels} ${first.format}`
  return { format: FORMATS[direction], scheme, keyCheck: await keyCheckOf(key, scheme), salt, layout, image }
}

const keyCheckOf = async (key: Uint8Array, scheme: string): Promise<string> => toHex(await deriveKey(key, 'latent/v1/dataset/check', new TextEncoder().encode(scheme), 16))

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
   * @throws E_EXISTS if it holds anything else, another scheme's data or another key's; E_DATA for a damaged manifest; E_IO
   */
  static async open(folder: string, wanted: Header): Promise<DataSetFolder> {
    const stored = await readManifest(folder)
    if (!stored) {
      if (await holdsAnything(folder)) throw new LatentError('E_EXISTS', `${folder} is not empty and holds no data set of this kind`, { hint: 'give a new folder' })
      const begun = new DataSetFolder(folder, wanted)
      await begun.#write({ ...begun.header, complete: false })
      return begun
    }
    const { complete: _, images: _images, labels: _labels, files = [], ...header } = stored
    const differs = difference(header, wanted)
    if (differs !== undefined) throw new LatentError('E_EXISTS', `what ${folder} holds ${differs}`, { hint: 'give another folder' })
    const resumed = new DataSetFolder(folder, header)
    for (const entry of [...files, ...(await readJournal(join(folder, JOURNAL)))]) resumed.entries.set(entry.file, entry)
    await removeStale(folder)
    return resumed
  }

  /** Called after the files are there. */
  async add(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    try {
      await appendFile(join(this.#folder, JOURNAL), entries.map(entry => `${JSON.stringify(entry)}\n`).join(''))
    } catch (error) {
      throw ioError(error, `cannot write to ${this.#folder}`)
    }
    for (const entry of entries) this.entries.set(entry.file, entry)
  }

  /** Everything is there: the manifest lists it, and the journal goes. */
  async complete(labels: Readonly<Record<string, number>>): Promise<void> {
    const files = Array.from(this.entries.values()).sort((a, b) => (a.file < b.file ? -1 : 1))
    await this.#write({ ...this.header, complete: true, images: files.reduce((sum, { images }) => sum + images, 0), labels, files })
    await rm(join(this.#folder, JOURNAL), { force: true })
  }

  async #write(stored: Manifest): Promise<void> {
    await writeWhole(join(this.#folder, MANIFEST), streamOf(new TextEncoder().encode(`${JSON.stringify(stored, undefined, 1)}\n`)), { overwrite: true })
  }
}

function difference(found: Header, wanted: Header): string | undefined {
  if (found.format !== wanted.format) return found.format === FORMATS.encrypt ? 'is an encrypted data set' : 'is a decrypted data set'
  if (found.scheme !== wanted.scheme) return `was made with ${found.scheme}`
  if (found.keyCheck !== wanted.keyCheck) return 'was made with another key'
  const sameImages = found.layout === wanted.layout && found.image === wanted.image && (found.format === FORMATS.encrypt || found.salt === wanted.salt)
  return sameImages ? undefined : `is another data set (${found.layout}, ${found.image})`
}

/**
 * The manifest of a whole encrypted data set.
 * @throws E_DATA if there is none, or it is not finished; E_NO_MATCH for another key than the data set's
 */
export async function readEncrypted(folder: string, key: Uint8Array): Promise<Manifest & { readonly files: readonly Entry[] }> {
  const stored = await readManifest(folder)
  if (!stored) throw new LatentError('E_DATA', `${folder} holds no encrypted data set`, { hint: `latent dataset encrypt leaves ${MANIFEST} in its folder, which decrypting needs` })
  if (stored.format !== FORMATS.encrypt) throw new LatentError('E_DATA', `${folder} is decrypted already`)
  if (!stored.complete || !stored.files) throw new LatentError('E_DATA', `the data set in ${folder} was not encrypted to its end`, { hint: 'start the same encryption again, which goes on where it stopped' })
  if (stored.keyCheck !== (await keyCheckOf(key, stored.scheme))) throw new LatentError('E_NO_MATCH', `this is not the key that ${folder} was encrypted with`)
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
    const whole = Object.values(FORMATS).includes(stored.format) && typeof stored.salt === 'string' && /^[0-9a-f]{32}$/.test(stored.salt) && typeof stored.scheme === 'string'
    if (whole && (stored.files === undefined || (Array.isArray(stored.files) && stored.files.every(isEntry)))) return stored
  } catch {
    // Reported below, with every other way of being no manifest.
  }
  throw new LatentError('E_DATA', `${path} is no manifest of this release`, { hint: 'give another folder, or remove this one' })
}

const isEntry = (entry: Partial<Entry> | null): entry is Entry => typeof entry?.file === 'string' && typeof entry.sha256 === 'string' && typeof entry.source === 'string'

/** A line that a killed run left unfinished names a file that is made again. */
async function readJournal(path: string): Promise<Entry[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const entries: Entry[] = []
  for (const line of text.split('\n')) {
    try {
      const entry = JSON.parse(line) as Entry
      if (isEntry(entry)) entries.push(entry)
    } catch {
      continue
    }
  }
  // What is appended must not join an unfinished line.
  if (text !== '' && !text.endsWith('\n')) await appendFile(path, '\n')
  return entries
}

async function holdsAnything(folder: string): Promise<boolean> {
  const info = await stat(folder).catch(() => undefined)
  if (!info) return false
  return !info.isDirectory() || (await readdir(folder)).length > 0
}
