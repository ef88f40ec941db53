import { LatentError } from '@latent/core'

/** What a store tells of an object without reading it. */
export interface ObjectInfo {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** When it was written by the store's clock, milliseconds since 1970; absent where the store does not say. */
  readonly modified?: number
}

/** First byte, and the byte behind the last. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** What is to be written. */
export interface ObjectBody {
  /** Bytes in all: no more and no fewer may come. */
  readonly size: number
  /** The bytes from their start, each time it is called: an attempt that failed is made again. */
  parts(): AsyncIterable<Uint8Array>
}

/**
 * Where the objects of a vault are kept: a folder, a bucket, a WebDAV share. Objects have names, are written once
 * and whole, and are never changed.
 *
 * Names are {@link checkName}'s: lower-case letters, digits, `.`, `-` and `_`, with `/` between segments. A store
 * may be slow, may list what is gone or not yet what is there, and may fail: it throws {@link StoreFault} then.
 * `test/store-contract.ts` says what every store must do.
 */
export interface Store {
  /** As a person writes it, without credentials. For messages. */
  readonly address: string
  /**
   * Whether {@link create} can tell that an object is there in the very moment in which it writes. Where it cannot,
   * two writers of one name might replace each other's object: callers give every object a name of its own then.
   */
  createsOnly(): Promise<boolean>
  /** Every object below a folder (`objects/`, or `` for all), however deep, in no order. */
  list(folder: string): AsyncIterable<ObjectInfo>
  /** @returns `undefined` if there is no such object */
  stat(name: string): Promise<ObjectInfo | undefined>
  /**
   * The bytes of an object, or of a part of it; a range that ends behind the object ends with it.
   * @throws StoreFault `absent` if there is no such object; `broken` if it ends before it should
   */
  read(name: string, range?: ByteRange): AsyncIterable<Uint8Array>
  /**
   * Writes an object: nobody sees a part of it, and one that is there stays as it is.
   * @returns `exists` if there is one of that name
   */
  create(name: string, body: ObjectBody): Promise<'created' | 'exists'>
  /** Removes an object; one that is not there is removed already. */
  remove(name: string): Promise<void>
  /** When it returns, everything that was created survives a loss of power. */
  sync(): Promise<void>
  /** Lets go of connections. */
  close(): Promise<void>
}

/**
 * `absent`: no such object; `denied`: credentials were refused or are missing; `full`: no space; `busy`: the store is
 * overloaded or does not answer, and may later; `broken`: what came is not what it said; `refused`: anything else.
 */
export type FaultKind = 'absent' | 'denied' | 'full' | 'busy' | 'broken' | 'refused'

const HINTS: Readonly<Record<FaultKind, string | undefined>> = {
  absent: 'check the address',
  denied: 'see docs/vault.md for where credentials are taken from, and whether they may read and write there',
  full: 'make room and run it again: what is done is kept',
  busy: 'run it again later: what is done is kept',
  broken: 'run it again: what is done is kept',
  refused: 'check the address, and what the store answers',
}

/** A store that failed. */
export class StoreFault extends LatentError {
  readonly kind: FaultKind

  /** @param message one sentence, without credentials */
  constructor(kind: FaultKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(kind === 'denied' ? 'E_CREDENTIALS' : 'E_STORE', message, { hint: options.hint ?? HINTS[kind], ...options })
    this.kind = kind
  }

  /** Whether another attempt may succeed. */
  get passing(): boolean {
    return this.kind === 'busy' || this.kind === 'broken'
  }
}

const NAME = /^(?:[a-z0-9_-][a-z0-9._-]*\/)*[a-z0-9_-][a-z0-9._-]*$/

/** The name, if it is one that every store can hold. @throws E_ARGUMENT */
export function checkName(name: string): string {
  if (name.length > 200 || !NAME.test(name))
    throw new LatentError('E_ARGUMENT', `no object of a store can have the name ${JSON.stringify(name.slice(0, 60))}`)
  return name
}

/** The folder, if it is one: ``, or segments that each end with `/`. @throws E_ARGUMENT */
export function checkFolder(folder: string): string {
  if (folder !== '') {
    if (!folder.endsWith('/')) throw new LatentError('E_ARGUMENT', `expected a folder that ends with /: ${folder}`)
    checkName(folder.slice(0, -1))
  }
  return folder
}

/** Bytes as something to be written. */
export const bodyOfBytes = (bytes: Uint8Array): ObjectBody => ({
  size: bytes.length,
  async *parts() {
    if (bytes.length > 0) yield bytes
  },
})

/** A whole object in one array. @throws E_LIMIT if it has more than `limit` bytes */
export async function readObject(store: Store, name: string, limit: number, range?: ByteRange): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of store.read(name, range)) {
    size += part.length
    if (size > limit)
      throw new LatentError('E_LIMIT', `the object ${name} has more than ${limit} bytes, which none of its kind has`, {
        hint: 'something else wrote there: get the object back from another copy',
      })
    parts.push(part)
  }
  const joined = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** @throws StoreFault `broken` unless exactly as many bytes come as are expected */
export async function* exactly(
  parts: AsyncIterable<Uint8Array>,
  size: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  let got = 0
  for await (const part of parts) {
    got += part.length
    if (got > size) break
    yield part
  }
  if (got !== size)
    throw new StoreFault('broken', `${what}: expected ${size} bytes, received ${got > size ? 'more' : got}`)
}

/**
 * What was asked for of what a server gives: some know no ranges and give everything, some give more.
 * @param given the `Content-Range` of the answer, if there is one
 */
export async function* within(
  parts: AsyncIterable<Uint8Array>,
  { from, to }: ByteRange,
  given?: string | null,
): AsyncGenerator<Uint8Array> {
  let at = Number(/^bytes (\d+)-/.exec(given ?? '')?.[1] ?? 0)
  for await (const part of parts) {
    const cut = part.subarray(Math.max(0, from - at), Math.max(0, to - at))
    if (cut.length > 0) yield cut
    at += part.length
    if (at >= to) return
  }
}
