import { ioError, readFileParts } from '@latent/core/node'
import { basename, dirname, join, sep } from 'node:path'
import { openSealed } from '../open.ts'
import type { Metadata } from '../payload.ts'
import { placeInNote } from '../place.ts'
import { discover } from './discover.ts'
import type { OpenRun } from './open-run.ts'
import { failure, type FileResult, runAll } from './run.ts'
import { plainFolder } from './sealed-names.ts'

/** A sealed file, and what lies in it: `path` with `/`, as it will be opened. */
export interface Listed {
  readonly source: string
  readonly path: string
  readonly metadata: Metadata
}

/** What `listFiles` is asked for. */
export type ListRun = Pick<OpenRun, 'inputs' | 'keyring' | 'flows' | 'only' | 'except' | 'jobs'>

/**
 * What sealed files hold, from their headers and first chunks: which of them is which photo. Files that are none
 * and are not called like one are passed over.
 */
export async function* listFiles(run: ListRun): AsyncGenerator<Listed | FileResult> {
  const { files: found, passedOver } = await discover(run.inputs, '.latent-nowhere')
  for (const { source, error, failed } of passedOver) if (failed) yield failure(source, error)
  const files = found.filter(({ source }) => !run.except?.has(source))
  const results = runAll(files, run.jobs, async (file): Promise<Listed | FileResult> => {
    try {
      const opened = await openSealed(readFileParts(file.source), run.keyring, run.flows)
      const { metadata, note } = opened
      await opened.close()
      const folder = dirname(placeInNote(note) ?? join(plainFolder(dirname(file.relative)), 'x'))
      return { source: file.source, path: join(folder, metadata.name).split(sep).join('/'), metadata }
    } catch (error) {
      return failure(file.source, ioError(error, `cannot open ${basename(file.source)}`))
    }
  })
  for await (const result of results) {
    if ('code' in result && result.code === 'E_NOT_SEALED' && !/\.png$/i.test(result.source)) continue
    if ('path' in result && run.only?.has(result.path) === false) continue
    yield result
  }
}
