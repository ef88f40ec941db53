import { LatentError } from '@latent/core'

/** A file that is being written: it is there for others when it is finished, and not before. */
export interface Draft {
  write(bytes: Uint8Array): Promise<void>
  /** @returns the file as it was written, to be read again */
  finish(): Promise<Blob>
  discard(): Promise<void>
}

/** Where results go. */
export interface Place {
  /** What has this name already. */
  existing(path: string): Promise<Blob | undefined>
  create(path: string, type: string, modified: number): Promise<Draft>
}

/** Where results go, in a form that crosses to a worker. */
export type PlaceChoice =
  | { readonly kind: 'memory' }
  /** `id` is another one for another folder: handles lose their identity when they cross to a worker. */
  | { readonly kind: 'folder'; readonly id: string; readonly folder: FileSystemDirectoryHandle }

/** The place that was chosen. */
export const openPlace = (choice: PlaceChoice): Place =>
  choice.kind === 'memory' ? memoryPlace : folderPlace(choice.folder)

/** Bytes that are gathered before the browser takes them over: a script's own memory stays this small. */
const GATHERED = 8 * 2 ** 20

const memoryPlace: Place = {
  existing: async () => undefined,
  async create(path, type, modified) {
    let blobs: Blob[] = []
    let parts: Uint8Array<ArrayBuffer>[] = []
    let held = 0
    const hand = () => {
      blobs.push(new Blob(parts))
      parts = []
      held = 0
    }
    return {
      async write(bytes) {
        parts.push(bytes.slice())
        held += bytes.length
        if (held >= GATHERED) hand()
      },
      async finish() {
        hand()
        return new File(blobs, path.split('/').at(-1)!, { type, lastModified: modified })
      },
      async discard() {
        blobs = []
        parts = []
      },
    }
  },
}

/**
 * A folder of the user's, or of the browser's private file system. Browsers write into a file beside the one that is
 * meant, and put it into its place when the stream is closed: nobody sees half a file.
 */
export function folderPlace(top: FileSystemDirectoryHandle): Place {
  const folderOf = async (path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> => {
    const names = path.split('/')
    const name = names.pop()!
    let folder = top
    for (const each of names) folder = await folder.getDirectoryHandle(each, { create })
    return [folder, name]
  }
  const beingWritten = new Set<string>()
  return {
    async existing(path) {
      if (beingWritten.has(path)) return new Blob()
      try {
        const [folder, name] = await folderOf(path, false)
        // A closed tab leaves an empty file behind, and so may the user mean one: neither is replaced.
        return await (await folder.getFileHandle(name)).getFile()
      } catch (error) {
        if (error instanceof DOMException && error.name === 'NotFoundError') return undefined
        throw fileError(error)
      }
    },
    async create(path) {
      try {
        const [folder, name] = await folderOf(path, true)
        const handle = await folder.getFileHandle(name, { create: true })
        const stream = await handle.createWritable()
        beingWritten.add(path)
        const attempt = <T>(work: Promise<T>) => work.catch((error: unknown) => Promise.reject(fileError(error)))
        return {
          write: bytes => attempt(stream.write(bytes as Uint8Array<ArrayBuffer>)),
          async finish() {
            await attempt(stream.close())
            beingWritten.delete(path)
            return attempt(handle.getFile())
          },
          async discard() {
            await stream.abort().catch(() => undefined)
            await folder.removeEntry(name).catch(() => undefined)
            beingWritten.delete(path)
          },
        }
      } catch (error) {
        throw fileError(error)
      }
    },
  }
}

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  NotReadableError: [
    'the file can no longer be read: it was changed, moved or taken away',
    'choose it again, and try again',
  ],
  NotFoundError: ['the file or folder is not there any more', 'choose it again, and try again'],
  QuotaExceededError: ['there is no room left for the result', 'free some space, or choose a folder on another disk'],
  NotAllowedError: ['the browser does not allow writing there', 'choose the folder again, and allow it'],
  NoModificationAllowedError: ['another program is writing there', 'close it, and try again'],
  TypeMismatchError: ['a folder is where the file should be, or the other way round', 'choose an empty folder'],
}

/** What a browser says of files, as errors of ours. Errors of ours stay as they are. */
export function fileError(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error
  const [message, hint] = REASONS[error.name] ?? [`the browser reports ${error.name}`, 'try again']
  return new LatentError('E_IO', message, { hint, cause: error })
}
