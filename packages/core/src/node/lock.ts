import { LatentError } from '../errors.ts'
import { randomBytes, sha256Of, toHex } from '../primitives.ts'
import { readFileSync, rmSync } from 'node:fs'
import { rm, stat, utimes } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { ioError, systemCode } from './io-error.ts'
import { onDisk } from './paths.ts'
import { publish } from './publish.ts'
import { readOwnText } from './read.ts'
import { isRunning, machine } from './temporaries.ts'

/** Who works on something. `born` tells a process from a later one that got its number. */
interface Holder {
  readonly machine: string
  readonly process: number
  readonly born?: string
}

/** A lock that this process holds. It goes with the process if it is never released. */
export interface Lock {
  release(): Promise<void>
}

/** A living holder touches its lock this often; one of another machine that did not for so long is dead. */
const BEAT_MS = 30_000
const DEAD_MS = 600_000
/** Between two looks at whether another one has taken a dead holder's lock away. */
const TURN_MS = 5
const MOST_TRIES = 400

/**
 * Claims work that two processes must not do at once, such as writing into one folder. A holder that is
 * dead loses the lock: on its own machine it is told by its process, from elsewhere by a lock that nobody
 * touches any more.
 * @param what the work, for the message: `... is writing to X`
 * @param mode of the lock; by default what the process's mask leaves, so that others may see who holds it
 * @throws E_EXISTS while a living process holds it; E_IO
 */
export async function holdLock(path: string, what: string, mode?: number): Promise<Lock> {
  const own = JSON.stringify({
    machine: machine(),
    process: process.pid,
    born: birthOf(process.pid),
    token: toHex(randomBytes(8)),
  })
  for (let tries = 0; ; tries++) {
    try {
      await publish(path, [new TextEncoder().encode(`${own}\n`)], {
        durable: false,
        ...(mode === undefined ? {} : { mode }),
      })
      break
    } catch (error) {
      if ((error as LatentError).code !== 'E_EXISTS') throw error
    }
    const found = await readIfThere(path)
    if (found === undefined) continue
    if (await isAlive(path, found))
      throw new LatentError('E_EXISTS', `${nameOf(found)} ${what}`, {
        hint: `wait until it is done; if it is none of Latent's, remove ${path}`,
      })
    await takeAway(path, found, tries < MOST_TRIES)
  }
  const beat = setInterval(
    () => void utimes(onDisk(path), new Date(), new Date()).catch(() => undefined),
    BEAT_MS,
  ).unref()
  const removeNow = () => {
    try {
      if (readFileSync(onDisk(path), 'utf8').trim() === own) rmSync(onDisk(path), { force: true })
    } catch {
      // It is gone, or cannot be removed: a later run finds its holder dead.
    }
  }
  process.once('exit', removeNow)
  return {
    async release() {
      clearInterval(beat)
      process.off('exit', removeNow)
      removeNow()
    },
  }
}

const nameOf = (content: string): string => {
  const holder = holderOf(content)
  return holder === undefined || holder.machine !== machine()
    ? 'a process on another machine'
    : `process ${holder.process}`
}

/** Nothing for a lock that was cut short. */
function holderOf(content: string): Holder | undefined {
  try {
    const holder = JSON.parse(content) as Holder
    if (Number.isSafeInteger(holder.process) && holder.process > 0) return holder
  } catch {
    // Cut short, or nothing like it: as below.
  }
  return undefined
}

async function isAlive(path: string, content: string): Promise<boolean> {
  const holder = holderOf(content)
  if (holder?.machine === machine())
    return (
      isRunning(holder.process) &&
      (holder.born === undefined || holder.born === (birthOf(holder.process) ?? holder.born))
    )
  const info = await stat(onDisk(path)).catch(() => undefined)
  return info !== undefined && Date.now() - info.mtimeMs < DEAD_MS
}

/** Clock ticks from the machine's start to the process's, where the system tells. */
function birthOf(pid: number): string | undefined {
  try {
    // The name in brackets may hold anything, spaces and brackets too.
    return /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]?.split(' ')[19]
  } catch {
    return undefined
  }
}

/**
 * Removes the lock of a dead holder. Of several that find it dead, one at a time looks at it again and removes it,
 * under a lock named after what is to go: a slower one would else remove what a quicker one has taken since.
 * @throws E_EXISTS if another one is at it and this one has been `patient` enough
 */
async function takeAway(path: string, dead: string, patient: boolean): Promise<void> {
  const name = toHex(sha256Of(new TextEncoder().encode(dead))).slice(0, 16)
  let turn: Lock
  try {
    turn = await holdLock(`${path}.${name}`, 'is taking a lock over')
  } catch (error) {
    if ((error as LatentError).code !== 'E_EXISTS' || !patient) throw error
    // Another one is at it, which takes no time, unless it was stopped in the middle.
    return pause(TURN_MS)
  }
  try {
    if ((await readIfThere(path)) === dead) await rm(onDisk(path), { force: true })
  } catch (error) {
    throw ioError(error, `cannot remove ${path}`)
  } finally {
    await turn.release()
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readOwnText(path)
  } catch (error) {
    if (systemCode((error as LatentError).cause) === 'ENOENT') return undefined
    throw error
  }
}
