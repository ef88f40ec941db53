import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** One source file of a package. */
export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string
  readonly room: string
  readonly text: string
  readonly lines: readonly string[]
  readonly imports: readonly Import[]
}

export interface Import {
  readonly specifier: string
  /** `load`: when the importing file is loaded. `later`: `import()` and worker scripts. `types`: not at all. */
  readonly when: 'load' | 'later' | 'types'
}

/** What one package says of itself, and what lint lets it import. */
interface Room {
  readonly folder: string
  readonly name: string
  readonly dependencies: readonly string[]
  /** Specifiers from the hash that `imports` of the manifest maps. */
  readonly own: Readonly<Record<string, readonly string[]>>
  /** Prefixes that lint lets through; absent where it holds nothing back. */
  readonly allowed: readonly string[] | undefined
}

export interface Structure {
  readonly files: readonly SourceFile[]
  /** Lines by package, the largest first. */
  readonly rooms: readonly (readonly [name: string, lines: number])[]
  /** Imports that the rules of the importing package forbid, or that go to another package by a relative path. */
  readonly climbing: readonly string[]
  /** Packages that import each other, however indirectly. */
  readonly roomCircles: readonly string[]
  /** Files that load each other, however indirectly; types and what is loaded later are not counted. */
  readonly fileCircles: readonly string[]
  /** The same with types and what is loaded later: files that cannot be read one without the other. */
  readonly allCircles: readonly string[]
  /** Packages that are imported and not declared, or declared and neither imported nor named. */
  readonly undeclared: readonly string[]
  readonly long: readonly string[]
  /** Of tests, benchmarks and the rest too. */
  readonly wide: readonly string[]
  readonly undocumented: readonly string[]
}

export const MOST_LINES = 400
export const MOST_COLUMNS = 120

/** What must not be, in words. */
export function faults(structure: Structure): string[] {
  const { climbing, roomCircles, allCircles, undeclared, rooms, long, wide, undocumented } = structure
  const total = rooms.reduce((sum, [, lines]) => sum + lines, 0)
  return [
    ...climbing,
    ...roomCircles,
    ...allCircles,
    ...undeclared,
    ...rooms.filter(([, lines]) => lines > total / 4).map(([name]) => `${name} is more than a quarter of the code`),
    ...long.map(line => `${line} lines`),
    ...wide.map(line => `${line} columns`),
    ...undocumented.map(line => `${line} has no doc comment`),
  ]
}

/**
 * What the sources below `packages` are like, from their imports and lines as text: one style, held by lint, makes that
 * enough.
 */
export function measure(): Structure {
  const rooms = readRooms()
  const files = rooms.flatMap(room => sourcesOf(room.folder))
  const byRoom = rooms.map(
    ({ folder }) =>
      [folder, files.filter(file => file.room === folder).reduce((sum, { lines }) => sum + lines.length, 0)] as const,
  )
  const arrows = files.flatMap(file => file.imports.map(found => ({ file, found, to: targetOf(file, found, rooms) })))
  const between = arrows.flatMap(({ file, found, to }) =>
    to.room === undefined || to.room === file.room ? [] : [{ file, found, room: to.room }],
  )
  return {
    files,
    rooms: byRoom.toSorted(([, a], [, b]) => b - a),
    climbing: between
      .filter(
        ({ file, found }) =>
          !mayImport(
            rooms.find(({ folder }) => folder === file.room)!,
            found.specifier,
          ),
      )
      .map(({ file, found }) => `${file.path} imports ${found.specifier}`),
    roomCircles: circles(
      new Map(
        rooms.map(({ folder }) => [
          folder,
          new Set(between.filter(({ file }) => file.room === folder).map(({ room }) => room)),
        ]),
      ),
    ),
    fileCircles: circles(
      graphOf(
        files,
        arrows.filter(({ found }) => found.when === 'load'),
      ),
    ),
    allCircles: circles(graphOf(files, arrows)),
    undeclared: rooms.flatMap(({ folder, name, dependencies }) => {
      const imported = new Set(
        between
          .filter(({ file }) => file.room === folder)
          .map(({ room }) => rooms.find(other => other.folder === room)!.name),
      )
      return [
        ...Array.from(imported)
          .filter(other => !dependencies.includes(other))
          .map(other => `${name} imports ${other}, which its package.json does not name`),
        ...dependencies
          .filter(
            other =>
              !imported.has(other) && !files.some(file => file.room === folder && file.text.includes(`'${other}'`)),
          )
          .map(other => `${name} names ${other} in its package.json, and does not import it`),
      ]
    }),
    long: files.filter(({ lines }) => lines.length > MOST_LINES).map(({ path, lines }) => `${path}: ${lines.length}`),
    wide: scripts().flatMap(path => wideIn({ path, lines: linesOf(readFileSync(join(ROOT, path), 'utf8')) })),
    undocumented: files.flatMap(file => undocumentedIn(file)),
  }
}

/** Whatever the formatter formats: tests and benchmarks are read too. */
function scripts(): string[] {
  return ['packages', 'bench', 'examples', 'release', 'site', 'test'].flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => /\.m?tsx?$/.test(name) && !/(?:^|\/)(?:node_modules|dist)\//.test(name))
      .map(name => join(folder, name))
      .sort(),
  )
}

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n')

/** Lines that are too long, but for bytes that a command wrote as text: nobody reads those. */
export function wideIn({ path, lines }: Pick<SourceFile, 'path' | 'lines'>): string[] {
  if (lines[0]?.startsWith('// Written by ')) return []
  return lines.flatMap((line, i) => (line.length > MOST_COLUMNS ? [`${path}:${i + 1}: ${line.length}`] : []))
}

type Arrow = { readonly file: SourceFile; readonly to: { readonly files: readonly string[] } }

function graphOf(files: readonly SourceFile[], arrows: readonly Arrow[]): Map<string, Set<string>> {
  const graph = new Map(files.map(({ path }) => [path, new Set<string>()]))
  for (const { file, to } of arrows) for (const path of to.files) if (graph.has(path)) graph.get(file.path)!.add(path)
  return graph
}

function readRooms(): Room[] {
  const lint = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8')) as {
    overrides: { files: string[]; rules: Record<string, [string, { patterns: { group: string[] }[] }] | string> }[]
  }
  return readdirSync(join(ROOT, 'packages')).map(folder => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8')) as {
      name: string
      dependencies?: Record<string, string>
      imports?: Record<string, Record<string, string> | string>
    }
    const rule = lint.overrides.find(
      ({ files, rules }) =>
        files.some(pattern => pattern.startsWith(`packages/${folder}/`)) && 'no-restricted-imports' in rules,
    )?.rules['no-restricted-imports']
    return {
      folder,
      name: manifest.name,
      dependencies: Object.keys(manifest.dependencies ?? {}).filter(name => name.startsWith('@latent/')),
      own: Object.fromEntries(
        Object.entries(manifest.imports ?? {}).map(([key, target]) => [
          key,
          typeof target === 'string' ? [target] : Object.values(target),
        ]),
      ),
      allowed: Array.isArray(rule)
        ? rule[1].patterns.flatMap(({ group }) =>
            group.filter(pattern => pattern.startsWith('!')).map(pattern => pattern.slice(1).replace(/\*$/, '')),
          )
        : undefined,
    }
  })
}

function sourcesOf(room: string): SourceFile[] {
  const top = join(ROOT, 'packages', room, 'src')
  const names = readdirSync(join(ROOT, 'packages', room)).includes('src')
    ? readdirSync(top, { recursive: true, encoding: 'utf8' })
    : []
  return names
    .filter(name => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .sort()
    .map(name => {
      const text = readFileSync(join(top, name), 'utf8')
      return { path: relative(ROOT, join(top, name)), room, text, lines: linesOf(text), imports: importsOf(text) }
    })
}

const DECLARATION = /^(?:import|export)\s+(type\s+)?([^'"=();]*?)\s*\bfrom\s+'([^']+)'/gm
const FOR_EFFECT = /^import\s+'([^']+)'/gm
const LATER = /(?:import\(|new URL\()'([^']+)'/g

/** What a file imports. Comments are no code: they may show an import. */
export function importsOf(text: string): Import[] {
  const code = text.replaceAll(/^[ \t]*\/\*[^]*?\*\//gm, '').replaceAll(/^[ \t]*\/\/.*$/gm, '')
  return [
    ...Array.from(code.matchAll(DECLARATION), ([, type, names, specifier]): Import => ({
      specifier: specifier!,
      when: type !== undefined || namesOnlyTypes(names!) ? 'types' : 'load',
    })),
    ...Array.from(code.matchAll(FOR_EFFECT), ([, specifier]): Import => ({ specifier: specifier!, when: 'load' })),
    ...Array.from(code.matchAll(LATER), ([, specifier]): Import => ({ specifier: specifier!, when: 'later' })).filter(
      ({ specifier }) => !specifier.endsWith('/'),
    ),
  ]
}

function namesOnlyTypes(names: string): boolean {
  const inner = /^\{([^}]*)\}$/.exec(names.trim())?.[1]
  return (
    inner !== undefined &&
    inner
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '')
      .every(name => name.startsWith('type '))
  )
}

/** The package that an import leads to, if it is one of ours, and the files where the path says them. */
function targetOf(
  file: SourceFile,
  { specifier }: Import,
  rooms: readonly Room[],
): { room: string | undefined; files: readonly string[] } {
  if (specifier.startsWith('#')) {
    const targets = rooms.find(({ folder }) => folder === file.room)!.own[specifier] ?? []
    return { room: file.room, files: targets.map(target => join('packages', file.room, target)) }
  }
  if (specifier.startsWith('.')) {
    const path = relative(ROOT, resolve(ROOT, dirname(file.path), specifier))
    return { room: /^packages\/([^/]+)\//.exec(path)?.[1], files: [path] }
  }
  return { room: rooms.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))?.folder, files: [] }
}

function mayImport({ allowed }: Room, specifier: string): boolean {
  if (specifier.startsWith('.')) return false
  return (
    allowed === undefined ||
    allowed.some(prefix => (prefix.endsWith('/') ? specifier.startsWith(prefix) : specifier === prefix))
  )
}

/** Groups of nodes that reach each other (Tarjan 1972), each in words. */
export function circles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const [order, low, stack, found] = [
    new Map<string, number>(),
    new Map<string, number>(),
    [] as string[],
    [] as string[],
  ]
  const visit = (node: string): void => {
    order.set(node, order.size)
    low.set(node, order.get(node)!)
    stack.push(node)
    for (const next of arrows.get(node) ?? []) {
      if (!order.has(next)) {
        visit(next)
        low.set(node, Math.min(low.get(node)!, low.get(next)!))
      } else if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, order.get(next)!))
    }
    if (low.get(node) !== order.get(node)) return
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1 || arrows.get(node)?.has(node))
      found.push((group.length > 1 ? group.sort() : [node, node]).join(' <-> '))
  }
  for (const node of arrows.keys()) if (!order.has(node)) visit(node)
  return found
}

const EXPORT = /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|class|interface|type|enum) ([\w$]+)/

/** Exports that no comment stands above. */
export function undocumentedIn({ path, lines }: Pick<SourceFile, 'path' | 'lines'>): string[] {
  return lines.flatMap((line, i) => {
    const name = EXPORT.exec(line)?.[1]
    return name === undefined || lines[i - 1]?.trimEnd().endsWith('*/') ? [] : [`${path}: ${name}`]
  })
}
