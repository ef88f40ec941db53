import { mediaType } from '../payload.ts'

/** What a photo says of itself. */
export interface PhotoFacts {
  /** Media type by its first bytes. */
  readonly type: string
  readonly taken?: string
  readonly camera?: string
}

/** What is asked for. One object for all: exifr keeps every one that it was ever given. */
const TAGS = {
  pick: ['Make', 'Model', 'DateTimeOriginal'],
  reviveValues: false,
  tiff: true,
  exif: true,
  gps: false,
  interop: false,
}
const READABLE = new Set(['image/jpeg', 'image/heic', 'image/tiff', 'image/avif', 'image/png'])

/**
 * When and with what a photo was taken, by its Exif. What cannot be read is left out: nothing depends on it.
 * @param start the file's first bytes, or all of them: 256 KiB hold the Exif of most
 */
export async function photoFacts(start: Uint8Array): Promise<PhotoFacts> {
  const type = mediaType(start)
  if (!READABLE.has(type)) return { type }
  try {
    const { default: exifr } = await import('exifr')
    const tags = (await exifr.parse(start, TAGS)) as
      { Make?: unknown; Model?: unknown; DateTimeOriginal?: unknown } | undefined
    const original = tags?.DateTimeOriginal
    const taken = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(typeof original === 'string' ? original : '')
    const camera = cameraName(tags?.Make, tags?.Model)
    return {
      type,
      ...(taken ? { taken: `${taken[1]}-${taken[2]}-${taken[3]}T${taken[4]}` } : {}),
      ...(camera === undefined ? {} : { camera }),
    }
  } catch {
    return { type }
  }
}

/** `Canon` and `Canon EOS R5` are one name. */
function cameraName(make: unknown, model: unknown): string | undefined {
  const clean = (value: unknown) => (typeof value === 'string' ? value.replaceAll(/[\0\s]+/g, ' ').trim() : '')
  const [maker, name] = [clean(make), clean(model)]
  const whole = name.toLowerCase().startsWith(maker.toLowerCase().split(' ')[0]!) ? name : `${maker} ${name}`
  return whole.trim() === '' ? undefined : whole.trim().slice(0, 100)
}
