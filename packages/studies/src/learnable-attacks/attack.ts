import { type Image } from '@latent/core'
import { openScheme } from '@latent/schemes'
import {
  learnInverse,
  learnUnpaired,
  type Pair,
  type Reconstruction,
  type Reconstructor,
} from '@latent/lab/attacks/trained'
import { repeatable } from '../repeatable.ts'
import { meanSsim } from '../scoring.ts'
import type { StudyContext } from '../study.ts'
import { ATTACKERS, type Budget, type CipherId, DIFFERENT, drawn, keyOf, scaled } from './plan.ts'

/** How well an attack did: mean SSIM over the secret pictures, and what it makes of the drawn one. */
export interface Outcome {
  readonly ssim: number
  /** What the attack makes of the picture that is shown: one of ours, since pages hold no data sets. */
  readonly shown: Image<'u8'>
}

/** What every attacker with known pairs made of one cipher. */
export interface Row {
  readonly cipher: CipherId
  /** Likeness of the cipher images themselves, under the key of the pairs and under keys of their own. */
  readonly before: { readonly same: number; readonly different: number }
  readonly shown: { readonly plain: Image<'u8'>; readonly cipher: Image<'u8'> }
  readonly same: ReadonlyMap<string, Outcome>
  readonly different: ReadonlyMap<string, Outcome>
}

/** Trains every attacker on known pairs of one cipher and lets it loose on pictures that it has not seen. */
export async function attackPaired(
  id: CipherId,
  known: readonly Image<'u8'>[],
  secret: readonly Image<'u8'>[],
  budget: Budget,
  { seed }: StudyContext,
): Promise<Row> {
  const under = async (pictures: readonly Image<'u8'>[], keys: 'same' | 'different', first: number) => {
    const { cipher: drawing, close } = await openScheme(id)
    try {
      const cipher = repeatable(drawing, seed)
      const pairs: Pair[] = []
      for (const [i, plain] of pictures.entries())
        pairs.push({
          plain,
          cipher: (await cipher.encrypt(plain, await keyOf(seed, keys === 'same' ? 0 : first + i))) as Image<'u8'>,
        })
      return pairs
    } finally {
      await close()
    }
  }
  const outcomes = { same: new Map<string, Outcome>(), different: new Map<string, Outcome>() }
  const hidden = {
    same: await under([...secret, await drawn()], 'same', 0),
    different: await under([...secret, await drawn()], 'different', 1),
  }
  const pairs = {
    same: await under(known, 'same', 0),
    different: await under(known.slice(0, 500), 'different', 2 + secret.length),
  }
  for (const { network, steps, rate, pairs: count, only } of ATTACKERS) {
    if (only && !only.includes(id)) continue
    for (const keys of ['same', 'different'] as const) {
      if (keys === 'different' && !DIFFERENT.has(network.id)) continue
      const attack = await learnInverse(network, pairs[keys].slice(0, count), {
        steps: scaled(steps, budget),
        rate,
        seed,
      })
      outcomes[keys].set(network.id, await outcome(attack, hidden[keys]))
    }
  }
  const before = (keys: 'same' | 'different') =>
    meanSsim(
      secret,
      hidden[keys].slice(0, -1).map(({ cipher }) => cipher),
    )
  return {
    cipher: id,
    before: { same: before('same'), different: before('different') },
    shown: hidden.same.at(-1)!,
    ...outcomes,
  }
}

/** The same without pairs: cipher images, and other pictures of the same kind. */
export async function attackUnpaired(
  id: CipherId,
  network: Reconstructor,
  steps: number,
  known: readonly Image<'u8'>[],
  secret: readonly Image<'u8'>[],
  { seed }: StudyContext,
): Promise<Outcome> {
  const { cipher: drawing, close } = await openScheme(id)
  try {
    const cipher = repeatable(drawing, seed)
    const key = await keyOf(seed, 0)
    const encrypted = async (pictures: readonly Image<'u8'>[]) =>
      Promise.all(pictures.map(async plain => (await cipher.encrypt(plain, key)) as Image<'u8'>))
    // The plain pictures are others than those whose ciphers the attacker has.
    const half = known.length >> 1
    const attack = await learnUnpaired(network, await encrypted(known.slice(0, half)), known.slice(half), {
      steps,
      seed,
      rate: 5e-4,
      smoothness: 0.1,
    })
    const hidden = [...secret, await drawn()]
    return outcome(
      attack,
      (await encrypted(hidden)).map((cipher, i) => ({ cipher, plain: hidden[i]! })),
    )
  } finally {
    await close()
  }
}

/** The last picture is shown, the others are scored. */
export async function outcome(attack: Reconstruction, hidden: readonly Pair[]): Promise<Outcome> {
  const found = await attack.open(hidden.map(({ cipher }) => cipher))
  return {
    ssim: meanSsim(
      hidden.slice(0, -1).map(({ plain }) => plain),
      found,
    ),
    shown: found.at(-1)!,
  }
}
