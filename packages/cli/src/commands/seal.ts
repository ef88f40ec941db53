import { argumentError, LatentError } from '@latent/core'
import { sealingWeights } from '@latent/schemes/exact-flow'
import { BODY_TYPES, type BodyType, createAlbum } from '@latent/vault'
import { FileThreads } from '@latent/vault/node'
import type { Command } from 'commander'
import { CARRIER_HELP, carrierOf } from '../carrier-option.ts'
import { untilInterrupted } from '../ending.ts'
import { sharedFlow } from '../flows.ts'
import { chooseLock, type LockOptions, repeated, withIdentityOptions } from '../keys/index.ts'
import { onTerminal } from '../keys/passphrases.ts'
import { rewrap } from './recipients.ts'
import { reportRun, runDisplay } from '../run-report.ts'
import { visible } from '../terminal.ts'

interface SealCommandOptions extends LockOptions {
  readonly output?: string
  readonly rewrap?: boolean
  readonly cipher: string
  readonly pad?: boolean
  readonly check: boolean
  readonly force?: boolean
  readonly reread?: boolean
  readonly hideNames?: boolean
  readonly exclude?: string[]
  readonly prune?: boolean
  readonly yes?: boolean
  readonly threads?: string
  readonly json?: boolean
  readonly carrier: string
}

/** Adds `latent seal` to the program. */
export function sealCommand(program: Command): void {
  const command = program
    .command('seal')
    .description('turn files into PNGs of noise, from which latent open gives them back bit for bit')
  withIdentityOptions(command, 'seal for the owner of this identity file')
    .argument('<input...>', 'files or folders (with everything in them)')
    .option('-o, --output <folder>', 'where the sealed files go; the structure is kept')
    .option('-r, --recipient <recipient>', 'an age recipient, age1..., or an SSH public key; may be repeated', repeated)
    .option('-R, --recipients-file <file>', 'a file of recipients, one a line; may be repeated', repeated)
    .option('--weak-passphrase', 'seal with a passphrase that is easily guessed')
    .option('--cipher <type>', `how bodies are sealed: ${BODY_TYPES.join(' or ')}`, BODY_TYPES[0])
    .option('--carrier <kind>', CARRIER_HELP, 'png')
    .option('--pad', 'hide exact sizes, at up to 12 % more bytes')
    .option('--hide-names', 'names of sealed files and folders tell nothing; latent list shows which is which')
    .option('--no-check', 'do not open every sealed file again before it appears')
    .option(
      '--force',
      'replace sealed files in the output folder that its journal does not know; nothing else is ever replaced',
    )
    .option('--rewrap', 'the inputs are folders of sealed files: let these recipients, and nobody else, open them')
    .option('--reread', 'compare contents where size and times say that nothing changed')
    .option(
      '--exclude <pattern>',
      'leave out what matches: *.tmp by name, raw/** by path below an input; may be repeated',
      repeated,
    )
    .option('--prune', 'remove sealed files whose sources are gone, after showing them')
    .option('--yes', 'with --prune: remove them without asking')
    .option('--threads <n>', 'threads for the cipher; default: one a core')
    .option('--json', 'one line of JSON a file on standard output')
    .addHelpText(
      'after',
      '\n' +
        'Without -r, -R, -i or --passphrase-file it asks for a passphrase.\n' +
        'Run it again to go on where it was stopped: what is sealed and unchanged is skipped.\n' +
        'For other recipients, what is sealed gets a new envelope if -i or the passphrase opens it, and is ' +
        'sealed anew otherwise;\n' +
        'who is left out keeps what he has. Another passphrase counts as no change: seal into a new folder for ' +
        'that.',
    )
    .action(async (inputs: string[], options: SealCommandOptions) => {
      if (options.rewrap) return rewrapFolders(inputs, options)
      const { output } = options
      if (output === undefined)
        throw new LatentError('E_ARGUMENT', 'where the sealed files go was not said', {
          hint: 'give a folder: --output FOLDER, or -o',
        })
      if (!BODY_TYPES.includes(options.cipher as BodyType))
        throw argumentError('--cipher', BODY_TYPES.join(' or '), options.cipher)
      const threads = parseThreads(options.threads)
      const ask = pruning(options)
      const sealInto = await carrierOf(options.carrier, threads)
      const { lock, name, keyring } = await chooseLock(options)
      const body =
        options.cipher === 'aes-256-gcm'
          ? ({ type: 'aes-256-gcm' } as const)
          : ({ type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id } as const)
      const { flows, close } = sharedFlow(threads)
      const fileThreads = new FileThreads({ threads })
      const display = runDisplay('sealing', options.json)
      const prune = ask && ((stale: readonly string[]) => display.progress.aside(() => ask(stale)))
      try {
        const album = await createAlbum(lock)
        const run = (signal: AbortSignal) =>
          sealInto({
            inputs,
            output,
            album,
            lockName: name,
            lock,
            ...(keyring ? { keyring } : {}),
            flows,
            fileThreads,
            body,
            padding: options.pad ? 'padme' : 'none',
            check: options.check,
            force: options.force ?? false,
            reread: options.reread ?? false,
            hideNames: options.hideNames ?? false,
            exclude: options.exclude ?? [],
            ...(prune ? { prune } : {}),
            watcher: display.watcher,
            signal,
          })
        await untilInterrupted(signal => reportRun(run(signal), display, { done: 'sealed', output }))
      } finally {
        await fileThreads.close()
        await close()
      }
    })
}

/** Gives what is sealed to these recipients, and nobody else. */
async function rewrapFolders(folders: readonly string[], options: SealCommandOptions): Promise<void> {
  const { lock } = await chooseLock(options)
  if (!('recipients' in lock) || !options.identity)
    throw new LatentError('E_ARGUMENT', '--rewrap needs an identity that opens the files, and recipients', {
      hint: 'give -i IDENTITY, whose owner will be among them, and -r RECIPIENT',
    })
  for (const folder of folders) await rewrap(folder, options, () => lock.recipients)
}

/** Shows what would be removed before anything is. */
function pruning({ prune, yes }: SealCommandOptions): ((stale: readonly string[]) => Promise<boolean>) | undefined {
  if (!prune) return undefined
  if (!yes && !onTerminal())
    throw new LatentError('E_ARGUMENT', '--prune has nobody to ask here', {
      hint: 'give --yes to remove the sealed files whose sources are gone, or leave --prune away to see them',
    })
  return async stale => {
    for (const path of stale) process.stderr.write(`source gone: ${visible(path)}\n`)
    if (yes) return true
    const { confirm } = await import('@clack/prompts')
    const answer = await confirm({
      message: `Remove ${stale.length === 1 ? 'this sealed file' : `these ${stale.length} sealed files`}?`,
      initialValue: false,
      output: process.stderr,
    })
    return answer === true
  }
}

/** The value of `--threads`. @throws E_ARGUMENT unless it is a number from 1 to 64 */
export function parseThreads(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const threads = Number(text)
  if (!/^\d{1,2}$/.test(text) || threads < 1 || threads > 64)
    throw argumentError('--threads', 'a number from 1 to 64', text)
  return threads
}
