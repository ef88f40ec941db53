import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.ts'
import { OUT } from './packages.ts'

/** What `npm pack` says of a tarball. */
export interface Tarball {
  readonly name: string
  readonly version: string
  readonly filename: string
  /** Bytes, packed and unpacked. */
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
  /** Where it lies. */
  readonly path: string
  /** What it was packed from. */
  readonly folder: string
}

/** Builds and packs everything that is published into `dist/tarballs`. */
export async function pack(): Promise<Tarball[]> {
  const folders = await build()
  const tarballs = join(OUT, 'tarballs')
  mkdirSync(tarballs)
  const told = execFileSync('npm', ['pack', ...folders.values(), '--json', '--pack-destination', tarballs], {
    cwd: OUT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  // npm up to 11 prints a list, later ones may print an object by name.
  const entries = Object.values(JSON.parse(told) as readonly Told[] | Readonly<Record<string, Told>>)
  return entries.map(entry => ({ ...entry, path: join(tarballs, entry.filename), folder: folders.get(entry.name)! }))
}

type Told = Omit<Tarball, 'path' | 'folder'>

if (import.meta.main)
  for (const { name, version, size, path } of await pack())
    process.stdout.write(`${name}@${version}  ${(size / 1000).toFixed(0)} kB  ${path}\n`)
