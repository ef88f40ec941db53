import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { type FileHandle, open } from 'node:fs/promises'
import type { Warn } from './warnings.ts'

/** Far more than any key, identity or list of recipients. */
const MAX_KEY_FILE = 1 << 20

/** Key material as it was read, from a file or standard input. */
export interface KeyInput {
  /** For messages. */
  readonly name: string
  readonly bytes: Uint8Array
  /** The permissions of a regular file. */
  readonly mode?: number
}

/** Standard input can be read once. @throws E_ARGUMENT where more than one of these files is `-` */
export function requireOneStandardInput(paths: readonly (string | undefined)[]): void {
  if (paths.filter(path => path === '-').length > 1)
    throw new LatentError('E_ARGUMENT', 'standard input is asked for twice', {
      hint: 'it can be read once; put one of the two into a file, or give <(...) where the shell has it',
    })
}

/**
 * A key file: a regular file, a pipe such as `<(...)`, or standard input for `-`. Never more than a megabyte,
 * whatever the file says its size is.
 * @throws E_IO; E_KEY for a file that is too large
 */
export async function readKeyInput(path: string): Promise<KeyInput> {
  if (path === '-') return { name: 'standard input', bytes: await whole(process.stdin, 'standard input') }
  try {
    const file = await open(path)
    try {
      const info = await file.stat()
      const bytes = await whole(parts(file), path)
      return { name: path, bytes, ...(info.isFile() ? { mode: info.mode & 0o777 } : {}) }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}

/** What a file or a pipe gives, read by read: streams of files would be loaded for a few lines. */
async function* parts(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1 << 16))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

async function whole(stream: AsyncIterable<unknown>, name: string): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of stream as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_KEY_FILE)
      throw new LatentError('E_KEY', `${name} is too large for a key file`, {
        hint: 'key files have a few lines; a megabyte is the limit',
      })
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** Secrets that others can read are told, as SSH does. Windows has no such modes. */
export function warnIfExposed({ name, mode = 0 }: KeyInput, warn: Warn): void {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  warn({
    code: 'W_KEY_READABLE',
    message: `other users of this machine can read or change ${name} (mode ${mode.toString(8)})`,
    hint: 'chmod 600 makes it yours alone; on a file system without modes, keep it elsewhere',
  })
}
