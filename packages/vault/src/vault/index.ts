export { AlbumView } from './album-view.ts'
export { grouped, isPhoto, photoOf } from './companions.ts'
export { type Kept, KeyState } from './key-state.ts'
export {
  checkPresence,
  type Presences,
  prune,
  type Pruned,
  rebuild,
  type Rebuilt,
  removePhotos,
} from './maintenance.ts'
export { type Membership, rekey, share, unshare } from './members.ts'
export { nameAlbums } from './naming.ts'
export { type Photo, type PhotoNote } from './record.ts'
export { select, type Selection } from './selection.ts'
export { type AlbumFigures, type Figures, type VaultFigures, vaultFigures } from './stats.ts'
export { type Thumbnailer, thumbnailOf } from './thumbs.ts'
export { Vault, type VaultOptions } from './vault.ts'
