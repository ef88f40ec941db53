import { ioError } from '@latent/core/node'
import { reencoded, writeCarrier } from '@latent/vault'
import { failure, type FileResult, type Found, type RunWatcher } from '@latent/vault/node'
import { writeFile, readFile, mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { amissIn, tooLittle, undecodable } from '../collect.ts'
import { modeOf } from '../channel/modes.ts'
import { type PartSet, type ReceivedPart, restoreSet, sortParts } from '../restore.ts'
import type { Pool } from './pool.ts'
import type { Reading } from './task.ts'

/** A sealed file that was put together again. */
export interface Recovered {
  readonly path: string
  /** The picture that names it in messages. */
  readonly from: string
  /** What is not as it was made, though all of it or a part could be had. */
  readonly remark?: string
}

/** What pictures gave. */
export interface Recovery {
  readonly recovered: readonly Recovered[]
  /** Pictures that gave nothing, and sets that cannot be put together. */
  readonly results: readonly FileResult[]
}

/**
 * Reads robust carriers and writes the sealed files that they carry, as PNGs of noise, into a folder.
 */
export async function recover(
  pictures: readonly Found[],
  folder: string,
  pool: Pool,
  watcher?: RunWatcher,
): Promise<Recovery> {
  const results: FileResult[] = []
  const parts: ReceivedPart[] = []
  const readings = pictures.map(async (picture, index) => {
    try {
      const reading = await pool.read(picture.source)
      const part = await keep(reading, picture.source, join(folder, `part-${index}`))
      if (part) parts.push(part)
      else
        results.push(
          failure(picture.source, undecodable(reading, reading, reading.scale), { sealedBytes: picture.size }),
        )
    } catch (error) {
      const coded = ioError(error, `cannot read ${basename(picture.source)}`)
      // It may be a sealed PNG that a service encoded anew, so it is never passed over.
      const none = coded.code === 'E_NOT_SEALED' || coded.code === 'E_IMAGE'
      const said = none ? reencoded(coded.message) : coded
      results.push(failure(picture.source, said, { sealedBytes: picture.size }))
    }
    watcher?.progress?.(picture.source, picture.size)
  })
  await Promise.all(readings)
  const recovered: Recovered[] = []
  const folderOf = new Map(pictures.map(({ source, relative }) => [source, dirname(relative)]))
  for (const set of sortParts(parts.toSorted((a, b) => (a.source < b.source ? -1 : 1)))) {
    const from = firstSource(set)
    try {
      recovered.push(...(await writeSet(set, from, join(folder, 'sealed', folderOf.get(from) ?? '.'))))
    } catch (error) {
      results.push(failure(from, ioError(error, `cannot put together ${basename(from)}`)))
    }
  }
  return { recovered, results }
}

async function keep(reading: Reading, source: string, path: string): Promise<ReceivedPart | undefined> {
  const { descriptor, content, frames, mode } = reading
  if (!descriptor || !content) return undefined
  await writeFile(path, content, { mode: 0o600 })
  return { source, descriptor, mode: modeOf(mode), frames, content: () => readFile(path) }
}

const firstSource = ({ groups }: PartSet): string => groups.flatMap(group => group?.parts.flat() ?? [])[0]!.source

async function writeSet(set: PartSet, from: string, folder: string): Promise<Recovered[]> {
  const { files, hasHoles } = await restoreSet(set)
  const said = amissIn(set)
  if (!files) throw tooLittle(said)
  await mkdir(folder, { recursive: true })
  const remark = said === '' ? {} : { remark: hasHoles ? said : `${said}; the others made up for it` }
  const recovered: Recovered[] = []
  for (const [index, file] of files.entries()) {
    const path = join(folder, `${set.name}-${String(index + 1).padStart(4, '0')}.png`)
    await writeFile(path, writeCarrier(file.geometry, file.pixels()), { mode: 0o600 })
    recovered.push({ path, from, ...remark })
  }
  return recovered
}
