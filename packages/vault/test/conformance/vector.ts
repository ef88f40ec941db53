/** One conformance vector: what is in a file of `vectors/`. The README says what each field means. */
export interface Vector {
  readonly name: string
  readonly expect:
    | 'success'
    | 'no-match'
    | 'not-sealed'
    | 'reencoded'
    | 'unsupported'
    | 'header'
    | 'chunk'
    | 'truncated'
    | 'hash'
    | 'limit'
  readonly comment: string
  readonly identity?: string
  readonly passphrase?: string
  /** Body type of the file, where it has one. */
  readonly body?: string
  /** Bytes of the plaintext that was sealed. */
  readonly size?: number
  /** SHA-256 of that plaintext. */
  readonly sha256?: string
  /** The metadata as canonical JSON; only where the file opens. */
  readonly metadata?: string
  /** At most this many bytes may come out before the error. */
  readonly released?: number
  readonly sealed: Uint8Array
}

const FIELDS = [
  'expect',
  'comment',
  'identity',
  'passphrase',
  'body',
  'size',
  'sha256',
  'metadata',
  'released',
] as const

/** Text lines, an empty line, and the sealed bytes. */
export function formatVector(vector: Vector): Uint8Array {
  const lines = FIELDS.flatMap(field => (vector[field] === undefined ? [] : [`${field}: ${vector[field]}\n`]))
  const head = new TextEncoder().encode(`${lines.join('')}\n`)
  const file = new Uint8Array(head.length + vector.sealed.length)
  file.set(head)
  file.set(vector.sealed, head.length)
  return file
}

export function parseVector(name: string, file: Uint8Array): Vector {
  const end = file.findIndex((byte, i) => byte === 10 && file[i + 1] === 10)
  const fields = new Map<string, string>()
  for (const line of new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(0, end)).split('\n')) {
    const colon = line.indexOf(': ')
    const field = line.slice(0, colon)
    if (!FIELDS.includes(field as (typeof FIELDS)[number]) || fields.has(field))
      throw new Error(`${name}: unknown or repeated field ${field}`)
    fields.set(field, line.slice(colon + 2))
  }
  const numbers = ['size', 'released'].flatMap(field => (fields.has(field) ? [[field, Number(fields.get(field))]] : []))
  return { ...Object.fromEntries(fields), ...Object.fromEntries(numbers), name, sealed: file.slice(end + 2) } as Vector
}

/** Byte i of every vector's plaintext: i^2 + 31 floor(i / 256), mod 256. */
export const vectorPlaintext = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => i * i + 31 * (i >> 8))
