import { type Image, KeyStream, LatentError, sha256Of } from '@latent/core'
import { drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import { asPicture, ATTACKS, countedOracles, type Labelled, openWorld, scorePictures } from '@latent/lab'
import { findScheme } from '@latent/schemes'
import { type Fault, outcome } from '../vault/fault.ts'
import { SIDE } from './demonstrations.ts'

/** What an attack made of a picture. */
export interface Attacked {
  /** Of the plain shape, so that it can be looked at. */
  readonly cipher: Image<'u8'>
  /** What the attacker takes the picture to be; absent where he gave up. */
  readonly found?: Image<'u8'>
  /** Structural similarity of what was found, and of the cipher image as it is, to the picture. */
  readonly likeness: number
  readonly untouched: number
  /** Why the attack cannot be tried on this cipher. */
  readonly notFor?: string
  readonly queries: number
  /** Why it ended early, if it did. */
  readonly fault?: Fault
}

/**
 * Runs an attack of the lab on one picture under one key. The attacker has what its threat model holds; his own
 * pictures are drawn ones.
 * @param plain RGB, {@link SIDE} pixels a side
 * @throws E_WEIGHTS where the cipher's weights are not here
 */
export async function attackPicture(attack: string, scheme: string, plain: Image<'u8'>): Promise<Attacked> {
  const chosen = ATTACKS.find(({ id }) => id === attack)!
  const victim = findScheme(scheme)
  const world = await openWorld(victim, {
    key: 1,
    nonces: 'as meant',
    pictures: 'scenes',
    targets: 1,
    gallery: (_, group, count) =>
      group === 'targets' ? Promise.resolve([{ plain, label: 0 }]) : drawings(group, count),
  })
  try {
    const target = world.targets[0]!.cipher
    const cipher = asPicture(target, plain)
    const likenessOf = (found: Image<'u8'>) => scorePictures([plain, plain], [found, found], 'nothing')[0]!.ssim
    const untouched = likenessOf(cipher)
    const notFor = chosen.appliesTo(victim)
    if (notFor !== undefined) return { cipher, likeness: untouched, untouched, notFor, queries: 0 }
    const { oracles, queries } = countedOracles(world, chosen, chosen.budget)
    const random = await KeyStream.create(sha256Of(new TextEncoder().encode(chosen.id)), 'latent/v1/lab/attack')
    const run = await outcome(async () => (await chosen.run(oracles, chosen.budget, random))?.open?.([target]))
    if ('fault' in run) {
      if (run.fault.code === 'E_WEIGHTS')
        throw new LatentError('E_WEIGHTS', run.fault.message, { hint: run.fault.hint })
      return { cipher, likeness: untouched, untouched, queries: queries(), fault: run.fault }
    }
    const found = run.value?.[0]
    if (!found) return { cipher, likeness: untouched, untouched, queries: queries() }
    return { cipher, found, likeness: likenessOf(found), untouched, queries: queries() }
  } finally {
    await world.close()
  }
}

const drawn = new Map<string, Promise<Labelled>>()

/** Pictures of the attacker's. */
function drawings(group: string, count: number): Promise<Labelled[]> {
  const one = (n: number): Promise<Labelled> => {
    const name = `${group}/${n}`
    const kind = PROCEDURAL_KINDS[n % PROCEDURAL_KINDS.length]!
    const variant = (group === 'kin' ? 8000 : 9000) + Math.floor(n / PROCEDURAL_KINDS.length)
    const made = drawn.get(name) ?? drawPicture(kind, SIDE, SIDE, variant).then(plain => ({ plain, label: n % 10 }))
    drawn.set(name, made)
    return made
  }
  return Promise.all(Array.from({ length: count }, (_, n) => one(n)))
}
