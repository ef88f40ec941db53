import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { runCommand } from '../src/program.ts'

/** What users start: for tests that need a shell around it. */
export const LAUNCHER = fileURLToPath(new URL('../bin/latent.js', import.meta.url))

/** Where it keeps what it remembers between runs: not among what the user of this machine has. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/tests-home', import.meta.url))

/** How the command ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
  /** Standard output, where it is no text. */
  readonly bytes: Uint8Array
}

/** Where and with what the command runs. */
export interface Place {
  readonly cwd?: string
  /** Beside what is in the environment already; `undefined` takes a variable out of it. */
  readonly env?: NodeJS.ProcessEnv
  /** What is typed or piped into it. */
  readonly input?: string | Uint8Array
}

/** A run of the command that is under way in a process of its own. */
export interface Started {
  readonly pid: number
  readonly done: Promise<Ended>
  /** Until it has printed this, on whichever stream. @throws if it ends without */
  printed(what: RegExp): Promise<void>
  kill(signal: NodeJS.Signals): boolean
  /** Closes our end of a stream, as `head` does. */
  leave(stream: 'stdout' | 'stderr'): void
}

/**
 * Starts `latent` as its users do. For what depends on the process: signals and kills, streams that break, two at once.
 * @param node another Node than ours; `detached` leads a process group, so that a signal can meet all of it
 */
export function startLatent(
  args: readonly string[],
  {
    cwd,
    env,
    input,
    node = process.execPath,
    detached,
  }: Place & { readonly node?: string; readonly detached?: boolean } = {},
): Started {
  const child = spawn(node, [LAUNCHER, ...args], {
    cwd,
    env: { XDG_CACHE_HOME: CACHE, ...process.env, ...env },
    detached,
  })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  const text = (parts: readonly Buffer[]) => Buffer.concat(parts).toString()
  let heard = () => {}
  child.stdout.on('data', (part: Buffer) => (out.push(part), heard()))
  child.stderr.on('data', (part: Buffer) => (err.push(part), heard()))
  // It may end without reading everything.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const done = once(child, 'close').then(([code, signal]: unknown[]): Ended => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    out: text(out),
    err: text(err),
    bytes: Buffer.concat(out),
  }))
  return {
    pid: child.pid!,
    done,
    printed: what =>
      new Promise((yes, no) => {
        heard = () => what.test(text(out) + text(err)) && yes()
        heard()
        void done.then(() => no(new Error(`it ended without printing ${what}: ${text(err)}`)))
      }),
    kill: signal => child.kill(signal),
    leave: stream => void child[stream].destroy(),
  }
}

/** Runs `latent` as its users do, in a process of its own. */
export const runLatent = (args: readonly string[], place?: Place): Promise<Ended> => startLatent(args, place).done

let before: Promise<unknown> = Promise.resolve()

/**
 * The command in this process, with its own parsing, messages, streams and exit codes: a process takes longer to start
 * than most commands take, and there are hundreds to run.
 */
export function latentHere(args: readonly string[], place: Place = {}): Promise<Ended> {
  // One at a time: they share the working folder, the environment and the streams.
  const run = before.then(() => runHere(args, place))
  before = run.catch(() => undefined)
  return run
}

async function runHere(args: readonly string[], { cwd, env: given, input }: Place): Promise<Ended> {
  const env: NodeJS.ProcessEnv = { XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? CACHE, ...given }
  const written = { out: [] as Uint8Array[], err: [] as Uint8Array[] }
  const capture = (stream: NodeJS.WriteStream, parts: Uint8Array[]) =>
    vi.spyOn(stream, 'write').mockImplementation((part, encoding?: unknown, done?: unknown) => {
      parts.push(typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))
      const written = [encoding, done].find(each => typeof each === 'function')
      if (written) queueMicrotask(written as () => void)
      return true
    })
  const spies = [capture(process.stdout, written.out), capture(process.stderr, written.err)]
  const folder = process.cwd()
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!
  const variables = Object.fromEntries(Object.keys(env).map(name => [name, process.env[name]]))
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    value: Readable.from(input === undefined ? [] : [Buffer.from(input)], { objectMode: false }),
  })
  setVariables(env)
  if (cwd !== undefined) process.chdir(cwd)
  try {
    const code = await runCommand(args)
    const bytes = Buffer.concat(written.out)
    return { code, signal: null, out: bytes.toString(), err: Buffer.concat(written.err).toString(), bytes }
  } finally {
    process.chdir(folder)
    setVariables(variables)
    Object.defineProperty(process, 'stdin', stdin)
    for (const spy of spies) spy.mockRestore()
  }
}

function setVariables(variables: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(variables))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
}
