import { byteView, correlationTest, publishedFor, shannonEntropy } from '@latent/lab'
import { chart } from '../charts.ts'
import type { NamedImage, Study, StudyContext, StudyFigure, StudySection, StudyTable } from '../study.ts'
import { type Evaluated, evaluate, meanOf } from './measure.ts'
import { EVALUATIONS, type Evaluation, type Exhibit, SECTIONS } from './exhibits.ts'

const COUNT = 3
const PICTURES = 'bsds500/val@128'
/** Small pictures: the paper's network takes eight billion products for one of 128 x 128. */
const SETS = ['bsds500/val@64', 'open-photos/val@64', 'cifar10/test']
const QUICK = 'procedural:1'
const DIRECTIONS = ['horizontal', 'vertical', 'diagonal'] as const

/** Where every table and figure of five evaluations is measured here; what no other page has is measured now. */
export const study: Study = {
  id: 'evaluations',
  title: 'Five papers, table by table',
  async run(context) {
    const [source, sets] = context.quick ? [QUICK, [QUICK]] : [PICTURES, SETS]
    const pictures = await context.images(source, COUNT)
    const [flow, , , gan, dense] = EVALUATIONS as [Evaluation, Evaluation, Evaluation, Evaluation, Evaluation]
    const measured = new Map<string, Evaluated>()
    const ids = [...gan.schemes, ...dense.schemes]
    for (const [done, id] of ids.entries()) {
      context.progress(done, ids.length, 'measurements')
      measured.set(id, await evaluate(id, pictures, context.seed))
    }
    const of = ({ schemes }: Evaluation) => schemes.map(id => measured.get(id)!)
    return {
      title: this.title,
      intro: introOf(context, source, pictures.length),
      sections: [
        ...EVALUATIONS.map(exhibitSection),
        await flowSection(context, flow, sets),
        await figureSection(SECTIONS.encipherGan, gan, of(gan), pictures),
        await figureSection(SECTIONS.denseResnet, dense, of(dense), pictures),
      ],
    }
  },
}

const introOf = ({ quick }: StudyContext, source: string, count: number): string[] => [
  'What each of the five papers that this project began with shows in its evaluation, and where the same is measured ' +
    'here: on which page, and by which command. A printed figure stands beside the measured one there. What is not ' +
    'open to us stays unknown.',
  `What no page of a scheme has is measured below, on ${count} pictures (\`${source}\`) in one run. Times are of a ` +
    `machine that others used too.${quick ? ' **This was a quick run: its figures mean nothing.**' : ''}`,
]

function exhibitSection({ title, open, exhibits }: Evaluation): StudySection {
  return {
    heading: title,
    text: [open],
    tables: [
      {
        columns: ['in the paper', 'shows', 'here', 'command'],
        rows: exhibits.map(one => [one.exhibit, one.shows, placeOf(one), one.command ? `\`${one.command}\`` : '–']),
      },
    ],
  }
}

const placeOf = ({ at, note }: Exhibit): string =>
  at ? `[${at.heading}](${linkOf(at)})` : `nothing: ${note ?? 'not open to us'}`

/** From `docs/schemes/evaluations/README.md`. */
const linkOf = ({ page, heading }: NonNullable<Exhibit['at']>): string =>
  `${page === 'schemes/evaluations/README.md' ? '' : `../../${page}`}#${anchorOf(heading)}`

/** As GitHub makes anchors of headings. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

async function flowSection(context: StudyContext, { schemes }: Evaluation, sets: string[]): Promise<StudySection> {
  const rows: string[][] = []
  for (const source of sets) {
    const pictures = await context.images(source, COUNT)
    for (const id of schemes) {
      const { rows: found, times } = await evaluate(id, pictures, context.seed)
      const mean = (values: readonly (number | null | undefined)[]) => decibels(values)
      rows.push([
        source,
        `\`${id}\``,
        'about 100 dB',
        mean(found.map(({ quality }) => quality.psnr)),
        mean(found.map(({ wires }) => wires?.u16?.psnr)),
        mean(found.map(({ wires }) => wires?.u8?.psnr)),
        milliseconds(times),
      ])
    }
  }
  return {
    heading: SECTIONS.flowcrypt,
    text: [
      `The abstract has 100 dB on three data sets that it does not name. These are three that are open, ${COUNT} ` +
        'pictures of each, with the cipher image as floats, and rounded to 16 and 8 bits. What is decrypted is ' +
        'rounded to bytes: exact is what came back byte for byte. Without that rounding the page of the scheme has ' +
        'the figures.',
    ],
    tables: [{ columns: ['set', 'network', 'published', 'floats', '16 bits', '8 bits', 'encrypt, decrypt'], rows }],
  }
}

async function figureSection(
  heading: string,
  { schemes }: Evaluation,
  measured: readonly Evaluated[],
  pictures: readonly NamedImage[],
): Promise<StudySection> {
  const published = publishedFor(schemes[0]!)
  const printed = (metric: string) =>
    published?.figures
      .filter(figure => figure.metric === metric)
      .map(({ value }) => value)
      .join('; ') || 'not open'
  const each = (value: (one: Evaluated) => string) => measured.map(value)
  const test = (id: string, digits: number, scale = 1, unit = '') =>
    each(one => {
      const value = meanOf(one, id)
      return value === undefined ? '–' : `${(scale * value).toFixed(digits)}${unit}`
    })
  const rows: string[][] = [
    ['PSNR', printed('psnr'), ...each(({ rows }) => decibels(rows.map(({ quality }) => quality.psnr)))],
    ['SSIM', printed('ssim'), ...each(({ rows }) => mean(rows.map(({ quality }) => quality.ssim)).toFixed(4))],
    ['entropy of the cipher, bits', printed('entropy'), ...test('entropy', 4)],
    ...DIRECTIONS.map(name => [
      `correlation, ${name}`,
      name === 'horizontal' || printed('correlation') === 'not open' ? printed('correlation') : 'above',
      ...test(`correlation-${name}`, 4),
    ]),
    ['chi-square of the histogram (random: 255)', 'not open', ...test('histogram', 0)],
    ['NPCR of one sample', 'not open', ...test('pixel-npcr', 2, 100, ' %')],
    ['UACI of one sample', 'not open', ...test('pixel-uaci', 2, 100, ' %')],
    ['NPCR of one bit of the key', 'not open', ...test('key-npcr', 2, 100, ' %')],
    [
      'key space',
      printed('key-space'),
      ...each(({ keyBits }) => (keyBits === undefined ? '–' : `at most 2^${keyBits}`)),
    ],
    [
      'parameters, ours of both networks',
      printed('parameters'),
      ...each(({ parameters }) => parameters?.toLocaleString('en') ?? '–'),
    ],
    ['encrypt, decrypt', 'not open', ...each(({ times }) => milliseconds(times))],
  ]
  return {
    heading,
    text: [
      'Means over the pictures. A key that does not enter changes nothing: its NPCR is 0 where the weights are the ' +
        'secret. Then, as the paper has them where it does, entropy and correlation picture by picture (horizontal, ' +
        'vertical, diagonal), and the values of plain pictures and cipher images.',
    ],
    tables: [
      { columns: ['figure', 'published', ...schemes.map(id => `\`${id}\``)], rows },
      byPicture(measured, pictures),
    ],
    figures: [await histograms(heading, measured)],
  }
}

function byPicture(measured: readonly Evaluated[], pictures: readonly NamedImage[]): StudyTable {
  const rows = pictures.flatMap(({ id: picture, image }, n) => {
    const bytes = byteView(image)
    const plain = DIRECTIONS.map(name =>
      (correlationTest(bytes, image.width, image.height, image.channels, name)?.value ?? 0).toFixed(4),
    )
    return [
      [picture, 'plain', shannonEntropy(bytes).toFixed(4), ...plain],
      ...measured.map(({ id, rows }) => {
        const of = (test: string) => rows[n]?.tests[test]?.value.toFixed(4) ?? '–'
        return [picture, `\`${id}\``, of('entropy'), ...DIRECTIONS.map(name => of(`correlation-${name}`))]
      }),
    ]
  })
  return { columns: ['picture', 'which', 'entropy', ...DIRECTIONS], rows }
}

async function histograms(heading: string, measured: readonly Evaluated[]): Promise<StudyFigure> {
  const shares = (series: string, counts: Uint32Array) => {
    const total = counts.reduce((sum, count) => sum + count, 0)
    return Array.from({ length: 32 }, (_, i) => ({
      x: 8 * i,
      y: (100 * counts.subarray(8 * i, 8 * i + 8).reduce((sum, count) => sum + count, 0)) / total,
      series,
    }))
  }
  const points = [
    ...shares('plain', measured[0]!.counts.plain),
    ...measured.flatMap(({ id, counts }) => shares(id, counts.cipher)),
  ]
  return {
    name: `histogram-${measured[0]!.id}`,
    caption: `Share of each eight values in plain pictures and cipher images (flat: 3.1 %). ${heading}.`,
    svg: await chart(points, {
      title: 'Values of plain pictures and cipher images',
      x: 'value',
      y: 'share, %',
      mark: 'line',
      rangeX: [0, 255],
    }),
  }
}

const mean = (values: readonly (number | null | undefined)[]): number => {
  const known = values.filter(value => typeof value === 'number')
  return known.reduce((sum, value) => sum + value, 0) / known.length
}

/** A picture that came back exactly has no PSNR. */
const decibels = (values: readonly (number | null | undefined)[]): string =>
  values.every(value => value === undefined)
    ? '–'
    : values.some(value => typeof value === 'number')
      ? `${mean(values).toFixed(2)} dB`
      : 'exact'

const milliseconds = ({ encrypt, decrypt }: Evaluated['times']): string =>
  `${encrypt.toFixed(0)} ms, ${decrypt.toFixed(0)} ms`
