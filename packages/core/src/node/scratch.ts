import { randomBytes, toHex } from '../primitives.ts'
import { rmSync } from 'node:fs'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ioError } from './io-error.ts'
import { isRunning, machine } from './temporaries.ts'

/** A private folder for what a run needs only while it lasts. */
export interface Scratch {
  readonly path: string
  remove(): Promise<void>
}

/**
 * Makes a folder `latent-WHAT-MACHINE-PROCESS-RANDOM` among the system's temporary files, which only its owner can
 * read. It goes however this process ends, short of a kill; what a kill left, the next one of its kind removes.
 * @throws E_IO
 */
export async function makeScratch(what: string): Promise<Scratch> {
  await removeAbandoned(what)
  const path = join(tmpdir(), `latent-${what}-${machine()}-${process.pid}-${toHex(randomBytes(8))}`)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    throw ioError(error, `cannot make a folder for temporary files in ${tmpdir()}`)
  }
  const removeNow = () => {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch {
      // The end must not fail for it; a later run removes what is left.
    }
  }
  process.once('exit', removeNow)
  return {
    path,
    async remove() {
      process.off('exit', removeNow)
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** Of processes of this machine and user that are no more. Others can make folders of such names here, too. */
async function removeAbandoned(what: string): Promise<void> {
  const ours = new RegExp(`^latent-${what}-${machine()}-(\\d{1,10})-[0-9a-f]{16}$`)
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = ours.exec(name)?.[1]
    if (pid === undefined || isRunning(Number(pid))) continue
    const path = join(tmpdir(), name)
    const info = await lstat(path).catch(() => undefined)
    if (info?.isDirectory() && info.uid === (process.getuid?.() ?? info.uid))
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}
