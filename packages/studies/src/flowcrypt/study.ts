import type { Image } from '@latent/core'
import { initialise, parameterCount, type Tensor } from '@latent/graph'
import {
  type FlowCrypt,
  type FlowCryptRunner,
  flowCryptParameters,
  initialFlowCrypt,
  networkCost,
  runnerOf,
  SHAPES,
} from '@latent/schemes/flowcrypt'
import { loadModel, networkWeights } from '@latent/schemes/models'
import type { Profile } from '@latent/schemes/recipes'
import { drawPicture } from '@latent/data'
import { histogramCritical } from '@latent/lab'
import { attackMap } from '@latent/lab/attacks/learned'
import { chart } from '../charts.ts'
import { contactSheet } from '../pictures.ts'
import type { Study, StudyContext, StudyFigure, StudySection, StudyTable } from '../study.ts'
import {
  DAMAGES,
  decibels,
  decrypt,
  encrypt,
  type Figures,
  glance,
  keysFor,
  measureDamage,
  measureNudges,
  measurePicture,
  misplaced,
  NUDGES,
  pictureOf,
  type Planes,
  planesOf,
  stored,
} from './measure.ts'

const FLOWCRYPT_OF: Readonly<Record<Profile, string>> = { paper: 'flowcrypt-2025', compact: 'flowcrypt-2025-compact' }

const sideOf = ({ quick }: StudyContext): number => (quick ? 64 : 256)

interface Subject {
  readonly name: string
  /** Measured on every so many-th picture: the paper's network costs eight times as much as the others. */
  readonly every: number
  readonly profile: Profile
  readonly weights: FlowCrypt<Tensor<'f32'>>
  readonly runner: FlowCryptRunner
}

export const study: Study = {
  id: 'flowcrypt-2025',
  title: 'FlowCrypt',
  async run(context) {
    const [paper, compact, quality, statistics, start] = await Promise.all([
      shipped('paper', 'paper', 'flowcrypt-2025', 12),
      shipped('compact', 'compact', 'flowcrypt-2025-compact', 5),
      shipped('compact, quality', 'compact', 'flowcrypt-2025-compact-quality', 10),
      shipped('compact, statistics', 'compact', 'flowcrypt-2025-compact-statistics', 10),
      untrained(),
    ])
    const subjects = [paper, compact, quality, statistics, start]
    try {
      const rows = await measureAll(context, subjects)
      return {
        title: 'FlowCrypt (Yang, Ping, Xu 2025)',
        intro: INTRO,
        sections: [
          facts(),
          table(context, rows, paper),
          keySection(rows),
          await glanceSection(context, rows, paper),
          await nudgeSection(context, [paper, compact]),
          await tradeOff(rows, [quality, compact, start, statistics]),
          await damageSection(context, [paper, compact, quality]),
          await attackSection(context, compact),
          await pictures(context, paper),
          PLAIN_WORDS,
        ],
      }
    } finally {
      for (const { runner } of subjects) await runner.close()
    }
  },
}

async function shipped(name: string, profile: Profile, id: string, every: number): Promise<Subject> {
  const weights = networkWeights(
    await loadModel(id, { scheme: FLOWCRYPT_OF[profile], profile }),
    'flowcrypt',
    flowCryptParameters(SHAPES[profile]),
  )
  return { name, every, profile, weights, runner: runnerOf(weights) }
}

/** The compact network as training finds it. */
async function untrained(): Promise<Subject> {
  const weights = (await initialise(await initialFlowCrypt(SHAPES.compact, 1), 1)) as FlowCrypt<Tensor<'f32'>>
  return { name: 'compact, before training', every: 10, profile: 'compact', weights, runner: runnerOf(weights) }
}

interface Row {
  readonly subject: Subject
  readonly figures: readonly Figures[]
}

async function measureAll(context: StudyContext, subjects: readonly Subject[]): Promise<Row[]> {
  const side = sideOf(context)
  const all = (await context.images(`bsds500/val@${side}`, context.quick ? 1 : undefined)).map(({ image }) =>
    planesOf(image),
  )
  const plans = subjects.map(subject => ({ subject, pictures: all.filter((_, i) => i % subject.every === 0) }))
  const total = plans.reduce((sum, { pictures: list }) => sum + list.length, 0)
  let done = 0
  const rows: Row[] = []
  for (const { subject, pictures: list } of plans) {
    const figures: Figures[] = []
    for (const [i, plain] of list.entries()) {
      figures.push(await measurePicture(subject.runner, plain, await keysFor(side, side, context.seed + i)))
      context.progress(++done, total, subject.name)
    }
    rows.push({ subject, figures })
  }
  return rows
}

const of = ({ figures }: Row, name: keyof Figures): number[] => figures.map(figure => figure[name])
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const least = (values: readonly number[]): number => Math.min(...values)
const most = (values: readonly number[]): number => Math.max(...values)

const INTRO: readonly string[] = [
  'FlowCrypt ([arXiv 2509.18696](https://arxiv.org/abs/2509.18696)) encrypts and decrypts with one ' +
    'invertible network, forwards and backwards. A key is stretched by PBKDF2 into a balanced mask and ' +
    'a secret map K. The mask splits the picture into two halves; a chain of coupling blocks mixes ' +
    'them, each block with four sub-networks that see K.',
  'Only the abstract of the paper and reviews of its beginning were to be had: the structure is ' +
    'theirs, every constant is ours, and what we could not read we do not claim. "Measured" means the ' +
    'first network below on pictures of BSDS500 that no training saw, in the middle 256 x 256 pixels; ' +
    'how many of the hundred is in the table.',
]

function facts(): StudySection {
  return {
    heading: 'What is published, and what is our choice',
    text: [
      '**Published:** PBKDF2 with a high count and a fixed salt; a mask with as many ones as zeros; ' +
        'the split by it and the repacking of both halves by row-wise and column-wise order; affine ' +
        'coupling blocks with four sub-networks (eta, rho, phi, omega) of five convolutions with leaky ' +
        'ReLU, each seeing a secret map K; a noise layer and a triplet loss in training; about 1M ' +
        'parameters and about 100 dB.',
      '**Our choice:** HMAC-SHA-256, 100,000 rounds and the salt; balancing by rank; rows for the ' +
        'first half, columns for the second; eight blocks of hidden width 32 with 3x3 kernels (953,440 ' +
        'parameters) and a compact network of four blocks of width 16; both halves scaled by ' +
        'exp(tanh(s/2)) and shifted; K uniform in 0..1 with one entry a pixel and split like the ' +
        'picture, so that a wrong mask is a wrong map; a nonce as an option; every formula and weight ' +
        'of the loss; a noise layer without JPEG; wire formats; tiles of 512 pixels for pictures of ' +
        'any size.',
      '**Our choice of a start:** training begins at `image / 5 + v(K)` on top of random weights: ' +
        'the first two blocks exchange the halves and turn one of them over, and the third adds three ' +
        'entries of K, folded to be uniform, more of it in the middle of the range than at its ends. ' +
        'The table shows this start in a row of its own, so that nobody takes it for what training ' +
        'found.',
      '**Secret:** the key. **Public:** weights, mask rule, nonce.',
    ],
  }
}

function table(context: StudyContext, rows: readonly Row[], paper: Subject): StudySection {
  const side = sideOf(context)
  const cost = networkCost(SHAPES[paper.profile], side ** 2)
  const line = (name: string, published: string, cell: (row: Row) => string): (string | number)[] => [
    name,
    published,
    ...rows.map(cell),
  ]
  const decibel = (name: keyof Figures) => (row: Row) =>
    `${mean(of(row, name)).toFixed(1)} (least ${least(of(row, name)).toFixed(1)})`
  const chiSquares = rows.flatMap(row => of(row, 'chiSquare'))
  const [rejected, tested] = [chiSquares.filter(value => value > histogramCritical(0.01)).length, chiSquares.length]
  const result: StudyTable = {
    columns: ['', 'published', ...rows.map(({ subject }) => subject.name)],
    rows: [
      line('parameters', 'about 1M', ({ subject }) =>
        parameterCount(flowCryptParameters(SHAPES[subject.profile])).toLocaleString('en'),
      ),
      line('pictures', 'three sets, unnamed', ({ figures }) => String(figures.length)),
      line('PSNR from floats, dB', 'about 100', decibel('f32')),
      line('PSNR from 16 bits, dB', 'unknown', decibel('u16')),
      line('PSNR from 8 bits, dB', 'unknown', decibel('u8')),
      line(
        'entropy of the 8-bit view, bits',
        '"uniform"',
        row => `${mean(of(row, 'entropy')).toFixed(4)} (least ${least(of(row, 'entropy')).toFixed(4)})`,
      ),
      line(
        'neighbours, mean of the size of r',
        'unknown',
        row => `${mean(of(row, 'correlation')).toFixed(4)} (most ${most(of(row, 'correlation')).toFixed(4)})`,
      ),
      line('chi-square (random: 255)', 'unknown', row => mean(of(row, 'chiSquare')).toFixed(0)),
      line('NPCR, % (random: 99.61)', 'unknown', row => mean(of(row, 'npcr')).toFixed(3)),
      line('UACI, % (random: 33.46)', 'unknown', row => mean(of(row, 'uaci')).toFixed(4)),
    ],
  }
  return {
    heading: 'Claims and measurements',
    text: [
      'All PSNR are true values of the squared error without a cap, against floats that are not ' +
        `rounded back to bytes; means over pictures, the worst picture in brackets. The paper's ` +
        `network takes ${(cost.macs / 1e9).toFixed(1)} billion multiplications for one picture of ` +
        `${side} x ${side}: few parameters are not little work.`,
      'A float cipher image is four times as large as the picture. The 100 dB of the paper can only ' +
        'be of such a file (or of a cap: programs of this family print exactly 100 where the error is ' +
        'below 1e-10); an 8-bit cipher image of the same size loses what the row of 8 bits says.',
      'NPCR and UACI count what changes when one value changes by one level: almost nothing. A ' +
        'coupling network is smooth, and none of the losses asks for an avalanche. Chi-square at 1 % ' +
        `rejects ${rejected} of ${tested} histograms: they are flat to the eye and to the entropy, not ` +
        'to a test of so many values.',
    ],
    tables: [result],
  }
}

function keySection(rows: readonly Row[]): StudySection {
  const names: readonly [keyof Figures, string][] = [
    ['wrong', 'another key (its last character)'],
    ['rightMapWrongMask', 'right K, wrong mask'],
    ['wrongMapRightMask', 'wrong K, right mask'],
    ['misplaced', 'right K for both halves as they were cut, and pixels put back by a wrong mask'],
  ]
  return {
    heading: 'With a part of the key',
    text: [
      'PSNR of the decryption of a float cipher image in dB, mean and most over pictures; below 12 ' +
        'nothing useful is left. K is split by the mask, so a wrong mask alone already brings both ' +
        'halves of K into disorder. The last row is what the mask is worth by itself: it moves pixels ' +
        'along their row or column only as far as its count of ones strays, so the picture stays in ' +
        'part recognisable. As far as we could read, the published construction has no more than that ' +
        'to offer against someone who knows K.',
    ],
    tables: [
      {
        columns: ['', ...rows.map(({ subject }) => subject.name)],
        rows: names.map(([name, label]) => [
          label,
          ...rows.map(row => `${mean(of(row, name)).toFixed(1)} (most ${most(of(row, name)).toFixed(1)})`),
        ]),
      },
    ],
  }
}

/** What squinting shows of each network's ciphers: the mean over pictures. */
export const glanceTable = (
  found: readonly { readonly name: string; readonly correlations: readonly number[] }[],
): StudyTable => ({
  columns: ['', ...found.map(({ name }) => name)],
  rows: [['correlation of means over squares', ...found.map(({ correlations }) => mean(correlations).toFixed(3))]],
})

async function glanceSection(
  context: StudyContext,
  rows: readonly Row[],
  { runner, name }: Subject,
): Promise<StudySection> {
  const side = sideOf(context)
  const plain = planesOf(await drawPicture('landscape', side, side))
  const { seen } = glance(
    planesOf(pictureOf(await encrypt(runner, plain, (await keysFor(side, side, context.seed)).right))),
    plain,
  )
  return {
    heading: 'Without any key: squint',
    text: [
      'All figures above can be met by a cipher image that shows the picture. A cipher value is a ' +
        'large keyed dither and a share of a pixel; averaging over 8 x 8 values takes most of the ' +
        'dither away and leaves the pixels. The means of the right half of the 8-bit cipher image, ' +
        'where the rows of the picture lie squeezed, against the means of the same places of the ' +
        'picture: correlation, mean over pictures (a good cipher: 0).',
      'Entropy looks at values and not at places, and the correlation of direct neighbours is too ' +
        'small to see what hundreds of them share. This is the price of recovery from 8 bits in a map ' +
        'that is smooth, and the reason why these statistics are no proof of anything. Whether the ' +
        'published weights do better cannot be said: they are not to be had.',
    ],
    tables: [glanceTable(rows.map(row => ({ name: row.subject.name, correlations: of(row, 'glance') })))],
    figures: [
      {
        name: 'squint',
        caption:
          'Left: a drawn picture. Right: means over 8 x 8 squares of the right half of its cipher ' +
          `image, contrast stretched; no key was used (${name} network)`,
        image: contactSheet([pictureOf(plain), seen], 2),
      },
    ],
  }
}

async function someImages(context: StudyContext, count: number): Promise<Planes[]> {
  return (await context.images(`bsds500/val@${sideOf(context)}`, context.quick ? 1 : count)).map(({ image }) =>
    planesOf(image),
  )
}

async function nudgeSection(context: StudyContext, subjects: readonly Subject[]): Promise<StudySection> {
  const plains = await someImages(context, 2)
  const columns: number[][] = []
  for (const { runner, name } of subjects) {
    const each: number[][] = []
    for (const [i, plain] of plains.entries()) {
      each.push(await measureNudges(runner, plain, (await keysFor(plain.width, plain.height, context.seed + i)).right))
      context.progress(i + 1, plains.length, `${name}: maps that are nearly right`)
    }
    columns.push(NUDGES.map((_, j) => mean(each.map(values => values[j]!))))
  }
  return {
    heading: 'A map that is nearly right',
    text: [
      'The key goes through PBKDF2, so nearly right keys do not exist; nearly right maps do, and a ' +
        'network is a continuous function of its map. Decryption in dB, mean over pictures: an ' +
        'attacker who finds K roughly sees the picture roughly, and knows in which direction to ' +
        'improve.',
    ],
    tables: [
      {
        columns: ['K', ...subjects.map(({ name }) => name)],
        rows: NUDGES.map(({ name }, j) => [name, ...columns.map(values => values[j]!.toFixed(1))]),
      },
    ],
  }
}

async function tradeOff(rows: readonly Row[], subjects: readonly Subject[]): Promise<StudySection> {
  const points = subjects.map(subject => {
    const row = rows.find(candidate => candidate.subject === subject)!
    return {
      name: subject.name,
      u8: mean(of(row, 'u8')),
      entropy: mean(of(row, 'entropy')),
      correlation: mean(of(row, 'correlation')),
    }
  })
  const draw = (y: 'entropy' | 'correlation', title: string) =>
    chart(
      points.map(point => ({ x: point.u8, y: point[y], label: point.name })),
      { title, x: 'PSNR from an 8-bit cipher image, dB', y, mark: 'point', zero: false },
    )
  return {
    heading: 'Recovery against appearance',
    text: [
      'One compact network, trained from one start with three weights of recovery against the ' +
        'statistics of the cipher image. For every pixel, right decryption needs a cipher value that ' +
        'moves with the pixel; and a cipher value that moves with the pixel shows it, in the mean and ' +
        'in its neighbours. A map that is smooth and increasing in each pixel cannot be uniform for ' +
        'every pixel value, so this is a trade and no shortage of training alone.',
    ],
    tables: [
      {
        columns: ['network', 'PSNR from 8 bits, dB', 'entropy, bits', 'neighbours, mean of the size of r'],
        rows: points.map(({ name, u8, entropy, correlation }) => [
          name,
          u8.toFixed(1),
          entropy.toFixed(4),
          correlation.toFixed(4),
        ]),
      },
    ],
    figures: [
      {
        name: 'trade-off-entropy',
        caption: 'Entropy of the cipher image against recovery from it',
        svg: await draw('entropy', 'Entropy and recovery'),
      },
      {
        name: 'trade-off-correlation',
        caption: 'Correlation of neighbours in the cipher image against recovery from it',
        svg: await draw('correlation', 'Correlation and recovery'),
      },
    ],
  }
}

async function damageSection(context: StudyContext, subjects: readonly Subject[]): Promise<StudySection> {
  const plains = await someImages(context, 2)
  const columns: number[][] = []
  for (const { runner, name } of subjects) {
    const each: number[][] = []
    for (const [i, plain] of plains.entries()) {
      each.push(await measureDamage(runner, plain, (await keysFor(plain.width, plain.height, context.seed + i)).right))
      context.progress(i + 1, plains.length, `${name}: damage`)
    }
    columns.push(DAMAGES.map((_, j) => mean(each.map(values => values[j]!))))
  }
  const curves = (['occlusion', 'salt-pepper', 'gaussian'] as const).map(async kind => ({
    name: `damage-${kind}`,
    caption:
      'PSNR after ' + kind === 'occlusion'
        ? 'a black rectangle over a part of the 8-bit cipher image'
        : kind === 'salt-pepper'
          ? 'a part of its values set to black or white'
          : 'Gaussian noise on it, by variance',
    svg: await chart(
      DAMAGES.flatMap((damage, j) =>
        damage.kind === kind
          ? subjects.map(({ name }, s) => ({ x: damage.strength, y: columns[s]![j]!, series: name }))
          : [],
      ),
      { title: kind, x: kind === 'gaussian' ? 'variance' : 'share', y: 'PSNR, dB', mark: 'line', logX: true },
    ),
  }))
  return {
    heading: 'Damage on the way',
    text: [
      'The 8-bit cipher image is damaged and decrypted; PSNR in dB, mean over pictures. Values lie ' +
        'where the mask put them, so a black rectangle becomes scattered pixels. JPEG is left out: no ' +
        'network here was trained for it.',
    ],
    tables: [
      {
        columns: ['damage', 'strength', ...subjects.map(({ name }) => name)],
        rows: DAMAGES.map(({ kind, strength }, j) => [kind, strength, ...columns.map(values => values[j]!.toFixed(1))]),
      },
    ],
    figures: await Promise.all(curves),
  }
}

const ATTACKED = 64

async function attackSection(context: StudyContext, { weights, runner, name }: Subject): Promise<StudySection> {
  const [known, target] = [
    await drawPicture('landscape', ATTACKED, ATTACKED),
    await drawPicture('street', ATTACKED, ATTACKED),
  ].map(planesOf) as [Planes, Planes]
  const { right, wrong } = await keysFor(ATTACKED, ATTACKED, context.seed)
  const steps = context.quick ? 5 : 400
  context.progress(0, 1, 'descent on the map')
  const { key } = await attackMap(weights, known, await encrypt(runner, known, right), right, {
    steps,
    seed: context.seed,
  })
  const cipher = await encrypt(runner, target, right)
  const [found, before] = [
    decibels(target, await decrypt(runner, cipher, key)),
    decibels(target, await decrypt(runner, cipher, wrong)),
  ]
  const away = (values: Float32Array, truth: Float32Array) =>
    mean(Array.from(values, (value, i) => Math.abs(value - truth[i]!)))
  return {
    heading: 'One known pair',
    text: [
      `The weights are public. Someone who has one picture of ${ATTACKED} x ${ATTACKED} with its ` +
        'float cipher image, and in this trial also the mask, looks for K by gradient descent (Adam, ' +
        `${steps} steps, the ${name} network). The published salt is fixed, so that every other ` +
        'picture of this size under the same password has the same K. What the found K makes of ' +
        'another picture, beside a wrong key:',
      'It is the simplest attack of its kind: the fold gives the descent many places to get stuck ' +
        'in, and a search over each entry would not have them. Each pixel has three cipher values and ' +
        'one entry of K, so K is overdetermined by a single pair. Attacks without the mask were not ' +
        'tried.',
    ],
    tables: [
      {
        columns: ['', 'value'],
        rows: [
          ['PSNR of another picture with a wrong key, dB', before.toFixed(1)],
          ['PSNR of another picture with the K that was found, dB', found.toFixed(1)],
          [
            'mean distance of the found entries from K (guessing: 0.33)',
            mean([away(key.mapX, right.mapX), away(key.mapY, right.mapY)]).toFixed(3),
          ],
        ],
      },
    ],
  }
}

async function pictures(context: StudyContext, { runner, name }: Subject): Promise<StudySection> {
  const side = sideOf(context)
  const plain = planesOf(await drawPicture('landscape', side, side))
  const keys = await keysFor(side, side, context.seed)
  const cipher = await encrypt(runner, plain, keys.right)
  const shown: Image<'u8'>[] = [
    pictureOf(plain),
    pictureOf(cipher),
    pictureOf(await decrypt(runner, stored(cipher, 'u8'), keys.right)),
  ]
  for (const key of [keys.wrong, keys.rightMapWrongMask]) shown.push(pictureOf(await decrypt(runner, cipher, key)))
  shown.push(pictureOf(misplaced(await decrypt(runner, cipher, keys.right), keys)))
  const figure: StudyFigure = {
    name: 'pictures',
    caption:
      `The ${name} network. Above: a drawn picture, its cipher image, what decrypts from 8 bits. ` +
      'Below: decrypted with another key; with the right K and a wrong mask; with pixels alone put ' +
      'back by a wrong mask',
    image: contactSheet(shown, 3),
  }
  return { heading: 'Pictures', text: [], figures: [figure] }
}

const PLAIN_WORDS: StudySection = {
  heading: 'What this proves and what it does not',
  text: [
    'It shows that the published structure works as described: one network both ways, exact but for ' +
      'rounding, with cipher images that look like noise at first sight, and no picture from a wrong ' +
      'key.',
    'It does not show security. Entropy, correlation and PSNR with a wrong key say what a look at ' +
      'the cipher image says. They are blind to what matters: the means of a cipher image show the ' +
      'picture, equal pictures under one password give equal ciphers (without our nonce), one changed ' +
      'pixel changes next to nothing, whoever knows K nearly decrypts nearly, K is shared by all ' +
      'pictures of a size, and its entries are fewer than the values they hide. There is no ' +
      'authentication: a cipher image can be altered, and decryption cannot tell. A wrong key is not ' +
      'noticed either, unless the keyed check value travels along.',
    'For secrets use `latent seal`. The exact flow keeps this structure and rests on standard ' +
      'primitives: exact at 8 bits, with an avalanche, and with a proof.',
  ],
}
