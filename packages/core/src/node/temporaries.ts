import { randomBytes, sha256Of, toHex } from '../primitives.ts'
import { readFileSync, readlinkSync, rmSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { onDisk, pathFromBytes } from './paths.ts'

/**
 * `.latent-MACHINE-PROCESS-RANDOM.tmp`. The process id lets a later run tell the leavings of a killed one
 * from the work of a living one, but only on the machine where it counts processes.
 */
const TEMPORARY = /^\.latent-(?:([0-9a-f]{8})-)?(\d{1,10})-[0-9a-f]{16}\.tmp$/

/** Whether a path has the name of a temporary file of ours, of this process or another. */
export const isTemporary = (path: string): boolean => TEMPORARY.test(basename(path))

/** A file that is being written in the folder of its target; removed however this process ends, short of a kill. */
export function newTemporary(folder: string): string {
  const path = join(folder, `.latent-${machine()}-${process.pid}-${toHex(randomBytes(8))}.tmp`)
  if (live.size === 0) process.once('exit', removeOwnTemporaries)
  live.add(path)
  return path
}

/** The file is published, or gone. */
export function releaseTemporary(path: string): void {
  live.delete(path)
  if (live.size === 0) process.off('exit', removeOwnTemporaries)
}

const live = new Set<string>()

/** Removes what this thread is writing, at once: for handlers of signals. What is written afterwards is lost. */
export function removeOwnTemporaries(): void {
  for (const path of live) {
    try {
      rmSync(onDisk(path), { force: true })
    } catch {
      // The end must not fail for it; a later run removes what is left.
    }
  }
  live.clear()
  process.off('exit', removeOwnTemporaries)
}

/** Nobody writes for a day without a byte reaching the disk. */
const ABANDONED_MS = 24 * 60 * 60 * 1000

/** Removes temporary files that nobody will finish, anywhere below a folder; links are not followed. */
export async function removeStale(folder: string): Promise<void> {
  const entries = await readdir(onDisk(folder), { withFileTypes: true, encoding: 'buffer' }).catch(() => [])
  for (const entry of entries) {
    const path = join(folder, pathFromBytes(entry.name))
    if (entry.isDirectory()) await removeStale(path)
    else if (entry.isFile() && isTemporary(path) && (await isAbandoned(path)))
      await rm(onDisk(path), { force: true }).catch(() => undefined)
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const [, owner, pid] = TEMPORARY.exec(basename(path))!
  // Names that version 0.1.0 gave do not tell the machine.
  if (owner === undefined || owner === machine()) return !isRunning(Number(pid))
  const info = await lstat(onDisk(path)).catch(() => undefined)
  return info !== undefined && Date.now() - info.mtimeMs > ABANDONED_MS
}

/** Whether this machine runs a process of this number, whoever owns it. */
export function isRunning(pid: number): boolean {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

let known = ''

/** Where process ids mean the same: one machine and, in containers, one namespace. Says nothing of its name. */
export function machine(): string {
  const facts = () => [
    hostname(),
    quietly(() => readFileSync('/etc/machine-id', 'utf8')),
    quietly(() => readlinkSync('/proc/self/ns/pid')),
  ]
  known ||= toHex(sha256Of(new TextEncoder().encode(JSON.stringify(facts())))).slice(0, 8)
  return known
}

function quietly(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
