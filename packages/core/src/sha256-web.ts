import { sha256 as slowSha256 } from '@noble/hashes/sha2.js'
import type { IHasher } from 'hash-wasm'
import { bytesToFill, release } from './bytes.ts'
import type { AwaitedSha256, Sha256 } from './primitive-set.ts'

// The platform's own takes everything at once. In WebAssembly parts are hashed several times as fast as by a script,
// which does it until that is there, and where a page's policy lets it compile none. It is loaded when somebody first
// hashes, since many pages never do, and nothing waits for it: a worker whose module does misses its first messages.
let hasher: IHasher | undefined
let loading = false

async function load(): Promise<void> {
  loading = true
  const { createSHA256 } = await import('./sha256-wasm.ts')
  hasher = await createSHA256()
}

/** What the one instance would go on from for somebody, while it works for others. */
interface Kept {
  state?: Uint8Array
}
/** For whom it works now. */
let holder: Kept | undefined

class WasmSha256 implements Sha256 {
  readonly #hasher: IHasher
  readonly #kept: Kept = {}

  constructor(shared: IHasher) {
    this.#hasher = shared
  }

  update(bytes: Uint8Array): void {
    this.#hold()
    this.#hasher.update(bytes)
  }

  digest(): Uint8Array {
    this.#hold()
    holder = undefined
    return this.#hasher.digest('binary')
  }

  #hold(): void {
    if (holder === this.#kept) return
    if (holder) holder.state = this.#hasher.save()
    if (this.#kept.state) this.#hasher.load(this.#kept.state)
    else this.#hasher.init()
    holder = this.#kept
  }
}

/** An incremental SHA-256 for browsers. */
export function sha256(): Sha256 {
  if (hasher) return new WasmSha256(hasher)
  if (!loading) load().catch(() => undefined)
  const hash = slowSha256.create()
  return { update: bytes => void hash.update(bytes), digest: () => hash.digest() }
}

/** So much is gathered and given to the platform whole, which hashes several times as fast as WebAssembly does. */
const MOST_WHOLE = 8 << 20

class WholeSha256 implements AwaitedSha256 {
  readonly #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(size: number) {
    // A power of two, so that the next one finds the memory of the last.
    this.#bytes = bytesToFill(2 ** Math.ceil(Math.log2(size)))
  }

  update(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  async digest(): Promise<Uint8Array> {
    const digest = await crypto.subtle.digest('SHA-256', this.#bytes.subarray(0, this.#length))
    release(this.#bytes)
    return new Uint8Array(digest)
  }
}

/** An incremental SHA-256 of at most `size` bytes. */
export const sha256OfSize = (size: number): AwaitedSha256 => (size > MOST_WHOLE ? sha256() : new WholeSha256(size))
