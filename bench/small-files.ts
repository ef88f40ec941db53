// npm run bench -- small-files [files]: milliseconds a file of sealing, of skipping, of opening and of skipping again.
import { openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import { openExactFlowAsNeeded } from '@latent/schemes/exact-flow/node'
import { createAlbum, Keyring } from '@latent/vault'
import { FileThreads, openFiles, sealFiles } from '@latent/vault/node'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FILE_BYTES = 4096
/** What a process does, in this order: it meets what those before it have left. */
const ROLES = ['seal', 'skip sealing', 'open', 'skip opening'] as const

/** What one process found. */
interface Found {
  readonly seconds: number
  /** Of all threads together: what a busy machine takes away does not count. */
  readonly cpuSeconds: number
  readonly counts: Readonly<Record<string, number>>
}

/** @param options how many files; default 20,000 */
export default async function run([count = '20000', role, folder, identity]: readonly string[]): Promise<void> {
  if (role !== undefined) return console.log(JSON.stringify(await part(role, folder!, identity!)))
  const files = Number(count)
  const scratch = mkdtempSync(join(tmpdir(), 'latent-bench-small-'))
  try {
    const secret = await generateX25519Identity()
    for (let i = 0; i < files; i++) {
      if (i % 200 === 0) mkdirSync(join(scratch, `plain/${i / 200}`), { recursive: true })
      const bytes = Uint8Array.from({ length: FILE_BYTES }, (_, at) => Math.imul(i + 1, 2654435761 + at) >>> 24)
      writeFileSync(join(scratch, `plain/${Math.floor(i / 200)}/${i}.bin`), bytes)
    }
    const copying = performance.now()
    cpSync(join(scratch, 'plain'), join(scratch, 'copy'), { recursive: true })
    const copied = (performance.now() - copying) / files
    for (const role of ROLES) {
      const said = execFileSync(
        process.execPath,
        [join(import.meta.dirname, 'run.ts'), 'small-files', count, role, scratch, secret],
        { encoding: 'utf8', maxBuffer: 1 << 26 },
      )
      const { seconds, cpuSeconds, counts } = JSON.parse(said.trim().split('\n').at(-1)!) as Found
      const [each, cpu] = [seconds, cpuSeconds].map(value => (1000 * value) / files) as [number, number]
      console.log(
        `${role}: ${each.toFixed(2)} ms a file (${cpu.toFixed(2)} of processor time), copying ` +
          `${copied.toFixed(2)} ms, ratio ${(each / copied).toFixed(1)}; ${JSON.stringify(counts)}`,
      )
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function part(role: string, folder: string, identity: string): Promise<Found> {
  const before = process.cpuUsage()
  const started = performance.now()
  const { flows, close } = openFlows(weights => openExactFlowAsNeeded({ weights }))
  const fileThreads = new FileThreads()
  const [plain, sealed, opened] = [join(folder, 'plain'), join(folder, 'sealed'), join(folder, 'opened')] as const
  const recipients = [await identityToRecipient(identity)]
  const keyring = new Keyring({ identities: [identity] })
  const results =
    role.endsWith('sealing') || role === 'seal'
      ? sealFiles({
          inputs: [plain],
          output: sealed,
          album: await createAlbum({ recipients }),
          lockName: recipients[0]!,
          lock: { recipients },
          keyring,
          flows,
          fileThreads,
          body: { type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id },
        })
      : openFiles({ inputs: [sealed], output: opened, keyring, flows, fileThreads, memory: join(folder, 'memory') })
  const counts: Record<string, number> = {}
  for await (const { status } of results) counts[status] = (counts[status] ?? 0) + 1
  await fileThreads.close()
  await close()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6, counts }
}
