import { bytesOfName, deriveKey, LatentError, toHex } from '@latent/core'
import { ioError, makeOwnFolder, onDisk } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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

  private constructor(folder: string, journal: Journal) {
    this.#folder = folder
    this.#journal = journal
  }

  /**
   * @param memory the private folder for the journals of all outputs
   * @returns `undefined` where it cannot be kept: contents are compared then
   */
  static async open(memory: string, output: string): Promise<OpenedJournal | undefined> {
    try {
      const secret = await machineSecret()
      const name = await deriveKey(secret, 'latent/v1/journal/opened', bytesOfName(resolve(output)), 16)
      const folder = join(memory, toHex(name))
      makeOwnFolder(folder)
      await forgetOld(memory)
      return new OpenedJournal(folder, await Journal.open(folder, secret))
    } catch (error) {
      if (error instanceof LatentError) return undefined
      throw error
    }
  }

  /** Was it opened to what lies there now? */
  knows(sealed: Found, target: string, info: BigIntStats): boolean {
    const entry = this.#journal.latest(this.#nameOf(sealed))
    return entry?.file !== undefined && entry.file === this.#markOf(sealed, target, info)
  }

  /** Its content lies there. Lost with power, as any line that is not flushed: a later run reads the file once. */
  async opened(sealed: Found, target: string, info: BigIntStats): Promise<void> {
    if (!isSettled(sealed.info)) return
    const [name, file] = [this.#nameOf(sealed), this.#markOf(sealed, target, info)]
    if (this.#journal.latest(name)?.file === file) return
    await this.#journal.note({ target: name, nonce: '', by: this.#journal.by, file })
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
