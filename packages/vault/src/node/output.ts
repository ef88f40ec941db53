import { equalConstantTime, LatentError, sha256 } from '@latent/core'
import { Destination, ioError, publish, readFileParts } from '@latent/core/node'
import type { BigIntStats } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import type { Metadata } from '../payload.ts'
import { releasing } from '../streams.ts'
import { GivenNames, infoOf, plainName, portableName, safeName } from './opened-names.ts'
import { isNameRefused, refusalOf } from './refused-names.ts'

/** A file to be put into the output. */
export interface Content {
  readonly size: number
  readonly metadata?: Metadata | undefined
  sha256(): Promise<Uint8Array>
  /** Parts are whoever's who asks for them. */
  bytes(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Where a file went. */
export interface Delivered {
  readonly target: string
  /** The file as it lies there now. */
  readonly info: BigIntStats
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
    const own = safePath(folder, name)
    const { path, delivered } = await this.#putUnder(own, content)
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

  /** Under the first name that the file system takes. */
  async #putUnder(own: string, content: Content): Promise<{ path: string; delivered: Delivered }> {
    let refusal: unknown
    for (const path of namesFor(own)) {
      try {
        return { path, delivered: await this.#put(path, content) }
      } catch (error) {
        // The first refusal tells most: where no name is taken, it was not the name.
        refusal ??= error
        if (refusalOf(error) !== refusalOf(refusal)) throw error
        if (!isNameRefused(error, path)) break
      }
    }
    throw refusal
  }

  /**
   * A file that lies where {@link deliver} would put this one first, and is known to be it: given to it, unread.
   * @throws E_IO as `deliver`
   */
  async recognise(
    folder: string,
    name: string,
    isKnown: (target: string, info: BigIntStats) => boolean,
  ): Promise<Delivered | undefined> {
    const path = safePath(folder, name)
    const target = join(this.#root, path)
    const info = path === join(folder, name) && !this.#names.has(target) ? infoOf(target) : undefined
    if (!info?.isFile() || !isKnown(target, info)) return undefined
    await this.#ensure(dirname(target))
    this.#names.give(target, info)
    return { target, info, there: 'there' }
  }

  /** Did this run put a file there, or find it there? */
  hasGiven(target: string): boolean {
    return this.#names.has(target)
  }

  async #ensure(folder: string): Promise<void> {
    await this.destination.ensure(folder).catch((error: unknown) => {
      throw ioError(error, `cannot write to the folder ${folder}`)
    })
  }

  async #put(path: string, content: Content): Promise<Delivered> {
    const { size, metadata } = content
    const [folder, name] = [join(this.#root, dirname(path)), basename(path)]
    await this.#ensure(folder)
    return this.#names.inTurn(folder, name, async () => {
      const isSame = async (there: string, info: BigIntStats) =>
        info.isFile() && Number(info.size) === size && equalConstantTime(await hashOf(there), await content.sha256())
      const { target, state, info: there } = await this.#names.place(folder, name, isSame)
      if (state === 'taken' && !this.#force) throw new TakenError(target)
      if (there && (state === 'twice' || (state === 'there' && !this.#force))) {
        this.#names.give(target, there)
        return { target, info: there, there: state === 'twice' ? state : 'there' }
      }
      const { timeKept, info } = await publish(target, content.bytes(), {
        mode: metadata?.mode ?? PRIVATE,
        destination: this.destination,
        given: true,
        replace: this.#force ? () => true : undefined,
        ...(metadata === undefined ? {} : { modified: metadata.modified }),
      })
      this.#names.give(target, info)
      return { target, info, note: timeKept ? undefined : 'the file system cannot hold its time' }
    })
  }
}

const safePath = (folder: string, name: string) =>
  join(
    folder
      .split(sep)
      .map(part => (part === '.' ? part : safeName(part)))
      .join(sep),
    safeName(name),
  )

/** The path, and such as more file systems take: none twice, and none spelled before the one before was refused. */
function* namesFor(own: string): Generator<string> {
  const given = new Set<string>()
  for (const spell of [(part: string) => part, portableName, plainName]) {
    const path = own
      .split(sep)
      .map(part => (part === '.' ? part : spell(part)))
      .join(sep)
    if (given.has(path)) continue
    given.add(path)
    yield path
  }
}

async function hashOf(path: string): Promise<Uint8Array> {
  const hash = sha256()
  for await (const part of releasing(readFileParts(path))) hash.update(part)
  return hash.digest()
}
