import { LatentError } from '@latent/core'
import { cacheFolder } from '@latent/core/node'
import { openAll, verifyAll } from '@latent/robust/open'
import { PathSelection } from '@latent/vault'
import { FileThreads } from '@latent/vault/node'
import type { Command } from 'commander'
import { join } from 'node:path'
import { untilInterrupted } from '../ending.ts'
import { sharedFlow } from '../flows.ts'
import { chooseKeyring, type IdentityOptions, repeated, withIdentityOptions } from '../keys/index.ts'
import { reportRun, runDisplay } from '../run-report.ts'
import { parseThreads } from './seal.ts'

interface OpenOptions extends IdentityOptions {
  readonly output: string
  readonly salvage?: boolean
  readonly force?: boolean
  readonly reread?: boolean
  readonly only?: string[]
  readonly threads?: string
}

const withKeys = (command: Command): Command =>
  withIdentityOptions(command, 'an age identity file, as latent keygen writes it, or an SSH private key')
    .option('--threads <n>', 'threads for the cipher; default: one a core')
    .option('--json', 'one line of JSON a file on standard output')

/** Adds `latent open` to the program. */
export function openCommand(program: Command): void {
  withKeys(
    program
      .command('open')
      .description('give sealed files back, bit for bit, or say exactly what is damaged')
      .argument('<sealed...>', 'sealed files or folders of them')
      .requiredOption('-o, --output <folder>', 'where the files go; the structure is kept')
      .option('--salvage', 'write what is intact of damaged files, with zeros for what is missing')
      .option('--force', 'replace files that exist')
      .option('--reread', 'compare contents where sizes and times say that nothing changed since it was opened')
      .option(
        '--only <pattern>',
        'of the files inside, those that fit: holiday/*.jpg, *.heic; may be repeated',
        repeated,
      ),
  ).action(async (inputs: string[], options: OpenOptions) => {
    const threads = parseThreads(options.threads)
    const { flows, close } = sharedFlow(threads)
    const fileThreads = new FileThreads({ threads })
    const keyring = await chooseKeyring(options)
    const display = runDisplay('opening', options.json)
    const only = new PathSelection(options.only ?? [])
    try {
      const run = (signal: AbortSignal) =>
        openAll({
          inputs,
          output: options.output,
          keyring,
          flows,
          fileThreads,
          only,
          salvage: options.salvage ?? false,
          force: options.force ?? false,
          memory: join(cacheFolder(), 'opened'),
          reread: options.reread ?? false,
          watcher: display.watcher,
          signal,
          ...(threads === undefined ? {} : { threads }),
        })
      await untilInterrupted(signal => reportRun(run(signal), display, { done: 'opened', output: options.output }))
      requireUsed(only)
    } finally {
      await fileThreads.close()
      await close()
    }
  })
}

/** Adds `latent verify` to the program: `open` that writes nothing. */
export function verifyCommand(program: Command): void {
  withKeys(
    program
      .command('verify')
      .description('open sealed files to the last byte and write nothing')
      .argument('<sealed...>', 'sealed files or folders of them'),
  ).action(async (inputs: string[], options: OpenOptions) => {
    const threads = parseThreads(options.threads)
    const { flows, close } = sharedFlow(threads)
    const fileThreads = new FileThreads({ threads })
    const keyring = await chooseKeyring(options)
    const display = runDisplay('verifying', options.json)
    try {
      await untilInterrupted(signal =>
        reportRun(
          verifyAll({
            inputs,
            keyring,
            flows,
            fileThreads,
            watcher: display.watcher,
            signal,
            ...(threads === undefined ? {} : { threads }),
          }),
          display,
          { done: 'intact' },
        ),
      )
    } finally {
      await fileThreads.close()
      await close()
    }
  })
}

/** @throws E_ARGUMENT if a pattern of `--only` fitted nothing: what was asked for was not given */
export function requireUsed({ unused }: PathSelection): void {
  if (unused.length === 0) return
  throw new LatentError('E_ARGUMENT', `nothing that is sealed here fits --only ${unused.join(', ')}`, {
    hint: 'latent list shows what there is; patterns go in quotes',
  })
}
