import { LatentError } from '@latent/core'
import { type EnvelopeGroup, folderRecipients, rewrapFiles } from '@latent/vault/node'
import type { Command } from 'commander'
import { untilInterrupted } from '../ending.ts'
import { chooseKeys, givenRecipients, type LockOptions, repeated, withIdentityOptions } from '../keys/index.ts'
import { reportRun, runDisplay } from '../run-report.ts'
import { formatTable, jsonLine, visible } from '../terminal.ts'

const CANNOT = `Files are not sealed anew: who could open them keeps what he has, copies of them, and their key.`
const STOPPED = 'as before: a run was stopped, run it again; meant for '

/** `latent recipients`: who can open the sealed files of a folder. */
export function recipientsCommand(program: Command): void {
  const recipients = program
    .command('recipients')
    .description('who can open the sealed files of a folder: see it, and change it without sealing again')
  const command = (name: string, description: string) =>
    withIdentityOptions(
      recipients.command(name).description(description).argument('<folder>', 'a folder of sealed files'),
      'an identity that opens them',
    ).option('--json', 'lines of JSON on standard output')
  const withRecipients = (it: Command) =>
    it
      .option('-r, --recipient <recipient>', 'an age recipient, or an SSH public key; may be repeated', repeated)
      .option('-R, --recipients-file <file>', 'a file of recipients, one a line; may be repeated', repeated)
      .addHelpText('after', `\n${CANNOT}`)
  command('list', 'who can open them, as far as it can be known')
    .addHelpText(
      'after',
      '\nage hides recipients. They are known where latent recipients wrote them down, or where there is one.',
    )
    .action(list)
  withRecipients(command('add', 'let somebody else open them, too')).action((folder: string, options: LockOptions) =>
    change(folder, options, (given, before) => Array.from(new Set([...known(before), ...given]))),
  )
  withRecipients(command('remove', 'leave somebody out from now on')).action((folder: string, options: LockOptions) =>
    change(folder, options, (given, before) => {
      const left = known(before).filter(recipient => !given.includes(recipient))
      if (left.length === 0)
        throw new LatentError('E_ARGUMENT', 'nobody would be left who can open these files', {
          hint: 'add somebody else first',
        })
      return left
    }),
  )
  withRecipients(command('set', 'let exactly these open them')).action((folder: string, options: LockOptions) =>
    change(folder, options, given => given),
  )
}

function known(before: readonly string[] | undefined): readonly string[] {
  if (before) return before
  throw new LatentError('E_ARGUMENT', 'who can open these files cannot be known: age hides it', {
    hint: 'latent recipients set FOLDER -i IDENTITY -r ... says it for everyone; from then on it is known',
  })
}

async function list(folder: string, options: LockOptions): Promise<void> {
  const { groups, failed } = await folderRecipients(folder, await chooseKeys(options))
  for (const { source, reason = '', code } of failed)
    process.stderr.write(`failed: ${visible(source)}: ${visible(reason)} [${code}]\n`)
  if (options.json) {
    for (const { hash, kinds, recipients, pending, files, albumKey } of groups)
      process.stdout.write(
        jsonLine({ files: files.length, opens: albumKey !== undefined, kinds, recipients, pending, envelope: hash }),
      )
    return
  }
  const row = ({ files, kinds, recipients, pending, albumKey }: EnvelopeGroup) => [
    String(files.length),
    albumKey ? 'yes' : 'no',
    kinds.join(' '),
    `${pending ? STOPPED : ''}${recipients?.join(' ') ?? 'not known: age hides it'}`,
  ]
  if (groups.length > 0)
    process.stdout.write(`${formatTable([['files', 'this key opens', 'kinds', 'recipients'], ...groups.map(row)])}\n`)
}

type Decide = (given: readonly string[], before: readonly string[] | undefined) => readonly string[]

async function change(folder: string, options: LockOptions, decide: Decide): Promise<void> {
  const given = await givenRecipients(options)
  if (given.length === 0)
    throw new LatentError('E_ARGUMENT', 'who is meant was not said', { hint: 'give -r RECIPIENT or -R FILE' })
  await rewrap(folder, options, before => decide(given, before))
}

/** Changes who can open what lies in a folder, from now on. */
export async function rewrap(
  folder: string,
  options: LockOptions,
  decide: (before: readonly string[] | undefined) => readonly string[],
): Promise<void> {
  const keys = await chooseKeys(options)
  const display = runDisplay('rewrapping', options.json)
  await untilInterrupted(signal =>
    reportRun(rewrapFiles({ folder, keys, change: decide, watcher: display.watcher, signal }), display, {
      done: 'rewrapped',
      output: folder,
    }),
  )
  if (!options.json) process.stderr.write(`${CANNOT}\n`)
}
