import { packageOf, type ModelCard, weightsFile } from '@latent/schemes/models'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commonFields, folderOf } from './manifest.ts'
import { OUT, readManifest, releaseVersion, ROOT } from './packages.ts'

const MODELS = join(ROOT, 'models')
const FOLDER = join(ROOT, 'packages/models')

/** What a published package of weights exports in the place of `packages/models/index.ts`: where its files lie. */
const MODULE = "/** Where the files of this package lie. */\nexport const folder = new URL('../', import.meta.url)\n"
const TYPES = '/** Where the files of this package lie. */\nexport declare const folder: URL\n'

/**
 * Puts weights into packages by their size, every card into the first: see `packages/models/README.md`.
 * @returns the folders, by the package's name
 */
export function buildModels(): Map<string, string> {
  const cards = readdirSync(MODELS)
    .filter(name => name.endsWith('.json'))
    .map(name => JSON.parse(readFileSync(join(MODELS, name), 'utf8')) as ModelCard)
  const { name: first, description } = readManifest(FOLDER)
  const files = new Map<string, string[]>([[first, cards.map(({ id }) => `${id}.json`)]])
  for (const card of cards) {
    const holder = packageOf(card)
    if (holder !== undefined) files.set(holder, [...(files.get(holder) ?? []), packedFile(card)])
  }
  return new Map(
    [...files].map(([name, names]) => [
      name,
      stage(name, names, name === first ? description! : `${description!}: those of ${name.slice(first.length + 1)}`),
    ]),
  )
}

const packedFile = (card: ModelCard): string =>
  [weightsFile(card), `${card.id}.weights`].find(name => existsSync(join(MODELS, name)))!

function stage(name: string, files: readonly string[], description: string): string {
  const out = join(OUT, 'packages', folderOf(name))
  mkdirSync(join(out, 'dist'), { recursive: true })
  for (const file of files) cpSync(join(MODELS, file), join(out, file))
  writeFileSync(join(out, 'dist/index.js'), MODULE)
  writeFileSync(join(out, 'dist/index.d.ts'), TYPES)
  cpSync(join(FOLDER, 'README.md'), join(out, 'README.md'))
  cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'))
  const manifest = {
    name,
    version: releaseVersion(),
    ...commonFields(FOLDER, description),
    type: 'module',
    sideEffects: false,
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './*.json': './*.json',
      './*.safetensors': './*.safetensors',
    },
    files: ['dist', ...[...files].sort()],
  }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  return out
}
