import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A `package.json`, as far as releases care. */
export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly description?: string
  readonly exports?: Conditions
  readonly imports?: Conditions
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}
export type Conditions = string | { readonly [condition: string]: Conditions }

export const ROOT = join(import.meta.dirname, '..')
/** What is built and packed goes here: never beside the sources, which a checkout runs as they are. */
export const OUT = join(ROOT, 'dist')

export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** A package of this repository that is published. */
export interface Source {
  readonly folder: string
  readonly manifest: Manifest
}

/** Every package that is built from sources, in the order of the alphabet; weights and the page are not. */
export function codePackages(): Source[] {
  const folders = readdirSync(join(ROOT, 'packages')).map(name => join(ROOT, 'packages', name))
  return folders
    .filter(folder => existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'src')))
    .filter(folder => basename(folder) !== 'studio')
    .map(folder => ({ folder, manifest: readManifest(folder) }))
}

/** The one version: that of the package with the command. */
export function releaseVersion(): string {
  const versions = codePackages().flatMap(({ manifest }) => manifest.version ?? [])
  if (versions.length !== 1)
    throw new Error(`expected one package.json in packages/ that says the version, received ${versions.length}`)
  return versions[0]!
}
