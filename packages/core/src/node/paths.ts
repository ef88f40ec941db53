import { bytesOfName, nameOfBytes } from '../names.ts'

/**
 * Names on Unix are bytes, and not all of them are UTF-8. Here every path is a string in which a byte
 * that is no UTF-8 stands as a lone surrogate (`nameOfBytes`): joining, sorting and comparing work as
 * ever, nothing is lost, and the system gets the bytes back.
 */
export const pathFromBytes = (bytes: Buffer): string => nameOfBytes(bytes)

/** What the file system is to be asked for. */
export function onDisk(path: string): string | Buffer {
  return process.platform === 'win32' || path.isWellFormed() ? path : Buffer.from(bytesOfName(path))
}
