import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Tarball } from './pack.ts'
import type { Manifest } from './packages.ts'
import { repositoryFile } from './project.ts'
import { expectTrue, ok } from './report.ts'

const TOOLS = repositoryFile('release/tools/')

/** What is used of publint, which is installed beside this file and only when it is asked for. */
interface Publint {
  publint(
    this: void,
    options: { pkgDir: string; pack: { tarball: ArrayBuffer } | false; strict: boolean; level: string },
  ): Promise<{ messages: readonly { code: string; type: string; path: readonly string[] }[] }>
}

/** Every tarball as tools see it that know what goes wrong with packages. */
export async function checkManifests(tarballs: readonly Tarball[]): Promise<void> {
  const tool = (name: string) =>
    import(pathToFileURL(createRequire(join(TOOLS, 'x.js')).resolve(name)).href) as Promise<unknown>
  const { publint } = (await tool('publint')) as Publint
  for (const { name, folder, path, files } of tarballs) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    for (const field of ['version', 'license', 'engines', 'publishConfig', 'description'])
      expectTrue(`${name} says its ${field}`, manifest[field] !== undefined)
    expectTrue(`${name} runs nothing when it is installed`, manifest['scripts'] === undefined)
    expectTrue(
      `${name} holds a licence, a page and no sources`,
      ['LICENSE', 'README.md'].every(file => files.some(({ path }) => path === file)) &&
        !files.some(({ path }) => /(?<!\.d)\.ts$|^src\//.test(path)),
    )
    for (const [dependency, range] of Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies }))
      expectTrue(`${name} asks for one version of ${dependency}, not ${range}`, /^\d+\.\d+\.\d+$/.test(range))
    const { messages } = await publint({ pkgDir: folder, pack: false, strict: true, level: 'suggestion' })
    expectTrue(`publint of ${name}: ${JSON.stringify(messages)}`, messages.length === 0)
    // The command's package has nothing to import.
    if (manifest.exports) expectRightTypes(path)
  }
  ok(`${tarballs.length} tarballs: publint and arethetypeswrong find nothing, licences and exact versions are there`)
}

/** Modules alone, as everything of ours is. */
function expectRightTypes(tarball: string): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(TOOLS, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
      tarball,
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-emoji',
      '--no-color',
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`arethetypeswrong of ${tarball}:\n${stdout}${stderr}`)
}
