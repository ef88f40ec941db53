import type { Command } from 'commander'
import { changeCommands, memberCommands, verifyCommands } from './care.ts'
import { addCommand, initCommand } from './make.ts'
import { getCommand, listCommand, showCommand, statsCommand } from './read.ts'

/** `latent vault`: albums of sealed files in a folder, a bucket or a WebDAV share. */
export function vaultCommands(program: Command): void {
  const vault = program
    .command('vault')
    .description('albums of sealed files in a folder, a bucket (s3://) or a WebDAV share (dav://)')
    .addHelpText(
      'after',
      '\nCredentials come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,\n' +
        'or the shared profile of AWS; LATENT_DAV_USERNAME and LATENT_DAV_PASSWORD.\n' +
        'docs/vault.md shows a first vault.',
    )
  for (const register of [
    initCommand,
    addCommand,
    listCommand,
    showCommand,
    getCommand,
    verifyCommands,
    memberCommands,
    changeCommands,
    statsCommand,
  ])
    register(vault)
  for (const command of vault.commands)
    command.exitOverride().showHelpAfterError(`(latent vault ${command.name()} --help explains it)`)
}
