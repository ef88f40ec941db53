import { LatentError } from '@latent/core'
import { readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { ioError } from './files.ts'

/** A regular file to work on. */
export interface Found {
  readonly source: string
  /** Path below the inputs' common folder; unique, and so is everything derived from it. */
  readonly relative: string
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly modifiedNs: bigint
}

/** Something met on the way that is not worked on, and why. */
export interface PassedOver {
  readonly source: string
  readonly error: LatentError
  /** Named by the user or unreadable: a failure, not a remark. */
  readonly failed: boolean
}

/**
 * Every file under the inputs, in name order, each once. Symbolic links to files are followed;
 * links to folders are followed only where an input names them, so that no walk can go in circles.
 * @param leaveOut a folder not to descend into (the output)
 */
export async function discover(inputs: readonly string[], leaveOut: string): Promise<{ files: Found[]; passedOver: PassedOver[] }> {
  const roots = inputs.map(input => resolve(input))
  const passedOver: PassedOver[] = []
  const sources = new Map<string, { size: number; modifiedNs: bigint }>()
  const folders: string[] = []
  const output = resolve(leaveOut)

  async function visit(path: string, named: boolean, link = false): Promise<void> {
    try {
      const info = await stat(path, { bigint: true })
      if (info.isDirectory()) {
        if (named) folders.push(path)
        if (link) passedOver.push({ source: path, failed: false, error: new LatentError('E_IO', 'links to folders are not followed', { hint: `name it as an input: ${await realpath(path)}` }) })
        else if (path !== output || named) for (const entry of (await readdir(path, { withFileTypes: true })).toSorted(byName)) await visit(join(path, entry.name), false, entry.isSymbolicLink())
      } else if (info.isFile()) {
        if (named) folders.push(dirname(path))
        if (!isOurs(path)) sources.set(path, { size: Number(info.size), modifiedNs: info.mtimeNs })
      } else {
        passedOver.push({ source: path, failed: named, error: new LatentError('E_IO', 'it is neither a file nor a folder') })
      }
    } catch (error) {
      passedOver.push({ source: path, failed: true, error: ioError(error, 'cannot read it') })
    }
  }

  for (const root of roots) await visit(root, true)
  const base = commonFolder(folders)
  const files = Array.from(sources, ([source, info]) => ({ source, relative: relative(base, source), ...info }))
  return { files, passedOver }
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

/** Journals and temporary files of Latent itself. */
const isOurs = (path: string) => /(?:^|[\\/])\.latent-[^\\/]*$/.test(path)

function commonFolder(folders: readonly string[]): string {
  let common = folders[0]?.split(sep) ?? []
  for (const folder of folders) {
    const parts = folder.split(sep)
    const same = common.findIndex((part, i) => part !== parts[i])
    if (same !== -1) common = common.slice(0, same)
  }
  return common.join(sep) || sep
}
