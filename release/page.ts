import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tarball } from './pack.ts'
import type { Project, Runtime } from './project.ts'
import { expectRan, expectTrue, kilobytes, ok } from './report.ts'

/** Unpacked, at most: a fifth more than it was when this was written, and less than the smallest runtime would add. */
const MOST_BYTES = 13e6

/** The page as it is installed: small without the runtimes, and whole with those that are installed beside it. */
export function checkStudio(project: Project, runtime: Runtime, tarballs: readonly Tarball[]): void {
  const name = `the page under Node ${runtime.version}`
  const { unpackedSize } = tarballs.find(({ name }) => name === '@latent/studio')!
  expectTrue(
    `@latent/studio has at most ${kilobytes(MOST_BYTES)}, not ${kilobytes(unpackedSize)}`,
    unpackedSize <= MOST_BYTES,
  )
  const out = join('..', runtime.version, 'page')
  const { out: hashes } = project.latent(runtime, 'studio', '--hashes')
  expectRan(`${name}: --site`, project.latent(runtime, 'studio', '--site', out))
  const lines = hashes.trimEnd().split('\n')
  for (const line of lines) {
    const [hash, path] = line.split('  ')
    const found = createHash('sha256')
      .update(readFileSync(join(project.app, out, path!)))
      .digest('hex')
    expectTrue(`${name}: ${path} has the hash that --hashes lists`, found === hash)
  }
  expectTrue(
    `${name}: a runtime is among it`,
    lines.some(line => line.endsWith('.wasm')),
  )
  ok(`${name}: ${lines.length} files with the hashes that --hashes lists, ${kilobytes(unpackedSize)} unpacked`)
}
