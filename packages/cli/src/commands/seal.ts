import { argumentError } from '@latent/core'
import { sealingWeights } from '@latent/schemes/exact-flow'
import { BODY_TYPES, type BodyType, createAlbum } from '@latent/vault'
import { sealFiles } from '@latent/vault/node'
import type { Command } from 'commander'
import { sharedFlow } from '../flows.ts'
import { chooseLock, type LockOptions, repeated, withIdentityOptions } from '../keys/index.ts'
import { reportRun, runDisplay } from '../run-report.ts'

interface SealCommandOptions extends LockOptions {
  readonly output: string
  readonly cipher: string
  readonly pad?: boolean
  readonly check: boolean
  readonly force?: boolean
  readonly threads?: string
  readonly json?: boolean
}

export function sealCommand(program: Command): void {
  const command = program.command('seal').description('turn files into PNGs of noise, from which latent open gives them back bit for bit')
  withIdentityOptions(command, 'seal for the owner of this identity file')
    .argument('<input...>', 'files or folders (with everything in them)')
    .requiredOption('-o, --output <folder>', 'where the sealed files go; the structure is kept')
    .option('-r, --recipient <recipient>', 'an age recipient, age1..., or an SSH public key; may be repeated', repeated)
    .option('-R, --recipients-file <file>', 'a file of recipients, one a line; may be repeated', repeated)
    .option('--weak-passphrase', 'seal with a passphrase that is easily guessed')
    .option('--cipher <type>', `how bodies are sealed: ${BODY_TYPES.join(' or ')}`, BODY_TYPES[0])
    .option('--pad', 'hide exact sizes, at up to 12 % more bytes')
    .option('--no-check', 'do not open every sealed file again before it appears')
    .option('--force', 'replace files in the output folder that an earlier run did not make')
    .option('--threads <n>', 'threads for the cipher; default: one a core')
    .option('--json', 'one line of JSON a file on standard output')
    .addHelpText('after', '\nWithout -r, -R, -i or --passphrase-file it asks for a passphrase.\nRun it again to go on where it was stopped: what is sealed and unchanged is skipped.\nOther recipients count as a change, another passphrase does not: seal into a new folder for that.')
    .action(async (inputs: string[], options: SealCommandOptions) => {
      if (!BODY_TYPES.includes(options.cipher as BodyType)) throw argumentError('--cipher', BODY_TYPES.join(' or '), options.cipher)
      const threads = parseThreads(options.threads)
      const { lock, name } = await chooseLock(options)
      const body = options.cipher === 'aes-256-gcm' ? ({ type: 'aes-256-gcm' } as const) : ({ type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id } as const)
      const { flows, close } = sharedFlow(threads)
      const display = runDisplay('sealing', options.json)
      try {
        const run = sealFiles({
          inputs,
          output: options.output,
          album: await createAlbum(lock),
          lockName: name,
          flows,
          body,
          padding: options.pad ? 'padme' : 'none',
          check: options.check,
          force: options.force ?? false,
          watcher: display.watcher,
        })
        await reportRun(run, display, { done: 'sealed', output: options.output })
      } finally {
        await close()
      }
    })
}

export function parseThreads(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const threads = Number(text)
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) throw argumentError('--threads', 'a number from 1 to 64', text)
  return threads
}
