import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Application, type ProjectReflection, ReflectionKind } from 'typedoc'
import type { PluginOptions } from 'typedoc-plugin-markdown'

const PACKAGES = join(import.meta.dirname, '..', 'packages')

/** A module that people import, by the name they give, and the source behind it. */
interface EntryPoint {
  readonly name: string
  readonly path: string
}

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

/** What the manifests of all packages export; conditions name twins of one module, of which Node's is described. */
function entryPoints(): EntryPoint[] {
  return readdirSync(PACKAGES).flatMap(folder => {
    const manifest = JSON.parse(readFileSync(join(PACKAGES, folder, 'package.json'), 'utf8')) as Manifest
    return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) => {
      const file = typeof target === 'string' ? target : (target['node'] ?? target['default'])
      return file?.startsWith('./src/') ? [{ name: join(manifest.name, path), path: join(PACKAGES, folder, file) }] : []
    })
  })
}

/**
 * Writes a page of every module that people import, from its types and comments, into a folder.
 * TypeDoc reads types with a TypeScript of its own, an earlier one than the repository's, since it needs a library
 * that the new compiler does not have: it only reads here, and what it finds wrong is no fault.
 */
export async function writeApi(folder: string): Promise<void> {
  const points = entryPoints()
  const options: PluginOptions & Record<string, unknown> = {
    plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme'],
    entryPoints: points.map(({ path }) => path),
    tsconfig: join(import.meta.dirname, 'tsconfig.api.json'),
    skipErrorChecking: true,
    readme: 'none',
    router: 'module',
    out: folder,
    docsRoot: join(folder, '..'),
    entryFileName: 'index',
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    sanitizeComments: true,
    tableColumnSettings: { hideModifiers: true, hideInherited: true, hideOverrides: true, hideDefaults: true },
    groupOrder: ['Functions', 'Classes', 'Interfaces', '*'],
    validation: { invalidLink: true, notExported: false, notDocumented: false },
    treatWarningsAsErrors: true,
    logLevel: 'Warn',
  }
  const app = await Application.bootstrapWithPlugins(options as never)
  const project = await app.convert()
  if (!project) throw new Error('TypeDoc could not read the packages')
  rename(project, points)
  await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('comments name what is not there, see above')
}

/** Modules by the names that people import: TypeDoc names them by where their files lie. */
function rename(project: ProjectReflection, points: readonly EntryPoint[]): void {
  project.name = 'API'
  const names = new Map(
    points.map(({ name, path }) => [relative(PACKAGES, path).replace(/(?:\/index)?\.ts$/, ''), name]),
  )
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    const name = names.get(module.name)
    if (name === undefined) throw new Error(`nobody imports ${module.name}`)
    module.name = name
  }
}
