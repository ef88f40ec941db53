import { LatentError } from '@latent/core'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { FlowProvider } from '../body.ts'
import type { Keyring } from '../envelope.ts'
import { chunkRange, openSealed } from '../open.ts'
import type { Metadata } from '../payload.ts'
import { salvagedMetadata, salvageSealed } from '../salvage.ts'
import { discover, type Found } from './discover.ts'
import { Folders, ioError, readFileParts, removeStale, writeWhole } from './files.ts'
import { counted, failure, type FileResult, runAll, type RunWatcher } from './run.ts'

export interface OpenRun {
  readonly inputs: readonly string[]
  readonly output: string
  readonly keyring: Keyring
  readonly flows: FlowProvider
  readonly force?: boolean
  /** Write what is intact of damaged files, with zeros for what is missing. */
  readonly salvage?: boolean
  readonly jobs?: number
  readonly watcher?: RunWatcher
}

/**
 * Opens sealed files and folders into a folder, keeping its structure, each file under its own name.
 * @throws E_IO if the output folder cannot be written; failures of single files are results
 */
export async function* openFiles(run: OpenRun): AsyncGenerator<FileResult> {
  const info = await stat(run.output).catch(() => undefined)
  if (info && !info.isDirectory()) throw new LatentError('E_IO', `the output ${run.output} is not a folder`, { hint: 'give a folder with -o' })
  await removeStale(run.output)
  const claims = new Claims()
  const folders = new Folders()
  yield* overFiles(run, file => openOne(run, claims, folders, file))
  await folders.flush()
}

/** Opens sealed files to the last byte and writes nothing. */
export async function* verifyFiles(run: Omit<OpenRun, 'output' | 'force' | 'salvage'>): AsyncGenerator<FileResult> {
  yield* overFiles({ ...run, output: '' }, async file => {
    const started = performance.now()
    const opened = await openSealed(watched(run, file), run.keyring, run.flows)
    for await (const part of opened.bytes) void part
    return { source: file.source, status: 'done', plainBytes: opened.metadata.size, sealedBytes: file.size, seconds: (performance.now() - started) / 1000 }
  })
}

async function* overFiles(run: Pick<OpenRun, 'inputs' | 'output' | 'jobs' | 'watcher'>, work: (file: Found) => Promise<FileResult>): AsyncGenerator<FileResult> {
  const named = new Set(run.inputs.map(input => resolve(input)))
  const { files, passedOver } = await discover(run.inputs, run.output || '.latent-nowhere')
  for (const { source, error, failed } of passedOver) yield failed ? failure(source, error) : { ...failure(source, error), status: 'skipped' }
  run.watcher?.planned?.(files.length, files.reduce((sum, file) => sum + file.size, 0))
  yield* runAll(files, run.jobs ?? 4, async file => {
    try {
      return await work(file)
    } catch (error) {
      const result = failure(file.source, ioError(error, `cannot open ${basename(file.source)}`), { sealedBytes: file.size })
      // A folder may hold other things than sealed files; what the user names must be one.
      return result.code === 'E_NOT_SEALED' && !named.has(file.source) ? { ...result, status: 'skipped' } : result
    }
  })
}

const watched = ({ watcher }: Pick<OpenRun, 'watcher'>, { source }: Found) => counted(readFileParts(source), bytes => watcher?.progress?.(source, bytes))

async function openOne(run: OpenRun, claims: Claims, folders: Folders, file: Found): Promise<FileResult> {
  const started = performance.now()
  if (run.salvage) return salvageOne(run, claims, file)
  const opened = await openSealed(watched(run, file), run.keyring, run.flows)
  const target = claims.claim(join(run.output, dirname(file.relative)), safeName(opened.metadata.name))
  const sizes = { plainBytes: opened.metadata.size, sealedBytes: file.size }
  if (!run.force && (await isThere(target, opened.metadata))) {
    await opened.close()
    return { source: file.source, target, status: 'skipped', reason: 'opened before and unchanged', ...sizes }
  }
  await writeWhole(target, opened.bytes, { folders, modified: opened.metadata.modified, overwrite: run.force ?? false })
  return { source: file.source, target, status: 'done', ...sizes, seconds: (performance.now() - started) / 1000 }
}

async function salvageOne(run: OpenRun, claims: Claims, file: Found): Promise<FileResult> {
  const salvage = await salvageSealed(() => readFileParts(file.source), file.size, run.keyring, run.flows)
  const { chunks, header } = salvage
  const holes: string[] = []
  let metadata: Metadata | undefined
  let [written, index, owed] = [0, 0, 0]

  async function* bytes() {
    for await (const plaintext of salvage.pieces) {
      if (index === 0) metadata = salvagedMetadata(salvage, plaintext)
      const { from, to } = chunkRange(index, salvage, metadata?.size)
      const start = index === 0 ? header.metadata : 0
      const length = index === chunks.count - 1 ? Math.min(to - from, Math.max(0, chunks.lastSize - start)) : to - from
      index++
      if (plaintext === undefined) {
        holes.push(`${from}-${to - 1}`)
        owed += length
        continue
      }
      // Zeros stand for what is missing before something, never for what is missing at the end.
      for (; owed > 0; owed -= Math.min(owed, chunks.size)) yield new Uint8Array(Math.min(owed, chunks.size))
      written = from + length
      yield plaintext.subarray(start, start + length)
    }
  }
  const target = claims.claim(join(run.output, dirname(file.relative)), `${basename(file.relative, '.png')}.salvaged`)
  await writeWhole(target, bytes(), { overwrite: run.force ?? false })
  if (index < chunks.count) holes.push(`${chunkRange(index, salvage, metadata?.size).from}-${metadata ? metadata.size - 1 : 'end'}`)
  if (holes.length === 0) return { source: file.source, target, status: 'done', reason: 'nothing was missing', plainBytes: written, sealedBytes: file.size }
  const nameless = metadata === undefined ? '; the first chunk is gone, and with it the name and exact size' : ''
  const error = new LatentError('E_CHUNK', `parts of the file inside are missing, with zeros in their place: bytes ${holes.join(', ')}${nameless}`, { hint: 'everything else is authentic' })
  return failure(file.source, error, { target, plainBytes: written, sealedBytes: file.size })
}

/** Opened whole by an earlier run: writing is all or nothing, and the time is set before the file appears. */
async function isThere(target: string, { size, modified }: Metadata): Promise<boolean> {
  const info = await stat(target).catch(() => undefined)
  return info !== undefined && info.isFile() && info.size === size && Math.abs(info.mtimeMs - modified) < 2
}

/** Two sealed files of one folder may hold files of one name: the second becomes `name (2).jpg`. */
class Claims {
  readonly #taken = new Set<string>()

  claim(folder: string, name: string): string {
    const dot = name.lastIndexOf('.')
    const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
    for (let n = 1; ; n++) {
      const path = join(folder, n === 1 ? name : `${stem} (${n})${extension}`)
      if (this.#taken.has(path)) continue
      this.#taken.add(path)
      return path
    }
  }
}

/**
 * The name a file gets here. The format keeps names out of other folders; what is left could still
 * drive a terminal, pass for a journal of ours, or mean something else to Windows: such characters
 * become underscores.
 */
export function safeName(name: string, platform: NodeJS.Platform = process.platform): string {
  // oxlint-disable-next-line no-control-regex
  const quiet = name.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '_').replace(/^\.latent-/, '_latent-')
  if (platform !== 'win32') return quiet
  const plain = quiet.replaceAll(/[\\:*?"<>|]/g, '_').replace(/[. ]$/, '_')
  return /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(plain) ? `_${plain}` : plain
}
