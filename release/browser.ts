import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Bundle, bundle } from '../test/browser/bundle.ts'
import { chromium, openPage } from '../test/browser/page.ts'
import { type Project, repositoryFile } from './project.ts'
import { expectTrue, kilobytes, ok, skipped } from './report.ts'

/** Seals and opens in a page; `open` says how networks compute. */
const program = (imports: string, open: string) => `
import { collect, createAlbum, Keyring, openSealed, prepareSeal, streamOf } from '@latent/vault'
import { ${imports} sealingWeights } from '@latent/schemes/exact-flow'
${open}
export async function thereAndBack(bytes) {
  const { flows, close } = openFlows(weights => open({ weights }))
  const album = await createAlbum({ passphrase: 'a page of its own' })
  const body = { type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id }
  const metadata = { name: 'page.bin', type: 'application/octet-stream', size: bytes.length, modified: 0 }
  const png = await collect((await prepareSeal({ album, metadata, flows, body })).png(streamOf(bytes)))
  const opened = await openSealed(streamOf(png), new Keyring({ passphrases: ['a page of its own'] }), flows)
  const back = await collect(opened.bytes)
  await close()
  return { png: png.length, back }
}
`
const WITH_WORKERS = program('openFlows,', "import { openExactFlowPool as open } from '@latent/schemes/exact-flow/web'")
const WITHOUT_WORKERS = program('openExactFlow as open, openFlows,', '')

/**
 * What a page loads, compressed, at most: a third more than it was when this was written. Compiled WebAssembly, which
 * belongs to ONNX Runtime, comes on top when it is asked for.
 */
const LIMITS: Readonly<Record<string, readonly [program: string, kilobytes: number]>> = {
  'seal and open, with workers': [WITH_WORKERS, 200],
  'seal and open, without': [WITHOUT_WORKERS, 200],
  'open alone': [
    "export { Keyring, openSealed } from '@latent/vault'\n" +
      "export { openExactFlow, openFlows } from '@latent/schemes/exact-flow'",
    200,
  ],
  'read and write PNG files': ["export * from '@latent/core/png'", 20],
  'make and read robust carriers': ["export * from '@latent/robust'", 50],
}

/** Modules that hold a set of weights. */
const WEIGHTS = /exact-flow\/(trained|second)\./

interface Output {
  imports: readonly { path: string; kind: string }[]
  inputs: Readonly<Record<string, unknown>>
  entryPoint?: string
}

interface Esbuild {
  build(
    options: object,
  ): Promise<{
    outputFiles: readonly { path: string; contents: Uint8Array }[]
    metafile: { inputs: Readonly<Record<string, unknown>>; outputs: Readonly<Record<string, Output>> }
  }>
}

/** Sizes, and that a page which seals does not carry what trains. */
export async function checkBundles(project: Project): Promise<void> {
  const esbuild = (await import(
    pathToFileURL(createRequire(repositoryFile('release/tools/x.js')).resolve('esbuild')).href
  )) as Esbuild
  for (const [name, [text, limit]] of Object.entries(LIMITS)) {
    const entry = project.write('app/size.js', text)
    const { outputFiles, metafile } = await esbuild.build({
      entryPoints: [entry],
      absWorkingDir: project.app,
      outdir: join(project.app, 'out'),
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2023',
      write: false,
      metafile: true,
      logLevel: 'error',
    })
    const stranger = Object.keys(metafile.inputs).find(path => /@jax-js|onnxruntime-node|\/train\/|recipe/.test(path))
    expectTrue(`a page that can ${name} carries no training engine, not ${stranger}`, stranger === undefined)
    const first = loadedFirst(metafile.outputs)
    const weights = first.flatMap(path => Object.keys(metafile.outputs[path]!.inputs)).find(path => WEIGHTS.test(path))
    expectTrue(`a page that can ${name} carries no weights before a file names them, not ${weights}`, !weights)
    const wanted = new Set(first.map(path => join(project.app, path)))
    const size = outputFiles
      .filter(({ path }) => wanted.has(path))
      .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
    expectTrue(`a page that can ${name} loads at most ${limit} kB, not ${kilobytes(size)}`, size <= 1000 * limit)
    ok(`a page that can ${name} loads ${kilobytes(size)}, at most ${limit} (esbuild, minified, gzip)`)
  }
}

/** The entry and what it imports before it runs; not what it may import later. */
function loadedFirst(outputs: Awaited<ReturnType<Esbuild['build']>>['metafile']['outputs']): string[] {
  const found = new Set(Object.keys(outputs).filter(path => outputs[path]!.entryPoint?.endsWith('size.js')))
  for (const path of found)
    for (const { path: next, kind } of outputs[path]!.imports) if (kind === 'import-statement') found.add(next)
  return [...found]
}

/** Vite's page and esbuild's, in Chromium. */
export async function checkPage(project: Project): Promise<void> {
  if (chromium === undefined) return skipped('a page in Chromium', 'there is none here')
  const withVite = await bundle(pathToFileURL(project.write('app/page.js', WITH_WORKERS)))
  await sealIn('a page built by Vite, with web workers', withVite)
  await sealIn('a page built by esbuild', await bundleWithEsbuild(project))
}

async function sealIn(name: string, files: Bundle): Promise<void> {
  const page = await openPage<{ thereAndBack(bytes: Uint8Array): Promise<{ png: number; back: Uint8Array }> }>(files)
  try {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) >> 4)
    const { png, back } = await page.call.thereAndBack(bytes)
    expectTrue(`${name}: the same bytes come back`, png > bytes.length && Buffer.compare(back, bytes) === 0)
    ok(`${name} seals and opens ${kilobytes(bytes.length)}`)
  } finally {
    await page.close()
  }
}

async function bundleWithEsbuild(project: Project): Promise<Bundle> {
  const esbuild = (await import(
    pathToFileURL(createRequire(repositoryFile('release/tools/x.js')).resolve('esbuild')).href
  )) as Esbuild
  project.write('app/page-esbuild.js', WITHOUT_WORKERS)
  const entry = project.write(
    'app/main.js',
    `import { expose } from ${JSON.stringify(repositoryFile('test/browser/expose.ts'))}\n` +
      "import * as script from './page-esbuild.js'\n" +
      'expose(script)\n',
  )
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    absWorkingDir: project.app,
    outdir: join(project.app, 'out'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const scripts = outputFiles.map(
    ({ path, contents }) =>
      [path.slice(join(project.app, 'out').length), { type: 'text/javascript', body: contents }] as const,
  )
  // esbuild leaves `new URL(..., import.meta.url)` as it is: the file it names is served beside the bundle.
  const wasm = readFileSync(join(project.app, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'))
  const html =
    '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>'
  return new Map<string, { type: string; body: string | Uint8Array }>([
    ...scripts,
    ['/ort-wasm-simd-threaded.wasm', { type: 'application/wasm', body: wasm }],
    ['/', { type: 'text/html', body: html }],
  ])
}
