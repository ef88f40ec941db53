import { isBuiltin } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

/** The files of a bundle by the path at which they are served, such as `/index.html`. */
export type Bundle = ReadonlyMap<string, { readonly type: string; readonly body: string | Uint8Array }>

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}

/**
 * Bundles a page script and everything it imports, in memory, as Vite would for a web application:
 * package `imports` and `exports` take their browser conditions.
 * @throws if anything in it imports a Node module
 */
export async function bundle(script: URL): Promise<Bundle> {
  const built = await build({
    configFile: false,
    envFile: false,
    publicDir: false,
    logLevel: 'silent',
    plugins: [entry(script), noNodeModules],
    worker: { format: 'es', plugins: () => [noNodeModules] },
    build: {
      write: false,
      target: 'esnext',
      minify: false,
      modulePreload: false,
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      rolldownOptions: { input: ENTRY },
    },
  })
  if (!('output' in built)) throw new Error('expected one bundle')
  const files = built.output.map(
    file =>
      [
        `/${file.fileName}`,
        {
          type: TYPES[extname(file.fileName)] ?? 'application/octet-stream',
          body: file.type === 'chunk' ? file.code : file.source,
        },
      ] as const,
  )
  const main = built.output.find(file => file.type === 'chunk' && file.isEntry)!.fileName
  // The icon keeps browsers from asking for one.
  const html =
    '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" ' +
    `src="/${main}"></script>`
  return new Map([...files, ['/', { type: 'text/html', body: html }]])
}

const ENTRY = 'virtual:page'

const entry = (script: URL): Plugin => ({
  name: 'page-entry',
  resolveId: id => (id === ENTRY ? ENTRY : undefined),
  load(id) {
    if (id !== ENTRY) return undefined
    const path = (url: URL) => JSON.stringify(fileURLToPath(url))
    return (
      `import { expose } from ${path(new URL('expose.ts', import.meta.url))}; import * as script ` +
      `from ${path(script)}; expose(script)`
    )
  },
})

const noNodeModules: Plugin = {
  name: 'no-node-modules',
  enforce: 'pre',
  resolveId(id, importer) {
    if (isBuiltin(id)) throw new Error(`${importer} imports ${id}, which no browser has`)
  },
}
