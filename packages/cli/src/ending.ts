import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { fstatSync, statSync, writeFileSync } from 'node:fs'
import { constants, devNull } from 'node:os'
import { clearProgress, noteAbove } from './progress.ts'

/** What asks a process to end. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** What ends it at once: the other key of a terminal, and a limit of processor time. */
const AT_ONCE = ['SIGQUIT', 'SIGXCPU'] as const
const HEARD = [...SIGNALS, ...AT_ONCE]

/** Wrappers pass on what a terminal has sent to all of its processes: what follows so soon is the same keystroke. */
const SAME_REQUEST_MS = 400
/** Work that was told to end has ended, or is stuck. */
const STUCK_MS = 30_000

/** Work under way that knows how to end in order. */
const orderly = new Set<AbortController>()
let request: { readonly signal: NodeJS.Signals; readonly at: number } | undefined
let defect = false

/**
 * Work that may be long and can end before it is done: the first signal lets it put things in order, which
 * is for it to do when its own signal aborts; a second one ends the process at once.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  orderly.add(stop)
  try {
    return await tidily(() => work(stop.signal))
  } finally {
    orderly.delete(stop)
  }
}

let listeners = 0

/**
 * Work that leaves something to tidy up. Signals are listened to for such work alone: while a thread only
 * computes, a listener would not hear them, and the process could not be ended.
 */
export async function tidily<T>(work: () => Promise<T>): Promise<T> {
  listeners++
  // Again and again is once.
  for (const signal of HEARD) process.off(signal, end).on(signal, end)
  try {
    return await work()
  } finally {
    // Once asked to end, the process is about to: the same request, passed on by a wrapper, must not cut its report
    // short.
    if (--listeners === 0 && !request) for (const signal of HEARD) process.off(signal, end)
  }
}

/** An interrupted run says how far it came; other errors pass through. */
export function withCount(error: unknown, done: number, total: number, what: string): unknown {
  if (total === 0 || !(error instanceof LatentError) || error.code !== 'E_INTERRUPTED') return error
  return new LatentError('E_INTERRUPTED', `interrupted with ${done} of ${total} ${what} done`, {
    hint: 'the same command goes on',
  })
}

/** The exit code for an error, whose own code is `code`. */
export function exitCodeFor(error: unknown, code: number): number {
  if (defect) return 3
  return request && error instanceof LatentError && error.code === 'E_INTERRUPTED'
    ? 128 + constants.signals[request.signal]
    : code
}

/**
 * From here on the process ends in order, whatever ends it.
 * @param report prints an error and gives its exit code
 */
export function guardEnding(report: (error: unknown) => number): void {
  followLauncher()
  keepOutOfCoreDumps()
  // Node answers it with a debugger that anyone on this machine can attach to; others print their progress.
  process.on('SIGUSR1', () => undefined)
  process.stdout.on('error', outputFailed)
  // Nobody reads the messages any more; the work is no worse for it.
  process.stderr.on('error', () => undefined)
  process.on('uncaughtException', error => {
    clearProgress()
    process.exitCode = report(error)
    if (defect || orderly.size === 0) process.exit()
    defect = true
    // Ending the process while native code runs on another thread would abort it, and lose the exit code.
    for (const stop of orderly) stop.abort()
    setTimeout(() => process.exit(), STUCK_MS).unref()
  })
}

function end(signal: NodeJS.Signals): void {
  const now = performance.now()
  if (request && now - request.at < SAME_REQUEST_MS) return
  if (request || orderly.size === 0 || AT_ONCE.some(each => each === signal)) return endAtOnce(signal)
  request = { signal, at: now }
  noteAbove('latent: interrupted; ending in order (once more to end at once)')
  for (const stop of orderly) stop.abort()
}

/** By the signal itself, which stops native code on other threads too. */
function endAtOnce(signal: NodeJS.Signals): void {
  // Temporary files, locks and the progress line have their handlers.
  process.emit('exit', 128 + constants.signals[signal])
  if (process.stdin.isRaw) process.stdin.setRawMode(false)
  process.stderr.write('latent: interrupted\n')
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** Where `bin/latent.js` runs us with another Node: it passes signals on, but a kill leaves it no time to. */
function followLauncher(): void {
  if (process.env['LATENT_LAUNCHER'] === undefined || !process.channel) return
  delete process.env['LATENT_LAUNCHER']
  process.on('disconnect', () => end('SIGTERM'))
  process.channel.unref()
}

/**
 * Keys lie in memory. Linux lets a process say which memory goes into core dumps; nothing does. Elsewhere
 * there is no such thing without native code.
 */
function keepOutOfCoreDumps(): void {
  if (process.platform !== 'linux') return
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch {
    // No /proc, as in some containers.
  }
}

let outputLost = false

/** A reader that has seen enough (`latent ... | head`) is no error, and no reason to leave work undone. */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (outputLost) return
  outputLost = true
  if (error.code === 'EPIPE') return
  clearProgress()
  const { message, code, hint = '' } = ioError(error, 'cannot write to standard output')
  process.stderr.write(`latent: error: ${message} [${code}]\n${hint && `hint: ${hint}\n`}`)
  process.exitCode ||= 1
}

/**
 * Writes to standard output what exists nowhere else.
 * @throws E_IO if nobody gets it: a stream that is closed, or that leads nowhere
 */
export async function handOver(secret: string): Promise<void> {
  if (leadsNowhere())
    throw new LatentError('E_IO', 'standard output leads nowhere: the secret would be lost', { hint: USE_FILE })
  // It is told below, once.
  outputLost = true
  await new Promise<void>((done, failed) =>
    process.stdout.write(secret, error => {
      if (!error) return done()
      failed(
        new LatentError('E_IO', ioError(error, 'nobody took the secret from standard output').message, {
          hint: USE_FILE,
        }),
      )
    }),
  )
  outputLost = false
}

const USE_FILE = 'give a file with -o'

/** Node opens a stream that was closed before it started as the device that swallows everything. */
function leadsNowhere(): boolean {
  try {
    const { rdev } = fstatSync(1)
    return rdev !== 0 && rdev === statSync(devNull).rdev
  } catch {
    return false
  }
}
