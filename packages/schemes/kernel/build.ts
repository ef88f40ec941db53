// npm run kernel: compiles flow.ts, and writes the module that carries it to wherever there is no file system.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const source = join(import.meta.dirname, 'flow.ts')
const folder = mkdtempSync(join(tmpdir(), 'latent-kernel-'))
try {
  const built = join(folder, 'flow.wasm')
  const compiler = join(import.meta.dirname, 'node_modules/assemblyscript/bin/asc.js')
  const options = '-O3 --noAssert --runtime stub --enable simd --importMemory --outFile'.split(' ')
  execFileSync(process.execPath, [compiler, source, ...options, built], { stdio: 'inherit' })
  writeFileSync(
    join(import.meta.dirname, '../src/exact-flow/kernel-module.ts'),
    '// Written by `npm run kernel`: kernel/flow.ts, compiled.\n' +
      '/** SHA-256 of the source that was compiled. */\n' +
      `export const KERNEL_SOURCE_SHA256 = '${createHash('sha256').update(readFileSync(source)).digest('hex')}'\n` +
      '/** The WebAssembly module, in base64. */\n' +
      `export const KERNEL =\n  '${readFileSync(built, 'base64')}'\n`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
