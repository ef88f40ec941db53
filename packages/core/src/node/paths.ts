import { isUtf8 } from 'node:buffer'

/**
 * Names on Unix are bytes, and not all of them are UTF-8. Here every path is a string in which a byte
 * that is no UTF-8 stands as a lone surrogate, U+DC00 plus the byte: joining, sorting and comparing
 * work as ever, nothing is lost, and the system gets the bytes back.
 */
export function pathFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let path = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!)
    const sequence = bytes.subarray(at, at + length)
    const valid = sequence.length === length && isUtf8(sequence)
    path += valid ? sequence.toString('utf8') : String.fromCharCode(0xdc00 + bytes[at]!)
    at += valid ? length : 1
  }
  return path
}

const sequenceLength = (lead: number): number => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1)

/** In Unicode mode a surrogate matches where it stands alone. */
const ESCAPED = /[\udc80-\udcff]/u

/** What the file system is to be asked for. */
export function onDisk(path: string): string | Buffer {
  if (process.platform === 'win32' || !ESCAPED.test(path)) return path
  return Buffer.concat(path.split(/([\udc80-\udcff])/u).map(part => (ESCAPED.test(part) ? Buffer.of(part.charCodeAt(0) - 0xdc00) : Buffer.from(part))))
}
