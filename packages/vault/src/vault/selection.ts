import { LatentError } from '@latent/core'
import { pathMatcher, PathSelection } from '../path-selection.ts'
import type { AlbumView } from './album-view.ts'
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
 * What is meant, by the names of albums, then by path. Nothing comes only where everything was meant, and there is
 * nothing.
 * @throws E_ARGUMENT for an album that is not there or has nothing, a pattern that fits nothing, a time before all
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
  if (unused !== undefined || (chosen.length === 0 && (albums !== undefined || asOf !== undefined)))
    throw nothing(vault, within, asOf, unused)
  return chosen
}

/** Says what of it is the mistake: the pattern, the album or the time. */
function nothing(vault: Vault, within: readonly AlbumView[], asOf: number | undefined, pattern = ''): LatentError {
  const fits = pathMatcher(pattern)
  const first = firstAdded(within, fits)
  const names = within.map(({ name }) => JSON.stringify(name)).join(' or ')
  const where = within.length === vault.albums().length ? 'in the vault' : `in the album ${names}`
  const when = asOf === undefined ? '' : ` at ${iso(asOf)}`
  const hint = () => {
    if (first !== undefined && asOf !== undefined && first > asOf) return `the first was added at ${iso(first)}`
    if (first !== undefined) return 'it was removed: --as-of DATE gives what was there before'
    const other = vault.albums().find(album => firstAdded([album], fits) !== undefined)
    if (other) return `the album ${JSON.stringify(other.name)} has some`
    return pattern === ''
      ? 'latent vault add puts photos there'
      : 'latent vault list shows what there is; patterns go in quotes'
  }
  const what =
    pattern === '' ? `there is no photo ${where}${when}` : `nothing ${where}${when} fits ${JSON.stringify(pattern)}`
  return new LatentError('E_ARGUMENT', what, { hint: hint() })
}

/** When the first of what fits was added, be it removed since. */
function firstAdded(albums: readonly AlbumView[], fits: (path: string) => boolean): number | undefined {
  let first: number | undefined
  for (const album of albums)
    for (const { path, added } of album.everything())
      if (added < (first ?? Number.POSITIVE_INFINITY) && fits(path)) first = added
  return first
}

const iso = (time: number) => new Date(time).toISOString()

/** What was named, and whatever belongs to the same photos. */
function withCompanions(files: readonly Kept[], named: readonly Kept[]): Kept[] {
  const photos = new Set(named.map(({ path }) => photoOf(path)))
  return photos.size === 0 ? [] : files.filter(({ path }) => photos.has(photoOf(path)))
}

const byPath = (a: Kept, b: Kept) => (a.path < b.path ? -1 : 1)
