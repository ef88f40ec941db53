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
  resolve: { conditions: [...(form === 'single-file' ? ['single-file'] : []), ...defaultClientConditions] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [noNodeModules],
  worker: { format: 'es', plugins: () => [noNodeModules] },
})

/** What pages cannot load must not get into them. */
const noNodeModules: Plugin = {
  name: 'no-node-modules',
  enforce: 'pre',
  resolveId(id, importer) {
    if (isBuiltin(id)) throw new Error(`${importer} imports ${id}, which no browser has`)
  },
}
