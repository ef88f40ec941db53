import { bytesOfName, nameOfBytes, sha256Of, toHex } from '@latent/core'
import { basename, dirname, join } from 'node:path'

const MAX_NAME = 255

/** Names that hold bytes which are no text are written out, so that every service and file system takes them. */
const WRITTEN_OUT = '~bytes'

/** `a/b.jpg` becomes `a/b.jpg.png`; names that would grow too long are cut and told apart by a hash. */
export function sealedName(relative: string): string {
  const full = `${textName(basename(relative))}.png`
  const folder = sealedFolder(dirname(relative))
  return join(folder, Buffer.byteLength(full) <= MAX_NAME ? full : distinct(full, relative, MAX_NAME))
}

/** Another name for a file whose name is taken, in every sense of any file system: the same one in every run. */
export function distinctName(relative: string): string {
  return join(sealedFolder(dirname(relative)), distinct(`${textName(basename(relative))}.png`, relative, MAX_NAME))
}

/** A name that every file system can hold, for those that refuse the one that the file has. */
export function portableName(relative: string): string {
  const folders = relative.split(/[\\/]/)
  const name = folders.pop()!
  return join(...folders.map(portableFolder), distinct(`${plainLetters(name)}.png`, relative, 100))
}

/** A name that tells nothing, from a keyed hash of the path: 32 digits. */
export const hiddenName = (mark: string): string => join(mark.slice(0, 2), `${mark.slice(2)}.png`)

/** Is it such a name? */
export const isHiddenName = (target: string): boolean => /^[0-9a-f]{2}[/\\][0-9a-f]{30}\.png$/.test(target)

/** Where in the output the files of a folder go. */
export const sealedFolder = (folder: string): string =>
  folder === '.' ? folder : join(...folder.split(/\//).map(textName))

/** The folder that {@link sealedFolder} was given. */
export const plainFolder = (sealed: string): string =>
  sealed === '.' ? sealed : join(...sealed.split(/\//).map(originalName))

function textName(name: string): string {
  if (name.isWellFormed() && !name.endsWith(WRITTEN_OUT)) return name
  return writtenOut(name, char => char !== '%' && char.isWellFormed())
}

/** Only the names of files are kept inside of them: that of a folder must be read off this one. */
function portableFolder(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9 ._-]*$/.test(name) && !/[. ]$/.test(name) && !DEVICE.test(name)) return name
  const spelled = writtenOut(name, (char, i) => /[A-Za-z0-9_-]/.test(char) && !(i === 0 && DEVICE.test(name)))
  return spelled.length <= MAX_NAME ? spelled : distinct(plainLetters(name), name, 100)
}

/** Windows has devices of these names in every folder. */
const DEVICE = /^(?:con|prn|aux|nul|com.|lpt.|conin\$|conout\$)\s*(?:\.|$)/i

function writtenOut(name: string, isKept: (char: string, index: number) => boolean): string {
  return (
    Array.from(name, (char, i) => (isKept(char, i) ? char : Array.from(bytesOfName(char), percent).join(''))).join('') +
    WRITTEN_OUT
  )
}

const percent = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

function originalName(name: string): string {
  if (!name.endsWith(WRITTEN_OUT)) return name
  const parts = name.slice(0, -WRITTEN_OUT.length).split(/(%[0-9A-Fa-f]{2})/)
  const original = nameOfBytes(
    Buffer.concat(
      parts.map(part =>
        /^%[0-9A-Fa-f]{2}$/.test(part) ? Buffer.of(Number.parseInt(part.slice(1), 16)) : Buffer.from(part),
      ),
    ),
  )
  // Whoever can write to the sealed folder can spell out a way to another one.
  return original === '' || original === '.' || original === '..' || /[/\\\0]/.test(original) ? name : original
}

const plainLetters = (name: string) => name.replaceAll(/[^A-Za-z0-9._-]/gu, '_').replaceAll(/^\.+|\.+$/g, '_')

/** `name~1a2b3c4d.jpg.png`, not longer than `most` bytes. */
function distinct(name: string, of: string, most: number): string {
  const mark = `~${toHex(sha256Of(bytesOfName(of))).slice(0, 8)}`
  const [, stem = name, endings = ''] = /^(.+?)((?:\.[^.]{1,8}){0,2})$/su.exec(name) ?? []
  let cut = stem
  while (Buffer.byteLength(cut) + mark.length + Buffer.byteLength(endings) > most)
    cut = Array.from(cut).slice(0, -1).join('')
  return cut + mark + endings
}

/**
 * What a name comes to on file systems that take capitals, accents written in one way or another, and
 * invisible marks for the same: two names of one folded form may be one file somewhere.
 */
export function foldedName(path: string): string {
  // By way of capitals: they write out what has no capital of its own, such as the German sharp s; and that one has
  // got a capital since, which only small letters take to it.
  return path
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replaceAll(/[. ]+(?=\/|$)/g, '')
}
