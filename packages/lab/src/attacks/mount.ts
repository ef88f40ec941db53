import { argumentError, type Image, KeyStream, LatentError, sha256Of } from '@latent/core'
import type { Description } from '@latent/schemes'
import type { TargetShape } from './chosen-plaintext.ts'
import type { Attack, Found } from './contract.ts'
import { countedOracles } from './oracles.ts'
import type { World } from './world.ts'

/** A cipher with a key, and pictures, that somebody else keeps: what a study sets an attack of the registry upon. */
export interface Subject {
  readonly scheme: Description
  /** Of the plain pictures. */
  readonly shape: TargetShape
  /** Pictures that were encrypted under the key, in the order in which an attack is given them. */
  readonly seen?: readonly { readonly plain: Image<'u8'>; readonly cipher: Image; readonly label?: number }[]
  /** Public pictures of the same kind. */
  readonly kin?: readonly Image<'u8'>[]
  readonly encrypt?: (chosen: Image) => Promise<Image>
}

/** What a mounted attack ended with, and how often it asked. */
export interface Mounted {
  readonly found: Found | undefined
  readonly queries: number
}

/**
 * Sets an attack upon a cipher and pictures of a caller's own, through the same oracles as in the suite: what its
 * threat model lacks is refused, and queries are counted. Scoring is the caller's.
 * @param budget its own where none is given
 * @throws E_ARGUMENT where the subject has fewer pictures than are asked for, or does not encrypt; E_SCRIPT and E_LIMIT
 * as {@link countedOracles}
 */
export async function mountAttack(attack: Attack, subject: Subject, budget = attack.budget): Promise<Mounted> {
  const { oracles, queries } = countedOracles(worldOf(subject), attack, budget)
  const random = await KeyStream.create(
    sha256Of(new TextEncoder().encode(`${attack.id} mounted`)),
    'latent/v1/lab/attack',
  )
  const found = await attack.run(oracles, budget, random)
  return { found, queries: queries() }
}

function worldOf({ scheme, shape, seen = [], kin = [], encrypt }: Subject): World {
  const lacks = (what: string) => () =>
    Promise.reject(
      new LatentError('E_ARGUMENT', `the attack asks for ${what}, and its subject has none`, {
        hint: 'give the subject what the threat model of the attack holds',
      }),
    )
  return {
    scheme,
    shape,
    targets: [],
    async kin(count) {
      if (count > kin.length) throw argumentError('kin', `${count} pictures`, kin.length)
      return kin.slice(0, count).map(plain => ({ plain, label: -1 }))
    },
    async other(n) {
      const one = seen[n]
      if (!one) throw argumentError('seen', `more than ${n} pictures`, seen.length)
      return { label: -1, ...one }
    },
    encrypt: encrypt ?? lacks('an encryption'),
    decrypt: lacks('a decryption'),
    nearlyDecrypt: lacks('a decryption'),
    close: async () => undefined,
  }
}
