import { computed, type Signal, signal } from '@preact/signals-core'
import { isUnfinished, type PlaceChoice } from './place.ts'
import type { Places } from './session.ts'

const SCRATCH = 'sealed'
const MEMORY: PlaceChoice = { kind: 'memory' }

/** Where results go: a folder that was chosen, or the browser's private storage until they are downloaded. */
export class PlaceState {
  readonly folder: Signal<FileSystemDirectoryHandle | undefined> = signal(undefined)
  readonly intoFolder = signal(false)
  /** Sealed files of a page that was closed before they were downloaded. */
  readonly leftover: Signal<readonly { readonly path: string; readonly file: File }[]> = signal([])
  readonly #scratch: Signal<FileSystemDirectoryHandle | undefined> = signal(undefined)
  #folders = 0
  readonly places = computed((): Places => {
    const folder = this.intoFolder.value ? this.folder.value : undefined
    if (folder) {
      const choice: PlaceChoice = { kind: 'folder', id: `chosen ${this.#folders}`, folder }
      return { sealed: choice, opened: choice }
    }
    const scratch = this.#scratch.value
    // What was sealed is no secret and may wait on the disk. What was opened may not.
    return { sealed: scratch ? { kind: 'storage', id: 'scratch', folder: scratch } : MEMORY, opened: MEMORY }
  })

  choose(folder: FileSystemDirectoryHandle): void {
    this.#folders++
    this.folder.value = folder
    this.intoFolder.value = true
  }

  /**
   * Finds the private storage, and what an earlier page left in it. One page has it at a time; others, and browsers
   * without one, keep everything in memory.
   */
  async openScratch(): Promise<void> {
    if (!(await heldAlone())) return
    try {
      const top = await navigator.storage.getDirectory()
      const folder = await top.getDirectoryHandle(SCRATCH, { create: true })
      this.leftover.value = await filesIn(folder, '')
      this.#scratch.value = folder
    } catch {
      // Private windows and files on disk have none.
    }
  }

  /** Empties the private storage. */
  async discard(): Promise<void> {
    const folder = this.#scratch.value
    if (folder) for (const name of await namesIn(folder)) await folder.removeEntry(name, { recursive: true })
    this.leftover.value = []
  }
}

/** Holds a lock for as long as the page lives. */
async function heldAlone(): Promise<boolean> {
  if (!('locks' in navigator)) return false
  return new Promise(resolve => {
    const hold = (lock: Lock | null) => {
      resolve(lock !== null)
      return lock === null ? undefined : new Promise<void>(() => undefined)
    }
    navigator.locks.request('latent sealed files', { ifAvailable: true }, hold).catch(() => resolve(false))
  })
}

type Listed = FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemFileHandle | FileSystemDirectoryHandle> }

async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of (folder as Listed).values()) names.push(name)
  return names
}

async function filesIn(folder: FileSystemDirectoryHandle, path: string): Promise<{ path: string; file: File }[]> {
  const found: { path: string; file: File }[] = []
  for await (const entry of (folder as Listed).values()) {
    if (entry.kind === 'directory') found.push(...(await filesIn(entry, `${path}${entry.name}/`)))
    else {
      const file = await entry.getFile()
      // Here no file is the user's.
      if (await isUnfinished(file)) await folder.removeEntry(entry.name)
      else if (!entry.name.endsWith('.crswap')) found.push({ path: path + entry.name, file })
    }
  }
  return found
}
