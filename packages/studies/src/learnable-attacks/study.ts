import { deriveKey, type Image } from '@latent/core'
import { openScheme } from '@latent/schemes'
import { drawPicture } from '@latent/data'
import { requireControls } from '@latent/lab'
import {
  learnInverse,
  learnUnpaired,
  linear,
  type Pair,
  type Reconstruction,
  type Reconstructor,
  sharedBlocks,
  sharedPixels,
} from '@latent/lab/attacks/learned'
import { contactSheet, enlarged } from '../pictures.ts'
import { repeatable } from '../repeatable.ts'
import { AGAIN, LEAK, meanPicture, meanSsim, OPENED, verdict } from '../scoring.ts'
import type { Study, StudyContext, StudyPage } from '../study.ts'

const SIDE = 16
const CIPHERS = [
  'identity',
  'pixel-based',
  'pixel-based-shuffle',
  'tanaka-le',
  'extended-le',
  'etc',
  'vortex-2024',
  'vortex-2024-bijective',
  'fixed-permutation',
  'aes-256-ctr',
] as const
type CipherId = (typeof CIPHERS)[number]
/** Must be opened, and must not be: otherwise nothing that was measured counts. */
const CONTROLS = { broken: 'identity', whole: 'aes-256-ctr' } as const

interface Attacker {
  readonly network: Reconstructor
  readonly published: boolean
  readonly steps: number
  readonly rate: number
  readonly pairs: number
  /** Ciphers that it is tried on; all, if absent. */
  readonly only?: readonly CipherId[]
}

const PIXEL_CIPHERS = ['identity', 'pixel-based', 'pixel-based-shuffle', 'aes-256-ctr'] as const
const ATTACKERS: readonly Attacker[] = [
  { network: sharedPixels, published: true, steps: 150, rate: 4e-3, pairs: 500, only: PIXEL_CIPHERS },
  { network: sharedBlocks, published: true, steps: 400, rate: 4e-3, pairs: 500 },
  { network: linear('pixel'), published: false, steps: 250, rate: 2e-2, pairs: 500 },
  { network: linear('block'), published: false, steps: 250, rate: 2e-2, pairs: 500 },
  { network: linear('image'), published: false, steps: 700, rate: 3e-3, pairs: 4000 },
]
/**
 * Under another key for each pair: the published networks, and the one of ours that is quickest to learn what is left.
 */
const DIFFERENT = new Set([sharedPixels.id, sharedBlocks.id, 'linear-block'])
const UNPAIRED: readonly { readonly cipher: CipherId; readonly network: Reconstructor; readonly steps: number }[] = [
  { cipher: 'identity', network: sharedBlocks, steps: 500 },
  { cipher: 'pixel-based', network: sharedBlocks, steps: 500 },
  { cipher: 'tanaka-le', network: sharedBlocks, steps: 500 },
  { cipher: 'etc', network: sharedBlocks, steps: 500 },
  { cipher: 'aes-256-ctr', network: sharedBlocks, steps: 500 },
]

interface Budget {
  readonly ciphers: readonly CipherId[]
  readonly known: number
  readonly secret: number
  /** Part of the steps above. */
  readonly part: number
}
const FULL: Budget = { ciphers: CIPHERS, known: 4000, secret: 100, part: 1 }
const QUICK: Budget = { ciphers: ['identity', 'tanaka-le', 'aes-256-ctr'], known: 60, secret: 8, part: 0.02 }

interface Outcome {
  readonly ssim: number
  /** What the attack makes of the picture that is shown: one of ours, since pages hold no data sets. */
  readonly shown: Image<'u8'>
}

interface Row {
  readonly cipher: CipherId
  /** Likeness of the cipher images themselves, under the key of the pairs and under keys of their own. */
  readonly before: { readonly same: number; readonly different: number }
  readonly shown: { readonly plain: Image<'u8'>; readonly cipher: Image<'u8'> }
  readonly same: ReadonlyMap<string, Outcome>
  readonly different: ReadonlyMap<string, Outcome>
}

export const study: Study = {
  id: 'learnable-attacks',
  title: 'Learned attacks on learnable ciphers',
  async run(context): Promise<StudyPage> {
    const budget = context.quick ? QUICK : FULL
    const plain = (await context.images(`cifar10/train@${SIDE}`, budget.known + budget.secret)).map(
      ({ image }) => image,
    )
    const [secret, known] = [plain.slice(0, budget.secret), plain.slice(budget.secret)]
    const guess = meanPicture(known)
    const guessing = meanSsim(
      secret,
      secret.map(() => guess),
    )
    const tried = UNPAIRED.filter(({ cipher }) => budget.ciphers.includes(cipher))
    const total = budget.ciphers.length + tried.length
    const rows: Row[] = []
    for (const cipher of budget.ciphers) {
      rows.push(await attackPaired(cipher, known, secret, budget, context))
      context.progress(rows.length, total, 'attacks')
    }
    const unpaired: {
      readonly cipher: CipherId
      readonly title: string
      readonly steps: number
      readonly outcome: Outcome
    }[] = []
    for (const { cipher, network, steps } of tried) {
      const taken = scaled(steps, budget)
      unpaired.push({
        cipher,
        title: network.title,
        steps: taken,
        outcome: await attackUnpaired(cipher, network, taken, known, secret, context),
      })
      context.progress(rows.length + unpaired.length, total, 'attacks')
    }
    if (!context.quick) requireControls(deviations(rows, guessing), 'study', AGAIN)
    return page(rows, unpaired, { guessing, budget, context })
  },
}

const scaled = (steps: number, { part }: Budget): number => Math.max(2, Math.round(steps * part))

async function attackPaired(
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

async function attackUnpaired(
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

const drawn = (): Promise<Image<'u8'>> => drawPicture('landscape', SIDE, SIDE, 3)

/** The last picture is shown, the others are scored. */
async function outcome(attack: Reconstruction, hidden: readonly Pair[]): Promise<Outcome> {
  const found = await attack.open(hidden.map(({ cipher }) => cipher))
  return {
    ssim: meanSsim(
      hidden.slice(0, -1).map(({ plain }) => plain),
      found,
    ),
    shown: found.at(-1)!,
  }
}

const keyOf = async (seed: number, number: number): Promise<Uint8Array> =>
  deriveKey(new TextEncoder().encode(`learned attacks, seed ${seed}, key ${number}`), 'latent/v1/lab/study')

const bestOf = (outcomes: ReadonlyMap<string, Outcome>): Outcome =>
  Array.from(outcomes.values()).reduce((best, other) => (other.ssim > best.ssim ? other : best))

function deviations(rows: readonly Row[], guessing: number): string[] {
  const best = (id: CipherId) => bestOf(rows.find(({ cipher }) => cipher === id)!.same).ssim
  const [broken, whole] = [best(CONTROLS.broken), best(CONTROLS.whole)]
  return [
    ...(broken < OPENED ? [`no attack opened ${CONTROLS.broken}, which hides nothing: SSIM ${broken.toFixed(3)}`] : []),
    ...(whole > guessing + LEAK
      ? [
          `an attack found something in ${CONTROLS.whole}: SSIM ${whole.toFixed(3)}, and guessing ` +
            `gives ${guessing.toFixed(3)}`,
        ]
      : []),
  ]
}

const figure = (found: Outcome | undefined): string => found?.ssim.toFixed(3) ?? ''

function page(
  rows: readonly Row[],
  unpaired: readonly {
    readonly cipher: CipherId
    readonly title: string
    readonly steps: number
    readonly outcome: Outcome
  }[],
  { guessing, budget, context }: { guessing: number; budget: Budget; context: StudyContext },
): StudyPage {
  const different = ATTACKERS.filter(({ network }) => DIFFERENT.has(network.id))
  const settings = ATTACKERS.map(({ network, published, steps, rate, pairs }) => [
    network.id,
    network.title,
    published ? 'published, repaired' : 'ours',
    Math.min(pairs, budget.known),
    scaled(steps, budget),
    rate,
  ])
  const rowOf = (id: CipherId) => rows.find(({ cipher }) => cipher === id)!
  const broken = rowOf(CONTROLS.broken)
  const paired = <K extends 'same' | 'different'>(keys: K, row: Pick<Row, 'before' | K>) =>
    verdict({ ssim: bestOf(row[keys]).ssim, guessing, untouched: row.before[keys], control: bestOf(broken[keys]).ssim })
  const unpairedControl = unpaired.find(({ cipher }) => cipher === CONTROLS.broken)?.outcome.ssim ?? 0
  const wins = rows.filter(row => paired('same', row).startsWith('opened')).map(({ cipher }) => cipher)
  const publishedWins = rows
    .filter(({ same }) =>
      ATTACKERS.some(({ network, published }) => published && (same.get(network.id)?.ssim ?? 0) >= OPENED),
    )
    .map(({ cipher }) => cipher)
  const withoutKey = rows
    .filter(({ before, different }) => bestOf(different).ssim > Math.max(guessing, before.different) + LEAK)
    .map(({ cipher }) => cipher)
  const list = (ids: readonly string[]) => (ids.length === 0 ? 'none' : ids.map(id => `\`${id}\``).join(', '))
  return {
    title: 'Learned attacks on learnable ciphers',
    intro: [
      'A network is trained to turn cipher images back into plain ones, and scored on ' +
        `${budget.secret} pictures that it never saw: middles of ${SIDE} x ${SIDE} pixels of ` +
        `CIFAR-10's training pictures, structural similarity (SSIM) to the plain ones. The key is ` +
        'never touched.',
      'The chosen-plaintext attacks of [the attacks page](../../lab/attacks.md) open most of these ' +
        'ciphers exactly. This page asks what is left for an attacker who can choose nothing and has ' +
        'only learned.',
      `Guessing the mean picture every time scores ${guessing.toFixed(3)}: a score is a leak from ` +
        `${LEAK} above that, and a picture counts as opened from ${OPENED}. Controls: ` +
        `\`${CONTROLS.broken}\` must be opened and \`${CONTROLS.whole}\` must not; otherwise this page ` +
        'is not written. An attack that does nothing scores what the cipher image does; "not opened" is ' +
        'said only where the same attack opened pictures that nobody ' +
        `encrypted.${context.quick ? ' **This was a quick run: its figures mean nothing.**' : ''}`,
    ],
    sections: [
      {
        heading: 'Pairs under the same key',
        text: [
          'The attacker has pictures in both forms, under the key that made the others. ' +
            '`shared-pixels` and `shared-blocks` are the published inverse networks (repository ' +
            '`learnable_encryption_robustness`), with a sigmoid and targets in 0..1 in place of tanh, ' +
            'sigmoid and targets in -1..1, which cannot fit. Their weights are the same at every pixel ' +
            'or block. The others are ours: a linear map for every pixel, for every block of 4 x 4, or ' +
            'for the whole image. Complementing, moving and exchanging nibbles are linear, so these ' +
            'can hold such keys.',
          `Opened by any attacker: ${list(wins)}. Opened by a published one: ${list(publishedWins)}. ` +
            'What a published network does not open is often what its shared weights cannot express, ' +
            'and no sign of strength.',
        ],
        tables: [
          {
            columns: ['cipher', 'cipher image', ...ATTACKERS.map(({ network }) => network.id), 'verdict'],
            rows: rows.map(({ cipher, before, same }) => [
              cipher,
              before.same.toFixed(3),
              ...ATTACKERS.map(({ network }) => figure(same.get(network.id))),
              paired('same', { before, same }),
            ]),
          },
        ],
        figures: [
          {
            name: 'same-key',
            caption:
              'A picture drawn by Latent. From the left: plain, cipher image, the best attack with ' +
              'pairs under the same key, the best with pairs under other keys. Rows as in the table.',
            image: contactSheet(
              rows.flatMap(({ shown, same, different }) =>
                [shown.plain, shown.cipher, bestOf(same).shown, bestOf(different).shown].map(picture =>
                  enlarged(picture, 4),
                ),
              ),
              4,
            ),
          },
        ],
      },
      {
        heading: 'Pairs under other keys',
        text: [
          'Every pair was made under a key of its own, and so was every picture to open: only what ' +
            'all keys have in common can be learned.',
          `Above guessing, and above the cipher image itself: ${list(withoutKey)}.`,
        ],
        tables: [
          {
            columns: ['cipher', 'cipher image', ...different.map(({ network }) => network.id), 'verdict'],
            rows: rows.map(({ cipher, before, different: found }) => [
              cipher,
              before.different.toFixed(3),
              ...different.map(({ network }) => figure(found.get(network.id))),
              paired('different', { before, different: found }),
            ]),
          },
        ],
      },
      {
        heading: 'No pairs at all',
        text: [
          'The GAN attack: cipher images under one key and other plain pictures of the same kind. ' +
            'Spectral norm, max-pooled scores and binary cross-entropy as published; a weight of 0.1 ' +
            'on total variation, batches of 32 and few steps are ours. With so few steps this says ' +
            'what is easy, not what is impossible. Where it does not open pictures that nobody ' +
            'encrypted, it says nothing of a cipher that it does not open.',
        ],
        tables: [
          {
            columns: ['cipher', 'network', 'steps', 'cipher image', 'SSIM', 'verdict'],
            rows: unpaired.map(({ cipher, title, steps, outcome }) => [
              cipher,
              title,
              steps,
              rowOf(cipher).before.same.toFixed(3),
              outcome.ssim.toFixed(3),
              verdict({ ssim: outcome.ssim, guessing, untouched: rowOf(cipher).before.same, control: unpairedControl }),
            ]),
          },
        ],
        figures: [
          {
            name: 'unpaired',
            caption:
              'The same picture as each attack without pairs sees it: ' +
              `${unpaired.map(({ cipher }) => cipher).join(', ')}.`,
            image: contactSheet(
              unpaired.map(({ outcome }) => enlarged(outcome.shown, 4)),
              unpaired.length,
            ),
          },
        ],
      },
      {
        heading: 'Settings',
        text: [
          'Mean squared error, Adam, batches of 32, rates falling along a cosine. Published: SGD at ' +
            '0.01 over 50 epochs, 32 x 32 pixels, 10,000 test images; figures there and here are ' +
            'therefore not comparable in size, only in which cipher falls to what.',
        ],
        tables: [{ columns: ['attacker', 'what it is', 'origin', 'pairs', 'steps', 'rate'], rows: settings }],
      },
    ],
  }
}
