#!/usr/bin/env node
// What was installed is JavaScript and runs on Node 20.19 or later. A checkout is TypeScript, which Node 22.18 or later
// runs: where an older one starts it, the Node 24 that was installed beside it as a package takes over.
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Node answers it with a debugger that anyone on this machine can attach to.
process.on('SIGUSR1', () => {})

const [major, minor] = process.versions.node.split('.').map(Number)
const here = dirname(fileURLToPath(import.meta.url))
const built = join(here, '../dist/main.js')
const [main, neededMajor, neededMinor] = existsSync(built) ? [built, 20, 19] : [join(here, '../src/main.ts'), 22, 18]

if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) {
  const folder = cacheFolder()
  if (folder) {
    module.enableCompileCache?.(folder)
    // Worker threads ask for it here: without it each compiles everything anew, and strips the types of a checkout.
    process.env.NODE_COMPILE_CACHE ??= folder
  }
  await import(main)
} else {
  const node = newerNode()
  if (node) takeOver(node)
  else {
    process.stderr.write(`latent: error: Node ${process.versions.node} is too old\nhint: install Node 24\n`)
    process.exitCode = 2
  }
}

/**
 * Start-up is most of the time of a small command, so compiled code is kept for the next one: beside the code
 * that it is made from, where nobody can put anything who could not change that as well.
 */
function cacheFolder() {
  const folder = join(here, '../node_modules/.cache/latent')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { mode, uid } = lstatSync(folder)
    return process.platform === 'win32' || (uid === statSync(main).uid && (mode & 0o022) === 0) ? folder : undefined
  } catch {
    return undefined
  }
}

function newerNode() {
  const require = createRequire(import.meta.url)
  const names = [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    `node-win-${process.arch}`,
  ]
  const packages = names.flatMap(name => {
    try {
      return [dirname(require.resolve(`${name}/package.json`))]
    } catch {
      return []
    }
  })
  return packages.flatMap(folder => [join(folder, 'bin/node'), join(folder, 'bin/node.exe')]).find(existsSync)
}

/**
 * Runs `main` with another Node and ends as it ends. What is sent to this process is meant for that one; if
 * this one is killed, that one sees the channel between them close, and ends as well.
 */
function takeOver(node) {
  // Before the other process is there: a signal that comes while it starts is sent on once it has.
  const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of forwarded) process.on(signal, () => child.kill(signal))
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, LATENT_LAUNCHER: String(process.pid) },
  })
  child.on('error', error => {
    process.stderr.write(`latent: error: ${node} does not start: ${error.message}\n`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 3)
    if (!forwarded.includes(signal)) process.exit(128 + (constants.signals[signal] ?? 0))
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
