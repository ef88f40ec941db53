import { type Image } from '@latent/core'
import { findScheme, openScheme } from '@latent/schemes'
import { type Attack, inverseNetwork, mountAttack, type Subject, unpairedNetwork } from '@latent/lab'
import type { Pair, Reconstructor } from '@latent/lab/attacks/trained'
import { repeatable } from '../repeatable.ts'
import { meanSsim } from '../scoring.ts'
import type { StudyContext } from '../study.ts'
import { ATTACKERS, type Budget, type CipherId, CONTROLS, DIFFERENT, drawn, keyOf, scaled, SIDE } from './plan.ts'

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
      const seen = pairs[keys].slice(0, count)
      const attack = inverseNetwork(network.id, network.title, network, {
        steps: scaled(steps, budget),
        rate,
        seed,
        ...settings(seen.length),
      })
      outcomes[keys].set(network.id, await outcome(attack, subjectOf(id, { seen }), hidden[keys]))
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
    const pairs = async (pictures: readonly Image<'u8'>[]) =>
      (await encrypted(pictures)).map((cipher, i) => ({ cipher, plain: pictures[i]! }))
    const [seen, kin] = [await pairs(known.slice(0, half)), known.slice(half)]
    const attack = unpairedNetwork(network.id, network.title, network, {
      steps,
      seed,
      rate: 5e-4,
      smoothness: 0.1,
      kin: kin.length,
      ...settings(half),
    })
    return outcome(attack, subjectOf(id, { seen, kin }), await pairs([...secret, await drawn()]))
  } finally {
    await close()
  }
}

/** The study has controls of its own, which its verdicts rest on; the lab's attack declares the same one. */
const settings = (budget: number) =>
  ({ budget, positiveControl: { scheme: CONTROLS.broken, expects: 'opened' } }) as const

const subjectOf = (id: CipherId, pictures: Pick<Subject, 'seen' | 'kin'>): Subject => ({
  scheme: findScheme(id),
  shape: { width: SIDE, height: SIDE, channels: 3 },
  ...pictures,
})

/** The last picture is shown, the others are scored. */
async function outcome(attack: Attack, subject: Subject, hidden: readonly Pair[]): Promise<Outcome> {
  const mounted = await mountAttack(attack, subject)
  const found = (await mounted.found!.open!(hidden.map(({ cipher }) => cipher))) as Image<'u8'>[]
  return {
    ssim: meanSsim(
      hidden.slice(0, -1).map(({ plain }) => plain),
      found,
    ),
    shown: found.at(-1)!,
  }
}
