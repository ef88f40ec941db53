import { argumentError } from '@latent/core'
import { folder } from '@latent/studio'
import type { Command } from 'commander'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { untilInterrupted } from '../ending.ts'
import { fileOfBuild, serveStudio } from '../studio-server.ts'

interface Options {
  readonly port: string
  readonly open: boolean
  readonly hashes?: boolean
}

/** Adds `latent studio` to the program. */
export function studioCommand(program: Command): void {
  program
    .command('studio')
    .description('seal, open and study pictures in your browser: a page from this machine, which uploads nothing')
    .option('--port <n>', 'the port on 127.0.0.1; 0 takes one that is free', '0')
    .option('--no-open', 'do not open the browser')
    .option('--hashes', 'list the SHA-256 of every file of the page, and end')
    .addHelpText(
      'after',
      `\nThe page as one file, which works from disk: ${fileURLToPath(new URL('latent-studio.html', folder))}`,
    )
    .action(async ({ port, open, hashes }: Options) => {
      if (hashes) process.stdout.write(await fileOfBuild(folder, 'SHA256SUMS'))
      else await serve(port, open)
    })
}

async function serve(port: string, open: boolean): Promise<void> {
  const number = Number(port)
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw argumentError('--port', 'a number from 0 to 65535', port)
  const server = await serveStudio(folder, number)
  process.stdout.write(`${server.address}\n`)
  process.stderr.write('Ctrl-C ends it.\n')
  if (open) openBrowser(server.address)
  await untilInterrupted(async signal => {
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    await server.close()
  })
}

/** Asks the system for its browser; where there is none, the address is on the terminal. */
function openBrowser(address: string): void {
  const [command, ...args]: [string, ...string[]] =
    process.platform === 'darwin'
      ? ['open', address]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', address]
        : ['xdg-open', address]
  const opened = spawn(command, args, { stdio: 'ignore', detached: true })
  opened.on('error', () => undefined)
  opened.unref()
}
