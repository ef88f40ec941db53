import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { namingBuiltFiles, withinPackage } from '../release/build.ts'
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
