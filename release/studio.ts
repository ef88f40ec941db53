import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commonFields, folderOf } from './manifest.ts'
import { OUT, readManifest, releaseVersion, ROOT } from './packages.ts'

const FOLDER = join(ROOT, 'packages/studio')

/** What the published package exports in the place of `packages/studio/index.ts`: where its files lie. */
const MODULE = "/** Where the built page lies. */\nexport const folder = new URL('../', import.meta.url)\n"
const TYPES = '/** Where the built page lies. */\nexport declare const folder: URL\n'

/**
 * Builds the page into a package: what the bundle holds is in it, so that it depends on nothing.
 * @returns its name and folder
 */
export function buildStudioPackage(): readonly [name: string, folder: string] {
  const { name, description } = readManifest(FOLDER)
  const out = join(OUT, 'packages', folderOf(name))
  mkdirSync(join(out, 'dist'), { recursive: true })
  execFileSync(process.execPath, [join(FOLDER, 'build/run.ts'), out], { stdio: ['ignore', 'ignore', 'inherit'] })
  // Weights have packages of their own, from which the server takes them.
  rmSync(join(out, 'site/models'), { recursive: true })
  writeFileSync(join(out, 'dist/index.js'), MODULE)
  writeFileSync(join(out, 'dist/index.d.ts'), TYPES)
  cpSync(join(FOLDER, 'README.md'), join(out, 'README.md'))
  cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'))
  const manifest = {
    name,
    version: releaseVersion(),
    ...commonFields(FOLDER, description),
    type: 'module',
    sideEffects: false,
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist', 'site', 'latent-studio.html', 'headers.json', 'SHA256SUMS'],
  }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  return [name, out]
}
