import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

/** The system call tracer, which Linux has: tests that need it skip visibly elsewhere. */
export const strace = ['/usr/bin/strace', '/usr/local/bin/strace'].find(existsSync)

export interface Trace {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Calls that open a socket to anywhere, or look for a host. */
  readonly sockets: readonly string[]
  /** Files and folders that were made, opened for writing, renamed, linked or removed; sorted, each once. */
  readonly written: readonly string[]
}

export interface TraceOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

const CALLS = [
  'socket',
  'connect',
  'sendto',
  'sendmsg',
  'openat',
  'open',
  'creat',
  'mkdir',
  'mkdirat',
  'mknod',
  'mknodat',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'symlink',
  'symlinkat',
  'unlink',
  'unlinkat',
  'rmdir',
  'truncate',
  'chmod',
  'fchmodat',
  'utimensat',
]
const NETWORK = /^(?:socket|connect|sendto|sendmsg)\(/
const WRITES = /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND/

/** Runs a command with this Node, and lists what it and all its threads and children did to the world. */
export async function traced(args: readonly string[], { cwd, env }: TraceOptions): Promise<Trace> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-trace-'))
  try {
    // A file a thread, so that no call is split; paths of descriptors beside them.
    const child = spawn(
      strace!,
      [
        '-ff',
        '--seccomp-bpf',
        '-qq',
        '-y',
        '-s',
        '4096',
        '-e',
        'signal=none',
        '-e',
        `trace=${CALLS.map(name => `?${name}`).join(',')}`,
        '-o',
        join(folder, 'thread'),
        process.execPath,
        ...args,
      ],
      { cwd, env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const ended = new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done))
    const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    const lines = readdirSync(folder).flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n'))
    if (lines.length === 0) throw new Error(`nothing was traced: ${stderr}`)
    return {
      code,
      stdout,
      stderr,
      sockets: lines.filter(line => NETWORK.test(line)),
      written: [...new Set(lines.flatMap(line => writtenBy(line, cwd)))].toSorted(),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function writtenBy(line: string, cwd: string): string[] {
  if (line === '' || NETWORK.test(line) || / = -1 E/.test(line)) return []
  if (/^open(?:at)?\(/.test(line)) {
    const opened = /= \d+<(.*)>$/.exec(line)?.[1]
    return opened !== undefined && WRITES.test(line) && !/^(?:\/dev\/|\/proc\/|pipe:|socket:|anon_inode:)/.test(opened)
      ? [opened]
      : []
  }
  // What is left names its paths, the first of which may be relative to a folder that is named before it.
  return Array.from(
    line.matchAll(/(?:AT_FDCWD(?:<[^>]*>)?, |\d+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g),
    ([, folder, path]) => resolve(folder ?? cwd, path!),
  )
}
