import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path/posix'
import { type Plugin, rolldown } from 'rolldown'
import type { Conditions, Manifest } from './packages.ts'

/** What names a file beside the module that it stands in: a script of workers. */
const BESIDE = /new URL\((['"])(\.{1,2}\/[^'"]+)\1, import\.meta\.url\)/g
/** The same with the file's place in the package, while modules are on their way to other files. */
const MOVING = /new URL\("dist:([^"]+)", import\.meta\.url\)/g

/**
 * Joins the built modules of a package into few files: finding and reading many small ones was much of what a command
 * takes to start. What others name keeps its place and its name: entry points, commands and scripts of workers. Nothing
 * of another package is taken in.
 * @param folder of the built package, its modules in `dist`
 * @param manifest as it is published
 */
export async function joinModules(folder: string, { exports, imports, bin }: Manifest): Promise<void> {
  const dist = join(folder, 'dist')
  const modules = globSync('**/*.js', { cwd: dist })
  const scripts = modules.flatMap(module => scriptsOf(dist, module))
  const entries = [...targets(exports), ...targets(imports), ...(bin ? ['main.js'] : []), ...scripts]
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map(entry => [entry.replace(/\.js$/, ''), join(dist, entry)])),
    external: id => !/^(\.|\/)/.test(id),
    plugins: [besideStays(dist)],
    platform: 'neutral',
    treeshake: false,
  })
  const joined = join(folder, 'joined')
  await bundle.write({ dir: joined, entryFileNames: '[name].js', chunkFileNames: 'parts/[name].js' })
  await bundle.close()

  for (const module of modules) rmSync(join(dist, module))
  for (const file of globSync('**/*.js', { cwd: joined })) {
    mkdirSync(join(dist, dirname(file)), { recursive: true })
    renameSync(join(joined, file), join(dist, file))
  }
  rmSync(joined, { recursive: true })
}

/** Scripts that a module names beside it, by their places in `dist`. Comments name some that are not there. */
const scriptsOf = (dist: string, module: string): string[] =>
  [...readFileSync(join(dist, module), 'utf8').matchAll(BESIDE)]
    .map(([, , name]) => join(dirname(module), name!))
    .filter(script => script.endsWith('.js') && existsSync(join(dist, script)))

/** Wherever a module comes to lie, what it names beside it is the file that it was. */
const besideStays = (dist: string): Plugin => ({
  name: 'beside-stays',
  transform: (code, id) =>
    code.replaceAll(
      BESIDE,
      (_, _quote, name: string) => `new URL("dist:${join(dirname(relative(dist, id)), name)}", import.meta.url)`,
    ),
  renderChunk: (code, { fileName }) =>
    code.replaceAll(MOVING, (_, place: string) => {
      const name = relative(dirname(fileName), place)
      return `new URL("${name.startsWith('.') ? name : `./${name}`}", import.meta.url)`
    }),
})

/** The modules that a manifest names, under whatever conditions. */
function targets(named: Conditions | undefined): string[] {
  if (named === undefined) return []
  if (typeof named !== 'string') return Object.values(named).flatMap(targets)
  const module = /^\.\/dist\/(.+\.js)$/.exec(named)?.[1]
  return module === undefined ? [] : [module]
}
