import type { AlbumView } from './album-view.ts'
import type { Vault } from './vault.ts'

/** Figures of an album, or of a vault. */
export interface Figures {
  readonly files: number
  /** Of the files as they were, and of their objects. */
  readonly plainBytes: number
  readonly sealedBytes: number
  /** Files of the same bytes as another. */
  readonly duplicates: number
  /** Earlier versions, and what was removed and not yet deleted. */
  readonly versions: number
  readonly removed: number
}

/** An album's figures, with its members and keys. */
export interface AlbumFigures extends Figures {
  readonly name: string
  readonly members: number
  readonly keys: number
}

/** Counts and sizes, from the index alone. */
export interface VaultFigures extends Figures {
  readonly albums: readonly AlbumFigures[]
  readonly indexBytes: number
  readonly segments: number
  readonly thumbnails: number
}

/** Counts what the index knows. */
export function vaultFigures(vault: Vault): VaultFigures {
  const albums = vault.albums().map(albumFigures)
  const sum = (figure: keyof Figures) => albums.reduce((total, album) => total + album[figure], 0)
  const keys = Array.from(vault.keys.values())
  return {
    files: sum('files'),
    plainBytes: sum('plainBytes'),
    sealedBytes: sum('sealedBytes'),
    duplicates: sum('duplicates'),
    versions: sum('versions'),
    removed: sum('removed'),
    albums,
    indexBytes: keys.reduce((total, { indexBytes }) => total + indexBytes, 0),
    segments: keys.reduce((total, { segments }) => total + segments.size, 0),
    thumbnails: keys.reduce((total, { thumbs }) => total + thumbs.size, 0),
  }
}

function albumFigures(album: AlbumView): AlbumFigures {
  const there = album.latest()
  const hashes = new Set<string>()
  let [plainBytes, sealedBytes, all, removed] = [0, 0, 0, 0]
  for (const { sha256, size, sealed } of there.values()) {
    hashes.add(sha256)
    plainBytes += size
    sealedBytes += sealed
  }
  for (const { object, key } of album.everything()) {
    all++
    if (key.isGone(object)) removed++
  }
  return {
    name: album.name,
    files: there.size,
    plainBytes,
    sealedBytes,
    duplicates: there.size - hashes.size,
    versions: all - there.size - removed,
    removed,
    members: album.members.length,
    keys: album.keys.length,
  }
}
