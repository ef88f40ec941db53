import { ioError, onDisk, pathFromBytes } from '@latent/core/node'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isLeaving } from '../node/leavings.ts'
import { JOURNAL, LOCK, MANIFEST } from './manifest.ts'

/** Everything below a data set's folder, by place: relative, with forward slashes, in the order of a walk by name. */
export interface Listing {
  readonly folders: readonly string[]
  readonly files: readonly string[]
  readonly links: readonly string[]
  /** Devices, pipes and sockets. */
  readonly special: readonly string[]
  /** What file managers, notebooks and network drives leave behind; folders of that kind are not entered. */
  readonly leavings: readonly string[]
}

const OWN = new Set([MANIFEST, JOURNAL, LOCK])

/** @throws E_IO */
export async function listDataSet(root: string): Promise<Listing> {
  const listing = {
    folders: [] as string[],
    files: [] as string[],
    links: [] as string[],
    special: [] as string[],
    leavings: [] as string[],
  }
  async function visit(place: string): Promise<void> {
    for (const entry of await namesIn(join(root, place))) {
      const path = place === '' ? entry.name : `${place}/${entry.name}`
      if (isLeaving(entry.name, entry.isDirectory()) || (place === '' && OWN.has(entry.name))) {
        if (!OWN.has(entry.name)) listing.leavings.push(path)
      } else if (entry.isDirectory()) {
        listing.folders.push(path)
        await visit(path)
      } else if (entry.isFile()) listing.files.push(path)
      else if (entry.isSymbolicLink()) listing.links.push(path)
      else listing.special.push(path)
    }
  }
  await visit('')
  return listing
}

async function namesIn(folder: string) {
  try {
    const entries = await readdir(onDisk(folder), { withFileTypes: true, encoding: 'buffer' })
    return entries
      .map(entry => ({
        name: pathFromBytes(entry.name),
        isDirectory: () => entry.isDirectory(),
        isFile: () => entry.isFile(),
        isSymbolicLink: () => entry.isSymbolicLink(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    throw ioError(error, `cannot read ${folder}`)
  }
}
