import { LatentError } from '@latent/core'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { extract, type ReadEntry } from 'tar'
import { isPictureFile } from './sets.ts'

/** Far above any of these sets. */
const MAX_UNPACKED = 2 ** 31

/**
 * Takes the folders that a set consists of out of a tar archive. Of a folder of pictures, pictures alone:
 * only they are compared with what is published. `.` as the goal takes every file of the folder, for
 * archives that are checked as a whole.
 * @throws E_DATA for an archive with members outside its folder, with links or devices among what is wanted, or
 * damaged; E_LIMIT
 */
export async function unpack(
  archive: string,
  members: Readonly<Record<string, string>>,
  unpacked: string,
  staged: string,
): Promise<void> {
  await rm(unpacked, { recursive: true, force: true })
  await mkdir(unpacked, { recursive: true })
  let [flaw, bytes]: [LatentError | undefined, number] = [undefined, 0]
  const wanted = (path: string, entry: ReadEntry): boolean => {
    const folder = Object.keys(members).find(folder => path.startsWith(`${folder}/`))
    if (isOutside(path))
      flaw ??= new LatentError(
        'E_DATA',
        `the archive ${JSON.stringify(path.slice(0, 100))} holds a path that leads out of its folder`,
        { hint: 'it is not from where it says; nothing was put in place' },
      )
    if (folder === undefined) return false
    if (!['File', 'OldFile', 'ContiguousFile', 'Directory', 'GNUDumpDir'].includes(entry.type))
      flaw ??= new LatentError('E_DATA', `${path} in the archive is neither a file nor a folder (${entry.type})`, {
        hint: 'it is not from where it says; nothing was put in place',
      })
    bytes += entry.size
    if (bytes > MAX_UNPACKED)
      flaw ??= new LatentError('E_LIMIT', `the archive holds more than ${MAX_UNPACKED} bytes`, {
        hint: 'it is not what was published: do not trust it',
      })
    return (
      flaw === undefined &&
      (entry.type === 'Directory' || members[folder] === '.' || isPictureFile(path.slice(path.lastIndexOf('/') + 1)))
    )
  }
  try {
    await extract({
      file: archive,
      cwd: unpacked,
      strict: true,
      filter: (path, entry) => wanted(path, entry as ReadEntry),
    })
  } catch (cause) {
    throw flaw ?? new LatentError('E_DATA', `${archive} is no whole archive`, { cause })
  }
  if (flaw) throw flaw
  for (const [from, to] of Object.entries(members)) {
    if (!existsSync(join(unpacked, from))) continue
    if (to === '.')
      for (const name of await readdir(join(unpacked, from)))
        await rename(join(unpacked, from, name), join(staged, name))
    else {
      await mkdir(dirname(join(staged, to)), { recursive: true })
      await rename(join(unpacked, from), join(staged, to))
    }
  }
}

/** On any system: archives are made on others. */
const isOutside = (path: string): boolean => /^(?:[/\\]|[a-z]:)/i.test(path) || path.split(/[/\\]/).includes('..')
