import { fileSave } from 'browser-fs-access'
import { downloadZip } from 'client-zip'

/** Offers a file as a download. */
export function download(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // The browser has begun by then; the file itself stays for as long as something holds it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** Text as a download. */
export const downloadText = (text: string, name: string, type = 'text/plain'): void =>
  download(new Blob([text], { type }), name)

/** A file with the path that it has in a zip. */
export interface Zipped {
  readonly path: string
  readonly file: Blob
}

/** One zip of all files, written as a stream where the browser lets pages write to disk. */
export async function saveZip(files: readonly Zipped[], name: string): Promise<void> {
  const entries = distinct(files).map(({ path, file }) => ({
    name: path,
    input: new File([file], path),
    lastModified: file instanceof File ? new Date(file.lastModified) : new Date(),
  }))
  try {
    await fileSave(downloadZip(entries, { metadata: entries.map(each => ({ ...each, size: each.input.size })) }), {
      fileName: name,
      extensions: ['.zip'],
      mimeTypes: ['application/zip'],
      id: 'latent',
    })
  } catch (error) {
    // Whoever closes the dialogue has changed his mind.
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
  }
}

/** Two files of one name would hide each other in a zip. */
export function distinct(files: readonly Zipped[]): Zipped[] {
  const taken = new Set<string>()
  return files.map(({ path, file }) => {
    let name = path
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = path.replace(/(\.[^./]*)?$/, ` (${n})$1`)
    taken.add(name.toLowerCase())
    return { path: name, file }
  })
}
