import { jsonLines, LatentError } from '@latent/core'
import { ioError, onDisk, publish, systemCode } from '@latent/core/node'
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { type BigIntStats, constants, writeFileSync } from 'node:fs'
import { type FileHandle, lstat, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Entry, JournalState } from './journal-state.ts'
import { isOwnFile, JOURNAL } from './own-files.ts'

/**
 * The journal of an output folder. A line is written and flushed before a sealed file appears, another
 * one behind it: a sealed file whose nonce stands in the journal was published whole. A line without its
 * file (the run was killed in between) is harmless, a file without its line is never overwritten. It
 * holds no names but those the folder shows anyway; what it knows of sources are marks that only this
 * machine can compare.
 */
export class Journal extends JournalState {
  /** Names the secret that keys the marks of this machine. */
  readonly by: string
  readonly #path: string
  readonly #secret: KeyObject
  readonly #file: FileHandle
  #waiting: { line: string; flush: boolean; written: () => void; failed: (error: unknown) => void }[] = []
  #writing: Promise<void> | undefined
  #flushes = true

  private constructor(path: string, file: FileHandle, secret: Uint8Array, known: JournalState) {
    super(known)
    this.#path = path
    this.#file = file
    // Bytes would be made into a key at every mark, which takes Node longer than the mark.
    this.#secret = createSecretKey(secret)
    this.by = this.mark('by').slice(0, 8)
  }

  /** @throws E_IO if the folder cannot be written */
  static async open(folder: string, secret: Uint8Array): Promise<Journal> {
    const path = join(folder, JOURNAL)
    try {
      if ((await lstat(onDisk(path)).catch(() => undefined))?.isSymbolicLink())
        throw new LatentError('E_IO', `the journal ${JOURNAL} is a link, and is not followed`, {
          hint: 'remove the link',
        })
      const state = await JournalState.read(folder)
      const file = await open(
        onDisk(path),
        constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0),
        0o666,
      )
      // What follows an unfinished line must not be lost with it.
      const { size } = await file.stat()
      if (size > 0 && (await file.read(new Uint8Array(1), 0, 1, size - 1)).buffer[0] !== 10) await file.appendFile('\n')
      return new Journal(path, file, secret, state)
    } catch (error) {
      throw ioError(error, `cannot write to the folder ${folder}`)
    }
  }

  /** A keyed hash: nobody without the secret can tell what it is of, or try what it might be of. */
  mark(kind: string, ...facts: readonly (string | bigint | number)[]): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([kind, ...facts.map(String)]))
      .digest('hex')
      .slice(0, 32)
  }

  /** Of a sealed file as it lies there. Copying it elsewhere gives it another time of change. */
  fileMark({ target, nonce }: Pick<Entry, 'target' | 'nonce'>, { size, mtimeNs, ctimeNs }: BigIntStats): string {
    return this.mark('file', target, nonce, size, mtimeNs, ctimeNs)
  }

  contentMark({ target, nonce }: Pick<Entry, 'target' | 'nonce'>, sha256: string): string {
    return this.mark('content', target, nonce, sha256)
  }

  /** On the disk when it returns: for what must be known before a file appears. */
  async promise(entry: Entry): Promise<void> {
    this.take({ ...entry })
    await this.#append(entry, true)
  }

  /** The file lies there. Without this line a later run reads the file once. */
  async published(entry: Pick<Entry, 'target' | 'nonce'>, info: BigIntStats): Promise<void> {
    await this.note({ target: entry.target, nonce: entry.nonce, file: this.fileMark(entry, info) })
  }

  /** On the disk when it is closed, or later. */
  async note(entry: Entry): Promise<void> {
    this.take({ ...entry })
    await this.#append(entry, false)
  }

  async removed({ target, nonce }: Entry): Promise<void> {
    const line = { target, nonce, gone: true }
    this.take(line)
    await this.#append(line, true)
  }

  /** Who can open what has this mark for a lock: one mark each. */
  async knowLock(lock: string, members: readonly string[]): Promise<void> {
    if (this.locks.has(lock)) return
    this.locks.set(lock, members)
    await this.#append({ lock, members }, false)
  }

  #append(line: object, flush: boolean): Promise<void> {
    return new Promise<void>((written, failed) => {
      this.#waiting.push({ line: jsonLines([line]), flush, written, failed })
      this.#writing ??= this.#write()
      if (!flush) written()
    })
  }

  /** Lines that come while others are being flushed go out together. */
  async #write(): Promise<void> {
    // Whoever adds a line later than this starts another writing, or is met by this one: nothing is left behind.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        // A few hundred bytes a file are there before another thread would have been woken to write them.
        writeFileSync(this.#file.fd, batch.map(({ line }) => line).join(''))
        if (batch.some(({ flush }) => flush)) await this.#flush()
        for (const { written } of batch) written()
      } catch (error) {
        for (const { failed } of batch) failed(error)
      }
    }
    this.#writing = undefined
  }

  async #flush(): Promise<void> {
    try {
      if (this.#flushes) await this.#file.datasync()
    } catch (error) {
      if (!CANNOT_FLUSH.has(systemCode(error) ?? '')) throw error
      this.#flushes = false
    }
  }

  async close(): Promise<void> {
    try {
      while (this.#writing) await this.#writing
      await this.#flush()
    } finally {
      await this.#file.close()
    }
  }

  /**
   * Writes it anew where much of it is outdated, lies in several copies, or was hashed without a key. Close it
   * first.
   */
  async tidy(folder: string): Promise<void> {
    const live = this.live()
    if (!this.unkeyed && this.copies.length === 0 && this.surplus < 3 * live.length + 100) return
    const entries = live.map(({ stamp, ...entry }) => (entry.by === undefined ? entry : { ...entry, stamp }))
    const lines = [...Array.from(this.locks, ([lock, members]) => ({ lock, members })), ...entries]
    await publish(this.#path, [new TextEncoder().encode(jsonLines(lines))], { replace: isOwnFile })
    for (const copy of this.copies) {
      const path = join(folder, copy)
      // Whatever made it may have taken it away since.
      if (await isOwnFile(path).catch(() => false)) await rm(path, { force: true })
    }
  }
}

const CANNOT_FLUSH = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'ENOTTY'])
