import { appendFile } from 'node:fs/promises'
import { jsonLines } from '../json-lines.ts'
import { ioError } from './io-error.ts'
import { onDisk } from './paths.ts'

/** Adds values to a log, in one write. @throws E_IO */
export async function appendJsonLines(path: string, values: readonly unknown[]): Promise<void> {
  try {
    await appendFile(onDisk(path), jsonLines(values))
  } catch (error) {
    throw ioError(error, `cannot write to ${path}`)
  }
}
