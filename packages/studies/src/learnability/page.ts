import { mean } from '@latent/lab'
import type { Interval, RankCorrelation } from '@latent/lab'
import { DEFAULT_PRESET } from './classifiers/settings.ts'
import { comparisonStem } from './command.ts'
import { PUBLISHED_ACCURACY } from './published.ts'
import { chart } from '../charts.ts'
import type { StudyFigure, StudyPage, StudySection, StudyTable } from '../study.ts'
import { CONTROL_VARIANTS, isRandomised, isVortexVariant } from './variants.ts'
import { type VariantSummary, isShortened, type LearningRun, type LearningSummary } from './summary.ts'

const NAMES: Readonly<Record<string, string>> = {
  cifar10: 'CIFAR-10',
  mnist: 'MNIST',
  'fashion-mnist': 'Fashion-MNIST',
}
/** The set as people write it, and the preset unless it is the usual one: a page may hold both. */
const nameOf = ({ data, preset }: LearningRun): string =>
  `${NAMES[data] ?? data}${preset === DEFAULT_PRESET ? '' : `, preset ${preset}`}`

/** One page over the comparisons given, a group of sections for each data set. */
export async function learnabilityPage(summaries: readonly LearningSummary[]): Promise<StudyPage> {
  const several = summaries.length > 1
  return {
    title: several ? 'Learning from encrypted images' : `Learning from encrypted images: ${nameOf(summaries[0]!.run)}`,
    intro: [
      'A network is trained and tested on images that a cipher has changed, under one key for both. ' +
        'Every variant has the same network, the same settings, the same data order and the same initial ' +
        'weights for one seed; only the cipher differs. Keys are drawn anew for every seed, but for ' +
        'the published vortex key.',
      'Accuracy is that of the weights after the last epoch. The published figures are the best ' +
        'epoch on the test set, which is a little too good; they come from other settings, some of ' +
        'them different from variant to variant.',
      `Controls: the variant \`${CONTROL_VARIANTS.positive}\` must be learned, and ` +
        `\`${CONTROL_VARIANTS.negative}\` must stay at chance. ` +
        `${several ? 'In all of these comparisons' : 'Here'} they did; otherwise this page would not ` +
        'have been written.',
    ],
    sections: [
      ...(several ? [await inShort(summaries)] : []),
      ...(await Promise.all(summaries.map(summary => sectionsOf(summary, several)))).flat(),
    ],
  }
}

async function worstShared({ run, variants }: LearningSummary): Promise<string> {
  const fresh = new Map(
    await Promise.all(variants.map(async ({ variant }) => [variant, await isRandomised(variant)] as const)),
  )
  const shared = variants.filter(({ variant }) => !fresh.get(variant))
  const worst = shared.reduce((least, other) => (other.accuracy.mean < least.accuracy.mean ? other : least))
  return `${(100 * worst.accuracy.mean).toFixed(1)} % on ${nameOf(run)} (\`${worst.variant}\`)`
}

/** What readers come for: each set in a line, beside what the paper's repository prints. */
async function inShort(summaries: readonly LearningSummary[]): Promise<StudySection> {
  const worst = await Promise.all(summaries.map(worstShared))
  const rows = summaries.map(({ run, seeds, variants, correlations }) => {
    const of = (id: string) => variants.find(({ variant }) => variant === id)
    const printed = PUBLISHED_ACCURACY[run.data]?.['ResNet-18']
    const dropOf = (id: string) => (printed?.[id] === undefined ? '' : (printed['plain']! - printed[id]).toFixed(2))
    const percentOf = (id: string) => (of(id) ? spread(scaled(of(id)!.accuracy, 100), 2) : '')
    const found = correlations[VORTICES]
    return [
      nameOf(run),
      seeds,
      percentOf(CONTROL_VARIANTS.positive),
      printed?.['plain']?.toFixed(2) ?? '',
      of('vortex-published') ? spread(of('vortex-published')!.drop, 2) : '',
      dropOf('vortex-published'),
      percentOf('per-image-permutation'),
      printed?.['per-image-permutation']?.toFixed(2) ?? '',
      found?.coordinates
        ? `${found.coordinates.rho.toFixed(2)} (${chanceOf(found.coordinates)}${found.coordinates.points} points)`
        : '',
    ]
  })
  return {
    heading: 'In short',
    text: [
      'Accuracy in percent, drops in points; published: ResNet-18, as the repository of the vortex paper prints it.',
      'Under the ciphers that have one key for all images and no nonce, the worst that the network ' +
        `still reached: ${worst.join('; ')}. Chance is 10 %. High accuracy on a cipher’s images says ` +
        'that they give the class away, and never that nothing else can be had from them: most of ' +
        'these ciphers [open to one to three chosen pictures](attacks.md).',
    ],
    tables: [
      {
        columns: [
          'set',
          'seeds',
          'plain',
          'plain, published',
          'drop under the published vortex key',
          'that drop, published',
          'a permutation for every image',
          'that, published',
          'Spearman’s rho of information loss and drop, vortices',
        ],
        rows,
      },
    ],
  }
}

async function sectionsOf(summary: LearningSummary, named: boolean): Promise<StudySection[]> {
  const { run } = summary
  const heading = (text: string) => (named ? `${nameOf(run)}: ${text}` : `${text[0]!.toUpperCase()}${text.slice(1)}`)
  return [
    { heading: heading('settings'), text: settingsText(summary) },
    { heading: heading('accuracy'), text: accuracyText(summary), tables: [accuracyTable(summary)] },
    {
      heading: heading('information loss against accuracy'),
      text: correlationText(summary),
      tables: [correlationTable(summary)],
      figures: await lossFigures(summary),
    },
    {
      heading: heading('while training'),
      text: [
        `Accuracy on the first ${Math.min(1000, run.test)} test images during the run of the first ` +
          'seed. It is looked at, never chosen by.',
      ],
      figures: await curveFigures(summary),
    },
  ]
}

function settingsText({ run, machine, seeds, variants }: LearningSummary): string[] {
  const { settings } = run
  const { padding, mirror, colourJitter, ricap, smoothing } = settings.augmentation
  const changes = [
    padding > 0 && `crops from ${padding} black pixels around`,
    mirror && 'mirroring',
    colourJitter === true && 'colour jitter',
    ricap !== undefined && `RICAP with Beta(${ricap}, ${ricap})`,
    smoothing > 0 && `label smoothing ${smoothing}`,
  ].filter(change => change !== false)
  const seconds = variants.filter(({ idle }) => idle === 0).map(variant => variant.seconds)
  return [
    `Preset \`${run.preset}\`: network \`${settings.network}\` ` +
      `(${run.parameters.toLocaleString('en')} parameters), ${settings.epochs} epochs in batches of ` +
      `${settings.batchSize}, ${settings.optimiser === 'muon' ? 'Muon' : 'SGD'} with Nesterov momentum 0.9, highest ` +
      `learning rate ${settings.rate} (${settings.schedule}), ` +
      `${settings.weightDecay === 0 ? 'no weight decay' : `weight decay ${settings.weightDecay}`}; ` +
      `${changes.join(', ')}. The ` +
      'augmentation is applied to the images as the variant shows them: it does not know the key. ' +
      (settings.normalisation === 'measured'
        ? 'Samples are normalised by mean and deviation of each variant’s own training images.'
        : 'Samples are normalised by fixed constants.'),
    `${run.train.toLocaleString('en')} training and ${run.test.toLocaleString('en')} test ` +
      `images${run.data === 'cifar10' && run.test === 1000 ? ' (the first 1,000 of the official 10,000)' : ''}, ` +
      `${seeds} seed${seeds === 1 ? '' : 's'}. ${machine}; ${Math.min(...seconds).toFixed(0)} to ` +
      `${Math.max(...seconds).toFixed(0)} seconds a network since it was last resumed, means over ` +
      'seeds.',
    ...(isShortened(run)
      ? ['**This run was shortened: its figures show that everything works, and nothing else.**']
      : []),
  ]
}

function accuracyText({ run, seeds }: LearningSummary): string[] {
  const error = (p: number) => (196 * Math.sqrt((p * (1 - p)) / run.test)).toFixed(2)
  return [
    `Intervals are Student’s at 95 % over ${seeds} ` +
      `seed${seeds === 1 ? ' (none for a single one)' : 's'}; those of accuracies end at 0 and 100 %; ` +
      'drops are taken seed by seed. The test images are the same for all, and a sample: by it alone ' +
      `an accuracy of 90 % is uncertain by ${error(0.9)} points, and one of 99 % by ${error(0.99)}.`,
    'Unchanged is the share of samples that stay as they were: a drawn vortex may be idle, and then ' +
      'adds nothing. The published key file holds 20 vortices for MNIST, 15 for Fashion-MNIST and 2 ' +
      'for CIFAR-10, all of which are applied; the scripts beside it draw 10, 10 and 5. Which of them ' +
      'the published accuracies belong to is not known.',
  ]
}

const spread = ({ mean, low, high, replicates }: Interval, digits: number): string =>
  replicates < 2 ? mean.toFixed(digits) : `${mean.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`
const scaled = ({ mean, low, high, replicates }: Interval, factor: number): Interval => ({
  mean: factor * mean,
  low: factor * low,
  high: factor * high,
  replicates,
})

function accuracyTable({ run, seeds, variants }: LearningSummary): StudyTable {
  const published = PUBLISHED_ACCURACY[run.data]
  const printed = (variant: string, model: 'ResNet-18' | 'ViT') => {
    const [value, plain] = [published?.[model][variant], published?.[model]['plain']]
    return value === undefined
      ? ''
      : variant === 'plain'
        ? value.toFixed(2)
        : `${value.toFixed(2)} (drop ${(plain! - value).toFixed(2)})`
  }
  return {
    columns: [
      'variant',
      'accuracy, %',
      'drop, points',
      'information loss',
      'weighted by values',
      'unchanged',
      'published, ResNet-18',
      'published, ViT',
    ],
    rows: variants.map(summary => {
      const { variant, title, accuracy, drop, information, unchanged, idle } = summary
      const lost = (values: readonly number[] | undefined) => (values ? mean(values).toFixed(3) : 'values change')
      return [
        `\`${variant}\`: ${title}` +
          (accuracy.replicates < seeds ? ` (${accuracy.replicates} of ${seeds} seeds)` : '') +
          (idle > 0 ? ` (idle under ${idle} of ${accuracy.replicates} keys: the plain network stands for it)` : ''),
        spread(scaled(accuracy, 100), 2),
        variant === CONTROL_VARIANTS.positive ? '' : spread(drop, 2),
        lost(information?.coordinates),
        lost(information?.weighted),
        `${(100 * unchanged).toFixed(1)} %`,
        printed(variant, 'ResNet-18'),
        printed(variant, 'ViT'),
      ]
    }),
  }
}

/** Which of the correlations is that over vortices of growing number. */
const VORTICES = 1

function correlationText({ variants, correlations }: LearningSummary): string[] {
  const verdict = (found: RankCorrelation | undefined) =>
    found === undefined
      ? 'cannot be told'
      : found.rho > 0 && found.p < 0.05
        ? 'holds'
        : found.rho > 0
          ? 'is positive, but no more than chance may give'
          : 'does not hold'
  const vortices = correlations[VORTICES]
  return [
    'Information loss is our reading of the paper’s measure: the share of neighbourhood that a ' +
      'movement of pixels takes, from coordinates alone, or with every pair weighted by how alike its ' +
      'values are. It says nothing of ciphers that change values. The paper states a positive ' +
      'correlation with the loss of accuracy. Idle keys, whose loss and drop are zero by definition, ' +
      'are left out. The p-values are one-sided, and take points for independent; vortices of one seed ' +
      'begin alike, so that they are too small, and none is given for single seeds.',
    `Among vortices of growing number, the correlation ${verdict(vortices?.coordinates)} for the ` +
      `measure of coordinates, and ${verdict(vortices?.weighted)} for the weighted one.`,
    ...twoPermutations(variants),
  ]
}

/** What the measure cannot tell: whether all images moved alike. */
function twoPermutations(variants: readonly VariantSummary[]): string[] {
  const [fixed, fresh] = ['fixed-permutation', 'per-image-permutation'].map(id =>
    variants.find(({ variant }) => variant === id),
  )
  if (!fixed?.information || !fresh?.information) return []
  return [
    'One permutation for all images and a new one for each lose the same by this measure, ' +
      `${mean(fixed.information.coordinates).toFixed(3)} and ` +
      `${mean(fresh.information.coordinates).toFixed(3)}, and cost ${fixed.drop.mean.toFixed(2)} ` +
      `and ${fresh.drop.mean.toFixed(2)} points: it looks at one image, and knows nothing of how alike ` +
      'images are moved. Where both are among the points, whether they agree with the paper’s ' +
      'statement rests on the order of two nearly equal losses.',
  ]
}

/** Not a number where points depend on one another. `null` is what JSON makes of it. */
const chanceOf = ({ p }: RankCorrelation): string =>
  Number.isFinite(p) ? `p ${p < 0.001 ? '< 0.001' : p.toFixed(3)}, ` : ''

function correlationTable({ correlations }: LearningSummary): StudyTable {
  const told = (found: RankCorrelation | undefined) =>
    found ? `${found.rho.toFixed(2)} (${chanceOf(found)}${found.points} points)` : 'too few points'
  return {
    columns: ['Spearman’s rho over', 'coordinates', 'weighted by values'],
    rows: correlations.map(({ points, coordinates, weighted }) => [points, told(coordinates), told(weighted)]),
  }
}

const MEASURES = [
  ['coordinates', 'coordinates alone'],
  ['weighted', 'weighted by values'],
] as const

/** All variants, and the vortices by themselves: beside permutations their drops are hardly to be seen. */
async function lossFigures({ run, variants }: LearningSummary): Promise<StudyFigure[]> {
  const name = nameOf(run)
  const moving = variants.filter(
    ({ variant, information }) => information !== undefined && variant !== CONTROL_VARIANTS.positive,
  )
  const means = MEASURES.flatMap(([which, series]) =>
    moving.map(({ variant, information, drop }) => ({
      x: mean(information![which]),
      y: drop.mean,
      series,
      ...(isVortexVariant(variant) || which === 'weighted' ? {} : { caption: variant }),
    })),
  )
  const vortices = MEASURES.flatMap(([which, series]) =>
    moving
      .filter(({ variant }) => isVortexVariant(variant))
      .flatMap(({ information, drops }) => information![which].map((loss, i) => ({ x: loss, y: drops[i]!, series }))),
  )
  const axes = { x: 'information loss', y: 'drop of accuracy, points', mark: 'point', width: 470, height: 260 } as const
  return [
    ...(means.length > 0
      ? [
          {
            name: `${comparisonStem(run)}-loss`,
            caption:
              `${name}: information loss of each variant that only moves pixels against its drop of ` +
              'accuracy, means over seeds.',
            svg: await chart(means, { ...axes, title: `${name}: information loss against drop` }),
          },
        ]
      : []),
    ...(vortices.length > 0
      ? [
          {
            name: `${comparisonStem(run)}-loss-vortices`,
            caption: `${name}: the vortices of 1, 2, ... under drawn keys alone, a point for each seed.`,
            svg: await chart(vortices, { ...axes, title: `${name}: vortices` }),
          },
        ]
      : []),
  ]
}

async function curveFigures({ run, variants }: LearningSummary): Promise<StudyFigure[]> {
  const points = variants.flatMap(variant => accuracyCurve(run, variant))
  if (points.length === 0) return []
  const svg = await chart(points, {
    title: `${nameOf(run)}: accuracy while training`,
    x: 'epoch',
    y: 'accuracy, %',
    mark: 'line',
    width: 560,
    height: 320,
  })
  return [
    {
      name: `${comparisonStem(run)}-curves`,
      caption: `${nameOf(run)}: accuracy on the first test images by epoch, first seed.`,
      svg,
    },
  ]
}

const accuracyCurve = ({ train, settings: { batchSize } }: LearningRun, { variant, curve }: VariantSummary) =>
  curve.flatMap(({ step, accuracy }) =>
    accuracy === undefined ? [] : [{ x: (step * batchSize) / train, y: 100 * accuracy, series: variant }],
  )

/** One line a variant, for a terminal. */
export function learnabilityLines({ variants }: LearningSummary): string {
  return variants
    .map(
      ({ variant, accuracy, drop }) =>
        `${variant.padEnd(24)} ` +
        spread(scaled(accuracy, 100), 2).padEnd(26) +
        (variant === CONTROL_VARIANTS.positive ? '' : ` drop ${spread(drop, 2)}`),
    )
    .join('\n')
}
