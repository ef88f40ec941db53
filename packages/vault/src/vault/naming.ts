import { LatentError } from '@latent/core'
import type { AlbumView } from './album-view.ts'
import type { Vault } from './vault.ts'

/**
 * Gives an album a name; several become one. After the loss of an index nothing else says which keys are of one album.
 * New photos of it get the key under which something was added last.
 * @throws E_ARGUMENT for a name that is none; E_EXISTS if another album has it; E_STORE
 */
export async function nameAlbums(
  vault: Vault,
  given: readonly AlbumView[],
  name: string,
): Promise<{ readonly album: string; readonly keys: number }> {
  if (name.trim() === '') throw new LatentError('E_ARGUMENT', 'an album needs a name', { hint: 'for example photos' })
  if (vault.albums().some(album => album.name === name && !given.includes(album)))
    throw new LatentError('E_EXISTS', `there is another album ${JSON.stringify(name)}`, {
      hint: 'to make one album of them, name both: --album ONE --album OTHER',
    })
  const albums = given.toSorted((a, b) => a.lastAdded - b.lastAdded)
  const keys = albums.flatMap(album => album.keys)
  const main = given.some(album => album.main) || !vault.albums().some(album => album.main)
  const at = Math.max(vault.now(), ...keys.map(({ album }) => album!.at + 1))
  for (const [epoch, key] of keys.entries())
    await vault.append(key, [{ t: 'album', album: albums.at(-1)!.id, name, epoch, main, at }])
  await vault.refresh()
  return { album: name, keys: keys.length }
}
