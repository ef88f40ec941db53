import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'

/** No known archive is larger. */
const MAX_ARCHIVE_BYTES = 2 ** 30

/** @throws E_ARGUMENT for anything but an http:, https: or file: address without a password in it */
export function requireAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const hint = 'such as https://example.org/data, or file:///media/disk/data for a folder'
  if (!url || !['http:', 'https:', 'file:'].includes(url.protocol))
    throw new LatentError(
      'E_ARGUMENT',
      `expected an http:, https: or file: address, received ${JSON.stringify(url ? url.protocol : text.slice(0, 60))}`,
      { hint },
    )
  if (url.username !== '' || url.password !== '')
    throw new LatentError('E_ARGUMENT', 'an address with a name or password in it is not taken', { hint })
  if (url.search !== '' || url.hash !== '')
    throw new LatentError('E_ARGUMENT', 'an address of a folder has neither ? nor #', { hint })
  return url
}

/**
 * Downloads a file, going on where an earlier download was cut off. It has its name only when it is whole.
 * @throws E_IO; E_LIMIT
 */
export async function download(
  address: string,
  path: string,
  onProgress: (received: number, total: number | undefined) => void,
): Promise<void> {
  if (await sizeOf(path)) return
  const partial = `${path}.part`
  const before = await sizeOf(partial)
  const { body, start, total } =
    new URL(address).protocol === 'file:' ? fromDisk(address) : await fromNetwork(address, before)
  let received = start
  const meter = new Transform({
    transform(chunk: Uint8Array, _, done) {
      received += chunk.length
      onProgress(received, total)
      done(
        received > MAX_ARCHIVE_BYTES
          ? new LatentError('E_LIMIT', `${address} is larger than any known archive`, {
              hint: 'the address does not serve what was published there: try later, or fetch it by hand',
            })
          : null,
        chunk,
      )
    },
  })
  try {
    await pipeline(body, meter, createWriteStream(partial, { flags: start > 0 ? 'a' : 'w' }))
    if (total !== undefined && received !== total)
      throw new LatentError('E_IO', `${address} gave ${received} of ${total} bytes`, { hint: CONTINUE })
    await rename(partial, path)
  } catch (error) {
    if (error instanceof LatentError && error.code !== 'E_IO') throw error
    if ((await sizeOf(partial)) === 0) await rm(partial, { force: true })
    // The network's errors have codes of their own, and some have none.
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EACCES' || code === 'EROFS' || error instanceof LatentError)
      throw ioError(error, `cannot write ${partial}`)
    throw new LatentError('E_IO', `the download of ${address} was cut off after ${received} bytes`, {
      hint: CONTINUE,
      cause: error,
    })
  }
}

const CONTINUE = 'start it again: it goes on where it stopped'

interface Download {
  readonly body: Readable
  /** Bytes that are there already. */
  readonly start: number
  /** With those. */
  readonly total: number | undefined
}

function fromDisk(address: string): Download {
  return { body: createReadStream(fileURLToPath(address)), start: 0, total: undefined }
}

async function fromNetwork(address: string, before: number): Promise<Download> {
  const response = await fetch(address, before > 0 ? { headers: { range: `bytes=${before}-` } } : {}).catch(
    (cause: unknown) => {
      throw new LatentError('E_IO', `cannot reach ${address}`, {
        hint: 'without a connection, put the set under LATENT_DATA or use --data procedural',
        cause,
      })
    },
  )
  // The partial file may be whole already, or longer than what is there now: what is wrong shows by its hash.
  if (response.status === 416 && before > 0) {
    await response.body?.cancel()
    return fromNetwork(address, 0)
  }
  if (!response.ok || !response.body)
    throw new LatentError('E_IO', `${address} answered ${response.status}`, {
      hint: 'try again later, or put the set under LATENT_DATA by hand',
    })
  const start = response.status === 206 ? before : 0
  const length = Number(response.headers.get('content-length')) || undefined
  // Packed on the way, the length is not that of what arrives.
  const total = length === undefined || response.headers.has('content-encoding') ? undefined : start + length
  // Two declarations of one class: the platform's and Node's.
  return { body: Readable.fromWeb(response.body as unknown as Parameters<typeof Readable.fromWeb>[0]), start, total }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )
