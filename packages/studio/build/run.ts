import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { formatBytes } from '@latent/core'
import { SITE_POLICY } from './policy.ts'
import { buildSingle } from './single.ts'
import { buildSite, filesBelow } from './site.ts'

/** Compressed bytes that are loaded before a runtime or a model is needed: more end the build. */
const MOST_FIRST_BYTES = 1.5e6
const OUT = join(import.meta.dirname, '../../../dist/studio')

/** What is built, by its path below the folder. */
export const SITE = 'site'
export const SINGLE = 'latent-studio.html'

/** What a server of the site sends with every file: `latent studio` does, and others are told to in docs/studio.md. */
const HEADERS = {
  'Content-Security-Policy': `${SITE_POLICY}; frame-ancestors 'none'`,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/**
 * Builds the site and the single file, and lists their hashes.
 * @throws if the first load is too large
 */
export async function buildStudio(out: string): Promise<void> {
  mkdirSync(out, { recursive: true })
  await buildSite(join(out, SITE))
  await buildSingle(join(out, SINGLE))
  writeFileSync(join(out, 'headers.json'), `${JSON.stringify(HEADERS, undefined, 2)}\n`)
  const files = [
    ...filesBelow(join(out, SITE))
      // Cards say the hashes of weights.
      .filter(path => !path.startsWith('models/'))
      .map(path => `${SITE}/${path}`),
    SINGLE,
  ]
  const lines = files.map(
    path =>
      `${createHash('sha256')
        .update(readFileSync(join(out, path)))
        .digest('hex')}  ${path}\n`,
  )
  writeFileSync(join(out, 'SHA256SUMS'), lines.join(''))
  const first = firstLoad(join(out, SITE))
  process.stdout.write(`first load ${formatBytes(first)} compressed, of at most ${formatBytes(MOST_FIRST_BYTES)}\n`)
  if (first > MOST_FIRST_BYTES) throw new Error('the first load is too large')
}

/** Everything but runtimes and weights, compressed: no less than what a first visit loads. */
const firstLoad = (site: string): number =>
  filesBelow(site)
    .filter(path => /\.(?:html|js|css|svg|webmanifest)$/.test(path) && !path.startsWith('models/'))
    .reduce((sum, path) => sum + gzipSync(readFileSync(join(site, path))).length, 0)

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  // What begins with a dash is refused: it would be the name of a folder.
  const [out = OUT] = parseArgs({ allowPositionals: true }).positionals
  await buildStudio(out)
}
