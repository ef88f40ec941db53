import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build, type Plugin } from 'vite'
import { CARD_RUNTIME, ROOT, settings } from './bundle.ts'
import { SITE_POLICY } from './policy.ts'

/** Builds the static site into a folder: pages, workers, and the service worker that keeps them. */
export async function buildSite(folder: string): Promise<void> {
  const shared = settings('site')
  await build({
    ...shared,
    plugins: [...shared.plugins!, policyInPage],
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 4096,
    },
  })
  cpSync(join(ROOT, '../../models'), join(folder, 'models'), {
    recursive: true,
    filter: source => !source.endsWith('.svg'),
  })
  const paths = filesBelow(folder).filter(path => isNeededOffline(path))
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path).update(readFileSync(join(folder, path)))
  const files = {
    cache: hash.digest('hex').slice(0, 16),
    paths: ['./', ...paths.filter(path => path !== 'index.html')],
    policy: SITE_POLICY,
  }
  await build({
    ...shared,
    publicDir: false,
    define: { ...shared.define, FILES: JSON.stringify(files) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: 'es2022',
      reportCompressedSize: false,
      rolldownOptions: {
        input: 'src/offline/service-worker.ts',
        output: { format: 'iife', entryFileNames: 'service-worker.js' },
      },
    },
  })
}

/** Hosts that send no headers have the policy all the same. */
const policyInPage: Plugin = {
  name: 'policy-in-page',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: SITE_POLICY }, injectTo: 'head-prepend' },
    { tag: 'link', attrs: { rel: 'icon', href: './icon.svg', type: 'image/svg+xml' }, injectTo: 'head' },
    { tag: 'link', attrs: { rel: 'manifest', href: './manifest.webmanifest' }, injectTo: 'head' },
  ],
}

/** Weights of schemes, decoders, and the runtime of graphics cards are kept once they were used. */
const isNeededOffline = (path: string): boolean =>
  !path.startsWith('models/') && !path.includes(CARD_RUNTIME) && !/_dec-[\w-]+\.wasm$/.test(path)

/** Paths of all files below a folder, with `/`, in order. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
