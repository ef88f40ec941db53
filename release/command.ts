import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Tarball } from './pack.ts'
import { type Project, repositoryFile, type Runtime } from './project.ts'
import { expectRan, expectTrue, ok } from './report.ts'

/** What a stranger does first, with the command as it was installed. */
export function checkCommand(project: Project, runtime: Runtime, version: string): void {
  const name = `the command under Node ${runtime.version}`
  const at = (path: string) => `${runtime.version}/${path}`
  const inApp = (path: string) => join('..', runtime.version, path)
  const latent = (...args: readonly string[]) => project.latent(runtime, ...args)
  expectRan(`${name}: --version`, latent('--version'), { out: new RegExp(`^${version.replaceAll('.', '\\.')}\n$`) })

  const files = ['photos/lake.png', 'photos/a/b.bin', 'photos/empty.txt']
  const picture = new Uint8Array(readFileSync(repositoryFile('docs/pictures/plain/lake.png')))
  project.write(at(files[0]!), picture)
  project.write(
    at(files[1]!),
    Uint8Array.from({ length: 70_001 }, (_, i) => (i * 7919) >> 5),
  )
  project.write(at(files[2]!), '')
  expectRan(`${name}: keygen`, latent('keygen', '-o', inApp('me.key')))
  expectRan(`${name}: seal`, latent('seal', inApp('photos'), '-o', inApp('sealed'), '-i', inApp('me.key')))
  expectRan(`${name}: seal again`, latent('seal', inApp('photos'), '-o', inApp('sealed'), '-i', inApp('me.key')))
  expectRan(`${name}: verify`, latent('verify', inApp('sealed'), '-i', inApp('me.key')))
  expectRan(`${name}: open`, latent('open', inApp('sealed'), '-o', inApp('restored'), '-i', inApp('me.key')))
  const [before, after] = ['photos', 'restored'].map(folder => contents(join(project.folder, runtime.version, folder)))
  expectTrue(
    `${name}: every file comes back`,
    JSON.stringify(before) === JSON.stringify(after) && Object.keys(before!).length === files.length,
  )

  expectRan(`${name}: keygen --cipher`, latent('keygen', '--cipher', '-o', inApp('pixel.key')))
  for (const scheme of ['exact-flow', 'flowcrypt-2025-compact']) {
    expectRan(
      `${name}: encrypt with ${scheme}`,
      latent('encrypt', inApp(files[0]!), inApp(`${scheme}.png`), '--scheme', scheme, '--key-file', inApp('pixel.key')),
    )
    expectRan(
      `${name}: decrypt with ${scheme}`,
      latent(
        'decrypt',
        inApp(`${scheme}.png`),
        inApp(`${scheme}-back.png`),
        '--scheme',
        scheme,
        '--key-file',
        inApp('pixel.key'),
      ),
    )
  }
  // Worker threads, charts, decoders: everything that the lab brings along.
  expectRan(
    `${name}: lab evaluate`,
    latent('lab', 'evaluate', '-s', 'aes-256-ctr', '-d', 'procedural:2', '-o', inApp('run')),
    { code: 0 },
  )
  ok(`${name}: keygen, seal, verify, open, encrypt, decrypt, lab; ${files.length} files and nothing else came back`)
}

/** Weights that are not installed: what a stranger is told, and that doing it helps. */
export function checkWeights(project: Project, runtime: Runtime, tarballs: readonly Tarball[]): void {
  const name = `weights under Node ${runtime.version}`
  const encrypt = (scheme: string, out: string) =>
    project.latent(
      runtime,
      'encrypt',
      join('..', runtime.version, 'photos/lake.png'),
      join('..', runtime.version, out),
      '--scheme',
      scheme,
      '--key-file',
      join('..', runtime.version, 'pixel.key'),
    )
  expectRan(`${name}: in a package that is not installed`, encrypt('flowcrypt-2025', 'flow-1.png'), {
    code: 1,
    err: /\[E_WEIGHTS\]\nhint: npm install @latent\/models-flowcrypt-2025, or latent model fetch flowcrypt-2025 /,
  })
  expectRan(`${name}: in no package`, encrypt('encipher-gan-2023', 'gan-1.png'), {
    code: 1,
    err: /\[E_WEIGHTS\]\nhint: they are too large for a package: latent model fetch /,
  })
  const [id] = /encipher-gan-2023[a-z-]*/.exec(encrypt('encipher-gan-2023', 'gan-1.png').err) ?? []
  expectRan(
    `${name}: model fetch`,
    project.latent(runtime, 'model', 'fetch', id!, '--from', pathToFileURL(repositoryFile('models')).href),
  )
  expectRan(`${name}: fetched`, encrypt('encipher-gan-2023', 'gan-2.png'))
  const tarball = tarballs.find(({ name }) => name === '@latent/models-flowcrypt-2025')!
  expectRan(`${name}: npm install ${tarball.name}`, project.install([tarball.path], '--ignore-scripts'))
  expectRan(`${name}: installed`, encrypt('flowcrypt-2025', 'flow-2.png'))
  ok(`${name}: refused with what to do, then fetched and installed`)
}

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map(path => [path.slice(folder.length), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  )
}
