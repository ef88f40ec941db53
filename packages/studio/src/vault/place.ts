import { partsOf } from './bytes.ts'
import { fileError } from './file-error.ts'

/** A file that is being written: it is there for others when it is finished, and not before. */
export interface Draft {
  write(bytes: Uint8Array): Promise<void>
  finish(): Promise<Written>
  discard(): Promise<void>
}

/** A file that is where it should be. */
export interface Written {
  readonly file: Blob
  /** Reads it again from there; a part is there until the next is asked for. */
  readonly parts: (signal: AbortSignal) => AsyncIterable<Uint8Array>
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
  | { readonly kind: 'folder' | 'storage'; readonly id: string; readonly folder: FileSystemDirectoryHandle }

/** The place that was chosen: memory, a folder of the user's, or one of the browser's private storage. */
export function openPlace(choice: PlaceChoice): Place {
  if (choice.kind === 'memory') return memoryPlace
  return folderPlace(choice.folder, choice.kind === 'storage' && writesDirectly() ? writeDirectly : writeBeside)
}

/** Bytes that are gathered before the browser takes them over: a script's own memory stays this small. */
const GATHERED = 8 * 2 ** 20

const readAsBlob = (file: Blob): Written => ({ file, parts: signal => partsOf(file, signal) })

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
        return readAsBlob(new File(blobs, path.split('/').at(-1)!, { type, lastModified: modified }))
      },
      async discard() {
        blobs = []
        parts = []
      },
    }
  },
}

/** Starts a file of a folder, of which nobody sees half. */
type Write = (folder: FileSystemDirectoryHandle, name: string) => Promise<Draft>

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
      beingWritten.add(path)
      return {
        write: bytes => attempt(draft.write(bytes)),
        async finish() {
          const written = await attempt(draft.finish())
          beingWritten.delete(path)
          return written
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
  return {
    write: bytes => stream.write(bytes as Uint8Array<ArrayBuffer>),
    async finish() {
      await stream.close()
      return readAsBlob(await handle.getFile())
    },
    async discard() {
      await stream.abort().catch(() => undefined)
      await folder.removeEntry(name).catch(() => undefined)
    },
  }
}

/** What files of private storage end with until they are finished. */
export const UNFINISHED = '.part'

interface Access {
  read(bytes: Uint8Array, options: { at: number }): number
  write(bytes: Uint8Array, options: { at: number }): number
  close(): void
}

/** A file of private storage; only workers can open one, and not every browser lets it be renamed. */
interface StorageFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<Access>
  move(name: string): Promise<void>
}

const writesDirectly = (): boolean =>
  typeof FileSystemFileHandle === 'function' &&
  ['createSyncAccessHandle', 'move'].every(method => method in FileSystemFileHandle.prototype)

/** In private storage a worker writes and reads by itself, where streams pass everything to another process. */
const writeDirectly: Write = async (folder, name) => {
  // Empty until then, so that nobody else takes the name.
  await folder.getFileHandle(name, { create: true })
  const unfinished = `${name}.${crypto.randomUUID()}${UNFINISHED}`
  const handle = (await folder.getFileHandle(unfinished, { create: true })) as StorageFile
  const access = await handle.createSyncAccessHandle()
  let at = 0
  return {
    async write(bytes) {
      const written = access.write(bytes, { at })
      if (written !== bytes.length) throw new DOMException('not all was written', 'QuotaExceededError')
      at += written
    },
    async finish() {
      access.close()
      await handle.move(name)
      const finished = (await folder.getFileHandle(name)) as StorageFile
      return { file: await finished.getFile(), parts: signal => readDirectly(finished, signal) }
    },
    async discard() {
      access.close()
      await folder.removeEntry(unfinished).catch(() => undefined)
      await folder.removeEntry(name).catch(() => undefined)
    },
  }
}

/** Bytes that are read at once. */
const READ = 2 ** 20

async function* readDirectly(handle: StorageFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const access = await handle.createSyncAccessHandle()
  try {
    const room = new Uint8Array(READ)
    for (let at = 0; ;) {
      signal.throwIfAborted()
      const read = access.read(room, { at })
      if (read === 0) return
      at += read
      yield room.subarray(0, read)
    }
  } catch (error) {
    throw fileError(error)
  } finally {
    access.close()
  }
}
