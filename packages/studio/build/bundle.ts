import { isBuiltin } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultClientConditions, type InlineConfig, type Plugin } from 'vite'

/** The folder of this package. */
export const ROOT = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(ROOT, '../cli/package.json'), 'utf8')) as { version: string }

/** Settings of every bundle. `form` picks the files of `src/host`. */
export const settings = (form: 'site' | 'single-file'): InlineConfig => ({
  root: ROOT,
  base: './',
  configFile: false,
  envDir: false,
  logLevel: 'warn',
  define: { VERSION: JSON.stringify(version) },
  // Nothing here asks for the graphics card: its runtime would be 27 MB more.
  resolve: {
    alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' },
    conditions: [...(form === 'single-file' ? ['single-file'] : []), ...defaultClientConditions],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [noNodeModules, noGraphicsCards],
  worker: { format: 'es', plugins: () => [noNodeModules, noGraphicsCards] },
})

/** What pages cannot load must not get into them. */
const noNodeModules: Plugin = {
  name: 'no-node-modules',
  enforce: 'pre',
  resolveId(id, importer) {
    if (isBuiltin(id)) throw new Error(`${importer} imports ${id}, which no browser has`)
  },
}

/** Networks are traced with jax-js and run elsewhere: its own ways to graphics cards are never gone. */
const noGraphicsCards: Plugin = {
  name: 'no-graphics-cards',
  enforce: 'pre',
  resolveId: (id, importer) =>
    importer?.includes('@jax-js') && /^\.\/web(?:gl|gpu)-[\w-]+\.js$/.test(id) ? '\0none' : undefined,
  load: id => (id === '\0none' ? 'export {}' : undefined),
}
