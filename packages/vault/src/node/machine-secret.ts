import { LatentError, randomBytes } from '@latent/core'
import { ioError, publish, systemCode } from '@latent/core/node'
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * What keys the marks in journals: known to this machine and not to whoever holds the sealed folder, so
 * that sizes and times cannot be guessed and tried. Linux gives every machine a random name that is not
 * to leave it, and asks that only hashes of it be used; elsewhere a file of ours stands in for it.
 */
export async function machineSecret(): Promise<Uint8Array> {
  const id = await readFile('/etc/machine-id', 'utf8').catch(() => '')
  if (/^[0-9a-f]{32}\s*$/.test(id) && new Set(id.trim()).size > 4)
    return new Uint8Array(createHmac('sha256', id.trim()).update('latent/v1/journal/marks').digest())
  return ownSecret(join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'latent', 'journal.key'))
}

/** @throws E_IO if there is a file that cannot be read, or is none of ours */
export async function ownSecret(path: string): Promise<Uint8Array> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const found = await readFile(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
      throw ioError(error, `cannot read ${path}`)
    })
    if (found?.length === 32) return new Uint8Array(found)
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
      if (error instanceof LatentError && error.code === 'E_EXISTS') continue
      // Nowhere to keep it: every run compares contents.
      return drawn
    }
  }
  throw new LatentError('E_IO', `cannot read ${path}`, { hint: 'look at it and remove it: it comes and goes' })
}
