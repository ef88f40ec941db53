import { LatentError } from '@latent/core'
import { contentBytes } from './picture.ts'
import { type PixelDecoder, readPicture, type ReadPicture } from './read.ts'
import { partsAmiss, type PartSet, type ReceivedPart, type RestoredFile, restoreSet, sortParts } from './restore.ts'

/** A carrier that was read, as a part of its set; nothing if none of its codewords could be decoded. */
export function partOf(source: string, { channel, frames }: ReadPicture): ReceivedPart | undefined {
  const descriptor = frames.find(Boolean)?.descriptor
  if (!descriptor) return undefined
  const content = new Uint8Array(frames.length * contentBytes(channel.mode))
  frames.forEach((frame, index) => frame && content.set(frame.content, index * contentBytes(channel.mode)))
  return { source, descriptor, mode: channel.mode, frames: frames.map(Boolean), content: async () => content }
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`

/** The error for a carrier of which no codeword could be decoded: what was measured says why. */
export function undecodable(
  { format, width, height }: Pick<ReadPicture['opened'], 'format' | 'width' | 'height'>,
  { information, needed, agreement }: Pick<ReadPicture['channel'], 'information' | 'needed' | 'agreement'>,
  scale = 1,
): LatentError {
  const scaled = scale === 1 ? '' : ` that was scaled to ${percent(scale)} of its sides`
  return new LatentError(
    'E_REENCODED',
    `this ${format} of ${width} x ${height} pixels is a robust carrier${scaled}, but what is left of it ` +
      `is too little: ${percent(information)} of its bits, where its code needs ${percent(needed)} and some more ` +
      `(pilots agree to ${percent(agreement)})`,
    {
      hint: 'get it from the service in a better quality, or seal again with a harsher preset: latent probe finds one',
    },
  )
}

/** Which parts of a set are missing or hurt, in words; nothing where all is there. */
export function amissIn(set: PartSet): string {
  const { missing, hurt } = partsAmiss(set)
  return [
    ...(missing.length > 0 ? [`${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`] : []),
    ...hurt.map(({ source, frames }) => {
      const lost = frames.filter(there => !there).length
      return `${lost} of ${frames.length} codewords of ${source.split(/[/\\]/).at(-1)} could not be decoded`
    }),
  ].join('; ')
}

/** The error for a set whose directories are both lost. */
export const tooLittle = (said: string): LatentError =>
  new LatentError('E_TRUNCATED', `too much of this set is gone to tell what it holds: ${said}`, {
    hint: 'look for the pictures that are missing',
  })

/** What some pictures hold together. */
export interface Collection {
  readonly files: readonly RestoredFile[]
  /** Of pictures and sets that gave nothing, by the name of a picture. */
  readonly errors: readonly { readonly source: string; readonly error: LatentError }[]
}

/**
 * Restores the sealed files in some pictures that are in memory: for pages, and for few files.
 * @param decode for what is neither JPEG nor PNG
 */
export async function collectPictures(
  pictures: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  decode?: PixelDecoder,
): Promise<Collection> {
  const errors: { source: string; error: LatentError }[] = []
  const parts: ReceivedPart[] = []
  const attempt = async (source: string, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof LatentError)) throw error
      errors.push({ source, error })
    }
  }
  for (const { name, bytes } of pictures)
    await attempt(name, async () => {
      const read = await readPicture(bytes, decode)
      const part = partOf(name, read)
      if (!part) throw undecodable(read.opened, read.channel, read.scale)
      parts.push(part)
    })
  const files: RestoredFile[] = []
  for (const set of sortParts(parts))
    await attempt(set.groups.flatMap(group => group?.parts.flat() ?? [])[0]!.source, async () => {
      const restored = await restoreSet(set)
      if (!restored.files) throw tooLittle(amissIn(set))
      files.push(...restored.files)
    })
  return { files, errors }
}
