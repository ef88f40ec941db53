import { type Image, LatentError } from '@latent/core'
import type { Attack, Oracles, Threat } from './contract.ts'
import type { World } from './world.ts'

type Asked = 'labelled' | 'pairs' | 'encrypt' | 'decrypt' | 'nearlyDecrypt'

/** Beside cipher images, which everybody has. */
const HELD: Readonly<Record<Threat, readonly Asked[]>> = {
  'ciphertext-only': [],
  'labelled-ciphers': ['labelled'],
  'known-pairs': ['pairs'],
  'chosen-plaintext': ['pairs', 'encrypt'],
  'chosen-ciphertext': ['pairs', 'encrypt', 'decrypt'],
  'near-key': ['nearlyDecrypt'],
}

/** Oracles over a world, and how often they were asked. */
export interface CountedOracles {
  readonly oracles: Oracles
  readonly queries: () => number
}

/**
 * What one attack may ask of one world.
 * @throws nothing itself; the oracles throw E_LIMIT over the budget, E_SCRIPT for what the threat model does not hold
 */
export function countedOracles(
  world: World,
  { id, threat }: Pick<Attack, 'id' | 'threat'>,
  budget: number,
): CountedOracles {
  let queries = 0
  const spend = (count: number): void => {
    if (!Number.isSafeInteger(count) || count < 0)
      throw new LatentError('E_SCRIPT', `the attack ${id} asks an oracle for ${String(count)} answers`)
    if (queries + count > budget)
      throw new LatentError('E_LIMIT', `the attack ${id} asks for more than its budget of ${budget} queries`, {
        hint: 'it must end with what it has, or give up; a larger --budget gives it more',
      })
    queries += count
  }
  const hold = (what: Asked): void => {
    if (!HELD[threat].includes(what))
      throw new LatentError('E_SCRIPT', `the attack ${id} asks for ${what}, which its threat model (${threat}) lacks`, {
        hint: 'declare the threat model in which an attacker has that',
      })
  }
  // Every kind of answer counts on from where the attack left off, and no picture is given twice.
  let next = 0
  const several = async <T>(count: number, take: (one: Awaited<ReturnType<World['other']>>) => T): Promise<T[]> => {
    spend(count)
    const from = next
    next += count
    const found: T[] = []
    for (let n = from; n < from + count; n++) found.push(take(await world.other(n)))
    return found
  }
  const isTarget = (asked: Image): boolean =>
    world.targets.some(
      ({ cipher }) =>
        cipher.data.length === asked.data.length && cipher.data.every((value, i) => value === asked.data[i]),
    )
  return {
    queries: () => queries,
    oracles: {
      scheme: world.scheme,
      shape: world.shape,
      left: () => budget - queries,
      kin: async count => (await world.kin(count)).map(({ plain }) => plain),
      ciphers: count => several(count, ({ cipher }) => cipher),
      async labelled(count) {
        hold('labelled')
        return several(count, ({ cipher, label }) => ({ cipher, label }))
      },
      async pairs(count) {
        hold('pairs')
        return several(count, ({ plain, cipher }) => ({ plain, cipher }))
      },
      async encrypt(chosen) {
        hold('encrypt')
        spend(1)
        return world.encrypt(chosen)
      },
      async decrypt(chosen) {
        hold('decrypt')
        if (isTarget(chosen))
          throw new LatentError('E_SCRIPT', `the attack ${id} asks to have a target decrypted`, {
            hint: 'a chosen cipher image must differ from all that are to be opened',
          })
        spend(1)
        return world.decrypt(chosen)
      },
      async nearlyDecrypt(cipher) {
        hold('nearlyDecrypt')
        spend(1)
        return world.nearlyDecrypt(cipher)
      },
    },
  }
}
