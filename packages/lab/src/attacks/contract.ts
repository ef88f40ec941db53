import { type Image, type KeyStream, LatentError } from '@latent/core'
import type { Description, Scheme } from '@latent/schemes'
import type { TargetShape } from './chosen-plaintext.ts'
import type { Pair } from './trained/images.ts'

/**
 * What an attacker has, beside the design of the scheme and its public weights. Each is a column of the verdict matrix.
 * Later ones are not always stronger: `near-key` holds a key (or weights) that is almost right.
 */
export const THREATS = {
  'ciphertext-only': 'cipher images alone, and pictures of the same kind that have nothing to do with them',
  'labelled-ciphers': 'cipher images, some of them with the class of what they show',
  'known-pairs': 'some pictures in both forms, which the attacker did not choose',
  'chosen-plaintext': "cipher images of the attacker's own pictures",
  'chosen-ciphertext': "decryptions of the attacker's own cipher images, never of the one to be opened",
  'near-key':
    'a key or weights that are almost right: one bit of the key, or each weight by one part in a hundred, is wrong',
} as const
/** A threat model by name; see {@link THREATS}. */
export type Threat = keyof typeof THREATS

/** What an attack ends with. */
export type Returns = 'key' | 'plaintext' | 'class' | 'distinguishing-bit'

/**
 * All that an attack is given. Every answer counts as one query; what the threat model does not hold is refused with
 * E_SCRIPT, and whatever goes over the budget with E_LIMIT. Pictures are 8-bit.
 */
export interface Oracles {
  /** The public description of the scheme under attack. */
  readonly scheme: Description
  /** Of the plain pictures. */
  readonly shape: TargetShape
  /** Queries that are left. */
  readonly left: () => number
  /** Public pictures of the same kind as the targets, none of them a target. Free. */
  readonly kin: (count: number) => Promise<Image<'u8'>[]>
  /** Cipher images of pictures that are not known; a query each. All threats. */
  readonly ciphers: (count: number) => Promise<Image[]>
  /** The same with the number of the class, 0 to 9. `labelled-ciphers`. */
  readonly labelled: (count: number) => Promise<{ readonly cipher: Image; readonly label: number }[]>
  /** Pictures in both forms; a query each. `known-pairs` and what is stronger. */
  readonly pairs: (count: number) => Promise<SeenPair[]>
  /** Encrypts a picture of the attacker's. `chosen-plaintext` and `chosen-ciphertext`. */
  readonly encrypt: (chosen: Image) => Promise<Image>
  /** Decrypts a cipher image that is none of the targets. `chosen-ciphertext`. @throws what the scheme throws */
  readonly decrypt: (chosen: Image) => Promise<Image>
  /** Decrypts, also a target, with what is almost the key. `near-key`. @throws what the scheme throws */
  readonly nearlyDecrypt: (cipher: Image) => Promise<Image>
}

/** A picture in both forms; the cipher image has the shape and format that the scheme gives it. */
export interface SeenPair {
  readonly plain: Image<'u8'>
  readonly cipher: Image
}

/** A pair whose cipher image is 8-bit, as learned attackers take them. */
export type BytePair = Pair

/** What an attack found. Which one is asked for follows from {@link Attack.returns}. */
export interface Found {
  /** Pictures that the attacker takes the targets to be, of the plain shape. For `key` and `plaintext`. */
  readonly open?: (targets: readonly Image[]) => Promise<readonly Image<'u8'>[]> | readonly Image<'u8'>[]
  /** The class of each. For `class`. */
  readonly classify?: (targets: readonly Image[]) => Promise<readonly number[]> | readonly number[]
  /** The higher, the more it looks like a cipher image of this scheme and not like noise. For `distinguishing-bit`. */
  readonly suspect?: (pictures: readonly Image[]) => Promise<readonly number[]> | readonly number[]
  /** What it counted on its way, by name, such as the pixels that are certain. Not scored; for whoever mounts it. */
  readonly counted?: Readonly<Record<string, number>>
}

/** What a positive control is, and how far the attack must come with it. */
export interface PositiveControl {
  /** A scheme by id, or one made for the purpose. */
  readonly scheme: string | Scheme
  /** The control is attacked with one nonce for all pictures. */
  readonly nonces?: 'reused'
  /** `opened`, or (the default for a class or a bit) only `leaks`. */
  readonly expects: 'opened' | 'leaks'
}

/** One attack of the lab: an entry of the registry, or a stranger's. */
export interface Attack {
  /** Small letters, digits and single hyphens. */
  readonly id: string
  readonly title: string
  readonly threat: Threat
  /** Whether it needs to know the weights of a learned scheme. */
  readonly weights: 'public' | 'secret'
  /** Queries that it may make unless a run says otherwise. */
  readonly budget: number
  /** What it works on: crops of drawn scenes, or drawn digits on black. */
  readonly pictures: 'scenes' | 'digits'
  readonly returns: Returns
  /** A reconstruction counts up to one symmetry and recolouring of the whole picture, which an eye undoes at once. */
  readonly upTo: 'nothing' | 'appearance'
  /** It shows what it was given, perhaps from afar: others must come further than that. */
  readonly doesNothing: boolean
  /** Undefined where it applies; otherwise half a sentence that says why not. Of the description alone. */
  readonly appliesTo: (scheme: Description) => string | undefined
  /** Without breaking it in the same run, the attack says nothing of any other scheme. */
  readonly positiveControl: PositiveControl
  /** Source of the attack, as it is cited. */
  readonly source: string
  /** @returns undefined where the answers do not fit a scheme that the attack is for, or the budget does not suffice */
  readonly run: (oracles: Oracles, budget: number, random: KeyStream) => Promise<Found | undefined>
}

/** What an author writes; the rest has usual values. */
export type AttackEntry = Pick<Attack, 'id' | 'title' | 'threat' | 'positiveControl' | 'run'> & Partial<Attack>

/** Fills in the usual: secret weights, 1 query, drawn scenes, plain pictures back, every scheme. */
export const defineAttack = (entry: AttackEntry): Attack => ({
  weights: 'secret',
  budget: 1,
  pictures: entry.returns === 'class' ? 'digits' : 'scenes',
  returns: 'plaintext',
  upTo: 'nothing',
  doesNothing: false,
  appliesTo: () => undefined,
  source: 'ours',
  ...entry,
})

const RETURNS: readonly unknown[] = ['key', 'plaintext', 'class', 'distinguishing-bit'] satisfies Returns[]

/** What keeps something from being an attack, as half a sentence; undefined for an attack. */
export function attackFault(candidate: unknown): string | undefined {
  if (typeof candidate !== 'object' || candidate === null) return 'it is no object'
  const attack = candidate as Partial<Record<keyof Attack, unknown>>
  if (typeof attack.id !== 'string' || attack.id.length > 60 || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(attack.id))
    return 'its id is not made of small letters, digits and single hyphens'
  if (typeof attack.title !== 'string' || attack.title.trim() === '') return 'it has no title'
  if (typeof attack.threat !== 'string' || !Object.hasOwn(THREATS, attack.threat))
    return `its threat is none of ${Object.keys(THREATS).join(', ')}`
  if (!RETURNS.includes(attack.returns)) return `what it returns is none of ${RETURNS.join(', ')}`
  if (!Number.isSafeInteger(attack.budget) || (attack.budget as number) < 1)
    return 'its budget is no positive whole number'
  if (attack.pictures !== 'scenes' && attack.pictures !== 'digits') return 'its pictures are neither scenes nor digits'
  if (attack.returns === 'class' && attack.pictures !== 'digits') return 'it names classes, which only digits have'
  for (const name of ['run', 'appliesTo'] as const)
    if (typeof attack[name] !== 'function') return `it has no function ${name}`
  const control = attack.positiveControl as Partial<PositiveControl> | null | undefined
  if (typeof control !== 'object' || control === null || !control.scheme) return 'it has no positiveControl'
  if (control.expects !== 'opened' && control.expects !== 'leaks')
    return 'its positiveControl expects neither "opened" nor "leaks"'
  return undefined
}

/** @throws E_SCRIPT for what is no attack */
export function requireAttack(candidate: unknown): Attack {
  const fault = attackFault(candidate)
  if (fault !== undefined)
    throw new LatentError('E_SCRIPT', `this is no attack: ${fault}`, {
      hint: 'make it with defineAttack({ id, title, threat, positiveControl, run })',
    })
  return candidate as Attack
}
