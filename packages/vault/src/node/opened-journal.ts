import { bytesOfName, deriveKey, LatentError, sha256Of, toHex } from '@latent/core'
import { ioError, makeOwnFolder, onDisk, readFileParts } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { AlbumKeys } from '../envelope.ts'
import { inspectSealed } from '../open.ts'
import type { Found } from './discover.ts'
import { Journal } from './journal.ts'
import { machineSecret } from './machine-secret.ts'
import { JOURNAL } from './own-files.ts'
import { isSettled } from './publish-sealed.ts'

/** Of a folder into which nothing was opened for a year, nothing is known any more. */
const FORGOTTEN_MS = 365 * 24 * 60 * 60 * 1000

/**
 * What was opened into a folder: a mark of each sealed file, and one of how it and the opened file lay there. A file of
 * which neither changed need not be read to know that it is the very file. Marks are keyed as those of every
 * {@link Journal}, and there is nothing else in it; it lies in a private folder and not beside what was opened.
 */
export class OpenedJournal {
  readonly #folder: string
  readonly #journal: Journal
  readonly #keyring: AlbumKeys
  /** Whether the keys of this run open an album. */
  readonly #albums = new Map<string, Promise<boolean>>()

  private constructor(folder: string, journal: Journal, keyring: AlbumKeys) {
    this.#folder = folder
    this.#journal = journal
    this.#keyring = keyring
  }

  /**
   * @param memory the private folder for the journals of all outputs
   * @returns `undefined` where it cannot be kept: contents are compared then
   */
  static async open(memory: string, output: string, keyring: AlbumKeys): Promise<OpenedJournal | undefined> {
    try {
      const secret = await machineSecret()
      const name = await deriveKey(secret, 'latent/v1/journal/opened', bytesOfName(resolve(output)), 16)
      const folder = join(memory, toHex(name))
      makeOwnFolder(folder)
      await forgetOld(memory)
      return new OpenedJournal(folder, await Journal.open(folder, secret), keyring)
    } catch (error) {
      if (error instanceof LatentError) return undefined
      throw error
    }
  }

  /**
   * Whether a file was opened that the keys of this run open: with another key it is read, which fails. A run may not
   * say of a wrong key that everything is there. Of each album one header is read.
   */
  async isOurs(sealed: Found): Promise<boolean> {
    const album = this.#journal.latest(this.#nameOf(sealed))?.album
    if (album === undefined) return false
    const tried = this.#albums.get(album) ?? this.#opens(sealed, album)
    this.#albums.set(album, tried)
    return tried
  }

  async #opens({ source }: Found, album: string): Promise<boolean> {
    try {
      const { header } = await inspectSealed(readFileParts(source))
      await this.#keyring.albumKey(header.envelope)
      return this.#albumMark(header.envelope) === album
    } catch {
      // Whoever reads the whole file says what is wrong.
      return false
    }
  }

  /** Was it opened to what lies there now? */
  knows(sealed: Found, target: string, info: BigIntStats): boolean {
    const entry = this.#journal.latest(this.#nameOf(sealed))
    return entry?.file !== undefined && entry.file === this.#markOf(sealed, target, info)
  }

  /** Its content lies there. Lost with power, as any line that is not flushed: a later run reads the file once. */
  async opened(sealed: Found, envelope: Uint8Array, target: string, info: BigIntStats): Promise<void> {
    if (!isSettled(sealed.info)) return
    const [name, file] = [this.#nameOf(sealed), this.#markOf(sealed, target, info)]
    if (this.#journal.latest(name)?.file === file) return
    await this.#journal.note({ target: name, nonce: '', by: this.#journal.by, album: this.#albumMark(envelope), file })
  }

  #albumMark(envelope: Uint8Array): string {
    return this.#journal.mark('album', toHex(sha256Of(envelope)))
  }

  #nameOf({ source }: Found): string {
    return this.#journal.mark('sealed', source)
  }

  #markOf({ info: sealed }: Found, target: string, opened: BigIntStats): string {
    return this.#journal.mark('opened', target, ...stampOf(sealed), ...stampOf(opened))
  }

  async close(): Promise<void> {
    try {
      await this.#journal.close()
      await this.#journal.tidy(this.#folder)
    } catch (error) {
      // What it has lost is read again.
      ioError(error, 'cannot keep what was opened')
    }
  }
}

/** What changes with everything that is written to a file, and with every copy that takes its place. */
const stampOf = ({ size, mtimeNs, ctimeNs, ino }: BigIntStats) => [size, mtimeNs, ctimeNs, ino]

async function forgetOld(memory: string): Promise<void> {
  for (const name of await readdir(onDisk(memory)).catch(() => [])) {
    const info = await stat(join(memory, name, JOURNAL)).catch(() => undefined)
    if (info && Date.now() - info.mtimeMs > FORGOTTEN_MS) await rm(join(memory, name), { recursive: true, force: true })
  }
}
