import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
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

/**
 * The native library's package wants to download files at install time that no registry holds. Where it cannot, npm
 * leaves the package out, as it may: WASM computes the same.
 */
export function checkNative(project: Project, runtime: Runtime): void {
  const script = project.write(
    'app/backends.mjs',
    "import { openExactFlow } from '@latent/schemes/exact-flow'\n" +
      'const flow = await openExactFlow()\n' +
      'console.log(flow.backend)\n' +
      'await flow.close()\n',
  )
  const ran = project.run(runtime, script)
  expectRan('a backend', ran, { out: /\S/ })
  const native = existsSync(join(project.app, 'node_modules/onnxruntime-node'))
  if (!native)
    skipped('the native library', 'its install script could not download; npm install --ignore-scripts brings it')
  ok(`networks compute with ${ran.out.trim()} under Node ${runtime.version}`)
}
