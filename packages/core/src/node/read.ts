import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { ioError } from './io-error.ts'
import { onDisk } from './paths.ts'

const READ_BYTES = 1 << 18

/** A file's bytes from its start. @throws E_IO */
export async function* readFileParts(path: string): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(onDisk(path))
    try {
      // A file stream of Node takes a buffer of full size even for the smallest file.
      const length = Math.min(READ_BYTES, (await file.stat()).size + 1)
      for (;;) {
        const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length)
        if (bytesRead > 0) yield buffer.subarray(0, bytesRead)
        // A regular file gives less than it is asked for at its end alone.
        if (bytesRead < length) break
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw ioError(error, `cannot read ${basename(path)}`)
  }
}
