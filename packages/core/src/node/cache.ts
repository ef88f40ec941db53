import { lstatSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { LatentError } from '../errors.ts'
import { ioError } from './io-error.ts'

/** What can be had again and is kept between runs: below `$XDG_CACHE_HOME`, which is `~/.cache` if it is not said. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: stated = '' } = process.env
  return join(isAbsolute(stated) ? stated : join(homedir(), '.cache'), 'latent')
}

/** Whether a folder is ours, and nobody else may put anything into it. */
export function isOwnFolder(path: string): boolean {
  try {
    const info = lstatSync(path)
    return (
      info.isDirectory() &&
      (process.platform === 'win32' || (info.uid === process.getuid!() && (info.mode & 0o022) === 0))
    )
  } catch {
    return false
  }
}

/** @throws E_IO if it cannot be made, or others could write into it */
export function makeOwnFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw ioError(error, `cannot make the folder ${path}`)
  }
  if (!isOwnFolder(path))
    throw new LatentError('E_IO', `others may write into ${path}, or it belongs to someone else`, {
      hint: `chmod go-w ${path}, or name another folder in XDG_CACHE_HOME`,
    })
}
