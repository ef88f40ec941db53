import { argumentError, type Image, LatentError, sha256Of, toHex } from '@latent/core'
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type NamedPicture, proceduralSet } from '../drawings/procedural.ts'
import { cutSheet, parseCifarBatch, parseIdxImages } from '../raster-sets.ts'
import { decodeImage, readImage } from './decode.ts'
import { isLeaving } from './leavings.ts'

/** A collection of pictures, each loaded when it is asked for. */
export interface DataSet {
  readonly name: string
  readonly pictures: readonly Picture[]
  /** What they are read from; none for pictures that are drawn. */
  readonly files: readonly string[]
  /** What else lies in the folder: files of other kinds by their extension, and folders, whose names end in a slash. */
  readonly passedOver?: readonly string[]
}

/** A picture of a set, decoded when it is asked for; `id` names it within the set. */
export interface Picture extends Omit<NamedPicture, 'load'> {
  load(): Promise<Image<'u8' | 'u16'>>
}

/** Where data sets lie: `LATENT_DATA`, or the user's cache. */
export const dataRoot = (): string =>
  process.env['LATENT_DATA'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'latent', 'data')

/** Names that `openData` takes beside folders. */
export const DATA_SETS = [
  'procedural',
  'bsds500/train',
  'bsds500/val',
  'bsds500/test',
  'open-photos/train',
  'open-photos/val',
  'cifar10/train',
  'cifar10/test',
  'mnist/train',
  'mnist/test',
  'fashion-mnist/train',
  'fashion-mnist/test',
] as const

const PROCEDURAL_DEFAULT = 16

/**
 * Opens a set by name (`procedural`, `procedural:24`, `bsds500/val`, `mnist/test`, ...) or any folder of
 * pictures. A name that ends in `@256` gives the middle 256 x 256 pixels of each.
 * @param root where named sets are looked for
 * @throws E_DATA for a set that is not there, or an empty folder
 */
export async function openData(source: string, root = dataRoot()): Promise<DataSet> {
  const [, whole, side] = /^(.+)@(\d{1,5})$/.exec(source) ?? []
  if (whole === undefined || existsSync(source)) return openWhole(source, root)
  if (Number(side) < 1) throw argumentError('@N', 'a side in pixels', side, 'bsds500/val@256, for example')
  const set = await openWhole(whole, root)
  return {
    ...set,
    name: source,
    pictures: set.pictures.map(picture => ({
      id: picture.id,
      load: async () => centreCrop(await picture.load(), Number(side), picture.id),
    })),
  }
}

/** @throws E_DATA for a picture that is smaller */
export function centreCrop<I extends Image>(source: I, side: number, id: string): I {
  const { width, height, channels } = source
  if (side < 1 || width < side || height < side)
    throw new LatentError('E_DATA', `${id} has ${width} x ${height} pixels, too few for a crop of ${side}`)
  const [left, top] = [(width - side) >> 1, (height - side) >> 1]
  const data = source.data.slice(0, side * side * channels)
  for (let y = 0; y < side; y++)
    data.set(
      source.data.subarray(((top + y) * width + left) * channels, ((top + y) * width + left + side) * channels),
      y * side * channels,
    )
  return { ...source, width: side, height: side, data }
}

async function openWhole(source: string, root: string): Promise<DataSet> {
  if (source === 'procedural' || source.startsWith('procedural:'))
    return { name: source, files: [], pictures: proceduralSet(drawnCount(source)) }
  if (!(DATA_SETS as readonly string[]).includes(source)) return folder(source)
  const [set, split] = source.split('/') as [string, string]
  const home = join(root, set)
  if (!existsSync(home))
    throw new LatentError('E_DATA', `the data set ${set} is not in ${root}`, {
      hint: `latent data fetch ${set}, or set LATENT_DATA to the folder that holds it`,
    })
  if (set === 'bsds500' || set === 'open-photos') return { ...(await folder(join(home, split))), name: source }
  return { name: source, ...(set === 'cifar10' ? await cifar10(home, split) : await idx(home, split)) }
}

/** @throws E_ARGUMENT: a set of another size than was asked for would be measured under its name */
function drawnCount(source: string): number {
  const text = /^procedural(?::(.*))?$/s.exec(source)?.[1] ?? String(PROCEDURAL_DEFAULT)
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw argumentError('procedural:N', 'a number of pictures from 1 to 99999', text, 'procedural:24, for example')
  return Number(text)
}

/**
 * What a set is known by: SHA-256 of the sorted SHA-256s of its files, one a line, as
 * `sha256sum FILES | cut -c1-64 | sort | sha256sum` prints it; of drawn pictures, those of their samples.
 */
export async function contentOf({ files, pictures }: DataSet): Promise<{ pictures: number; sha256: string }> {
  const hashes: string[] = []
  for (const file of files) hashes.push(toHex(sha256Of(await required(file))))
  if (files.length === 0)
    for (const picture of pictures) hashes.push(toHex(sha256Of(new Uint8Array((await picture.load()).data))))
  return {
    pictures: pictures.length,
    sha256: toHex(
      sha256Of(
        new TextEncoder().encode(
          hashes
            .sort()
            .map(hash => `${hash}\n`)
            .join(''),
        ),
      ),
    ),
  }
}

const PICTURE_FILES = new Set(['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif', '.avif'])

/** By its name. */
export const isPictureFile = (file: string): boolean =>
  PICTURE_FILES.has(extname(file).toLowerCase()) && !isLeaving(file, false)

/**
 * Every picture file directly in a folder, by name; what is passed over is told, but for what file managers leave
 * behind.
 */
async function folder(path: string): Promise<DataSet> {
  if (!existsSync(path) || !statSync(path).isDirectory())
    throw new LatentError('E_DATA', `there is no folder ${path}`, {
      hint: `give a folder of pictures, or one of ${DATA_SETS.join(', ')}`,
    })
  const entries = (await readdir(path, { withFileTypes: true }))
    .flatMap(entry =>
      isLeaving(entry.name, entry.isDirectory()) ? [] : [entry.isDirectory() ? `${entry.name}/` : entry.name],
    )
    .sort()
  const files = entries.filter(name => isPictureFile(name) && isReadable(join(path, name)))
  if (files.length === 0)
    throw new LatentError('E_DATA', `the folder ${path} holds no pictures`, {
      hint: `pictures end in ${[...PICTURE_FILES].join(', ')}`,
    })
  return {
    name: basename(path),
    files: files.map(file => join(path, file)),
    pictures: files.map(file => ({ id: file, load: () => readImage(join(path, file)) })),
    passedOver: entries.filter(file => !files.includes(file)),
  }
}

/** A pipe would be waited for, whatever its name. What cannot be looked at is a fault that its reader tells. */
function isReadable(path: string): boolean {
  if (path.endsWith('/')) return false
  try {
    return statSync(path).isFile()
  } catch {
    return true
  }
}

async function idx(home: string, split: string): Promise<Omit<DataSet, 'name'>> {
  const file = join(home, `${split === 'test' ? 't10k' : 'train'}-images-idx3-ubyte`)
  const [read, bytes] = existsSync(file)
    ? [file, await readFile(file)]
    : [`${file}.gz`, unpacked(`${file}.gz`, await required(`${file}.gz`))]
  return { files: [read], pictures: numbered(parseIdxImages(bytes), split) }
}

/** The official binary batches, or lossless WebP sheets of 1000 pictures. */
async function cifar10(home: string, split: string): Promise<Omit<DataSet, 'name'>> {
  const batches = split === 'test' ? ['test_batch.bin'] : [1, 2, 3, 4, 5].map(i => `data_batch_${i}.bin`)
  const paths = batches.map(file => join(home, file))
  if (existsSync(paths[0]!))
    return {
      files: paths,
      pictures: numbered(
        (await Promise.all(paths.map(async path => parseCifarBatch(await required(path))))).flat(),
        split,
      ),
    }
  const sheets = (await readdir(home)).filter(file => file.startsWith(split) && file.endsWith('.webp')).sort()
  if (sheets.length === 0)
    throw new LatentError('E_DATA', `there is no ${split} part of CIFAR-10 in ${home}`, {
      hint: 'latent data fetch cifar10',
    })
  const pictures: Picture[] = []
  for (const [s, sheet] of sheets.entries()) {
    let cut: Promise<Image<'u8'>[]> | undefined
    const tiles = () =>
      (cut ??= required(join(home, sheet))
        .then(decodeImage)
        .then(decoded => cutSheet(decoded as Image<'u8'>, 32)))
    for (let i = 0; i < 1000; i++)
      pictures.push({
        id: pictureId(split, 1000 * s + i),
        load: async () => (await tiles())[i] ?? missing(join(home, sheet), i),
      })
  }
  return { files: sheets.map(sheet => join(home, sheet)), pictures }
}

/** Far above any of these sets. */
const MAX_UNPACKED = 2 ** 28

/** @throws E_DATA for a damaged gzip file, or one that holds far too much */
export function unpacked(path: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED })
  } catch (cause) {
    throw new LatentError('E_DATA', `${path} is no whole gzip file of at most ${MAX_UNPACKED} bytes`, {
      hint: 'latent data check tells which files are damaged',
      cause,
    })
  }
}

function missing(path: string, i: number): never {
  throw new LatentError('E_DATA', `${path} has fewer than 1000 pictures: number ${i} is missing`, {
    hint: 'latent data check tells which files are damaged',
  })
}

const pictureId = (split: string, index: number): string => `${split}-${String(index).padStart(5, '0')}`

const numbered = (images: readonly Image<'u8'>[], split: string): Picture[] =>
  images.map((picture, i) => ({ id: pictureId(split, i), load: async () => picture }))

async function required(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new LatentError('E_DATA', `cannot read ${path}`, { hint: 'latent data fetch brings whole sets', cause })
  }
}
