import { equalConstantTime, LatentError, sha256 } from '@latent/core'
import { Destination, ioError, publish, readFileParts, systemCode } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import type { Metadata } from '../payload.ts'
import { GivenNames, portableName, safeName } from './opened-names.ts'

/** A file to be put into the output. */
export interface Content {
  readonly size: number
  readonly metadata?: Metadata | undefined
  sha256(): Promise<Uint8Array>
  bytes(): AsyncIterable<Uint8Array>
}

/** Where a file went. */
export interface Delivered {
  readonly target: string
  /** The very file was there already: since an earlier run, or from another sealed file of this one. */
  readonly there?: 'there' | 'twice'
  /** What is not as it was when it was sealed. */
  readonly note?: string | undefined
}

/** Something else stands where a file was to go. */
export class TakenError extends LatentError {
  readonly target: string

  constructor(target: string) {
    super('E_EXISTS', `${basename(target)} already exists`, {
      hint: 'it differs from what was sealed: choose another folder, or --force to replace it',
    })
    this.target = target
  }
}

/** What file systems say about names that they cannot hold; exFAT's says that there is no such file. */
const REFUSED_NAMES: ReadonlySet<string | undefined> = new Set(['EINVAL', 'EILSEQ', 'ENAMETOOLONG', 'ENOENT'])

/** Opened before anyone knew of modes, or on Windows: what was sealed is nobody else's business. */
const PRIVATE = 0o600

/** The folder that a run opens into. */
export class Output {
  readonly destination: Destination
  readonly #root: string
  readonly #force: boolean
  readonly #names = new GivenNames()

  constructor(root: string, force: boolean) {
    this.#root = root
    this.#force = force
    this.destination = new Destination(root)
  }

  /**
   * Puts a file into a folder below the output, under its own name or the nearest that can be had.
   * @throws E_EXISTS; E_IO; whatever reading the content throws
   */
  async deliver(folder: string, name: string, content: Content): Promise<Delivered> {
    const safeFolder = folder
      .split(sep)
      .map(part => (part === '.' ? part : safeName(part)))
      .join(sep)
    const own = join(safeFolder, safeName(name))
    let path = own
    let delivered: Delivered
    try {
      delivered = await this.#put(path, content)
    } catch (error) {
      path = own
        .split(sep)
        .map(part => (part === '.' ? part : portableName(part)))
        .join(sep)
      if (!(error instanceof LatentError) || !REFUSED_NAMES.has(systemCode(error.cause)) || path === own) throw error
      delivered = await this.#put(path, content)
    }
    const notes = [
      ...(basename(path) === name ? [] : [`the name ${JSON.stringify(name)} cannot be used here`]),
      ...(dirname(path) === join(folder) ? [] : ['a folder has another name']),
      ...(delivered.note === undefined ? [] : [delivered.note]),
    ]
    return {
      ...delivered,
      note:
        notes.length === 0 || delivered.there !== undefined
          ? undefined
          : `written as ${delivered.target}: ${notes.join('; ')}`,
    }
  }

  /** Did this run put a file there, or find it there? */
  hasGiven(target: string): boolean {
    return this.#names.has(target)
  }

  async #put(path: string, content: Content): Promise<Delivered> {
    const { size, metadata } = content
    const [folder, name] = [join(this.#root, dirname(path)), basename(path)]
    await this.destination.ensure(folder).catch((error: unknown) => {
      throw ioError(error, `cannot write to the folder ${folder}`)
    })
    return this.#names.inTurn(folder, name, async () => {
      const isSame = async (there: string, info: BigIntStats) =>
        info.isFile() && Number(info.size) === size && equalConstantTime(await hashOf(there), await content.sha256())
      const { target, state, info: there } = await this.#names.place(folder, name, isSame)
      if (state === 'taken' && !this.#force) throw new TakenError(target)
      if (there && (state === 'twice' || (state === 'there' && !this.#force))) {
        this.#names.give(target, there)
        return { target, there: state === 'twice' ? state : 'there' }
      }
      const { timeKept, info } = await publish(target, content.bytes(), {
        mode: metadata?.mode ?? PRIVATE,
        destination: this.destination,
        replace: this.#force ? () => true : undefined,
        ...(metadata === undefined ? {} : { modified: metadata.modified }),
      })
      this.#names.give(target, info)
      return { target, note: timeKept ? undefined : 'the file system cannot hold its time' }
    })
  }
}

async function hashOf(path: string): Promise<Uint8Array> {
  const hash = sha256()
  for await (const part of readFileParts(path)) hash.update(part)
  return hash.digest()
}
