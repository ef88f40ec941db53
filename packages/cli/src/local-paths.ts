import { LatentError } from '@latent/core'
import type { Command } from 'commander'
import { lstatSync } from 'node:fs'

/**
 * The one place where what was typed as a file or folder is looked at before any command begins: an
 * address of something elsewhere must not become a local folder of that name, with success reported.
 */
export function checkPaths(command: Command): void {
  for (const [i, argument] of command.registeredArguments.entries()) {
    if (PATH_ARGUMENTS.has(argument.name()))
      for (const path of texts(command.processedArgs[i])) checkPath(path, argument.name())
  }
  for (const option of command.options) {
    const name = option.attributeName()
    if (!PATH_VALUE.test(option.flags) || command.getOptionValueSource(name) !== 'cli') continue
    for (const path of texts(command.getOptionValue(name))) checkPath(path, option.long ?? option.flags)
  }
}

/** Other arguments are names: of recipes, data sets and schemes. */
const PATH_ARGUMENTS = new Set(['input', 'sealed', 'in', 'out', 'picture', 'out.png', 'folder', 'run', 'file'])
const OUTPUTS = new Set(['out', 'out.png', 'folder', '--output', '--out', '--module', '--site'])
const PATH_VALUE = /<(?:file|folder|path|weights|run|dir)(?:\.\.\.)?>/

/** Where `-` is read or written as a stream: key material anywhere, and the pictures of pixel mode. */
const STREAMS = new Set([
  '--passphrase-file',
  '--identity',
  '--identity-passphrase-file',
  '--recipients-file',
  '--key-file',
  'picture',
  'out.png',
])

/** Where one letter before a colon is a drive, and not a place on another machine. */
const DRIVES = process.platform === 'win32'

const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string')

/** One path that was typed. @param name of the argument or option @throws E_ARGUMENT */
export function checkPath(path: string, name: string): void {
  if (path === '-') {
    if (STREAMS.has(name)) return
    throw refused(
      name,
      path,
      'is no file or folder, and this command reads and writes no streams',
      'write ./- for a file of that name',
    )
  }
  if (path === '') throw refused(name, path, 'names nothing', 'a variable of the shell may be empty')
  if (path.includes('\0'))
    throw refused(name, path, 'holds a character that no name can have', 'check how it was put together')
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(path)?.[1]?.toLowerCase()
  if (scheme === 'file') throw refused(name, path, 'is an address, not a path', 'leave file:// away')
  if (scheme !== undefined)
    throw refused(
      name,
      path,
      'is an address, and Latent reads and writes local files alone',
      'copy the files first, or mount what it names (rclone mount, sshfs)',
    )
  // A local name may look like all that follows; where something is to be made, what lies there may be an earlier
  // mistake.
  if (!OUTPUTS.has(name) && isThere(path)) return
  if (/^[a-z]:[/\\]/i.test(path) && !DRIVES)
    throw refused(
      name,
      path,
      'is a path of Windows, and this is another system',
      `give the path as this system has it; ./${path} means a local name like that`,
    )
  if (path.startsWith('\\\\') && !DRIVES)
    throw refused(
      name,
      path,
      'is a share of a Windows server, and this is another system',
      `mount the share first; ./${path} means a local name like that`,
    )
  if ((DRIVES ? /^[^/\\:]{2,}:/ : /^[^/\\:]+:/).test(path) || /^[^/\\]*@[^/\\]*:/.test(path))
    throw refused(
      name,
      path,
      'looks like a place on another machine, and Latent reads and writes local files alone',
      `copy the files first, or mount it; ./${path} means a local file or folder of that name`,
    )
  if (/^~[^/\\]*(?:[/\\]|$)/.test(path))
    throw refused(
      name,
      path,
      'begins with ~, which the shell did not replace',
      `leave the quotes away, or write ./${path} for a local name`,
    )
  if (/^\$\{?\w+\}?|\/\$(?:\{\w+\}|[A-Z_]+)(?:\/|$)|%\w+%/.test(path))
    throw refused(
      name,
      path,
      'holds a variable, which the shell did not replace',
      `use double quotes, or write ./${path} for a local name`,
    )
}

const refused = (name: string, path: string, what: string, hint: string): LatentError =>
  new LatentError('E_ARGUMENT', `${name}: ${JSON.stringify(path)} ${what}`, { hint })

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}
