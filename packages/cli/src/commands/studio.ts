import { argumentError, LatentError } from '@latent/core'
import { Destination, publish } from '@latent/core/node'
import { elsewhere, folder } from '@latent/studio'
import type { Command } from 'commander'
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { untilInterrupted } from '../ending.ts'
import { fileOfBuild, StudioPage } from '../studio-page.ts'
import { serveStudio } from '../studio-server.ts'

interface Options {
  readonly port: string
  readonly open: boolean
  readonly hashes?: boolean
  readonly site?: string
}

/** Adds `latent studio` to the program. */
export function studioCommand(program: Command): void {
  program
    .command('studio')
    .description('seal, open and study pictures in your browser: a page from this machine, which uploads nothing')
    .option('--port <n>', 'the port on 127.0.0.1; 0 takes one that is free', '0')
    .option('--no-open', 'do not open the browser')
    .option('--hashes', 'list the SHA-256 of every file of the page, and end')
    .option('--site <folder>', 'write the page into a new folder, as a site for any web host and as one file, and end')
    .addHelpText(
      'after',
      `\nThe page as one file, which works from disk: ${fileURLToPath(new URL('latent-studio.html', folder))}`,
    )
    .action(async ({ port, open, hashes, site }: Options) => {
      if (site !== undefined) await writeSite(site)
      else if (hashes) process.stdout.write(await fileOfBuild(folder, 'SHA256SUMS'))
      else await serve(port, open)
    })
}

/** All that `npm run studio` builds, with the weights that are installed. */
async function writeSite(output: string): Promise<void> {
  const page = await StudioPage.open({ folder, elsewhere })
  const there = await readdir(output).catch(() => [])
  if (there.length > 0)
    throw new LatentError('E_EXISTS', 'there is something in the folder for the site', { hint: 'give a new folder' })
  const destination = new Destination(output)
  for (const path of await page.paths())
    await publish(join(output, 'site', path), [await page.read(path)], { destination })
  for (const name of ['latent-studio.html', 'headers.json', 'SHA256SUMS'])
    await publish(join(output, name), [await fileOfBuild(folder, name)], { destination })
  await destination.flush()
}

async function serve(port: string, open: boolean): Promise<void> {
  const number = Number(port)
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw argumentError('--port', 'a number from 0 to 65535', port)
  const server = await serveStudio({ folder, elsewhere }, number)
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
