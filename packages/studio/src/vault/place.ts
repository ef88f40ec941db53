import { partsOf } from './bytes.ts'
import { fileError } from './file-error.ts'

/** A file that is being written: others take it for one when it is finished, and not before. */
export interface Draft {
  write(bytes: Uint8Array): Promise<void>
  /** Ends the writing, and reads what was written from where it lies; a part is there until the next is asked for. */
  readBack(signal: AbortSignal): AsyncIterable<Uint8Array>
  /** The file, which is where it should be. */
  finish(): Promise<Blob>
  discard(): Promise<void>
}

/** Where results go. */
export interface Place {
  /** What has this name already. */
  existing(path: string): Promise<Blob | undefined>
  /** @returns nothing if somebody else has just taken the name */
  create(path: string, type: string, modified: number): Promise<Draft | undefined>
}

/** Where results go, in a form that crosses to a worker. */
export type PlaceChoice =
  | { readonly kind: 'memory' }
  /** `id` is another one for another folder: handles lose their identity when they cross to a worker. */
  | { readonly kind: 'folder' | 'storage'; readonly id: string; readonly folder: FileSystemDirectoryHandle }

/** The place that was chosen: memory, a folder of the user's, or one of the browser's private storage. */
export function openPlace(choice: PlaceChoice): Place {
  if (choice.kind === 'memory') return memoryPlace
  return folderPlace(choice.folder, choice.kind === 'storage' && writesDirectly() ? writeDirectly : writeBeside)
}

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
    let file: File | undefined
    const written = () => {
      hand()
      return (file ??= new File(blobs, path.split('/').at(-1)!, { type, lastModified: modified }))
    }
    return {
      async write(bytes) {
        parts.push(bytes.slice())
        held += bytes.length
        if (held >= GATHERED) hand()
      },
      readBack: signal => partsOf(written(), signal),
      finish: async () => written(),
      async discard() {
        blobs = []
        parts = []
      },
    }
  },
}

/** Starts a file of a folder, of which nobody sees half. @returns nothing where somebody else writes it */
type Write = (folder: FileSystemDirectoryHandle, name: string) => Promise<Draft | undefined>

/** What is written is put into its place when it is finished; nothing is ever replaced. */
function folderPlace(top: FileSystemDirectoryHandle, write: Write): Place {
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
      const attempt = <T>(work: Promise<T>) => work.catch((error: unknown) => Promise.reject(fileError(error)))
      const draft = await attempt(folderOf(path, true).then(([folder, name]) => write(folder, name)))
      if (!draft) return undefined
      beingWritten.add(path)
      return {
        write: bytes => attempt(draft.write(bytes)),
        async *readBack(signal) {
          try {
            yield* draft.readBack(signal)
          } catch (error) {
            throw fileError(error)
          }
        },
        async finish() {
          const file = await attempt(draft.finish())
          beingWritten.delete(path)
          return file
        },
        async discard() {
          await draft.discard()
          beingWritten.delete(path)
        },
      }
    },
  }
}

/** Browsers write into a file beside the one that is meant, and put it into its place when the stream is closed. */
const writeBeside: Write = async (folder, name) => {
  const handle = await folder.getFileHandle(name, { create: true })
  const stream = await handle.createWritable()
  let closed: Promise<void> | undefined
  const written = async () => {
    await (closed ??= stream.close())
    return handle.getFile()
  }
  return {
    write: bytes => stream.write(bytes as Uint8Array<ArrayBuffer>),
    async *readBack(signal) {
      yield* partsOf(await written(), signal)
    },
    finish: written,
    async discard() {
      await stream.abort().catch(() => undefined)
      await folder.removeEntry(name).catch(() => undefined)
    },
  }
}

interface Access {
  getSize(): number
  read(bytes: Uint8Array, options: { at: number }): number
  write(bytes: Uint8Array, options: { at: number }): number
  close(): void
}

/** A file of private storage; only workers can open one. */
interface StorageFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<Access>
}

const writesDirectly = (): boolean =>
  typeof FileSystemFileHandle === 'function' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype

/** Bytes that are read at once. */
const READ = 2 ** 20

/**
 * In private storage a worker writes and reads by itself, where streams pass everything to another process. What is
 * asked of that process takes longer than writing a photo does: there is one file, under its name from the start, and
 * it is opened once. Its first byte is written last, see {@link isUnfinished}.
 */
const writeDirectly: Write = async (folder, name) => {
  const handle = (await folder.getFileHandle(name, { create: true })) as StorageFile
  const access = await soleAccess(handle)
  if (!access) return undefined
  const first = new Uint8Array(1)
  let size = 0
  const put = (bytes: Uint8Array, at: number) => {
    if (access.write(bytes, { at }) !== bytes.length)
      throw new DOMException('not all was written', 'QuotaExceededError')
  }
  return {
    async write(bytes) {
      if (bytes.length === 0) return
      if (size === 0) first.set(bytes.subarray(0, 1))
      const from = size === 0 ? 1 : 0
      put(bytes.subarray(from), size + from)
      size += bytes.length
    },
    async *readBack(signal) {
      if (size > 0) put(first, 0)
      const room = new Uint8Array(READ)
      for (let at = 0; ;) {
        signal.throwIfAborted()
        const read = access.read(room, { at })
        if (read === 0) return
        at += read
        yield room.subarray(0, read)
      }
    },
    async finish() {
      if (size > 0) put(first, 0)
      access.close()
      return handle.getFile()
    },
    async discard() {
      access.close()
      await folder.removeEntry(name).catch(() => undefined)
    },
  }
}

/** The only access to a new file: none where another worker has it, or had it before. */
async function soleAccess(handle: StorageFile): Promise<Access | undefined> {
  const access = await handle.createSyncAccessHandle().catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'NoModificationAllowedError') return undefined
    throw error
  })
  if (!access || access.getSize() === 0) return access
  access.close()
  return undefined
}

/** Is it what a closed page was writing into private storage? No sealed file is empty or begins with a zero. */
export const isUnfinished = async (file: Blob): Promise<boolean> =>
  !new Uint8Array(await file.slice(0, 1).arrayBuffer())[0]
