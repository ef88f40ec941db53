import { readObject, StoreFault } from '../store/store.ts'
import type { KeyState } from './key-state.ts'
import { inParallel } from './parallel.ts'
import type { IndexRecord } from './record.ts'
import { MAX_SEGMENT, openSegment } from './segment.ts'
import { segmentPath, type Vault } from './vault.ts'

/** A reader asks for every segment: more small ones than that are put together. */
const MOST_SMALL = 64
/** Lines of a large segment, or up to twice as many: a few megabytes unpacked, far from what a reader refuses. */
const LARGE = 10_000

/**
 * Writes what many small segments say into few large ones. The last of these says which took the place of which, so
 * that a run that is cut short has changed nothing. Small ones are deleted by `prune`, later.
 */
export async function putTogether(vault: Vault, state: KeyState): Promise<void> {
  const small = Array.from(state.segments).flatMap(([name, { lines, unknown }]) =>
    lines < LARGE / 2 && unknown === 0 && !state.replaced.has(name) ? [name] : [],
  )
  if (small.length <= MOST_SMALL || vault.damaged.length > 0) return
  const found = new Map<string, readonly IndexRecord[]>()
  try {
    await inParallel(small, vault.lanes, async name => {
      const png = await readObject(vault.store, segmentPath(state.id, name), MAX_SEGMENT)
      const { records } = await openSegment(state.key, png)
      found.set(
        name,
        Array.from(records).filter(record => record !== undefined),
      )
    })
  } catch (error) {
    // Somebody else has done it, and deleted them.
    if (error instanceof StoreFault && error.kind === 'absent') return
    throw error
  }
  const records = small.flatMap(name => found.get(name)!)
  // Of equal lengths: the last one, which readers look for among the large ones, too.
  const length = Math.ceil(records.length / Math.max(1, Math.floor(records.length / LARGE)))
  for (let at = 0; at < records.length; at += length)
    await vault.append(state, records.slice(at, at + length), at + length >= records.length ? small : [])
}
