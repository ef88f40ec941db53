import { type Image, image, KeyStream, LatentError, sha256Of } from '@latent/core'
import { encodePng } from '@latent/core/png'
import type { Scheme } from '@latent/schemes'
import type { Attack, Found, Oracles } from './contract.ts'
import { countedOracles } from './oracles.ts'
import { meanPicture } from './mean-picture.ts'
import { asPicture, meanLikeness, type PictureScore, scorePictures } from './score.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

/** One attack on one scheme under one key. */
export interface TrialSettings {
  readonly budget: number
  /** The number of the key; each is another replicate. */
  readonly key: number
  readonly nonces: WorldOptions['nonces']
  readonly answers?: WorldOptions['answers']
}

/** What a target gave: a reconstruction's score, or (of classes and bits) a share of right answers. */
export type TargetRow = { readonly picture: number } & ({ readonly right: number } | PictureScore)

/** One line of rows.jsonl. */
export interface TrialRow {
  readonly kind: 'trial'
  readonly attack: string
  readonly scheme: string
  readonly nonces: WorldOptions['nonces']
  readonly answers: 'true' | 'shuffled'
  readonly budget: number
  readonly key: number
  /** The scheme is the attack's positive control here. */
  readonly control: boolean
  /** `found`: it ended with something; `nothing`: it gave up; `refused`: the scheme or the oracles threw. */
  readonly outcome: 'found' | 'nothing' | 'refused'
  readonly queries: number
  readonly seconds: number
  readonly error?: { readonly code: string; readonly message: string }
  readonly targets: readonly TargetRow[]
  /**
   * What whoever does nothing scores: showing the cipher image as it is, and the mean of public pictures. Of
   * reconstructions alone.
   */
  readonly nothing?: { readonly untouched: number; readonly guess: number; readonly recognised: number }
  /** Plain picture, cipher image and reconstruction of one target as a PNG in base64, side by side. */
  readonly shown?: string
}

/** Targets a key: reconstructions are dear to score, and classes and bits need more. */
export const TARGETS = { key: 12, plaintext: 12, class: 40, 'distinguishing-bit': 32 } as const
/** The target that is shown. */
const SHOWN = 1
const KIN = 64

/** Name of a trial, unique in a run. */
export const trialName = (
  row: Pick<TrialRow, 'attack' | 'scheme' | 'nonces' | 'answers' | 'budget' | 'key' | 'control'>,
) => [row.attack, row.scheme, row.nonces, row.answers, row.budget, row.key, row.control ? 'control' : ''].join('|')

/**
 * Runs an attack against one key of a scheme and scores what it ends with. A scheme or an attack that throws is a row
 * of its own; only what says that the caller is at fault is thrown.
 * @throws E_ARGUMENT for a budget below 1; E_SCRIPT for an attack that breaks its contract
 */
export async function runTrial(
  attack: Attack,
  scheme: Scheme,
  settings: TrialSettings,
  { control = false, open = openWorld }: { readonly control?: boolean; readonly open?: typeof openWorld } = {},
): Promise<TrialRow> {
  const { budget, key, nonces, answers = 'true' } = settings
  if (!Number.isSafeInteger(budget) || budget < 1)
    throw new LatentError('E_ARGUMENT', `expected a positive whole number for budget, received ${String(budget)}`, {
      hint: 'an attack that asks nothing is not run; --budget 1 is the least',
    })
  const started = performance.now()
  const row = { kind: 'trial', attack: attack.id, scheme: scheme.id, nonces, answers, budget, key, control } as const
  const seconds = () => Math.round(performance.now() - started) / 1000
  let world: World
  try {
    world = await open(scheme, { key, nonces, answers, pictures: attack.pictures, targets: TARGETS[attack.returns] })
  } catch (error) {
    return { ...row, outcome: 'refused', queries: 0, seconds: seconds(), error: told(error), targets: [] }
  }
  try {
    const { oracles, queries } = countedOracles(world, attack, budget)
    try {
      const random = await KeyStream.create(
        sha256Of(new TextEncoder().encode(`${attack.id} ${key}`)),
        'latent/v1/lab/attack',
      )
      const found = await attack.run(
        answers === 'shuffled' && attack.returns === 'distinguishing-bit' ? noisy(oracles, random) : oracles,
        budget,
        random,
      )
      const scored = found === undefined ? undefined : await score(attack, found, world, random)
      return {
        ...row,
        outcome: scored === undefined ? 'nothing' : 'found',
        queries: queries(),
        seconds: seconds(),
        targets: scored?.targets ?? [],
        ...(scored?.nothing && { nothing: scored.nothing }),
        ...(scored?.shown && { shown: scored.shown }),
      }
    } catch (error) {
      if (error instanceof LatentError && error.code === 'E_SCRIPT') throw error
      return {
        ...row,
        outcome: overBudget(error) ? 'nothing' : 'refused',
        queries: queries(),
        seconds: seconds(),
        error: told(error),
        targets: [],
      }
    }
  } finally {
    await world.close()
  }
}

/**
 * For a bit, being told of another picture is no control: cipher images of any picture are. Noise in their place is.
 */
const noisy = (oracles: Oracles, random: KeyStream): Oracles => ({
  ...oracles,
  async ciphers(count) {
    const noise: Image[] = []
    for (const cipher of await oracles.ciphers(count)) noise.push(await noiseLike(cipher, random))
    return noise
  },
})

/** An attack that lets the oracles' refusal through gives up. */
const overBudget = (error: unknown): boolean => error instanceof LatentError && error.code === 'E_LIMIT'

const told = (error: unknown): { code: string; message: string } =>
  error instanceof LatentError
    ? { code: error.code, message: error.message }
    : { code: 'E_INTERNAL', message: String(error instanceof Error ? error.message : error).slice(0, 300) }

interface Scored {
  readonly targets: readonly TargetRow[]
  readonly nothing?: TrialRow['nothing']
  readonly shown?: string
}

/** @throws E_SCRIPT for an attack that does not give what it declares */
async function score(attack: Attack, found: Found, world: World, random: KeyStream): Promise<Scored> {
  const ciphers = world.targets.map(({ cipher }) => cipher)
  if (attack.returns === 'class') {
    const named = answers(attack, 'classify', await found.classify?.(ciphers), ciphers.length)
    return {
      targets: world.targets.map(({ label }, picture) => ({ picture, right: Number(named[picture] === label) })),
    }
  }
  if (attack.returns === 'distinguishing-bit') {
    const noise: Image[] = []
    for (const cipher of ciphers) noise.push(await noiseLike(cipher, random))
    const suspicion = answers(attack, 'suspect', await found.suspect?.([...ciphers, ...noise]), 2 * ciphers.length)
    const others = suspicion.slice(ciphers.length)
    // The area under the curve, a share for each target: how often it looks more like a cipher image than noise does.
    const right = (value: number) =>
      others.reduce((sum, other) => sum + (value > other ? 1 : value === other ? 0.5 : 0), 0) / others.length
    return { targets: ciphers.map((_, picture) => ({ picture, right: short(right(suspicion[picture]!)) })) }
  }
  const plains = world.targets.map(({ plain }) => plain)
  const opened = answers(attack, 'open', await found.open?.(ciphers), ciphers.length)
  for (const one of opened) requirePicture(attack, one, plains[0]!)
  const shape = plains[0]!
  const untouched = ciphers.map(cipher => asPicture(cipher, shape))
  const guess = meanPicture((await world.kin(KIN)).map(({ plain }) => plain))
  const asItIs = scorePictures(plains, untouched, attack.upTo)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    targets: scorePictures(plains, opened, attack.upTo).map((one, picture) => ({ picture, ...rounded(one) })),
    nothing: {
      untouched: short(mean(asItIs.map(({ ssim }) => ssim))),
      recognised: short(mean(asItIs.map(({ recognised }) => recognised))),
      guess: short(
        meanLikeness(
          plains,
          plains.map(() => guess),
        ),
      ),
    },
    shown: base64(encodePng(beside([plains[SHOWN]!, untouched[SHOWN]!, opened[SHOWN]!]))),
  }
}

/** Rows are read by people too. */
const short = (value: number): number => Math.round(value * 1e4) / 1e4
const rounded = (one: PictureScore): PictureScore => ({
  ...one,
  ssim: short(one.ssim),
  psnr: one.psnr === null ? null : short(one.psnr),
  wrong: short(one.wrong),
})

function answers<T>(attack: Attack, name: string, given: readonly T[] | undefined, wanted: number): readonly T[] {
  if (Array.isArray(given) && given.length === wanted) return given
  throw new LatentError('E_SCRIPT', `the attack ${attack.id} says that it returns a ${attack.returns}, and gave none`, {
    hint: `its run resolves to { ${name} }, which gives one answer for each image`,
  })
}

function requirePicture(attack: Attack, given: unknown, shape: Image<'u8'>): void {
  const one = (given ?? {}) as Partial<Image>
  const fits =
    one.format === 'u8' &&
    one.width === shape.width &&
    one.height === shape.height &&
    one.channels === shape.channels &&
    one.data?.length === shape.data.length
  if (!fits)
    throw new LatentError('E_SCRIPT', `the attack ${attack.id} gave back what is no 8-bit picture of the plain shape`, {
      hint: `it is ${shape.width} x ${shape.height} pixels of ${shape.channels} channels`,
    })
}

/** Noise of the shape and format of a cipher image. */
export async function noiseLike(cipher: Image, random: KeyStream): Promise<Image> {
  const { width, height, channels, format, data } = cipher
  const bytes = await random.bytes(4 * data.length)
  const words = new Uint32Array(bytes.slice().buffer)
  const samples =
    format === 'u8'
      ? Uint8Array.from(words)
      : format === 'u16'
        ? Uint16Array.from(words)
        : Float32Array.from(words, word => word / 2 ** 32)
  return image({ width, height, channels, format, data: samples })
}

/** Pictures of one shape side by side. */
function beside(pictures: readonly Image<'u8'>[]): Image<'u8'> {
  const { width, height, channels } = pictures[0]!
  const data = new Uint8Array(pictures.length * width * height * channels)
  for (const [n, one] of pictures.entries())
    for (let y = 0; y < height; y++)
      data.set(
        one.data.subarray(y * width * channels, (y + 1) * width * channels),
        (y * pictures.length + n) * width * channels,
      )
  return image({ width: width * pictures.length, height, channels, format: 'u8', data })
}

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
