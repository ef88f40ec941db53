import { LatentError } from '@latent/core'
import { PathSelection } from '../path-selection.ts'
import { photoOf } from './companions.ts'
import type { Kept } from './key-state.ts'
import type { Vault } from './vault.ts'

/** Which photos are meant. */
export interface Selection {
  /** Names of albums; all of them if none is named. */
  readonly albums?: readonly string[]
  /** Paths, folders, and patterns such as `holiday/*.jpg` or `*.heic`; everything if there is none. */
  readonly patterns?: readonly string[]
  /** As it was at this moment, in milliseconds since 1970. */
  readonly asOf?: number
  /** Not what belongs to a photo: its film, its sidecars. */
  readonly alone?: boolean
}

/**
 * What is meant, by the names of albums, then by path.
 * @throws E_ARGUMENT for an album that is not there, a pattern that fits nothing
 */
export function select(vault: Vault, { albums, patterns = [], asOf, alone = false }: Selection): Kept[] {
  const all = vault.albums()
  const named = new Set(albums?.map(name => vault.album(name)))
  const within = named.size > 0 ? all.filter(album => named.has(album)) : all
  const selected = new PathSelection(patterns)
  const chosen = within.flatMap(album => {
    const files = Array.from((asOf === undefined ? album.latest() : album.at(asOf)).values())
    const named = patterns.length === 0 ? files : files.filter(({ path }) => selected.has(path))
    return (alone || named.length === files.length ? named : withCompanions(files, named)).sort(byPath)
  })
  const [unused] = selected.unused
  if (unused !== undefined)
    throw new LatentError('E_ARGUMENT', `nothing in the vault fits ${JSON.stringify(unused)}`, {
      hint: 'latent vault list shows what there is; patterns go in quotes',
    })
  return chosen
}

/** What was named, and whatever belongs to the same photos. */
function withCompanions(files: readonly Kept[], named: readonly Kept[]): Kept[] {
  const photos = new Set(named.map(({ path }) => photoOf(path)))
  return photos.size === 0 ? [] : files.filter(({ path }) => photos.has(photoOf(path)))
}

const byPath = (a: Kept, b: Kept) => (a.path < b.path ? -1 : 1)
