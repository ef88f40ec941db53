import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tarball } from './pack.ts'
import type { Manifest } from './packages.ts'
import { type Project, repositoryFile, type Runtime } from './project.ts'
import { expectRan, ok, skipped } from './report.ts'
import { readmeProgram } from './snippet.ts'

/** Every entry point of every package is loaded. */
export function checkImports(project: Project, runtime: Runtime, tarballs: readonly Tarball[]): void {
  const entries = tarballs.flatMap(({ folder }) =>
    entryPoints(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest),
  )
  const script = project.write(
    'app/imports.mjs',
    entries
      .map(
        entry =>
          `if (Object.keys(await import('${entry}')).length === 0) throw new Error('${entry} exports nothing')\n`,
      )
      .join(''),
  )
  expectRan('imports', project.run(runtime, script), { err: /^$/ })
  ok(`${entries.length} entry points load under Node ${runtime.version}, without a warning`)
}

export const entryPoints = ({ name, exports = {} }: Manifest): string[] =>
  Object.keys(exports).flatMap(path => (path.includes('*') || path === './package.json' ? [] : [join(name, path)]))

/** The README's program: its types with a strict compiler that looks into ours too, then what it does. */
export function checkSnippet(project: Project, runtime: Runtime): void {
  const source = project.write('app/readme.ts', readmeProgram())
  const compile = (name: string, options: Readonly<Record<string, unknown>>) => {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.float16', 'dom', 'dom.iterable'],
      types: [],
      skipLibCheck: false,
      ...options,
    }
    const config = project.write(`app/tsconfig.${name}.json`, JSON.stringify({ compilerOptions, files: [source] }))
    execFileSync(process.execPath, [repositoryFile('node_modules/typescript/bin/tsc'), '-p', config], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  }
  if (!existsSync(join(project.app, 'readme.js'))) {
    compile('bundler', { module: 'preserve', moduleResolution: 'bundler', noEmit: true })
    compile('node', { module: 'nodenext', moduleResolution: 'nodenext' })
    ok('the README’s program has types, for Node and for bundlers')
  }
  expectRan('the README’s program', project.run(runtime, join(project.app, 'readme.js')), {
    out: /^sealed and opened 100000 bytes of cat\.jpg\n$/,
    err: /^$/,
  })
  ok(`the README’s program runs under Node ${runtime.version}`)
}

/** What runs when a stranger installs, where scripts are allowed; docs/dependencies.md says what each does. */
const INSTALL_SCRIPTS = ['onnxruntime-node', 'protobufjs']

/** Nothing of ours runs at install time, and of others only what is known. */
export function checkInstallScripts(project: Project): void {
  const manifests = globSync('node_modules/**/package.json', { cwd: project.app })
  const running = manifests.flatMap(path => {
    const { name = path, scripts = {} } = readManifest(join(project.app, path))
    return ['preinstall', 'install', 'postinstall'].some(script => script in scripts) ? [name] : []
  })
  const unknown = running.filter(name => !INSTALL_SCRIPTS.includes(name))
  if (unknown.length > 0) throw new Error(`packages run scripts when they are installed: ${unknown.join(', ')}`)
  ok(`of ${manifests.length} manifests ${running.join(' and ') || 'none'} would run a script when installed`)
}

function readManifest(path: string): { name?: string; scripts?: Readonly<Record<string, string>> } {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as object
  } catch {
    // Packages carry files of that name that are no manifests, for their own tests.
    return {}
  }
}

/** With what networks compute. The README's install keeps the native library; a plain one may go without. */
export function checkBackend(project: Project, runtime: Runtime, install: 'plain' | 'without scripts'): void {
  const script = project.write(
    'app/backends.mjs',
    "import { openExactFlow } from '@latent/schemes/exact-flow'\n" +
      'const flow = await openExactFlow()\n' +
      'console.log(flow.backend)\n' +
      'await flow.close()\n',
  )
  const ran = project.run(runtime, script)
  const native = existsSync(join(project.app, 'node_modules/onnxruntime-node'))
  if (install === 'without scripts' && !native)
    throw new Error('npm install --ignore-scripts left the native library out')
  if (install === 'plain' && !native)
    skipped('the native library in a plain install', 'its install script could not download')
  expectRan('a backend', ran, { out: native ? /^ort-node/ : /\S/ })
  ok(`after an install ${install === 'plain' ? 'with scripts' : install} networks compute with ${ran.out.trim()}`)
}
