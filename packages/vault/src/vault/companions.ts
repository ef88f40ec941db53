import { groupBy } from '@latent/core'

/** Endings of what lies beside a photo and belongs to it: the film of a live photo, edits, remarks, sound. */
const SIDECARS = new Set('xmp aae mov mp4 thm wav json dop pp3'.split(' '))
const PHOTOS = new Set(
  'heic heif jpg jpeg png tif tiff dng raw cr2 cr3 crw nef arw orf rw2 raf pef srw avif webp'.split(' '),
)

/** What a name ends with behind its last dot, in lower case. */
const ending = (path: string) => path.slice(path.lastIndexOf('.') + 1 || path.length).toLowerCase()

const without = (path: string, end: string) => path.slice(0, path.length - end.length - 1)

/**
 * What the files of one photo have in common: `a/IMG_1.HEIC`, `a/IMG_1.MOV`, `a/IMG_1.xmp` and `a/IMG_1.HEIC.xmp`
 * are one photo. Files of other kinds are one each.
 */
export function photoOf(path: string): string {
  let stem = path
  let end = ending(stem)
  if (SIDECARS.has(end)) {
    stem = without(stem, end)
    end = ending(stem)
  }
  if (PHOTOS.has(end)) stem = without(stem, end)
  return stem === path ? path : stem.toLowerCase()
}

/** Is it what a photo is shown by, rather than what lies beside it? */
export const isPhoto = (path: string): boolean => PHOTOS.has(ending(path))

/** Groups what belongs together; in each, the photo comes first. */
export function grouped<T extends { readonly path: string }>(files: Iterable<T>): T[][] {
  const groups = groupBy(files, ({ path }) => photoOf(path))
  for (const group of groups.values())
    if (group.length > 1)
      group.sort((a, b) => Number(isPhoto(b.path)) - Number(isPhoto(a.path)) || (a.path < b.path ? -1 : 1))
  return Array.from(groups.values())
}
