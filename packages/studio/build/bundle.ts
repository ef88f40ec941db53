import { readFileSync, statSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
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
  define: {
    VERSION: JSON.stringify(version),
    RUNTIMES: JSON.stringify(runtimeBytes()),
    DECODERS: JSON.stringify(decoderBytes()),
  },
  resolve: { conditions: [...(form === 'single-file' ? ['single-file'] : []), ...defaultClientConditions] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [noNodeModules, noTracerOnCards, graphicsCards(form)],
  worker: { format: 'es', plugins: () => [noNodeModules, noTracerOnCards, graphicsCards(form)] },
})

/** Part of the name of ONNX Runtime's WebAssembly for graphics cards: large, and kept once it was used. */
export const CARD_RUNTIME = 'threaded.asyncify'

const runtimeBytes = (): Readonly<Record<'wasm' | 'webgpu', number>> => {
  const sizeOf = (name: string) =>
    statSync(createRequire(import.meta.url).resolve(`onnxruntime-web/ort-wasm-simd-${name}.wasm`)).size
  return { wasm: sizeOf('threaded'), webgpu: sizeOf(CARD_RUNTIME) }
}

/** The WebAssembly of each decoder that `@latent/robust/web` loads. */
export const decoderPaths = (): Readonly<Record<'WebP' | 'AVIF', string>> => {
  const { resolve } = createRequire(join(ROOT, '../robust/src/web/index.ts'))
  const pathOf = (format: string) => resolve(`@jsquash/${format}/codec/dec/${format}_dec.wasm`)
  return { WebP: pathOf('webp'), AVIF: pathOf('avif') }
}

const decoderBytes = (): Record<string, number> => ({
  'image/webp': statSync(decoderPaths().WebP).size,
  'image/avif': statSync(decoderPaths().AVIF).size,
})

/** The only script that asks for the graphics card. */
const TRAINS = join('src', 'train', 'worker.ts')

/** Others are not given its runtime, which is twice as large; nor is the single file, which would carry it. */
const graphicsCards = (form: 'site' | 'single-file'): Plugin => {
  let trains = false
  return {
    name: 'graphics-cards',
    enforce: 'pre',
    buildStart({ input }) {
      trains = form === 'site' && Object.values(input).some(path => path.endsWith(TRAINS))
    },
    resolveId(id) {
      return id === 'onnxruntime-web/webgpu' && !trains ? this.resolve('onnxruntime-web/wasm') : undefined
    },
  }
}

/** What pages cannot load must not get into them. */
const noNodeModules: Plugin = {
  name: 'no-node-modules',
  enforce: 'pre',
  resolveId(id, importer) {
    if (isBuiltin(id)) throw new Error(`${importer} imports ${id}, which no browser has`)
  },
}

/** Networks are traced with jax-js and run elsewhere: its own ways to graphics cards are never gone. */
const noTracerOnCards: Plugin = {
  name: 'no-tracer-on-cards',
  enforce: 'pre',
  resolveId: (id, importer) =>
    importer?.includes('@jax-js') && /^\.\/web(?:gl|gpu)-[\w-]+\.js$/.test(id) ? '\0none' : undefined,
  load: id => (id === '\0none' ? 'export {}' : undefined),
}
