import { bytesToFill } from '../bytes.ts'
import { LatentError } from '../errors.ts'
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { ioError } from './io-error.ts'
import { onDisk } from './paths.ts'

const READ_BYTES = 1 << 18

/** A file's bytes from its start; parts are whoever's who asks for them. @throws E_IO */
export async function* readFileParts(path: string): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(onDisk(path))
    try {
      yield* handleParts(file, (await file.stat()).size)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw ioError(error, `cannot read ${basename(path)}`)
  }
}

async function* handleParts(file: FileHandle, size: number): AsyncGenerator<Uint8Array> {
  // A file stream of Node takes a buffer of full size even for the smallest file.
  const length = Math.min(READ_BYTES, size + 1)
  for (;;) {
    const { buffer, bytesRead } = await file.read(bytesToFill(length), 0, length)
    if (bytesRead > 0) yield buffer.subarray(0, bytesRead)
    // A regular file gives less than it is asked for at its end alone.
    if (bytesRead < length) break
  }
}

/**
 * The text of a small file of Latent's own. Nobody waits for what is no file: a pipe of that name would never end.
 * @throws E_IO
 */
export async function readOwnText(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(onDisk(path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    if (!(await file.stat()).isFile())
      throw new LatentError('E_IO', `cannot read ${basename(path)}: it is no regular file`, {
        hint: 'look at what it is, and remove it: Latent writes a file of that name',
      })
    return await file.readFile('utf8')
  } catch (error) {
    throw ioError(error, `cannot read ${basename(path)}`)
  } finally {
    await file?.close()
  }
}

/** A file that is read as it was when it was opened, or not at all. */
export interface SteadyFile {
  /** The file as it was when it was opened. */
  readonly info: BigIntStats
  /**
   * Its bytes; parts are whoever's who asks for them.
   * @throws E_CHANGED at the end if something wrote to it meanwhile; E_IO
   */
  readonly parts: AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

/** Opens a file whose bytes must be of one moment: a mix of old and new is worse than none. @throws E_IO */
export async function openSteady(path: string): Promise<SteadyFile> {
  let file: FileHandle | undefined
  try {
    file = await open(onDisk(path))
    return await steady(file, path)
  } catch (error) {
    await file?.close()
    throw ioError(error, `cannot read ${basename(path)}`)
  }
}

async function steady(file: FileHandle, path: string): Promise<SteadyFile> {
  const info = await file.stat({ bigint: true })
  async function* parts() {
    try {
      yield* handleParts(file, Number(info.size))
      requireUnchanged(path, info, await file.stat({ bigint: true }))
    } catch (error) {
      throw ioError(error, `cannot read ${basename(path)}`)
    }
  }
  return { info, parts: parts(), close: () => file.close() }
}

/**
 * All bytes of a small file, of one moment, blocking meanwhile: on a thread that has nothing else to do, this takes a
 * tenth of the time.
 * @returns `undefined` for a file of more than `most` bytes
 * @throws E_CHANGED if something wrote to it meanwhile; E_IO
 */
export function readSteadyNow(
  path: string,
  most: number,
): { readonly info: BigIntStats; readonly bytes: Uint8Array } | undefined {
  try {
    // Nobody waits for what is no file: a pipe would hold the thread up for ever.
    const file = openSync(onDisk(path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const info = fstatSync(file, { bigint: true })
      if (!info.isFile())
        throw new LatentError('E_IO', `cannot read ${basename(path)}: it is no regular file any more`, {
          hint: 'run it again when nothing writes there',
        })
      if (info.size > most) return undefined
      const bytes = bytesToFill(Number(info.size))
      let length = 0
      for (let more = 1; more > 0 && length < bytes.length; length += more)
        more = readSync(file, bytes, { offset: length })
      const isAll = length === bytes.length && readSync(file, new Uint8Array(1)) === 0
      requireUnchanged(path, info, fstatSync(file, { bigint: true }), isAll)
      return { info, bytes }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw ioError(error, `cannot read ${basename(path)}`)
  }
}

/** @param isAll whether there were as many bytes as there should be @throws E_CHANGED */
function requireUnchanged(path: string, before: BigIntStats, after: BigIntStats, isAll = true): void {
  const isSame = before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs
  if (!isSame || !isAll)
    throw new LatentError('E_CHANGED', `${basename(path)} changed while it was being read`, {
      hint: 'run it again when nothing writes to it',
    })
}
