import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Of, toHex } from '@latent/core'
import { ioError } from './files.ts'

/**
 * What an output folder was sealed from. One line a file, written just before the file appears: a
 * sealed file whose nonce stands in the journal was published whole from the source with that stamp.
 * A line without its file (the run was killed in between) is harmless, a file without its line is
 * never overwritten. The journal holds no names but those the folder shows anyway, and only hashes
 * of sizes and times.
 */
export class Journal {
  readonly #file: FileHandle
  readonly #stamps: Map<string, string>

  private constructor(file: FileHandle, stamps: Map<string, string>) {
    this.#file = file
    this.#stamps = stamps
  }

  static async open(folder: string): Promise<Journal> {
    const path = join(folder, '.latent-journal.jsonl')
    try {
      await mkdir(folder, { recursive: true })
      const stamps = new Map<string, string>()
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw error
      })
      for (const line of text.split('\n')) {
        const entry = parse(line)
        if (entry) stamps.set(`${entry.target}\0${entry.nonce}`, entry.stamp)
      }
      const file = await open(path, 'a')
      // What follows an unfinished line must not be lost with it.
      if (text !== '' && !text.endsWith('\n')) await file.appendFile('\n')
      return new Journal(file, stamps)
    } catch (error) {
      throw ioError(error, `cannot write to the folder ${folder}`)
    }
  }

  /** Was the file with this nonce sealed from a source with this stamp? `undefined`: it is not ours. */
  matches(target: string, nonce: string, stamp: string): boolean | undefined {
    const known = this.#stamps.get(`${target}\0${nonce}`)
    return known === undefined ? undefined : known === stamp
  }

  async add(target: string, nonce: string, stamp: string): Promise<void> {
    this.#stamps.set(`${target}\0${nonce}`, stamp)
    await this.#file.appendFile(`${JSON.stringify({ target, nonce, stamp })}\n`)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** The state of a source and the way it is sealed, as one hash. */
export function stampOf(...facts: readonly (string | bigint | number)[]): string {
  return toHex(sha256Of(new TextEncoder().encode(JSON.stringify(facts.map(String))))).slice(0, 32)
}

function parse(line: string): { target: string; nonce: string; stamp: string } | undefined {
  try {
    // A kill may leave the last line unfinished.
    const entry = JSON.parse(line) as Record<string, unknown>
    const { target, nonce, stamp } = entry
    return typeof target === 'string' && typeof nonce === 'string' && typeof stamp === 'string' ? { target, nonce, stamp } : undefined
  } catch {
    return undefined
  }
}
