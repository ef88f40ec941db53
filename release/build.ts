import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { joinModules } from './chunks.ts'
import { folderOf, publishedManifest } from './manifest.ts'
import { buildModels } from './models.ts'
import { codePackages, OUT, ROOT, type Source } from './packages.ts'
import { buildStudioPackage } from './studio.ts'

/**
 * Builds every package into `dist/packages/NAME`, as it is published: JavaScript and types in `dist`, a manifest, a
 * licence. The types of Node 20 are checked against, so that nothing is called which it lacks.
 * @returns the folders, by the package's name
 */
export async function build(): Promise<Map<string, string>> {
  const emitted = join(OUT, 'emitted')
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(emitted, { recursive: true })
  const sources = codePackages()
  emit(sources, emitted)
  const staged: (readonly [name: string, folder: string])[] = []
  for (const source of sources) staged.push([source.manifest.name, await stage(source, emitted)])
  rmSync(emitted, { recursive: true })
  return new Map([...staged, ...buildModels(), buildStudioPackage()])
}

function emit(sources: readonly Source[], outDir: string): void {
  const config = join(OUT, 'tsconfig.json')
  const include = sources.map(({ folder }) => join(folder, 'src'))
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'release/tsconfig.json'),
      compilerOptions: { noEmit: false, declaration: true, outDir },
      include,
    }),
  )
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

async function stage(source: Source, emitted: string): Promise<string> {
  const { folder, manifest } = source
  const out = join(OUT, 'packages', folderOf(manifest.name))
  mkdirSync(out, { recursive: true })
  renameSync(join(emitted, basename(folder), 'src'), join(out, 'dist'))
  for (const file of filesBelow(join(out, 'dist')))
    writeFileSync(file, namingBuiltFiles(readFileSync(file, 'utf8'), file))
  if (existsSync(join(folder, 'bin'))) cpSync(join(folder, 'bin'), join(out, 'bin'), { recursive: true })
  const readme = join(folder, 'README.md')
  if (existsSync(readme)) writeFileSync(join(out, 'README.md'), withinPackage(readFileSync(readme, 'utf8')))
  cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'))
  const published = publishedManifest(source)
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`)
  await joinModules(out, published)
  return out
}

/** A page without the links that lead out of its package: what they lead to is not there, and is named. */
export const withinPackage = (page: string): string =>
  page.replaceAll(/\[([^\]]+)\]\(\.\.\/[^()]*\)/g, '`$1` in the repository')

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap(entry =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  )

/**
 * The compiler follows imports in JavaScript, and leaves two kinds of names of sources: scripts of workers, and
 * imports in types.
 * @throws if something still names a source
 */
export function namingBuiltFiles(text: string, file: string): string {
  const built = text
    .replace(/(new URL\((['"])\.\/[^'"/]+)\.ts(\2, import\.meta\.url\))/g, '$1.js$3')
    .replace(
      file.endsWith('.d.ts') ? /(\bfrom |\bimport |\bimport\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g : /$^/g,
      '$1$2$3.js$2',
    )
  const left = /(?:\bfrom |\bimport |\bimport\(|new URL\()(['"])\.{1,2}\/[^'"]*\.ts\1/.exec(built)
  if (left) throw new Error(`${file} would be published with ${left[0]}`)
  return built
}

if (import.meta.main) for (const [name, folder] of await build()) process.stdout.write(`${name}: ${folder}\n`)
