import { joinBytes, release, sha256Of } from '@latent/core'
import { readSteadyNow } from '@latent/core/node'
import type { FlowProvider } from '../bodies/index.ts'
import { looksSealed } from '../salvage.ts'
import { streamOf } from '../streams.ts'
import type { Found } from './discover.ts'
import { checkAtOnce, prepareSource, type SealingOptions, type SourceInfo } from './source-file.ts'

/** A small file that one thread seals whole. */
export interface SealTask extends Pick<Found, 'source' | 'relative' | 'size'> {
  readonly how: SealingOptions
  readonly check: boolean
}

/** What came of it, ready to be published. */
export interface SealedWhole {
  readonly info: SourceInfo
  readonly notes: readonly string[]
  readonly nonce: Uint8Array
  /** SHA-256 of the file, and of what it was sealed to. */
  readonly content: Uint8Array
  readonly sha256: Uint8Array
  readonly png: Uint8Array
}

/** A file that is not sealed whole: it is sealed already, or has grown since it was met. */
export type NotWhole = 'sealed already' | 'too large'

/**
 * Small files that a thread works on side by side: a message, or a run of the networks, costs as much as sealing a few
 * kilobytes.
 */
export const BATCH_FILES = 16

/** Bytes of the largest file that is sealed whole: a few times as many are in memory meanwhile. */
export const WHOLE_BYTES = 1 << 20

/**
 * Reads, seals and checks a small file, with nothing to wait for in between.
 * @throws E_CHANGED if something wrote to it meanwhile; E_IO; as `openSealed` where the check fails
 */
export async function sealWhole(task: SealTask, flows: FlowProvider): Promise<SealedWhole | NotWhole> {
  const { how, check, source } = task
  const read = readSteadyNow(source, WHOLE_BYTES)
  if (!read) return 'too large'
  const { info, bytes } = read
  if (looksSealed(bytes)) return 'sealed already'
  const { sealing, notes } = await prepareSource(how, task, info, bytes, flows)
  let content: Uint8Array = new Uint8Array(0)
  const parts: Uint8Array[] = []
  for await (const part of sealing.png(streamOf(bytes), sha256 => (content = sha256))) parts.push(part)
  const png = joinBytes(parts)
  // Each file has another size: its memory is of no use to the next one, and the collector would learn of it late.
  for (const part of [bytes, ...parts]) release(part)
  if (check) await checkAtOnce(how.album, png, flows)
  const { size, mtimeNs, ctimeNs, mtimeMs, ctimeMs, ino, mode } = info
  return {
    info: { size, mtimeNs, ctimeNs, mtimeMs, ctimeMs, ino, mode },
    notes,
    nonce: sealing.nonce,
    content,
    sha256: sha256Of(png),
    png,
  }
}
