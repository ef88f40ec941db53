import { isTemporary } from '@latent/core/node'

/** Names in small letters. Picture viewers and operating systems write them, and no person ever labelled them. */
const LEAVINGS = new Set([
  '.ds_store',
  '.localized',
  '.appledouble',
  '.lsoverride',
  '__macosx',
  'icon\r',
  '.volumeicon.icns',
  '.apdisk',
  'thumbs.db',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'desktop.ini',
  '$recycle.bin',
  'system volume information',
  '@eadir',
  '#recycle',
  '#snapshot',
  '@recycle',
  '@recently-snapshot',
  '.@__thumb',
  '@tmp',
  '.picasa.ini',
  'picasa.ini',
  '.picasaoriginals',
  '.directory',
  '.dropbox',
  '.dropbox.attr',
  '.dropbox.cache',
  'lost+found',
  '__pycache__',
  '.nomedia',
  '.hidden',
])
/**
 * `._x` holds what a Mac keeps beside x where the file system has no place for it; others are of unsaved or locked
 * documents.
 */
const LEAVING_PATTERNS = [
  /^\._/,
  /^\.trash(?:es|-\d+)?$/i,
  /^~\$/,
  /^\.~lock\..*#$/,
  /^\.(?:nfs|fuse_hidden)[0-9a-f]+$/i,
  /^\.syncthing\..*\.tmp$/,
]

/**
 * Hidden folders hold tools' own data (`.git`, `.ipynb_checkpoints`, `.thumbnails`); a hidden file may be a picture.
 */
export const isLeaving = (name: string, isFolder: boolean): boolean =>
  LEAVINGS.has(name.toLowerCase()) ||
  LEAVING_PATTERNS.some(pattern => pattern.test(name)) ||
  (isFolder && name.startsWith('.')) ||
  isTemporary(name)
