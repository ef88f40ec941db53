import { deriveKey, hmacSha256, LatentError, randomBytes, toHex } from '@latent/core'

// Where the objects of a vault lie: `docs/vault-format.md`, section 1. Names are drawn or keyed: they tell nothing.

/** What the first object says in its first line. */
export const VAULT_LINE = 'latent vault 1'
/** The object by which a vault is known. */
export const MARKER = 'latent-vault'

/** The folders of a vault. */
export const FOLDERS = {
  /** `keys/KEY/DRAWN.age`: an album's key for its members, as an age file. */
  keys: 'keys/',
  /** `index/KEY/DRAWN.png`: segments of the index. */
  index: 'index/',
  /** `objects/XX/KEYED.png`: photos and whatever else was added. */
  objects: 'objects/',
  /** `thumbs/KEY/DRAWN.png`: packs of thumbnails. */
  thumbs: 'thumbs/',
  /** `writers/DRAWN`: somebody is adding. */
  writers: 'writers/',
} as const

/** Names that a vault gives. What other programs put beside them is passed over. */
export const NAMES = {
  envelope: /^keys\/([0-9a-f]{32})\/[0-9a-f]{32}\.age$/,
  segment: /^index\/([0-9a-f]{32})\/([0-9a-f]{32})\.png$/,
  object: /^objects\/[0-9a-f]{2}\/[0-9a-f]{30}\.png$/,
  writer: /^writers\/[0-9a-f]{32}$/,
} as const

/** 16 random bytes as a name. */
export const drawnName = (): string => toHex(randomBytes(16))

/** Names an album key without telling it: everything under that key carries this name. 32 digits. */
export async function keyIdOf(albumKey: Uint8Array): Promise<string> {
  return toHex(await deriveKey(albumKey, 'latent/v1/vault/key-id', undefined, 16))
}

/** What objects are named with, from the album's key. */
export const nameKeyOf = (albumKey: Uint8Array): Promise<Uint8Array> =>
  deriveKey(albumKey, 'latent/v1/vault/object-name')

/**
 * The name of the object that holds a file: whoever adds the same bytes under the same path and key names the same
 * object, so that a run that was cut short, or a second machine, finds what is there.
 * @param nameKey of {@link nameKeyOf}
 * @param attempt 0; more where another object has that name
 * @param salt for stores that might replace an object: makes the name unique
 */
export async function objectName(
  nameKey: Uint8Array,
  path: string,
  sha256: string,
  attempt: number,
  salt = '',
): Promise<string> {
  const facts = new TextEncoder().encode(JSON.stringify([path, sha256, attempt, salt]))
  const name = toHex((await hmacSha256(nameKey, [facts])).subarray(0, 16))
  return `${FOLDERS.objects}${name.slice(0, 2)}/${name.slice(2)}.png`
}

/** The text of the first object. */
export const markerText = (id: string): string => `${VAULT_LINE}\nid ${id}\n`

/** @returns the vault's id @throws E_UNSUPPORTED for another version; E_VAULT for what is none */
export function parseMarker(text: string): string {
  const [line = '', id = ''] = text.split('\n')
  if (line !== VAULT_LINE && /^latent vault [0-9a-z.-]{1,16}$/.test(line))
    throw new LatentError('E_UNSUPPORTED', `this vault has the format ${JSON.stringify(line)}`, {
      hint: `this release reads ${JSON.stringify(VAULT_LINE)}: update latent`,
    })
  const found = /^id ([0-9a-f]{32})$/.exec(id)?.[1]
  if (line !== VAULT_LINE || found === undefined)
    throw new LatentError('E_VAULT', `the object ${MARKER} does not begin a vault`, {
      hint: 'something else wrote there, or it is damaged: a copy of it, or latent vault init elsewhere',
    })
  return found
}
