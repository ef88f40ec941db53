import { argumentError } from '@latent/core'
import { Vault } from '@latent/vault'
import { runWorker, type WorkerTold } from '@latent/vault/node'
import type { Command } from 'commander'
import { untilInterrupted } from '../ending.ts'
import { sharedFlow } from '../flows.ts'
import { chooseKeyring, type IdentityOptions, withIdentityOptions } from '../keys/index.ts'
import { checkPath } from '../local-paths.ts'
import { jsonLine, visible } from '../terminal.ts'
import { storeAt } from './vault/access.ts'
import { queueAt } from './vault/queue.ts'
import { SANDBOX } from './vault/sandbox.ts'

interface WorkerOptions extends IdentityOptions {
  readonly queue?: string | true
  readonly jobs: string
  readonly idle?: string
}

/** `latent worker`: does what `latent vault add --queue` planned. */
export function workerCommand(program: Command): void {
  const command = program
    .command('worker')
    .description('do what latent vault add --queue planned, on this machine')
    .argument('<vault>', 'the vault: a folder, s3://bucket/prefix, dav://host/path or davs://host/path')
    .argument('<source>', 'the folder that was planned, as this machine has it')
    .option('--queue [address]', 'redis://host:6379; else what LATENT_QUEUE says')
    .option('--jobs <count>', 'files under way at once', '4')
    .option('--idle <seconds>', 'end when there was nothing to do for so long; otherwise it waits for more')
    .addHelpText(
      'after',
      '\nIt needs an identity that opens the album: its own, to which latent vault share gave the album, is best.\n' +
        'Keys never travel through Redis, and what does is sealed. docs/vault.md, "Many machines", shows it.',
    )
  withIdentityOptions(command, 'an age identity file that opens the album')
    .option('--json', 'lines of JSON on standard output')
    .action(work)
}

async function work(address: string, source: string, options: WorkerOptions): Promise<void> {
  const jobs = countOf('--jobs', options.jobs, 256)
  const idle = options.idle === undefined ? undefined : countOf('--idle', options.idle, 86_400)
  checkPath(source, 'source')
  const connection = await queueAt(options.queue ?? true, options.json)
  const store = await storeAt(address)
  const { flows, close } = sharedFlow()
  const all = { files: 0, added: 0, skipped: 0, failed: 0 }
  const done = (told: WorkerTold) => {
    for (const name of ['files', 'added', 'skipped', 'failed'] as const) all[name] += told[name]
    process.stdout.write(options.json ? jsonLine(told) : `${told.job}  ${visible(words(told))}\n`)
  }
  try {
    const keyring = await chooseKeyring(options)
    const vault = await Vault.open(store, { keyring, index: false })
    await untilInterrupted(signal =>
      runWorker({
        connection,
        vault,
        keyring,
        source,
        flows,
        lanes: Math.ceil(jobs / 2),
        batches: Math.min(2, jobs),
        ...(idle === undefined ? {} : { idleMs: idle * 1000 }),
        signal,
        sandbox: SANDBOX,
        notice: text => void process.stderr.write(`note: ${visible(text)}\n`),
        done,
      }),
    )
    process.stdout.write(options.json ? jsonLine({ summary: all }) : `all: ${words({ ...all, seconds: 0 })}\n`)
  } finally {
    await close()
    await store.close()
  }
}

const words = ({ added, skipped, failed, seconds, code }: Omit<WorkerTold, 'job' | 'files'>) =>
  code === undefined
    ? `${added} added, ${skipped} skipped, ${failed} failed${seconds > 0 ? `, ${seconds} s` : ''}`
    : `left to others, or to a later attempt [${code}]`

function countOf(name: string, text: string, most: number): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= most) return count
  throw argumentError(name, `a whole number from 1 to ${most}`, text, '4, for example')
}
