import { LatentError, randomBytes } from '@latent/core'
import { ioError, publish, systemCode } from '@latent/core/node'
import { createHmac } from 'node:crypto'
import { chmod, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * What keys the marks in journals: known to this machine and not to whoever holds the sealed folder, so
 * that sizes and times cannot be guessed and tried. Linux gives every machine a random name that is not
 * to leave it, and asks that only hashes of it be used; elsewhere a file of ours stands in for it.
 * @param namePath where that name is
 */
export async function machineSecret(namePath = '/etc/machine-id'): Promise<Uint8Array> {
  const name = (await readFile(namePath, 'utf8').catch(() => '')).trim()
  // Some images of systems have a name that was never drawn: nothing but zeros.
  if (/^[0-9a-f]{32}$/.test(name) && new Set(name).size > 4)
    return new Uint8Array(createHmac('sha256', name).update('latent/v1/journal/marks').digest())
  const { XDG_STATE_HOME: stated = '' } = process.env
  return ownSecret(join(isAbsolute(stated) ? stated : join(homedir(), '.local/state'), 'latent', 'journal.key'))
}

/** @throws E_IO if there is a file that cannot be read, or is none of ours */
export async function ownSecret(path: string): Promise<Uint8Array> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const found = await readFile(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
      throw ioError(error, `cannot read ${path}`)
    })
    if (found?.length === 32) {
      await makePrivate(path)
      return new Uint8Array(found)
    }
    if (found)
      throw new LatentError('E_IO', `${path} is not what Latent wrote there`, {
        hint: 'remove it; files are then compared by their content once',
      })
    const drawn = randomBytes(32)
    try {
      await publish(path, [drawn], { mode: 0o600 })
      return drawn
    } catch (error) {
      // Another run was faster.
      if ((error as LatentError).code === 'E_EXISTS') continue
      // Nowhere to keep it: every run compares contents.
      return drawn
    }
  }
  throw new LatentError('E_IO', `cannot read ${path}`, { hint: 'look at it and remove it: it comes and goes' })
}

/** Copied from a backup, it may have become readable by others. Where that cannot be changed, it is used as it is. */
async function makePrivate(path: string): Promise<void> {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) await chmod(path, 0o600)
  } catch {
    // Somebody else's, or on a disk without modes.
  }
}
