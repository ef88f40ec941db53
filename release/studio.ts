import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { commonFields, folderOf } from './manifest.ts'
import { OUT, readManifest, releaseVersion, ROOT } from './packages.ts'

const FOLDER = join(ROOT, 'packages/studio')

/** What the published package exports in the place of `packages/studio/index.ts`: where its files lie. */
const moduleText = (elsewhere: Readonly<Record<string, string>>) => `/** Where the built page lies. */
export const folder = new URL('../', import.meta.url)
const ELSEWHERE = ${JSON.stringify(elsewhere, undefined, 2)}
/** Where a file of the site lies that another package has. */
export const elsewhere = path =>
  Object.hasOwn(ELSEWHERE, path) ? new URL(import.meta.resolve(ELSEWHERE[path])) : undefined
`
const TYPES = `/** Where the built page lies. */
export declare const folder: URL
/** Where a file of the site lies that another package has. */
export declare const elsewhere: (path: string) => URL | undefined
`
/** Whose runtimes the site has: all but a fifth of it. */
const RUNTIMES = 'onnxruntime-web'

/**
 * Builds the page into a package: what the bundle holds is in it, so that it depends on nothing but the runtimes, which
 * whoever installs the command has already.
 * @returns its name and folder
 */
export function buildStudioPackage(): readonly [name: string, folder: string] {
  const { name, description, dependencies } = readManifest(FOLDER)
  const out = join(OUT, 'packages', folderOf(name))
  mkdirSync(join(out, 'dist'), { recursive: true })
  execFileSync(process.execPath, [join(FOLDER, 'build/run.ts'), out], { stdio: ['ignore', 'ignore', 'inherit'] })
  // Weights have packages of their own, from which the server takes them.
  rmSync(join(out, 'site/models'), { recursive: true })
  writeFileSync(join(out, 'dist/index.js'), moduleText(takeRuntimes(join(out, 'site'))))
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
    dependencies: { [RUNTIMES]: dependencies![RUNTIMES]! },
    files: ['dist', 'site', 'latent-studio.html', 'headers.json', 'SHA256SUMS'],
  }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  return [name, out]
}

/**
 * Takes the runtimes out of a built site.
 * @returns what each is called in the package that has it, by its path
 * @throws where a file is not the one of that package
 */
function takeRuntimes(site: string): Record<string, string> {
  const { resolve } = createRequire(join(FOLDER, 'build/run.ts'))
  const runtimes = readdirSync(join(site, 'assets')).filter(name => /^ort-.*\.wasm$/.test(name))
  if (runtimes.length === 0) throw new Error('the built site has no runtime')
  return Object.fromEntries(
    runtimes.map(name => {
      const path = join(site, 'assets', name)
      // The bundler puts eight characters of a hash into the names.
      const theirs = `${RUNTIMES}/${name.replace(/-[\w-]{8}(\.wasm)$/, '$1')}`
      if (!readFileSync(path).equals(readFileSync(resolve(theirs)))) throw new Error(`${name} is not ${theirs}`)
      rmSync(path)
      return [`assets/${name}`, theirs]
    }),
  )
}
