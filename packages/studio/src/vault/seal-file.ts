import { LatentError, release, toHex } from '@latent/core'
import type { ExactFlow } from '@latent/schemes/exact-flow'
import { type Album, type Keyring, mediaType, openSealed, prepareSeal } from '@latent/vault'
import { hashOf, partsOf, releaseWhole, telling } from './bytes.ts'
import type { Intent } from './intent.ts'
import type { Draft, Place } from './place.ts'

/** What a file is sealed and opened with. */
export interface Tools {
  readonly flows: (weightsId: string) => Promise<ExactFlow>
  readonly place: Place
  /** Opens what is there already. */
  readonly keyring: Keyring
  /** Called with bytes of the file inside, for every pass over them: there are two. */
  readonly report: (bytes: number) => void
  readonly signal: AbortSignal
}

/** A file that is where it should be, and was read again there. */
export interface Finished {
  readonly intent: Intent
  readonly path: string
  readonly output: Blob
  /** Media type of the file inside. */
  readonly type: string
  /** Of the file inside, in hexadecimal. */
  readonly sha256: string
  /** Bytes of the file inside. */
  readonly size: number
  /** It was there before, and is the same. */
  readonly wasThere: boolean
}

/** How many names are tried where others have the first. */
const MOST_NAMES = 1000

/**
 * Seals a file, opens what was written, and compares the hashes of what went in and what came out.
 * @param path where it was found, with `/` between folders: the result is `path.png`
 * @throws E_IO, E_CHANGED, E_ARGUMENT, E_LIMIT; E_HASH if what was written is not what was meant. Nothing is left then
 */
export async function sealFile(
  file: File,
  path: string,
  { album, weights }: { readonly album: Album; readonly weights: string },
  { flows, place, keyring, report, signal }: Tools,
): Promise<Finished> {
  const { size } = file
  const parts = partsOf(file, signal)
  const { value: first = new Uint8Array(0) } = await parts.next()
  const type = mediaType(first.subarray(0, 16))
  const opening = keyring.remember(album)
  const metadata = { name: path.split('/').at(-1)!, type, size, modified: file.lastModified }
  const sealing = await prepareSeal({ album, metadata, flows, body: { type: 'exact-flow+aes-256-gcm', weights } })
  const target = { place, path: `${path}.png`, type: 'image/png', modified: Date.now() }
  const here = await claim(target, async found => {
    const [inside, source] = [await hashInside(found, opening, flows), await hashOf(partsOf(file, signal), size)]
    return inside === source ? source : undefined
  })
  if ('found' in here) {
    report(2 * size)
    return {
      intent: 'seal',
      path: here.path,
      output: here.found.file,
      type,
      sha256: here.found.sha256,
      size,
      wasThere: true,
    }
  }
  const { draft } = here
  try {
    let sha256 = ''
    const source = telling(following(first, parts), report)
    for await (const part of sealing.png(source, hash => (sha256 = toHex(hash)))) {
      await draft.write(part)
      release(part)
    }
    // Opening it compares the hash of what comes out with the one that was sealed in it.
    const opened = await openSealed(draft.readBack(signal), opening, flows)
    for await (const part of telling(opened.bytes, report)) releaseWhole(part)
    if (toHex(opened.header.nonce) !== toHex(sealing.nonce) || opened.metadata.name !== metadata.name)
      throw new LatentError('E_HASH', 'the sealed file that was written does not hold what was read', {
        hint: 'the disk or the memory is faulty: seal it again elsewhere',
      })
    const output = await draft.finish()
    return { intent: 'seal', path: here.path, output, type, sha256, size, wasThere: false }
  } catch (error) {
    await draft.discard()
    throw error
  }
}

async function* following(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  yield* rest
}

/** Of the file in a sealed one, all of which was opened; nothing if it does not open. */
async function hashInside(file: Blob, keyring: Keyring, flows: Tools['flows']): Promise<string | undefined> {
  try {
    const opened = await openSealed(partsOf(file), keyring, flows)
    for await (const part of opened.bytes) releaseWhole(part)
    return toHex(await opened.sha256())
  } catch (error) {
    if (error instanceof LatentError) return undefined
    throw error
  }
}

/** A name of one's own, or the file that is there under it and is the very one. */
export type Claim = { readonly draft: Draft; readonly path: string } | { readonly path: string; readonly found: Found }
interface Found {
  readonly file: Blob
  readonly sha256: string
}

const turns = new WeakMap<Place, Promise<unknown>>()

/**
 * A file to write under a name that is free: nothing is ever replaced.
 * @param compare gives the hash if a file that is there is the one that would be written
 */
export function claim(
  { place, path, type, modified }: { place: Place; path: string; type: string; modified: number },
  compare: (found: Blob) => Promise<string | undefined>,
): Promise<Claim> {
  const attempt = async (): Promise<Claim> => {
    for (let n = 1; n <= MOST_NAMES; n++) {
      const candidate = n === 1 ? path : numbered(path, n)
      const file = await place.existing(candidate)
      if (!file) {
        const draft = await place.create(candidate, type, modified)
        if (draft) return { path: candidate, draft }
        continue
      }
      const sha256 = await compare(file)
      if (sha256 !== undefined) return { path: candidate, found: { file, sha256 } }
    }
    throw new LatentError('E_EXISTS', `there are ${MOST_NAMES} files of this name`, { hint: 'choose another folder' })
  }
  // One after the other: two files of one name must not find the same place free.
  const turn = (turns.get(place) ?? Promise.resolve()).then(attempt, attempt)
  turns.set(
    place,
    turn.catch(() => undefined),
  )
  return turn
}

/** `a/b.jpg` becomes `a/b (2).jpg`. */
export function numbered(path: string, n: number): string {
  const name = path.split('/').at(-1)!
  const dot = name.lastIndexOf('.')
  const end = dot > 0 ? name.slice(dot) : ''
  return `${path.slice(0, path.length - end.length)} (${n})${end}`
}
