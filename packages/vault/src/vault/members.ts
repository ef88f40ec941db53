import { LatentError } from '@latent/core'
import { wrapAlbum } from '../envelope.ts'
import { normalRecipient } from '../keys/index.ts'
import type { AlbumView } from './album-view.ts'
import type { KeyState } from './key-state.ts'
import { drawnName, FOLDERS } from './layout.ts'
import type { Vault } from './vault.ts'

/** What came of a change of members. */
export interface Membership {
  readonly album: string
  /** Who was given keys, or left out. */
  readonly recipients: readonly string[]
  /** Keys that were wrapped, or drawn. */
  readonly keys: number
}

/**
 * Gives an album's keys to more recipients: what was added and what will be. Photos are not touched.
 * @throws E_KEY; E_STORE
 */
export async function share(vault: Vault, album: AlbumView, given: readonly string[]): Promise<Membership> {
  const recipients = Array.from(new Set(given.map(normalRecipient)))
  let keys = 0
  for (const state of album.keys) {
    const fresh = recipients.filter(recipient => !state.members.has(recipient))
    if (fresh.length === 0) continue
    // The envelope first: who is recorded as a member has the key.
    const { envelope } = await wrapAlbum(state.key, { recipients: fresh })
    await vault.write(`${FOLDERS.keys}${state.id}/${drawnName()}.age`, envelope)
    const at = vault.now()
    await vault.append(
      state,
      fresh.map(recipient => ({ t: 'member', recipient, at })),
    )
    keys++
  }
  return { album: album.name, recipients, keys }
}

/**
 * Leaves recipients out from now on: what is added later gets a new key, which the others are given. What they had
 * they keep: the old key opens what it opened.
 * @throws E_ARGUMENT if somebody is no member, or nobody would be left; E_STORE
 */
export async function unshare(vault: Vault, album: AlbumView, given: readonly string[]): Promise<Membership> {
  const recipients = Array.from(new Set(given.map(normalRecipient)))
  const stranger = recipients.find(recipient => !album.members.includes(recipient))
  if (stranger !== undefined)
    throw new LatentError('E_ARGUMENT', `${stranger} is no member of ${album.name}`, {
      hint: `its members: ${album.members.join(', ')}`,
    })
  const left = album.members.filter(member => !recipients.includes(member))
  if (left.length === 0)
    throw new LatentError('E_ARGUMENT', `nobody would be left who can open ${album.name}`, {
      hint: 'share it with somebody first',
    })
  await nextKey(vault, album, left)
  return { album: album.name, recipients, keys: 1 }
}

/** Gives an album a new key for what is added from now on, for the same members, or others. */
export async function rekey(
  vault: Vault,
  album: AlbumView,
  members: readonly string[] = album.members,
): Promise<Membership> {
  const recipients = Array.from(new Set(members.map(normalRecipient)))
  await nextKey(vault, album, recipients)
  return { album: album.name, recipients, keys: 1 }
}

function nextKey(vault: Vault, album: AlbumView, members: readonly string[]): Promise<KeyState> {
  return vault.addKey(members, {
    album: album.id,
    name: album.name,
    epoch: album.newest.album!.epoch + 1,
    main: album.main,
  })
}
