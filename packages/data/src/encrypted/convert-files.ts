import { LatentError, sha256Of, toHex } from '@latent/core'
import { type Destination, publish } from '@latent/core/node'
import { CIFAR_RECORD } from '../raster-sets.ts'
import type { Workers } from '@latent/core/workers'
import { join, relative } from 'node:path'
import type { DataSetFolder, Entry } from './manifest.ts'
import { type Part, readPart } from './source.ts'
import {
  hashOf,
  isThere,
  type PictureOutcome,
  type PicturePart,
  type PictureTask,
  type RawTask,
  requireListed,
  type RunContext,
  sourceTag,
  sourceTagKey,
} from './worker.ts'
import type { Failure, Job } from './conversion.ts'

/** Threads that convert pieces of batches, or whole pictures. */
export type Pool = Workers<RawTask | PictureTask, Uint8Array | PictureOutcome[]>

const IMAGES_A_TASK = 1000
const PICTURES_A_TASK = 64

/** A conversion under way: what every file of it needs, and what failed so far. */
export interface Run {
  readonly context: RunContext
  readonly folder: DataSetFolder
  readonly pool: Pool
  readonly job: Job
  readonly destination: Destination
  readonly exact: boolean
  readonly failures: Failure[]
}

/**
 * A file that is converted as one: a batch, or a copy. One that fails is noted, and the run goes on.
 * @returns images made in this run
 * @throws E_INTERRUPTED
 */
export async function wholeFile(
  part: Part,
  run: Run,
  contents: (bytes: Uint8Array) => Promise<Uint8Array[]>,
): Promise<number> {
  const { job } = run
  try {
    return await convertWhole(part, run, contents)
  } catch (error) {
    if (!(error instanceof LatentError) || error.code === 'E_INTERRUPTED') throw error
    fail(run, part.source, error)
    job.onImages?.(part.images)
    return 0
  }
}

async function convertWhole(
  { source, target, images }: Part,
  { context, folder, job: { listed, onImages }, destination, exact }: Run,
  contents: (bytes: Uint8Array) => Promise<Uint8Array[]>,
): Promise<number> {
  const tagKey = await sourceTagKey(context)
  const bytes = await readPart({ source, target })
  const before = listed.get(target)
  requireListed(target, bytes, before?.sha256)
  const entry = folder.entries.get(target)
  if (await isThere(context.out, entry, bytes, tagKey)) {
    onImages?.(images)
    return 0
  }
  const result = Buffer.concat(await contents(bytes))
  const sha256 = toHex(sha256Of(result))
  const equal = before && before.source === (await sourceTag(tagKey, result))
  if (exact && equal === false)
    throw new LatentError(
      'E_HASH',
      `${target} does not decrypt to what was encrypted, though ${context.scheme} is exact`,
      { hint: 'the manifest was altered, or this is another release: report it' },
    )
  // A run that was killed before it could say so may have made the very file.
  await publish(join(context.out, target), [result], {
    destination,
    replace: path => entry !== undefined || hashOf(path) === sha256,
  })
  await folder.add([
    {
      file: target,
      images,
      sha256,
      source: await sourceTag(tagKey, bytes),
      ...(equal === undefined ? {} : { exact: equal }),
    },
  ])
  return images
}

/** The file with its images encrypted or decrypted, in pieces. */
export function rawContents(
  { target, images }: Part,
  bytes: Uint8Array,
  { context, pool, job: { onImages } }: Run,
): Promise<Uint8Array[]> {
  const { layout, shape } = context
  const headerBytes = layout === 'idx' ? 16 : 0
  const imageBytes = layout === 'cifar' ? CIFAR_RECORD : shape.width * shape.height * shape.channels
  return Promise.all([
    Promise.resolve(bytes.subarray(0, headerBytes)),
    ...Array.from({ length: Math.ceil(images / IMAGES_A_TASK) }, async (_, i) => {
      const start = i * IMAGES_A_TASK
      const piece = bytes.slice(headerBytes + start * imageBytes, headerBytes + (start + IMAGES_A_TASK) * imageBytes)
      const done = (await pool.run({ context, target, start, bytes: piece } satisfies RawTask)) as Uint8Array
      onImages?.(piece.length / imageBytes)
      return done
    }),
  ])
}

/**
 * Pictures that are a file each, by many threads; those that fail are noted.
 * @returns images made in this run
 */
export async function pictureFiles(parts: readonly Part[], run: Run): Promise<number> {
  const { context, folder, pool, job } = run
  let made = 0
  const pictures = parts.map(({ source, target }): PicturePart => ({
    source,
    target,
    entry: folder.entries.get(target),
    listed: job.listed.get(target),
  }))
  const tasks = Array.from({ length: Math.ceil(parts.length / PICTURES_A_TASK) }, (_, i): PictureTask => ({
    context,
    pictures: pictures.slice(i * PICTURES_A_TASK, (i + 1) * PICTURES_A_TASK),
  }))
  await pool.each(tasks, async result => {
    const outcomes = result as PictureOutcome[]
    const entries = outcomes.flatMap(({ made }): Entry[] => (made ? [made] : []))
    for (const { source, failure } of outcomes) if (failure) fail(run, source, failure)
    await folder.add(entries)
    made += entries.length
    job.onImages?.(outcomes.length)
  })
  return made
}

/** Notes a file that could not be converted, and tells whoever watches. */
export function fail(
  { failures, job }: Run,
  source: string,
  { code, message }: { readonly code: string; readonly message: string },
): void {
  const failure = { file: relative(process.cwd(), source), code, message }
  failures.push(failure)
  job.onFailure?.(failure)
}
