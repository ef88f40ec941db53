import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../bin/latent.js', import.meta.url))

/** How the command ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs `latent` as its users do, in a process of its own. @param input what is typed or piped */
export function runLatent(cwd: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd })
    let [out, err] = ['', '']
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (err += data.toString()))
    child.on('close', code => resolve({ code, out, err }))
    child.stdin.end(input)
  })
}
