import { type Image, image, LatentError } from '@latent/core'
import { isPng } from '@latent/core/png'
import { CIFAR_RECORD, cifarLabels, parseCifarBatch, parseIdxImages, parseIdxLabels } from '../raster-sets.ts'
import { decodeImage } from '../node/decode.ts'
import { ioError, onDisk } from '@latent/core/node'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname, join, posix, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import sharp from 'sharp'
import { listDataSet, type Listing } from './listing.ts'
import type { Layout } from './manifest.ts'

/** One file of a data set, and the file that is made of it. */
export interface Part {
  readonly source: string
  /** Below the output folder, with forward slashes. */
  readonly target: string
  readonly images: number
  /** Images of every label in this file. */
  readonly labels: Readonly<Record<string, number>>
}

/** A data set as it lies there, before anything is converted. */
export interface DataSetSource {
  /** The folder; places of files are below it. */
  readonly root: string
  readonly layout: Layout
  readonly parts: readonly Part[]
  /** Files that are copied as they are: labels of idx files. */
  readonly copied: readonly Part[]
  /** Every folder, so that one without pictures is there again: loaders number classes by their folders. */
  readonly folders: readonly string[]
  /** Folders of a class, by the depth they lie at, in which no picture lies. */
  readonly emptyClasses: readonly string[]
  /** Files that are neither converted nor needed to read the images: captions, class lists, metadata. */
  readonly others: readonly string[]
  /** What no person put there: see `listing.ts`. */
  readonly leavings: readonly string[]
  /** The first image: every other one has its shape. */
  readonly first: Image<'u8' | 'u16'>
}

const PICTURES = new Set(['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif', '.avif'])
/** Pictures that this program cannot read: passing them over would leave a data set incomplete. */
const UNREADABLE = new Set(['.bmp', '.ppm', '.pgm', '.pbm', '.pnm', '.heic', '.heif', '.jxl', '.jp2', '.tga'])
const BATCH = /batch.*\.bin$/
const IDX_IMAGES = /^(.*)-images-idx3-ubyte(\.gz)?$/
/** Batches and pictures are read whole: larger files are refused with E_LIMIT. */
export const MAX_FILE_BYTES = 2 ** 31

/**
 * Finds out how a data set lies in a folder, and checks what can be checked before anything is
 * written: labels, counts, sizes.
 * @throws E_DATA for images without a label, mixed layouts or mixed sizes; E_IO; E_IMAGE; E_LIMIT
 */
export async function readSource(folder: string): Promise<DataSetSource> {
  const listing = await listDataSet(folder)
  const [link] = listing.links
  if (link !== undefined)
    throw new LatentError('E_DATA', `${link} is a link, and links are not followed`, {
      hint: 'put the picture or folder itself there',
    })
  const names = listing.files.filter(place => !place.includes('/'))
  const batches = names.filter(name => BATCH.test(name))
  const idx = names.filter(name => IDX_IMAGES.test(name))
  if (batches.length > 0 && idx.length > 0)
    throw new LatentError('E_DATA', `${folder} holds both CIFAR and idx files`, {
      hint: 'encrypt them from folders of their own',
    })
  const found =
    batches.length > 0
      ? await cifar(folder, batches)
      : idx.length > 0
        ? await idxFiles(folder, idx, names)
        : await folders(folder, listing)
  const used = new Set([...found.parts, ...found.copied].map(({ source }) => source))
  const others = [...listing.files.filter(place => !used.has(join(folder, place))), ...listing.special]
  return { root: folder, emptyClasses: [], ...found, folders: listing.folders, others, leavings: listing.leavings }
}

type Found = Pick<DataSetSource, 'layout' | 'parts' | 'copied' | 'first'> & Partial<Pick<DataSetSource, 'emptyClasses'>>

async function cifar(folder: string, names: readonly string[]): Promise<Found> {
  const parts: Part[] = []
  for (const name of names) {
    const labels = within(name, cifarLabels, await readWhole(join(folder, name)))
    parts.push({ source: join(folder, name), target: name, images: labels.length, labels: countLabels(labels) })
  }
  const [first] = parseCifarBatch((await readWhole(parts[0]!.source)).subarray(0, CIFAR_RECORD))
  return { layout: 'cifar', parts, copied: [], first: first! }
}

async function idxFiles(folder: string, imageFiles: readonly string[], names: readonly string[]): Promise<Found> {
  const [parts, copied]: [Part[], Part[]] = [[], []]
  let first: Image<'u8'> | undefined
  for (const name of imageFiles) {
    const stem = IDX_IMAGES.exec(name)![1]!
    const target = `${stem}-images-idx3-ubyte`
    if (parts.some(part => part.target === target))
      throw new LatentError('E_DATA', `${target} is there both packed and unpacked`, { hint: 'remove one of them' })
    const labelFile = names.find(
      other => other === `${stem}-labels-idx1-ubyte` || other === `${stem}-labels-idx1-ubyte.gz`,
    )
    if (labelFile === undefined)
      throw new LatentError('E_DATA', `the labels of ${name} are not there`, {
        hint: `put ${stem}-labels-idx1-ubyte beside it`,
      })
    const packed = { source: join(folder, name), target, images: 0, labels: {} }
    const packedLabels = { source: join(folder, labelFile), target: `${stem}-labels-idx1-ubyte`, images: 0, labels: {} }
    const images = within(name, parseIdxImages, await readPart(packed))
    const labels = within(labelFile, parseIdxLabels, await readPart(packedLabels))
    if (labels.length !== images.length || images.length === 0)
      throw new LatentError('E_DATA', `${name} holds ${images.length} images and ${labelFile} ${labels.length} labels`)
    first ??= images[0]!
    requireShape(first, images[0]!, name)
    parts.push({ ...packed, images: images.length, labels: countLabels(labels) })
    copied.push(packedLabels)
  }
  return { layout: 'idx', parts, copied, first: first! }
}

/** What loaders, and this program, may take for a picture: it is converted or refused, and never copied as it is. */
export const isPicture = (place: string): boolean =>
  PICTURES.has(extname(place).toLowerCase()) || UNREADABLE.has(extname(place).toLowerCase())

/** Pictures in folders named for their class, or in such folders below a folder for each split. */
async function folders(root: string, listing: Listing): Promise<Found> {
  const unreadable = listing.files.find(place => UNREADABLE.has(extname(place).toLowerCase()))
  if (unreadable !== undefined)
    throw new LatentError('E_DATA', `${unreadable} is a picture of a kind that is not read`, {
      hint: `convert it, or move it away; what is read ends in ${[...PICTURES].join(', ')}`,
    })
  const places = listing.files.filter(place => PICTURES.has(extname(place).toLowerCase()))
  if (places.length === 0)
    throw new LatentError('E_DATA', `${root} holds no data set`, {
      hint:
        'a data set is folders of pictures named for their classes, CIFAR-10 binary batches, or idx files with ' +
        'their labels',
    })
  const loose = places.find(place => !place.includes('/'))
  if (loose !== undefined)
    throw new LatentError('E_DATA', `${loose} lies in no folder, so its label is unknown`, {
      hint: 'put every picture into the folder of its class',
    })
  const depth = depthOf(places[0]!)
  const elsewhere = places.find(place => depthOf(place) !== depth)
  if (elsewhere !== undefined || depth > 3)
    throw new LatentError(
      'E_DATA',
      `pictures lie at different depths, so that it is not clear which folders are classes: ${places[0]} ` +
        `and ${elsewhere ?? places.at(-1)}`,
      { hint: 'use CLASS/picture, or SPLIT/CLASS/picture, throughout' },
    )
  const parts = places.map(place => ({
    source: join(root, place),
    target: `${place.slice(0, -extname(place).length)}.png`,
    images: 1,
    labels: { [posix.dirname(place)]: 1 },
  }))
  const targets = new Map<string, string>()
  for (const [i, { target }] of parts.entries()) {
    const other = targets.get(target)
    if (other !== undefined)
      throw new LatentError('E_DATA', `${places[i]} and ${other} would both become ${target}`, {
        hint: 'rename one of them',
      })
    targets.set(target, places[i]!)
  }
  const filled = new Set(places.map(place => posix.dirname(place)))
  const emptyClasses = listing.folders.filter(place => depthOf(place) === depth - 1 && !filled.has(place))
  const first = await firstReadable(parts.map(({ source }) => source))
  await requireEqualSizes(
    root,
    parts.map(({ source }) => source),
    first,
  )
  return { layout: 'folders', parts, copied: [], emptyClasses, first }
}

const depthOf = (place: string): number => place.split('/').length

/** A corrupt picture is reported by the run, which goes on with the others; one readable picture is needed to begin. */
async function firstReadable(files: readonly string[]): Promise<Image<'u8' | 'u16'>> {
  let failure: unknown
  for (const file of files.slice(0, 20)) {
    try {
      return await decodeImage(await readWhole(file))
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

/** Reads headers alone. What has no readable header is left to the run, which reports it. */
async function requireEqualSizes(root: string, files: readonly string[], first: Image): Promise<void> {
  for (const file of files) {
    const size = await sizeOf(file)
    if (size && (size.width !== first.width || size.height !== first.height)) {
      throw new LatentError(
        'E_DATA',
        `the images differ in size: ${relative(root, file)} is ${size.width}x${size.height}, the first ` +
          `one ${first.width}x${first.height}`,
        { hint: 'crop or resize them to one size' },
      )
    }
  }
}

/** Nothing else is under way, and three blocking calls take a tenth of what three promises do. */
function sizeOf(
  path: string,
): { width: number; height: number } | undefined | Promise<{ width: number; height: number } | undefined> {
  const header = new Uint8Array(24)
  let file: number
  try {
    file = openSync(onDisk(path), 'r')
  } catch {
    return undefined
  }
  try {
    const read = readSync(file, header, 0, header.length, 0)
    const view = new DataView(header.buffer)
    if (read === 24 && isPng(header)) return { width: view.getUint32(16), height: view.getUint32(20) }
  } catch {
    return undefined
  } finally {
    closeSync(file)
  }
  const named = onDisk(path)
  // Of bytes, sharp would take a name that is no text for the picture itself. A camera that was turned is turned back.
  return sharp(typeof named === 'string' ? named : readFileSync(named))
    .metadata()
    .then(
      ({ autoOrient }) => autoOrient,
      () => undefined,
    )
}

/** What all images of a data set have in common. */
export type ImageShape = Pick<Image, 'width' | 'height' | 'channels' | 'format'>

/** @throws E_DATA */
export function requireShape(expected: ImageShape, found: ImageShape, name: string): void {
  const shape = ({ width, height, channels, format }: ImageShape) => `${width}x${height}x${channels} ${format}`
  if (shape(expected) !== shape(found))
    throw new LatentError('E_DATA', `the images differ: ${name} is ${shape(found)}, the first one ${shape(expected)}`, {
      hint: 'bring them to one size and one number of channels',
    })
}

/** The images of a part, without the container's header, in the order of the file. */
export function rawImages(layout: Layout, bytes: Uint8Array, like: ImageShape): Image<'u8'>[] {
  if (layout === 'cifar') return parseCifarBatch(bytes)
  const { width, height, channels } = like
  const size = width * height * channels
  return Array.from({ length: bytes.length / size }, (_, i) =>
    image({ width, height, channels, format: 'u8', data: bytes.slice(i * size, (i + 1) * size) }),
  )
}

/** @throws E_IO; E_LIMIT */
export async function readWhole(path: string): Promise<Uint8Array> {
  try {
    if ((await stat(onDisk(path))).size > MAX_FILE_BYTES)
      throw new LatentError('E_LIMIT', `${path} is larger than 2 GiB`, { hint: 'cut it into smaller files first' })
    return await readFile(onDisk(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}

/**
 * What goes into a part's file: the bytes of its source, unpacked where the name says that they will be.
 * @throws E_DATA for a damaged gzip file
 */
export async function readPart({ source, target }: Pick<Part, 'source' | 'target'>): Promise<Uint8Array> {
  const bytes = await readWhole(source)
  if (!source.endsWith('.gz') || target.endsWith('.gz')) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_FILE_BYTES })
  } catch (cause) {
    throw new LatentError('E_DATA', `${source} is not a whole gzip file`, { cause })
  }
}

/** Names the file in what a parser of bytes reports. */
function within<T>(name: string, parse: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return parse(bytes)
  } catch (error) {
    if (error instanceof LatentError)
      throw new LatentError(error.code, `${name}: ${error.message}`, { cause: error, hint: error.hint })
    throw error
  }
}

function countLabels(labels: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1
  return counts
}
