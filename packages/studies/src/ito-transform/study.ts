import { percent } from '../numbers.ts'
import { type Image, type ImageCipher, sha256Of, repeatably } from '@latent/core'
import { shape } from '@latent/graph'
import { openScheme } from '@latent/schemes'
import {
  DIFFERENCE,
  ITO_TRANSFORM,
  JUDGE_MODEL,
  openJudge,
  transform,
  transformParameters,
} from '@latent/schemes/ito-transform'
import { drawPicture } from '@latent/data'
import { imageCorrelation, quality, requireControls, type TargetShape } from '@latent/lab'
import { learnInverse, type Pair, picturesOf, planesOf, type Reconstructor } from '@latent/lab/attacks/trained'
import { contactSheet, enlarged } from '../pictures.ts'
import { AGAIN, LEAK, meanPicture, meanSsim, OPENED, verdict } from '../scoring.ts'
import type { Study, StudyContext, StudyPage } from '../study.ts'

const SIDE = 32
const CHANCE = 0.1
const KEY = new Uint8Array(32).fill(1)
/** What hides nothing, and what hides everything. */
const CONTROLS = { broken: 'identity', whole: 'aes-256-ctr' } as const
const TITLES: Readonly<Record<string, string>> = {
  [CONTROLS.broken]: 'the pictures themselves (control)',
  [ITO_TRANSFORM]: 'drawn by the network',
  [CONTROLS.whole]: 'AES-256-CTR (control)',
}
const IDS = [CONTROLS.broken, ITO_TRANSFORM, CONTROLS.whole] as const

interface Budget {
  readonly read: number
  readonly secret: number
  readonly pairs: readonly number[]
  readonly steps: number
}
const FULL: Budget = { read: 1000, secret: 100, pairs: [100, 1000, 4000], steps: 250 }
const QUICK: Budget = { read: 40, secret: 6, pairs: [20], steps: 4 }

const BATCH = 100

const planes = ({ width, height, channels }: TargetShape, count: number) => shape([count, channels, height, width])

/** The attacker's network: the U-Net that draws the pictures, in the other direction, as published. */
const inverse: Reconstructor = {
  id: 'u-net',
  title: 'published: a U-Net of the same form',
  parameters: () => transformParameters('compact'),
  state: () => ({}),
  input: planes,
  output: planes,
  apply: (p, _, x) => ({ y: transform(p as never, x), state: {} }),
  encode: planesOf,
  target: planesOf,
  decode: picturesOf,
}

interface Reading {
  readonly id: string
  readonly accuracy: number
  readonly ssim: number
  readonly correlation: number
  readonly squares: number
}

/** The page of `latent lab study ito-transform-2021`. */
export const study: Study = {
  id: ITO_TRANSFORM,
  title: 'Ito et al. 2021: pictures for a classifier alone',
  async run(context): Promise<StudyPage> {
    const budget = context.quick ? QUICK : FULL
    const test = (await context.images('cifar10/test', budget.read)).map(({ image }) => image)
    const labels = await context.labels('cifar10/test')
    // Neither the networks nor the attacker have seen the pictures that are opened.
    const known = (await context.images('cifar10/train', Math.max(...budget.pairs))).map(({ image }) => image)
    const secret = test.slice(0, budget.secret)
    const opened = await Promise.all(IDS.map(id => openScheme(id)))
    const total = IDS.length + budget.pairs.length + 2
    let done = 0
    const step = <T>(value: T): T => {
      context.progress(++done, total, 'measurements')
      return value
    }
    try {
      const ciphers = new Map(opened.map(({ cipher }) => [cipher.id, cipher]))
      const readings: Reading[] = []
      for (const id of IDS) readings.push(step(await read(ciphers.get(id)!, test, labels)))
      const attacks: {
        readonly cipher: string
        readonly pairs: number
        readonly ssim: number
        readonly shown: readonly Image<'u8'>[]
      }[] = []
      const plan = [
        ...budget.pairs.map(pairs => ({ id: ITO_TRANSFORM as string, pairs })),
        { id: CONTROLS.broken, pairs: Math.max(...budget.pairs) },
        { id: CONTROLS.whole, pairs: Math.max(...budget.pairs) },
      ]
      for (const { id, pairs } of plan)
        attacks.push(
          step({
            cipher: id,
            pairs,
            ...(await invert(ciphers.get(id)!, known.slice(0, pairs), secret, budget.steps, context)),
          }),
        )
      const guess = meanPicture(known)
      const guessing = meanSsim(
        secret,
        secret.map(() => guess),
      )
      if (!context.quick) requireControls(deviations(readings, attacks, guessing), 'study', AGAIN)
      return page(readings, attacks, { guessing, budget, shown: await drawings(ciphers.get(ITO_TRANSFORM)!), context })
    } finally {
      await Promise.all(opened.map(({ close }) => close()))
    }
  },
}

/** The nonce, where there is one, is of the picture's content, so that a run can be repeated. */
const encrypted = (cipher: ImageCipher, plain: Image<'u8'>): Promise<Image<'u8'>> =>
  cipher.encrypt(plain, KEY, repeatably(cipher, sha256Of(plain.data).subarray(0, 16))) as Promise<Image<'u8'>>

/** What the classifier and simple measures of likeness make of a cipher's pictures. */
async function read(cipher: ImageCipher, test: readonly Image<'u8'>[], labels: Uint8Array): Promise<Reading> {
  const drawn: Image<'u8'>[] = []
  for (const plain of test) drawn.push(await encrypted(cipher, plain))
  const judge = await openJudge(BATCH)
  try {
    let correct = 0
    for (let first = 0; first < drawn.length; first += BATCH) {
      const part = drawn.slice(first, first + BATCH)
      const classes = await judge.classes(planesOf(part).data, part.length)
      correct += classes.filter((found, i) => found === labels[first + i]).length
    }
    const mean = (value: (plain: Image<'u8'>, drawn: Image<'u8'>) => number) =>
      test.reduce((sum, plain, i) => sum + value(plain, drawn[i]!), 0) / test.length
    return {
      id: cipher.id,
      accuracy: correct / drawn.length,
      ssim: mean((plain, picture) => quality(plain, picture, 'one').ssim!),
      correlation: mean((plain, picture) => Math.abs(imageCorrelation(plain.data, picture.data)?.value ?? 0)),
      squares: mean((plain, picture) => Math.abs(imageCorrelation(squares(plain), squares(picture))?.value ?? 0)),
    }
  } finally {
    await judge.close()
  }
}

const SQUARE = 4

/** Brightness of squares of 4x4 pixels. */
function squares({ width, height, channels, data }: Image<'u8'>): Uint8Array {
  const across = width / SQUARE
  const sums = new Float64Array(across * (height / SQUARE))
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels)
    sums[Math.floor(Math.floor(pixel / width) / SQUARE) * across + Math.floor((pixel % width) / SQUARE)]! += data[i]!
  }
  return Uint8Array.from(sums, sum => Math.round(sum / (SQUARE * SQUARE * channels)))
}

async function invert(
  cipher: ImageCipher,
  known: readonly Image<'u8'>[],
  secret: readonly Image<'u8'>[],
  steps: number,
  { seed }: StudyContext,
): Promise<{ ssim: number; shown: readonly Image<'u8'>[] }> {
  const pairs: Pair[] = []
  for (const plain of known) pairs.push({ plain, cipher: await encrypted(cipher, plain) })
  const attack = await learnInverse(inverse, pairs, { steps, rate: 4e-3, seed })
  const drawn = await Promise.all(KINDS.map(kind => drawPicture(kind, SIDE, SIDE, 3)))
  const hidden: Image<'u8'>[] = []
  for (const plain of [...secret, ...drawn]) hidden.push(await encrypted(cipher, plain))
  const found = await attack.open(hidden)
  return { ssim: meanSsim(secret, found), shown: found.slice(secret.length) }
}

const KINDS = ['landscape', 'street', 'shapes'] as const

/** Pictures of our own, plain and as the network draws them: pages hold no data sets. */
async function drawings(cipher: ImageCipher): Promise<readonly Pair[]> {
  const plain = await Promise.all(KINDS.map(kind => drawPicture(kind, SIDE, SIDE, 3)))
  const pairs: Pair[] = []
  for (const picture of plain) pairs.push({ plain: picture, cipher: await encrypted(cipher, picture) })
  return pairs
}

function deviations(
  readings: readonly Reading[],
  attacks: readonly { readonly cipher: string; readonly ssim: number }[],
  guessing: number,
): string[] {
  const of = (id: string) => readings.find(reading => reading.id === id)!
  const opened = (id: string) => attacks.find(({ cipher }) => cipher === id)!.ssim
  return [
    ...(of(CONTROLS.broken).accuracy < 4 * CHANCE
      ? [`the classifier reads ${of(CONTROLS.broken).accuracy} of the plain pictures`]
      : []),
    ...(of(CONTROLS.whole).accuracy > 2 * CHANCE
      ? [`the classifier reads ${of(CONTROLS.whole).accuracy} of the AES pictures`]
      : []),
    ...(opened(CONTROLS.broken) < OPENED
      ? [`the attack opened plain pictures at SSIM ${opened(CONTROLS.broken)} only`]
      : []),
    ...(opened(CONTROLS.whole) > guessing + LEAK
      ? [`the attack found something in AES: SSIM ${opened(CONTROLS.whole)}, and guessing gives ${guessing}`]
      : []),
  ]
}

function page(
  readings: readonly Reading[],
  attacks: readonly {
    readonly cipher: string
    readonly pairs: number
    readonly ssim: number
    readonly shown: readonly Image<'u8'>[]
  }[],
  {
    guessing,
    budget,
    shown,
    context,
  }: { guessing: number; budget: Budget; shown: readonly Pair[]; context: StudyContext },
): StudyPage {
  const of = (id: string) => readings.find(reading => reading.id === id)!
  const control = attacks.find(({ cipher }) => cipher === CONTROLS.broken)!.ssim
  const judged = ({ cipher, ssim }: { cipher: string; ssim: number }) =>
    verdict({ ssim, guessing, untouched: of(cipher).ssim, control })
  const strongest = attacks.filter(({ cipher }) => cipher === ITO_TRANSFORM).at(-1)!
  return {
    title: 'Ito et al. 2021: pictures for a classifier alone',
    lead: 'pictures',
    intro: [
      'Ito, Kinoshita, Aprilpyone and Kiya, "Image to perturbation: an image transformation network ' +
        'for generating visually protected images for privacy-preserving deep neural networks", IEEE ' +
        'Access 2021. A U-Net draws a picture from each photograph; a classifier that was trained on ' +
        'plain pictures, and is not changed, still reads the class.',
      '**Secret:** nothing has a key. If anything is secret it is the network, and whoever may send ' +
        'pictures through it collects pairs. **Nothing decrypts**, not even for the owner: the plain ' +
        'pictures must be kept elsewhere. **What breaks it:** a network trained on such pairs: at best ' +
        `it reaches a structural similarity of ${strongest.ssim.toFixed(3)}, which we call ` +
        `${judged(strongest)} (below).`,
      '**Ours, where nothing of the paper could be had or shipped:** the classifier (four ' +
        `convolutions, \`${JUDGE_MODEL}\`, in place of ResNet-20 or VGG-16), its own features in place ` +
        'of those of an ImageNet-trained VGG-16, instance norm in place of batch norm, an eighth of the ' +
        `channels, a weight of ${DIFFERENCE} on the difference of features where the published examples ` +
        'have 0.01 on features of another scale, and a training of minutes (see the card in the folder ' +
        `models). The paper's tables are not known to us; figures here are not comparable with ` +
        `it.${context.quick ? ' **This was a quick run: its figures mean nothing.**' : ''}`,
    ],
    sections: [
      {
        heading: 'What the classifier reads and what people may see',
        text: [
          `Over the first ${budget.read} test pictures of CIFAR-10; chance is ${percent(CHANCE)}. ` +
            'Likeness to the plain picture: structural similarity; correlation without its sign, of ' +
            `samples and of the brightness of squares of ${SQUARE} x ${SQUARE} pixels, which outlines ` +
            'would survive in. AES-256-CTR shows what remains by chance alone.',
          `The classifier reads ${percent(of(CONTROLS.broken).accuracy)} of the plain pictures and ` +
            `${percent(of(ITO_TRANSFORM).accuracy)} of those that were drawn for it. Squares of those ` +
            `correlate ${of(ITO_TRANSFORM).squares.toFixed(3)} with the plain ones, and ` +
            `${of(CONTROLS.whole).squares.toFixed(3)} by chance: ` +
            `${
              of(ITO_TRANSFORM).squares > 2 * of(CONTROLS.whole).squares
                ? '**outlines remain to be seen** (picture below), so that in this form nothing is protected from ' +
                  'a person'
                : 'outlines are not to be seen that way'
            }.`,
        ],
        tables: [
          {
            columns: [
              'pictures',
              'read by the classifier',
              'SSIM to plain',
              'correlation of samples',
              'correlation of squares',
            ],
            rows: readings.map(({ id, accuracy, ssim, correlation, squares }) => [
              TITLES[id]!,
              percent(accuracy),
              ssim.toFixed(3),
              correlation.toFixed(3),
              squares.toFixed(3),
            ]),
          },
        ],
      },
      {
        heading: 'The inverse-transformation attack',
        text: [
          `An attacker who may call the network trains ${inverse.title.replace('published: ', '')} ` +
            `on pairs, ${budget.steps} steps of 32 pictures, on pictures of the training set, and ` +
            `opens ${budget.secret} test pictures. Guessing the mean picture scores SSIM ` +
            `${guessing.toFixed(3)}; a score is a leak from ${LEAK} above that, and a picture counts ` +
            `as opened from ${OPENED}. With ${strongest.pairs} pairs: ${strongest.ssim.toFixed(3)}, ` +
            `${judged(strongest)}. The same attack on pictures that nobody encrypted must open them, ` +
            'or no verdict is given.',
        ],
        tables: [
          {
            columns: ['pictures', 'known pairs', 'SSIM', 'verdict'],
            rows: attacks.map(({ cipher, pairs, ssim }) => [
              TITLES[cipher]!,
              pairs,
              ssim.toFixed(3),
              judged({ cipher, ssim }),
            ]),
          },
        ],
        figures: [
          {
            name: 'pictures',
            caption:
              'Pictures drawn by Latent. From the left: plain, as the network draws them, as the ' +
              `attack with ${strongest.pairs} known pairs opens them.`,
            image: contactSheet(
              shown.flatMap(({ plain, cipher }, i) =>
                [plain, cipher, strongest.shown[i]!].map(picture => enlarged(picture, 4)),
              ),
              3,
            ),
          },
        ],
      },
    ],
  }
}
