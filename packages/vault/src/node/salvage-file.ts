import { LatentError, sha256 } from '@latent/core'
import { readFileParts } from '@latent/core/node'
import { basename, dirname } from 'node:path'
import { chunkRange, roomFor } from '../open.ts'
import type { Metadata } from '../payload.ts'
import { type Salvage, salvagedMetadata, salvageSealed } from '../salvage.ts'
import type { Found } from './discover.ts'
import type { OpenRun } from './open-run.ts'
import { fitName, splitName } from './opened-names.ts'
import type { Output } from './output.ts'
import { failure, type FileResult } from './run.ts'
import { plainFolder } from './sealed-names.ts'

/** First byte, and the byte behind the last. */
type Range = readonly [from: number, to: number]

interface Survey {
  readonly metadata: Metadata | undefined
  /** Bytes that come out: up to the end of the last intact part. */
  readonly size: number
  readonly missing: readonly Range[]
  readonly sha256: Uint8Array
}

/**
 * Writes what is intact of a damaged file, with zeros for what is missing before something: under its own
 * name if nothing of it is missing, as `name.salvaged.jpg` otherwise, not at all if nothing is intact.
 * @param damage what opening it came to
 */
export async function salvageFile(run: OpenRun, output: Output, file: Found, damage: LatentError): Promise<FileResult> {
  const salvage = () => salvageSealed(() => readFileParts(file.source), file.size, run.keyring, run.flows)
  const { metadata, size, missing, sha256 } = await survey(await salvage())
  // Where the metadata are gone, that there was room for no byte is no more than the picture says.
  if (size === 0 && (missing.length > 0 || metadata === undefined))
    return failure(
      file.source,
      new LatentError('E_CHUNK', 'nothing of the file inside is intact', { hint: 'download or copy the file again' }),
      { sealedBytes: file.size },
    )
  const whole = metadata !== undefined && missing.length === 0 && damage.code !== 'E_HASH'
  const name = metadata?.name ?? basename(file.relative).replace(/\.png$/i, '')
  const [stem, extension] = splitName(name)
  const { target, note } = await output.deliver(
    plainFolder(dirname(file.relative)),
    whole ? name : fitName(stem, `.salvaged${extension}`),
    {
      size,
      metadata,
      sha256: async () => sha256,
      async *bytes() {
        yield* intactBytes(await salvage())
      },
    },
  )
  const result = { source: file.source, target, plainBytes: size, sealedBytes: file.size }
  if (whole)
    return {
      ...result,
      status: 'done',
      note: `${damage.message}; nothing of the file inside is missing${note === undefined ? '' : `; ${note}`}`,
    }
  return {
    ...failure(file.source, lacking(missing, metadata, damage), result),
    status: 'salvaged',
    missingBytes: missing,
  }
}

function lacking(missing: readonly Range[], metadata: Metadata | undefined, damage: LatentError): LatentError {
  if (missing.length === 0 && metadata !== undefined) return damage
  const lost = [
    ...(missing.length === 0
      ? []
      : [
          'parts of the file inside are missing, with zeros in their place: ' +
            `bytes ${missing.map(([from, to]) => `${from}-${to - 1}`).join(', ')}`,
        ]),
    ...(metadata === undefined ? ['the first chunk is gone, and with it the name and exact size'] : []),
  ]
  return new LatentError('E_CHUNK', lost.join('; '), { hint: 'everything else is authentic' })
}

async function survey(salvage: Salvage): Promise<Survey> {
  const hash = sha256()
  let metadata: Metadata | undefined
  let end = 0
  const missing: Range[] = []
  for await (const part of intactParts(salvage, found => (metadata = found))) {
    if (part.from > end) missing.push([end, part.from])
    for (const zeros of zerosFor(part.from - end)) hash.update(zeros)
    hash.update(part.bytes)
    end = part.from + part.bytes.length
  }
  const size = metadata?.size ?? roomFor(salvage)
  if (end < size) missing.push([end, size])
  return { metadata, size: end, missing, sha256: hash.digest() }
}

async function* intactBytes(salvage: Salvage): AsyncGenerator<Uint8Array> {
  let end = 0
  for await (const { from, bytes } of intactParts(salvage)) {
    yield* zerosFor(from - end)
    yield bytes
    end = from + bytes.length
  }
}

/** What is intact of the file inside, in order. */
async function* intactParts(
  salvage: Salvage,
  onMetadata: (metadata: Metadata) => void = () => undefined,
): AsyncGenerator<{ from: number; bytes: Uint8Array }> {
  let index = 0
  let size = roomFor(salvage)
  for await (const plaintext of salvage.pieces) {
    if (index === 0) {
      const metadata = salvagedMetadata(salvage, plaintext)
      if (metadata) onMetadata(metadata)
      size = metadata?.size ?? size
    }
    const { from, to } = chunkRange(index, salvage, size)
    const start = index === 0 ? salvage.header.metadata : 0
    index++
    if (plaintext !== undefined && from < to) yield { from, bytes: plaintext.subarray(start, start + to - from) }
  }
}

const ZEROS_BYTES = 65_536

function* zerosFor(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= ZEROS_BYTES) yield new Uint8Array(Math.min(left, ZEROS_BYTES))
}
