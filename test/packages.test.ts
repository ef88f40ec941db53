import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { namingBuiltFiles, withinPackage } from '../release/build.ts'
import { joinModules } from '../release/chunks.ts'
import { publishedManifest } from '../release/manifest.ts'
import { codePackages, type Manifest, readManifest, releaseVersion, ROOT } from '../release/packages.ts'

const manifests = new Map(
  ['.', 'release/tools', 'site', 'test/mutation', 'packages/schemes/kernel', ...globSync('packages/*', { cwd: ROOT })]
    .filter(folder => existsSync(join(ROOT, folder, 'package.json')))
    .map(folder => [folder, readManifest(join(ROOT, folder))]),
)
const FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const
const dependencies = (manifest: Manifest) =>
  FIELDS.flatMap(field => Object.entries((manifest[field] ?? {}) as Record<string, string>))
const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8')

test('every version is exact, as the page says; packages of this repository point at each other', () => {
  const all = [...manifests].flatMap(([folder, manifest]) =>
    dependencies(manifest).map(([name, range]) => ({ folder, name, range })),
  )
  expect(all.length).toBeGreaterThan(40)
  expect(
    all.filter(
      ({ name, range }) =>
        !(name.startsWith('@latent/') ? range === '*' : /^(?:npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/.test(range)),
    ),
  ).toEqual([])
})

test('every dependency has its sentence in docs/dependencies.md, and nothing else has', () => {
  const used = new Set(
    [...manifests.values()]
      .flatMap(manifest => dependencies(manifest).map(([name]) => name))
      .filter(name => !name.startsWith('@latent/')),
  )
  const named = new Set(
    [...page.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    ),
  )
  // Siblings of one package for other machines share its line.
  const siblings = (name: string) => /^node-(?:bin-)?(?:darwin|linux|win)-/.test(name)
  expect([...used].filter(name => !named.has(name) && !siblings(name))).toEqual([])
  expect([...named].filter(name => !used.has(name))).toEqual([])
})

test('every package is listed wherever packages are: README, CONTRIBUTING, lint, a page of its own', () => {
  const [readme, contributing, lint] = ['README.md', 'CONTRIBUTING.md', '.oxlintrc.json'].map(name =>
    readFileSync(join(ROOT, name), 'utf8'),
  )
  const folders = codePackages().map(({ folder }) => basename(folder))
  expect(folders.length).toBeGreaterThan(8)
  expect(
    folders.flatMap(name => [
      ...(readme!.includes(`\npackages/${name} `) ? [] : [`README: ${name}`]),
      ...(contributing!.includes(`\`${name}\``) ? [] : [`CONTRIBUTING: ${name}`]),
      // The command stands on all of them.
      ...(name === 'cli' || lint!.includes(`"packages/${name}/`) ? [] : [`lint: ${name}`]),
      ...(existsSync(join(ROOT, 'packages', name, 'README.md')) ? [] : [`its README: ${name}`]),
      ...(codePackages().find(({ folder }) => basename(folder) === name)!.manifest.description
        ? []
        : [`description: ${name}`]),
    ]),
  ).toEqual([])
})

test('the site has every page of the docs in its menu', () => {
  const menu = readFileSync(join(ROOT, 'site/.vitepress/config.ts'), 'utf8')
  const pages = globSync(['docs/*.md', 'docs/lab/*.md'], { cwd: ROOT }).map(path => path.replace(/^docs\//, '/'))
  expect(pages.length).toBeGreaterThan(12)
  expect(
    pages.filter(
      path => path !== '/README.md' && !menu.includes(`'${path.replace(/README\.md$/, '').replace(/\.md$/, '')}'`),
    ),
  ).toEqual([])
})

test('one place says the version, and the change log has an entry for it', () => {
  const versions = [...manifests].filter(
    ([folder, { version }]) => folder.startsWith('packages/') && version !== undefined,
  )
  expect(versions.map(([folder]) => folder)).toEqual(['packages/cli'])
  expect(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')).toContain(`\n## [${releaseVersion()}]`)
})

test('no package runs anything when it is installed', () => {
  const lifecycle = ['preinstall', 'install', 'postinstall', 'prepare']
  expect(
    [...manifests].filter(([, manifest]) => lifecycle.some(name => Object.hasOwn(manifest['scripts'] ?? {}, name))),
  ).toEqual([])
})

test.each(codePackages().map(source => [source.manifest.name, source] as const))(
  '%s as it is published',
  (_, source) => {
    const published = publishedManifest(source)
    const text = JSON.stringify(published)
    expect(text).not.toMatch(/\.\/src\/|"\*"|(?<!\.d)\.ts"/)
    expect(published).toMatchObject({
      version: releaseVersion(),
      license: 'Apache-2.0',
      engines: { node: '>=20.19' },
      publishConfig: { provenance: true },
    })
    expect(
      dependencies(published).filter(([name, range]) => name.startsWith('@latent/') && range !== releaseVersion()),
    ).toEqual([])
    // What is exported and imported is there to be built.
    for (const [, path] of text.matchAll(/"\.\/dist\/([^"]+?)\.js"/g))
      expect(existsSync(join(source.folder, 'src', `${path!}.ts`))).toBe(true)
  },
)

test('packages import no other packages than their manifests name', () => {
  for (const { folder, manifest } of codePackages()) {
    const named = new Set([...dependencies(manifest).map(([name]) => name), manifest.name])
    for (const file of globSync('src/**/*.ts', { cwd: folder })) {
      const text = readFileSync(join(folder, file), 'utf8')
      const imported = [
        ...text.matchAll(/(?:^import |^(?:import|export) [^'\n]*? from |^\} from |\bimport\()'([^'.#][^']*)'/gm),
      ]
        .map(([, name]) => name!)
        .filter(name => !name.startsWith('node:'))
      for (const path of imported)
        expect({
          file: join(basename(folder), file),
          name: path
            .split('/')
            .slice(0, path.startsWith('@') ? 2 : 1)
            .join('/'),
        }).toSatisfy(({ name }: { name: string }) => named.has(name))
    }
  }
})

test.each([
  [
    "new Worker(new URL('./worker.ts', import.meta.url))",
    "new Worker(new URL('./worker.js', import.meta.url))",
    'x.js',
  ],
  [
    "export * from './a.ts'\nimport '../b/c.ts'\ntype T = import('./d.ts').T",
    "export * from './a.js'\nimport '../b/c.js'\ntype T = import('./d.js').T",
    'x.d.ts',
  ],
  ["const hint = 'write ./mine.ts'", "const hint = 'write ./mine.ts'", 'x.js'],
  ["import x from 'package/file.ts'", "import x from 'package/file.ts'", 'x.d.ts'],
  ["new URL('./data.json', import.meta.url)", "new URL('./data.json', import.meta.url)", 'x.js'],
])('names of sources become names of what is built: %s', (source, built, file) => {
  expect(namingBuiltFiles(source, file)).toBe(built)
})

test.each(["import './left.ts'", "new URL('../far/worker.ts', import.meta.url)", "await import('./later.ts')"])(
  'what would still name a source is refused: %s',
  text => {
    expect(() => namingBuiltFiles(text, 'x.js')).toThrow(/would be published/)
  },
)

test('a published page has no link out of its package', () => {
  expect(withinPackage('See [docs/a.md](../../docs/a.md), [b](src/b.ts).')).toBe(
    'See `docs/a.md` in the repository, [b](src/b.ts).',
  )
})

test('modules of a built package are joined; entries keep their names, scripts of workers are found', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latent-joined-'))
  try {
    const write = (path: string, text: string) => {
      mkdirSync(join(folder, 'dist', dirname(path)), { recursive: true })
      writeFileSync(join(folder, 'dist', path), text)
    }
    write('index.js', "export { one } from './a/one.js'\nexport { worker } from './a/pool.js'\n")
    write('other/entry.js', "import { one } from '../a/one.js'\nexport const two = one + 1\n")
    write('node.js', "export const where = 'node'\n")
    write('web.js', "export const where = 'web'\n")
    write('a/one.js', "import { where } from '#here'\nexport const one = where === 'node' ? 1 : 0\n")
    // A comment may name what is not there.
    write(
      'a/pool.js',
      "// such as new URL('./mine.js', import.meta.url)\nimport { sep } from 'node:path'\n" +
        "export const worker = sep && new URL('./worker.js', import.meta.url)\n",
    )
    write('a/worker.js', "import { one } from './one.js'\nexport const scripted = one\n")
    const manifest = {
      name: 'joined',
      type: 'module',
      exports: { '.': { default: './dist/index.js' }, './entry': { default: './dist/other/entry.js' } },
      imports: { '#here': { node: './dist/node.js', default: './dist/web.js' } },
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    await joinModules(folder, manifest)

    const files = globSync('**/*.js', { cwd: join(folder, 'dist') })
    expect(files).toEqual(
      expect.arrayContaining(['index.js', 'node.js', 'web.js', join('other', 'entry.js'), join('a', 'worker.js')]),
    )
    expect(files).not.toContain(join('a', 'pool.js'))
    const load = (path: string) => import(pathToFileURL(path).href) as Promise<Record<string, unknown>>
    const { one, worker } = await load(join(folder, 'dist/index.js'))
    expect([one, (await load(join(folder, 'dist/other/entry.js')))['two']]).toEqual([1, 2])
    expect((await load(fileURLToPath(worker as URL)))['scripted']).toBe(1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
