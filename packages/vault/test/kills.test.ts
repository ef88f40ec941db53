import { sha256Of, toHex } from '@latent/core'
import { isTemporary } from '@latent/core/node'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Album, type Keyring } from '../src/index.ts'
import { type FileResult, openFiles, sealFiles } from '../src/node/index.ts'
import { BODIES, flows, noise, testAlbum } from './fixtures.ts'
import { atLength, LONG } from '../../../test/long.ts'

let album: Album
let keyring: () => Keyring
let root: string
beforeAll(async () => {
  ;({ album, keyring } = await testAlbum())
  root = await mkdtemp(join(tmpdir(), 'latent-kills-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** Relative path to hash, of every file that is none of Latent's own. */
async function tree(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile() || entry.name.startsWith('.latent-')) continue
    found[join(entry.parentPath, entry.name).slice(folder.length + 1)] = toHex(
      sha256Of(new Uint8Array(await readFile(join(entry.parentPath, entry.name)))),
    )
  }
  return found
}

const drained = async (results: AsyncIterable<FileResult>): Promise<FileResult[]> => {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list
}

const PROCESS = fileURLToPath(new URL('run-process.ts', import.meta.url))

/** Milliseconds from the run's beginning to its end or its kill, and whether it was killed. */
function run(args: readonly string[], killAfter?: number): Promise<{ took: number; killed: boolean }> {
  const child = spawn(process.execPath, [PROCESS, ...args, toHex(album.key), toHex(album.envelope)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return new Promise(resolve => {
    let begun = 0
    child.stdout.once('data', () => {
      begun = performance.now()
      if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter)
    })
    child.once('close', (_, signal) => resolve({ took: performance.now() - begun, killed: signal === 'SIGKILL' }))
  })
}

/**
 * LATENT_KILLS sets how many in all, on four paths. What goes wrong at a fifth of the moments of one path is missed by
 * its 4 kills in 0.8 ^ 4 = 41 %, and by the 50 that `npm run test:long` gives each path in 0.8 ^ 50, 1e-5.
 */
const KILLS = Math.max(4, Math.round(Number(process.env['LATENT_KILLS'] ?? (LONG ? 200 : 16)) / 4))
/** Of a kill that comes too late. */
const ATTEMPTS = 3

test.each([
  ['seal', 'aes-256-gcm'],
  ['seal', 'exact-flow+aes-256-gcm'],
  ['open', 'aes-256-gcm'],
  ['open', 'exact-flow+aes-256-gcm'],
])(
  `%s, %s: ${KILLS} kills at moments spread over a run; the next run completes it, nothing ` +
    `partial, nothing readable by others${atLength}`,
  { timeout: 600_000 },
  async (what, body) => {
    const [plain, sealed] = [join(root, what, body, 'plain'), join(root, what, body, 'sealed')]
    for (let i = 0; i < 30; i++) {
      const path = join(plain, `folder ${i % 3}`, `photo ${i}.jpg`)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, await noise(3000 + 597 * i, `photo ${i}`), { mode: 0o600 })
    }
    const originals = await tree(plain)
    const names = Object.keys(originals)
      .map(name => (what === 'seal' ? `${name}.png` : name))
      .toSorted()
    const sealNow = (output: string) =>
      drained(sealFiles({ inputs: [plain], output, album, lockName: 'test', flows, body: BODIES[body]! }))
    const openNow = (input: string, output: string) =>
      drained(openFiles({ inputs: [input], output, keyring: keyring(), flows }))
    const ready = what === 'open' ? await sealNow(sealed) : []
    expect(ready.filter(({ status }) => status !== 'done')).toEqual([])
    const source = what === 'open' ? sealed : plain
    let { took } = await run([what, body, source, join(root, 'undisturbed')])
    await rm(join(root, 'undisturbed'), { recursive: true })
    // How long a run takes changes with what else the machine does: one that ended sooner says where to kill the next.
    const kill = async (share: number, output: string) => {
      for (let attempt = 1; ; attempt++) {
        const ended = await run([what, body, source, output], share * took)
        if (ended.killed || attempt === ATTEMPTS) return ended.killed
        took = ended.took
        await rm(output, { recursive: true })
      }
    }

    let interrupted = 0
    for (let n = 0; n < KILLS; n++) {
      const output = join(root, 'output')
      if (await kill((n * 0.618034) % 1, output)) interrupted++
      // What has its name is whole; what is not whole has a name of ours, and is private where it is plain.
      const before = await tree(output)
      for (const entry of await readdir(output, { recursive: true, withFileTypes: true }).catch(() => [])) {
        const path = join(entry.parentPath, entry.name)
        const mode = isTemporary(path) && what === 'open' ? (await stat(path)).mode & 0o077 : 0
        expect([path, mode]).toEqual([path, 0])
      }
      const results = what === 'seal' ? await sealNow(output) : await openNow(sealed, output)
      expect(results.filter(({ status }) => status !== 'done' && status !== 'skipped')).toEqual([])
      const after = await tree(output)
      expect(Object.keys(after).toSorted()).toEqual(names)
      for (const [name, hash] of Object.entries(before)) expect([name, hash]).toEqual([name, after[name]])
      expect((await readdir(output, { recursive: true })).filter(name => isTemporary(name))).toEqual([])
      if (what === 'seal') await openNow(output, join(root, 'back'))
      expect(await tree(what === 'seal' ? join(root, 'back') : output)).toEqual(originals)
      await rm(output, { recursive: true })
      await rm(join(root, 'back'), { recursive: true, force: true })
    }
    expect(await tree(plain)).toEqual(originals)
    // A test whose kills all came too late would show nothing.
    expect(interrupted).toBeGreaterThan(KILLS * 0.3)
  },
)
