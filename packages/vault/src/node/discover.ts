import { LatentError } from '@latent/core'
import { ioError, onDisk, pathFromBytes, systemCode } from '@latent/core/node'
import { type BigIntStats, statSync } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { PathSelection } from '../path-selection.ts'
import { isOwnFile } from './own-files.ts'

/** A regular file to work on. */
export interface Found {
  readonly source: string
  /** Path below the inputs' common folder; unique, and so is everything derived from it. */
  readonly relative: string
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly modifiedNs: bigint
  readonly info: BigIntStats
}

/** Something met on the way that is not worked on, and why. */
export interface PassedOver {
  readonly source: string
  readonly error: LatentError
  /** Named by the user or unreadable: a failure, not a remark. */
  readonly failed: boolean
}

/** What the inputs hold. */
export interface Discovery {
  /** The inputs' common folder. */
  readonly base: string
  readonly files: Found[]
  readonly passedOver: PassedOver[]
  /** Left out as the user asked. */
  readonly excluded: string[]
  /** Patterns with a slash that excluded nothing: a path that is not below an input, most likely. */
  readonly idle: string[]
  /** Journals, locks and temporary files of Latent itself. */
  readonly own: string[]
  readonly emptyFolders: string[]
  /** Of these, inputs: a disk that is not mounted looks like that, so nothing in them is gone for sure. */
  readonly emptyInputs: string[]
  /** Folders below `base` whose every entry was looked at, and everything met in them. */
  readonly folders: ReadonlySet<string>
  readonly met: ReadonlySet<string>
  /** Folders, and links that may lead to some, that were not looked into: left out, or unreadable. */
  readonly closed: readonly string[]
}

/**
 * Every file under the inputs, in name order, each once. Symbolic links to files are followed;
 * links to folders are followed only where an input names them, so that no walk can go in circles.
 * @param leaveOut a folder not to descend into (the output)
 * @param exclude patterns such as `*.tmp` (names at any depth) or `raw/**` (paths below an input, or whole ones)
 */
export async function discover(
  inputs: readonly string[],
  leaveOut: string,
  exclude: readonly string[] = [],
): Promise<Discovery> {
  const walk = new Walk(await identity(leaveOut), resolve(leaveOut), exclude)
  for (const input of inputs) await walk.input(resolve(input))
  return walk.result()
}

/** Whether neither an input is there nor the output: none is to be made then. */
export async function nothingThere(inputs: readonly string[], output: string): Promise<boolean> {
  for (const path of [output, ...inputs]) if (await isThere(path)) return false
  return true
}

const isThere = (path: string): Promise<boolean> =>
  lstat(onDisk(path)).then(
    () => true,
    () => false,
  )

type Kind = 'named' | 'file' | 'folder' | 'link'

class Walk {
  readonly #output: string | undefined
  readonly #outputPath: string
  readonly #exclude: Exclusion
  readonly #named: string[] = []
  readonly #sources = new Map<string, BigIntStats>()
  readonly #passedOver: PassedOver[] = []
  readonly #excluded: string[] = []
  readonly #own: string[] = []
  readonly #empty: string[] = []
  readonly #emptyInputs: string[] = []
  readonly #folders: string[] = []
  readonly #met: string[] = []
  readonly #closed: string[] = []

  constructor(output: string | undefined, outputPath: string, exclude: readonly string[]) {
    this.#output = output
    this.#outputPath = outputPath
    this.#exclude = new Exclusion(exclude)
  }

  async input(root: string): Promise<void> {
    await this.#visit(root, 'named', '')
  }

  async #visit(path: string, kind: Kind, below: string): Promise<void> {
    if (kind !== 'named') this.#met.push(path)
    if (kind !== 'named' && this.#exclude.has(path, below)) {
      if (kind !== 'file') this.#closed.push(path)
      return void this.#excluded.push(path)
    }
    try {
      // One after the other in any case: to wait for a thread that asks the system takes ten times as long as to ask.
      const info = statSync(onDisk(path), { bigint: true })
      if (info.isDirectory()) await this.#folder(path, info, kind, below)
      else if (info.isFile()) await this.#file(path, info, kind)
      else this.#pass(path, 'it is neither a file nor a folder', kind === 'named')
    } catch (error) {
      if (kind !== 'file') this.#closed.push(path)
      if (kind === 'link' && systemCode(error) === 'ENOENT') this.#pass(path, 'a link that leads nowhere', false)
      else this.#passedOver.push({ source: path, failed: true, error: unreadable(error, path) })
    }
  }

  async #folder(path: string, info: BigIntStats, kind: Kind, below: string): Promise<void> {
    if (kind === 'named') this.#named.push(path)
    if (kind === 'link') {
      this.#closed.push(path)
      return this.#pass(
        path,
        'links to folders are not followed',
        false,
        `name it as an input: ${await realpath(onDisk(path), 'utf8')}`,
      )
    }
    if (kind !== 'named' && `${info.dev}:${info.ino}` === this.#output) return
    const entries = (await readdir(onDisk(path), { withFileTypes: true, encoding: 'buffer' })).map(entry => ({
      name: pathFromBytes(entry.name),
      kind: entry.isSymbolicLink() ? ('link' as const) : entry.isDirectory() ? ('folder' as const) : ('file' as const),
    }))
    if (entries.length === 0 && path !== this.#outputPath) this.#empty.push(path)
    if (entries.length === 0 && kind === 'named') return void this.#emptyInputs.push(path)
    for (const { name, kind } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      await this.#visit(join(path, name), kind, below === '' ? name : `${below}/${name}`)
    this.#folders.push(path)
  }

  async #file(path: string, info: BigIntStats, kind: Kind): Promise<void> {
    if (kind === 'named') this.#named.push(dirname(path))
    if (basename(path).startsWith('.latent-') && (await isOwnFile(path))) {
      // Those of the output are where they belong.
      if (dirname(path) !== this.#outputPath) this.#own.push(path)
    } else {
      this.#sources.set(path, info)
    }
  }

  #pass(source: string, what: string, failed: boolean, hint?: string): void {
    this.#passedOver.push({ source, failed, error: new LatentError('E_IO', what, hint === undefined ? {} : { hint }) })
  }

  result(): Discovery {
    const base = commonFolder(this.#named)
    const files = Array.from(this.#sources, ([source, info]) => ({
      source,
      relative: relative(base, source),
      size: Number(info.size),
      modifiedNs: info.mtimeNs,
      info,
    }))
    const below = (paths: readonly string[]) => new Set(paths.map(path => relative(base, path) || '.'))
    return {
      base,
      files,
      passedOver: this.#passedOver,
      excluded: this.#excluded,
      idle: this.#exclude.idle,
      own: this.#own,
      emptyFolders: this.#empty,
      emptyInputs: this.#emptyInputs,
      folders: below(this.#folders),
      met: below(this.#met),
      closed: this.#closed,
    }
  }
}

/** What is not to be looked at. */
class Exclusion {
  readonly #below: PathSelection
  readonly #whole: PathSelection
  readonly #patterns: readonly string[]

  constructor(patterns: readonly string[]) {
    if (patterns.some(pattern => /^\.?\/?$/.test(pattern)))
      throw new LatentError('E_ARGUMENT', 'expected a pattern for --exclude, received an empty one')
    this.#patterns = patterns
    this.#below = new PathSelection(patterns)
    this.#whole = new PathSelection(patterns.filter(pattern => pattern.startsWith('/')))
  }

  /** @param below the path below an input, with `/` */
  has(path: string, below: string): boolean {
    if (this.#patterns.length === 0) return false
    const isWhole = this.#whole.size > 0 && this.#whole.has(path.split(sep).join('/').replace(/^\//, ''))
    return this.#below.has(below) || isWhole
  }

  get idle(): string[] {
    const whole = new Set(this.#whole.unused)
    return this.#below.unused.filter(
      pattern => pattern.includes('/') && (!pattern.startsWith('/') || whole.has(pattern)),
    )
  }
}

const identity = async (path: string): Promise<string | undefined> =>
  lstat(onDisk(path), { bigint: true }).then(
    () => stat(onDisk(path), { bigint: true }).then(({ dev, ino }) => `${dev}:${ino}`),
    () => undefined,
  )

function unreadable(error: unknown, path: string): LatentError {
  // The system hands arguments over as text: a name that is not gets lost on the way.
  if (systemCode(error) === 'ENOENT' && path.includes('\ufffd'))
    return new LatentError(
      'E_IO',
      'cannot read it: its name is not UTF-8, and such names do not survive on a command line',
      { hint: 'name the folder that it lies in' },
    )
  return ioError(error, 'cannot read it')
}

function commonFolder(folders: readonly string[]): string {
  let common = folders[0]?.split(sep) ?? []
  for (const folder of folders) {
    const parts = folder.split(sep)
    const same = common.findIndex((part, i) => part !== parts[i])
    if (same !== -1) common = common.slice(0, same)
  }
  return common.join(sep) || sep
}
