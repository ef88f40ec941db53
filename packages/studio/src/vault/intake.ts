/** A file as it was dropped or chosen. */
export interface Found {
  readonly file: File
  /** With `/` between folders. */
  readonly path: string
}

/** Files of no person, which systems put into folders. */
const LITTER = /^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.latent-.*|.*\.crswap)$/i

/** Files that a person chose; those of a chosen folder say where in it they lay. */
export const chosenFiles = (files: Iterable<File>): Found[] =>
  Array.from(files, file => ({ file, path: file.webkitRelativePath || file.name })).filter(
    ({ file }) => !LITTER.test(file.name),
  )

/** Everything that was dropped, folders with all that is in them. */
export async function droppedFiles(transfer: DataTransfer): Promise<Found[]> {
  // All of them at once: after the first pause the browser has forgotten what was dropped.
  const entries = Array.from(transfer.items, item => item.webkitGetAsEntry()).filter(entry => entry !== null)
  const found: Found[] = []
  for (const entry of entries) await walk(entry, found)
  return found
}

async function walk(entry: FileSystemEntry, found: Found[]): Promise<void> {
  const path = entry.fullPath.replace(/^\//, '')
  if (entry.isFile) {
    if (LITTER.test(entry.name)) return
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    found.push({ file, path })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // Browsers give a hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    for (const each of some) await walk(each, found)
  }
}
