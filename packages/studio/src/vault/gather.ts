import { LatentError } from '@latent/core'
import {
  amissIn,
  partOf,
  type PartSet,
  type PixelDecoder,
  readPicture,
  type ReceivedPart,
  restoreSet,
  sortParts,
  tooLittle,
  undecodable,
} from '@latent/robust'
import { reencoded, writeCarrier } from '@latent/vault'
import { type Fault, faultOf } from './fault.ts'
import { fileError } from './file-error.ts'
import { openPlace } from './place.ts'

/** A picture that may be a part of a robust carrier. */
export interface Picture {
  readonly id: number
  readonly file: File
  /** With `/` between folders. */
  readonly path: string
}

/** What pictures hold together. */
export interface Gathered {
  readonly files: readonly GatheredFile[]
  /** Of pictures that gave nothing. */
  readonly faults: readonly { readonly id: number; readonly fault: Fault }[]
}

/** A sealed file that was put together again, as a PNG of noise. */
export interface GatheredFile {
  readonly file: File
  readonly path: string
  /** The pictures that held it. */
  readonly from: readonly number[]
  /** Is all of its set there? */
  readonly whole: boolean
  /** What is not as it was made, though all of it or a part could be had. */
  readonly remark?: string
}

/** With what pictures are read. */
export interface GatherTools {
  /** For what is neither JPEG nor PNG. */
  readonly decode: PixelDecoder | undefined
  readonly signal: AbortSignal
  /** Called with bytes of a picture; there are two passes over it, as over every file. */
  readonly report: (id: number, bytes: number) => void
}

/** Bytes of a picture at most: it is read whole, and the largest carriers are far smaller. */
const MOST_BYTES = 2 ** 28

/**
 * Reads robust carriers, in any order, and puts together the sealed files that they hold. What a picture holds waits as
 * a blob, so that a page's memory does not grow with their number.
 * @throws what the signal says
 */
export async function gather(pictures: readonly Picture[], tools: GatherTools): Promise<Gathered> {
  const { signal, report } = tools
  const faults: { id: number; fault: Fault }[] = []
  const owners = new Map<ReceivedPart, Picture>()
  for (const picture of pictures) {
    try {
      owners.set(await readPart(picture, tools), picture)
    } catch (error) {
      signal.throwIfAborted()
      faults.push({ id: picture.id, fault: faultOf(error) })
    }
    report(picture.id, 2 * picture.file.size)
  }
  const files: GatheredFile[] = []
  for (const set of sortParts([...owners.keys()])) {
    const mine = set.groups.flatMap(group => group?.parts.flat() ?? []).map(part => owners.get(part)!)
    try {
      files.push(...(await restored(set, mine)))
    } catch (error) {
      faults.push(...mine.map(({ id }) => ({ id, fault: faultOf(error) })))
    }
    signal.throwIfAborted()
  }
  return { files, faults }
}

async function readPart({ file, path }: Picture, { decode, signal }: GatherTools): Promise<ReceivedPart> {
  signal.throwIfAborted()
  if (file.size > MOST_BYTES)
    throw new LatentError('E_LIMIT', 'this picture is larger than any robust carrier', { hint: 'open the others' })
  const bytes = await file.arrayBuffer().catch((error: unknown) => Promise.reject(fileError(error)))
  signal.throwIfAborted()
  const read = await readPicture(new Uint8Array(bytes), decode).catch((error: unknown) => {
    const none = error instanceof LatentError && (error.code === 'E_NOT_SEALED' || error.code === 'E_IMAGE')
    // It may be a sealed PNG that a service encoded anew.
    throw none ? reencoded(error.message) : error
  })
  const part = partOf(path, read)
  if (!part) throw undecodable(read.opened, read.channel)
  const content = new Blob([(await part.content()) as Uint8Array<ArrayBuffer>])
  return { ...part, content: async () => new Uint8Array(await content.arrayBuffer()) }
}

async function restored(set: PartSet, pictures: readonly Picture[]): Promise<GatheredFile[]> {
  const { files, hasHoles } = await restoreSet(set)
  const said = amissIn(set)
  if (!files) throw tooLittle(said)
  const first = pictures[0]!.path
  const place = openPlace({ kind: 'memory' })
  const made: GatheredFile[] = []
  for (const [index, found] of files.entries()) {
    const path = `${first.slice(0, first.lastIndexOf('/') + 1)}${set.name}-${index + 1}.png`
    const draft = (await place.create(path, 'image/png', Date.now()))!
    for await (const part of writeCarrier(found.geometry, found.pixels())) await draft.write(part)
    made.push({
      file: (await draft.finish()) as File,
      path,
      from: pictures.map(({ id }) => id),
      whole: !hasHoles,
      ...(said === '' ? {} : { remark: hasHoles ? said : `${said}; the others made up for it` }),
    })
  }
  return made
}
