const PATH_LIMIT = 4096

/** Says what is wrong with a path below a folder: `a/b.jpg`, with `/` on every system. */
export function pathFault(path: string): string | undefined {
  if (path === '' || path.length > PATH_LIMIT) return 'it is empty, or too long'
  if (path.includes('\0')) return 'it holds a NUL'
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(path)) return 'it leads to another folder'
  return undefined
}

/** The note of a sealed file whose own name and folder say nothing. */
export const noteOfPlace = (path: string): Uint8Array => new TextEncoder().encode(JSON.stringify({ path }))

/** Where a file lay, as its note says. @returns `undefined` if it says nothing, or a place that cannot be */
export function placeInNote(note: Uint8Array | undefined): string | undefined {
  if (!note) return undefined
  try {
    const { path } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(note)) as { path?: unknown }
    return typeof path === 'string' && pathFault(path) === undefined ? path : undefined
  } catch {
    return undefined
  }
}
