import { execFileSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { type Conditions, type Manifest, readManifest, releaseVersion, ROOT, type Source } from './packages.ts'

/**
 * The `package.json` that is published. In a checkout packages point at each other and at their sources, so that
 * nothing is built between a change and a run; what is published names built files, its version and everyone's.
 */
export function publishedManifest({ folder, manifest }: Source): Manifest {
  const version = releaseVersion()
  return {
    name: manifest.name,
    version,
    ...commonFields(folder, manifest.description),
    type: 'module',
    // Modules that do something when they are loaded, besides those that start threads and commands.
    sideEffects: manifest['sideEffects'] ?? false,
    ...(manifest.bin && { bin: manifest.bin }),
    ...(manifest.exports && {
      exports: { ...(built(manifest.exports, true) as object), './package.json': './package.json' },
    }),
    ...(manifest.imports && { imports: built(manifest.imports, false) }),
    files: ['dist', ...(manifest.bin ? ['bin'] : [])],
    ...dependencies('dependencies', manifest, version),
    ...dependencies('optionalDependencies', manifest, version),
    // What only those install who ask for it: nobody else pays, and nothing of it runs when packages are installed.
    ...dependencies('peerDependencies', manifest, version),
    ...(manifest['peerDependenciesMeta'] !== undefined && { peerDependenciesMeta: manifest['peerDependenciesMeta'] }),
  }
}

/** What every package of ours says of itself. */
export function commonFields(folder: string, description?: string): Omit<Manifest, 'name'> {
  const root = readManifest(ROOT)
  const url = repositoryUrl(root)
  return {
    description: description ?? root.description!,
    license: root['license'],
    ...(url !== undefined && { repository: { type: 'git', url, directory: relative(ROOT, folder) } }),
    engines: root['engines'],
    publishConfig: { access: 'public', provenance: true },
  }
}

/**
 * Where the sources lie, which a registry compares with where a release was built: what the root's manifest says, else
 * what the service that builds it says, else the clone's origin.
 */
export function repositoryUrl(root: Manifest): string | undefined {
  const stated = (root['repository'] as { url?: string } | undefined)?.url
  if (stated !== undefined) return stated
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  if (server !== undefined && name !== undefined) return `git+${server}/${name}.git`
  try {
    const origin = execFileSync('git', ['remote', 'get-url', 'origin'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return /^https:\/\/[^@]+$/.test(origin) ? `git+${origin}` : undefined
  } catch {
    return undefined
  }
}

/** From `./src/x.ts` to `./dist/x.js`, under whatever conditions; exports say where their types are. */
function built(target: Conditions, types: boolean): Conditions {
  if (typeof target !== 'string')
    return Object.fromEntries(Object.entries(target).map(([key, inner]) => [key, built(inner, types)]))
  const name = /^\.\/src\/(.+)\.ts$/.exec(target)?.[1]
  if (name === undefined) throw new Error(`expected a source below src, received ${target}`)
  return types ? { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` } : `./dist/${name}.js`
}

/** Those of ours in the version that is released with them. */
function dependencies(
  field: 'dependencies' | 'optionalDependencies' | 'peerDependencies',
  manifest: Manifest,
  version: string,
): Partial<Manifest> {
  const entries = Object.entries(manifest[field] ?? {})
  return entries.length === 0
    ? {}
    : { [field]: Object.fromEntries(entries.map(([name, range]) => [name, range === '*' ? version : range])) }
}

export const folderOf = (name: string): string => join(name.replace(/^@/, '').replace('/', '-'))
