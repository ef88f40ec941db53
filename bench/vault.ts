// npm run bench -- vault [photos]: a vault of synthetic photos in a folder: time, memory, index and requests a photo.
// What lists of 100,000 take is told by vault-list.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CountingStore, Keyring, select, Vault, vaultFigures } from '@latent/vault'
import { addFiles, FolderStore, getFiles } from '@latent/vault/node'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { SANDBOX } from '../packages/cli/src/commands/vault/sandbox.ts'
import { runCommand } from '../packages/cli/src/program.ts'
import { noFlows } from '../packages/vault/src/vault/segment.ts'

const PHOTO_BYTES = 8192
/** With more photos than that, only one process adds: it takes half as long again otherwise. */
const IN_THREADS = 20_000
/** What a long run has come to is told that often. */
const TOLD = 10_000

/** What one process found. */
interface Found {
  readonly seconds: number
  /** Of all processors together: what a busy machine takes away does not count. */
  readonly cpuSeconds: number
  readonly megabytes: number
  readonly requests: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  readonly figures?: { readonly files: number; readonly indexBytes: number; readonly segments: number }
}

/** Runs one part in a process of its own, so that its memory is its own. */
async function part(role: string, folder: string, identity: string): Promise<Found> {
  const started = performance.now()
  if (role === 'list') return listed(folder, started)
  const inThreads = role === 'threads'
  const store = new CountingStore(new FolderStore(join(folder, inThreads ? 'vault-threads' : 'vault')))
  if (inThreads) await Vault.init(store, [await identityToRecipient(identity)])
  const vault = await Vault.open(store, { keyring: new Keyring({ identities: [identity] }) })
  const counts: Record<string, number> = {}
  const flows = noFlows
  const input = join(folder, 'photos')
  const results =
    role === 'add' || inThreads
      ? addFiles({
          inputs: [input],
          vault,
          album: vault.main(),
          flows,
          body: { type: 'aes-256-gcm' },
          ...(inThreads ? { threads: SANDBOX } : {}),
        })
      : role === 'get'
        ? getFiles({ vault, photos: select(vault, { patterns: ['77/77.jpg'] }), output: join(folder, 'back'), flows })
        : []
  let [done, seconds] = [0, 0]
  for await (const { status } of results) {
    counts[status] = (counts[status] ?? 0) + 1
    if (++done % TOLD === 0) {
      const now = (performance.now() - started) / 1000
      const { maxRSS } = process.resourceUsage()
      const [lately, megabytes] = [(now - seconds).toFixed(0), (maxRSS / 1024).toFixed(0)]
      process.stderr.write(`  ${role}: ${done} photos, the last ${TOLD} in ${lately} s, ${megabytes} MB\n`)
      seconds = now
    }
  }
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    megabytes: maxRSS / 1024,
    requests: { ...store.requests },
    counts,
    ...(role === 'add' ? { figures: vaultFigures(vault) } : {}),
  }
}

/** The command itself, with its table, which it writes to the pipe behind it. */
async function listed(folder: string, started: number): Promise<Found> {
  const code = await runCommand(['vault', 'list', join(folder, 'vault'), '-i', join(folder, 'me.key')])
  if (code !== 0) throw new Error(`latent vault list ended with ${code}`)
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    megabytes: maxRSS / 1024,
    requests: {},
    counts: {},
  }
}

/** @param options the number of photos; default 5000 */
export default async function run([count = '5000', role, folder, identity]: readonly string[]): Promise<void> {
  if (role !== undefined) {
    console.log(JSON.stringify(await part(role, folder!, identity!)))
    return
  }
  const photos = Number(count)
  const scratch = mkdtempSync(join(tmpdir(), 'latent-bench-vault-'))
  try {
    const secret = await generateX25519Identity()
    for (let i = 0; i < photos; i++) {
      if (i % 1000 === 0) for (let j = 0; j < 100; j++) mkdirSync(join(scratch, `photos/${j}`), { recursive: true })
      const bytes = new Uint8Array(PHOTO_BYTES)
      // Unique, and of a photo's first bytes.
      let state = i + 1
      for (let at = 0; at < bytes.length; at++)
        bytes[at] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24
      bytes.set([0xff, 0xd8, 0xff])
      writeFileSync(join(scratch, `photos/${i % 100}/${i}.jpg`), bytes)
    }
    const store = new FolderStore(join(scratch, 'vault'))
    await Vault.init(store, [await identityToRecipient(secret)])
    writeFileSync(join(scratch, 'me.key'), `${secret}\n`, { mode: 0o600 })
    const copying = performance.now()
    await cp(join(scratch, 'photos'), join(scratch, 'copy'), { recursive: true })
    const copied = (performance.now() - copying) / 1000
    const measured = (name: string): Found => {
      const out = execFileSync(
        process.execPath,
        [join(import.meta.dirname, 'run.ts'), 'vault', count, name, scratch, secret],
        { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] },
      )
      return JSON.parse(out.trim().split('\n').at(-1)!) as Found
    }
    const line = (name: string, { seconds, cpuSeconds, megabytes, counts }: Found) =>
      console.log(
        `${name.padEnd(12)} ${seconds.toFixed(2).padStart(8)} s  ${cpuSeconds.toFixed(2).padStart(7)} s ` +
          'of processor  ' +
          `${megabytes.toFixed(0).padStart(5)} MB  ` +
          JSON.stringify(counts),
      )
    console.log(`${photos} photos of ${PHOTO_BYTES} bytes, in a folder; a copy of them takes ${copied.toFixed(2)} s`)
    const added = measured('add')
    line('add', added)
    const again = measured('add')
    line('add again', again)
    // What the command does; requests are counted where there is one process.
    if (photos <= IN_THREADS) line('in threads', measured('threads'))
    line('list', measured('list'))
    line('get one', measured('get'))
    const { requests, figures } = added
    const each = (number: number) => (number / photos).toFixed(3)
    console.log(
      `a photo: ${((1000 * added.seconds) / photos).toFixed(2)} ms, ${(added.seconds / copied).toFixed(1)} copies, ` +
        `${((1000 * added.cpuSeconds) / photos).toFixed(2)} ms of processor`,
    )
    console.log(`index: ${(figures!.indexBytes / photos).toFixed(0)} bytes a photo, ${figures!.segments} segments`)
    console.log(
      `requests a photo: ${['create', 'stat', 'read'].map(kind => `${kind} ${each(requests[kind]!)}`).join(', ')}; ` +
        `listings in all: ${requests['list']}`,
    )
    console.log(`skipped by the second run: ${((100 * (again.counts['skipped'] ?? 0)) / photos).toFixed(1)} %`)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
