import { sha256Of } from '@latent/core'
import { createAlbum, wrapAlbum } from '@latent/vault'
import { armor, generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readFile, writeFile } from 'node:fs/promises'

/** Keys that protect nothing: they are published with the vectors. */
export interface ConformanceKeys {
  readonly identities: Readonly<Record<'first' | 'second' | 'hybrid' | 'stranger', string>>
  readonly passphrase: string
  /** age files, base64. */
  readonly envelopes: Readonly<
    Record<'first' | 'both' | 'second' | 'hybrid' | 'passphrase' | 'short' | 'armored' | 'other', string>
  >
}

const FILE = new URL('keys.json', import.meta.url)

/** The album key in every envelope. */
export const ALBUM_KEY = sha256Of(new TextEncoder().encode('latent conformance kit: album key'))

export const readKeys = async (): Promise<ConformanceKeys> =>
  JSON.parse(await readFile(FILE, 'utf8')) as ConformanceKeys

/** Draws new keys and envelopes. age draws its own randomness, so they are kept and not derived. */
export async function drawKeys(): Promise<void> {
  const identities = {
    first: await generateX25519Identity(),
    second: await generateX25519Identity(),
    hybrid: await generateHybridIdentity(),
    stranger: await generateX25519Identity(),
  }
  const [first, second, hybrid] = (await Promise.all(
    [identities.first, identities.second, identities.hybrid].map(identityToRecipient),
  )) as [string, string, string]
  const passphrase = 'correct horse battery staple'
  const wrap = async (...recipients: string[]) => (await wrapAlbum(ALBUM_KEY, { recipients })).envelope
  const envelopes = {
    first: await wrap(first),
    both: await wrap(first, second),
    second: await wrap(second),
    hybrid: await wrap(hybrid),
    passphrase: (await wrapAlbum(ALBUM_KEY, { passphrase, workFactor: 10 })).envelope,
    short: (await wrapAlbum(ALBUM_KEY.subarray(0, 31), { recipients: [first] })).envelope,
    other: (await createAlbum({ recipients: [first] })).envelope,
    armored: new TextEncoder().encode(armor.encode((await createAlbum({ recipients: [first] })).envelope)),
  }
  const encoded = Object.fromEntries(
    Object.entries(envelopes).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
  )
  await writeFile(FILE, `${JSON.stringify({ identities, passphrase, envelopes: encoded }, null, 2)}\n`)
}
