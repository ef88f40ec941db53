import { formatBytes, LatentError } from '@latent/core'
import { listAll } from '@latent/robust/open'
import { PathSelection } from '@latent/vault'
import type { Command } from 'commander'
import { sharedFlow } from '../flows.ts'
import { chooseKeyring, type IdentityOptions, repeated, withIdentityOptions } from '../keys/index.ts'
import { errorLines, formatTable, jsonLine, visible } from '../terminal.ts'
import { requireUsed } from './open.ts'

/** `latent list`: which sealed file is which. */
export function listCommand(program: Command): void {
  const command = program
    .command('list')
    .description('show what sealed files hold: names, dates, sizes; nothing is written')
    .argument('<sealed...>', 'sealed files or folders of them')
  withIdentityOptions(command, 'an age identity file, as latent keygen writes it, or an SSH private key')
    .option('--only <pattern>', 'those that fit: holiday/*.jpg, *.heic; may be repeated', repeated)
    .option('--json', 'one line of JSON a file')
    .action(async (inputs: string[], options: IdentityOptions & { readonly only?: string[] }) => {
      const { flows, close } = sharedFlow()
      try {
        const keyring = await chooseKeyring(options)
        const only = new PathSelection(options.only ?? [])
        const rows: string[][] = []
        let failed = 0
        for await (const found of listAll({ inputs, keyring, flows, only })) {
          if ('path' in found) {
            const { source, path, metadata } = found
            const modified = new Date(metadata.modified).toISOString()
            if (options.json)
              process.stdout.write(
                jsonLine({ sealed: source, path, size: metadata.size, type: metadata.type, modified }),
              )
            else rows.push([modified.slice(0, 10), formatBytes(metadata.size), path, source])
          } else {
            failed++
            const { source, reason = '', code = 'E_INTERNAL', hint } = found
            if (options.json) process.stdout.write(jsonLine({ sealed: source, code, reason, hint }))
            else
              process.stderr.write(`failed: ${visible(source)}: ${errorLines({ message: reason, code, hint }, '  ')}\n`)
          }
        }
        if (rows.length > 0) {
          const sorted = rows.toSorted(([, , a], [, , b]) => (a! < b! ? -1 : 1))
          process.stdout.write(`${formatTable([['date', 'size', 'file', 'sealed as'], ...sorted])}\n`)
        }
        if (failed > 0)
          throw new LatentError('E_PARTIAL', `${failed} files could not be read`, { hint: 'they are named above' })
        requireUsed(only)
      } finally {
        await close()
      }
    })
}
