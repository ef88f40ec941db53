import { sha256, toHex } from '@latent/core'
import { onDisk, readFileParts } from '@latent/core/node'
import { type BigIntStats, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { carrierSize } from '../carrier/index.ts'
import { type Inspection, inspectSealed } from '../open.ts'
import { looksSealed } from '../salvage.ts'
import { releasing } from '../streams.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'

/** What lies where a sealed file is to go. */
export type TargetState =
  | { readonly kind: 'absent' }
  /** An earlier run made it. Damaged: it is not what that run left there. */
  | { readonly kind: 'ours'; readonly entry: Entry; readonly info: BigIntStats; readonly damaged: boolean }
  /** The journal does not know it. */
  | { readonly kind: 'foreign'; readonly info: BigIntStats; readonly sealed: boolean }

/**
 * A file that lies there as the journal says is taken for whole; one that was copied, or touched in any
 * way, is read to its end.
 * @param reread read it in any case
 */
export async function lookAt(output: string, target: string, journal: Journal, reread: boolean): Promise<TargetState> {
  const path = join(output, target)
  const info = standingAt(path)
  if (!info) return { kind: 'absent' }
  if (!info.isFile()) return { kind: 'foreign', info, sealed: false }
  const latest = journal.latest(target)
  if (latest?.file !== undefined && !reread && latest.file === journal.fileMark(latest, info))
    return { kind: 'ours', entry: latest, info, damaged: false }
  const found = await inspectSealed(readFileParts(path)).catch(() => undefined)
  const entry = found ? journal.find(target, toHex(found.header.nonce)) : undefined
  if (found && entry) return { kind: 'ours', entry, info, damaged: !(await isWhole(path, entry, found, info)) }
  if (!found && (await isRemnant(path)) && journal.mentions(target))
    return { kind: 'ours', entry: latest ?? { target, nonce: '' }, info, damaged: true }
  return { kind: 'foreign', info, sealed: found !== undefined }
}

function standingAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(onDisk(path), { bigint: true })
  } catch {
    return undefined
  }
}

async function isWhole(
  path: string,
  { sha256: expected }: Entry,
  { geometry }: Inspection,
  { size }: BigIntStats,
): Promise<boolean> {
  // Version 0.1.0 kept no hash.
  return expected === undefined ? size === BigInt(carrierSize(geometry)) : (await hashOf(path)) === expected
}

/** Nothing, or the first bytes of a sealed file: a cut, or a name that was claimed where links are refused. */
async function isRemnant(path: string): Promise<boolean> {
  for await (const part of readFileParts(path)) return looksSealed(part)
  return true
}

/** In hexadecimal. @throws E_IO */
export async function hashOf(path: string): Promise<string> {
  const hash = sha256()
  for await (const part of releasing(readFileParts(path))) hash.update(part)
  return toHex(hash.digest())
}
