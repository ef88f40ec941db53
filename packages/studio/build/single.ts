import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type InlineConfig } from 'vite'
import { decoderPaths, ROOT, settings } from './bundle.ts'
import { singlePolicy } from './policy.ts'

/** Builds the page as one file, which works from disk: nothing is loaded, everything is in it. */
export async function buildSingle(path: string): Promise<void> {
  const workers: string[] = []
  for (const name of ['vault', 'lab', 'train']) {
    const script = withoutEnds(await classic(`src/${name}/worker.ts`))
    workers.push(`<script type="text/plain" id="${name}-worker">${script}</script>`)
  }
  const { script, style } = await bundled('src/main.tsx')
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')
  const icon = readFileSync(join(ROOT, 'public/icon.svg')).toString('base64')
  const [inScript, inStyle] = [withoutEnds(script), style]
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${singlePolicy(inScript, inStyle)}" />`,
    `<link rel="icon" href="data:image/svg+xml;base64,${icon}" />`,
    `<style>${inStyle}</style>`,
  ]
  // Data, which browsers read as text and never run.
  const carried = [
    ...workers,
    packed('runtime', runtime),
    ...Object.entries(decoderPaths()).map(([format, path]) => packed(`decoder-${format}`, path)),
    `<script type="module">${inScript}</script>`,
  ]
  const page = readFileSync(join(ROOT, 'index.html'), 'utf8')
    .replace(/\s*<script type="module".*<\/script>/, () => `\n    ${carried.join('\n    ')}`)
    .replace('<meta charset="utf-8" />', tag => `${tag}\n    ${head[0]!}`)
    .replace('</title>', tag => `${tag}\n    ${head.slice(1).join('\n    ')}`)
  writeFileSync(path, page)
}

/** A file that the page carries. */
const packed = (id: string, path: string): string =>
  `<script type="text/plain" id="${id}">${gzipSync(readFileSync(path), { level: 9 }).toString('base64')}</script>`

/** A worker's script. Pages from disk cannot start modules as workers, and other scripts have no address. */
async function classic(input: string): Promise<string> {
  const { script } = await bundled(input)
  return `(async () => {${script.replaceAll('import.meta', '({ url: "https://latent.invalid/" })')}})()`
}

/** A script of everything that an entry imports, now or later, and its styles. */
async function bundled(input: string): Promise<{ script: string; style: string }> {
  const shared = settings('single-file')
  const options: InlineConfig = {
    ...shared,
    publicDir: false,
    build: {
      write: false,
      target: 'es2022',
      cssCodeSplit: false,
      assetsInlineLimit: 0,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: { input: join(ROOT, input), output: { codeSplitting: false } },
    },
  }
  const built = await build(options)
  if (!('output' in built)) throw new Error('expected one bundle')
  const scripts = built.output.flatMap(file => (file.type === 'chunk' ? [file.code] : []))
  if (scripts.length !== 1) throw new Error(`expected one script of ${input}, received ${scripts.length}`)
  const styles = built.output.flatMap(file =>
    file.type === 'asset' && file.fileName.endsWith('.css') ? [String(file.source)] : [],
  )
  return { script: scripts[0]!, style: styles.join('\n') }
}

/** A script inside of a page ends where this is written, wherever in it that is. */
const withoutEnds = (script: string): string => script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
