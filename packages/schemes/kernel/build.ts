// npm run kernel: compiles the kernels, and writes the modules that carry them to wherever there is no file system.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PACKAGES = join(import.meta.dirname, '../..')
/** Each source below packages/, the module that is written, and what of WebAssembly it needs besides. */
const KERNELS = [
  ['core/kernel/crc.ts', 'core/src/crc32-kernel.ts'],
  ['schemes/kernel/flow.ts', 'schemes/src/exact-flow/kernel-module.ts'],
  ['schemes/kernel/relaxed.ts', 'schemes/src/exact-flow/relaxed-kernel-module.ts', '--enable relaxed-simd'],
  ['robust/kernel/codeword.ts', 'robust/src/ldpc/kernel-module.ts'],
  ['robust/kernel/fit.ts', 'robust/src/channel/kernel-module.ts'],
  ['vault/kernel/adler.ts', 'vault/src/carrier/kernel-module.ts'],
] as const

const compiler = join(import.meta.dirname, 'node_modules/assemblyscript/bin/asc.js')
const OPTIONS = '-O3 --noAssert --runtime stub --enable simd --importMemory'
const folder = mkdtempSync(join(tmpdir(), 'latent-kernel-'))
try {
  for (const [name, module, besides = ''] of KERNELS) {
    const source = join(PACKAGES, name)
    const built = join(folder, 'kernel.wasm')
    const options = `${OPTIONS} ${besides}`.trim().split(' ')
    execFileSync(process.execPath, [compiler, source, ...options, '--outFile', built], { stdio: 'inherit' })
    writeFileSync(
      join(PACKAGES, module),
      `// Written by \`npm run kernel\`: ${name.slice(name.indexOf('/') + 1)}, compiled.\n` +
        '/** SHA-256 of the source that was compiled. */\n' +
        `export const KERNEL_SOURCE_SHA256 = '${createHash('sha256').update(readFileSync(source)).digest('hex')}'\n` +
        '/** The WebAssembly module, in base64. */\n' +
        `export const KERNEL =\n  '${readFileSync(built, 'base64')}'\n`,
    )
  }
} finally {
  rmSync(folder, { recursive: true })
}
