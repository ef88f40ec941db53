import type { Image } from '@latent/core'
import { parameterCount } from '@latent/graph'
import { flowCryptParameters, networkCost, SHAPES } from '@latent/schemes/flowcrypt'
import { drawPicture } from '@latent/data'
import { histogramCritical, mean } from '@latent/lab'
import { chart } from '../charts.ts'
import { contactSheet } from '../pictures.ts'
import type { StudyContext, StudyFigure, StudySection, StudyTable } from '../study.ts'
import { decrypt, encrypt, type Figure, type Figures, keysFor, measurePicture, misplaced, stored } from './measure.ts'
import { pictureOf, planesOf } from './planes.ts'
import { type Variant, sideOf } from './variants.ts'

/** A variant and what was measured of it, a row of figures a picture. */
export interface Row {
  readonly variant: Variant
  readonly figures: readonly Figures[]
}

/** Measures every variant on its share of the pictures, each under another key. */
export async function measureAll(context: StudyContext, variants: readonly Variant[]): Promise<Row[]> {
  const side = sideOf(context)
  const all = (await context.images(`bsds500/val@${side}`, context.quick ? 1 : undefined)).map(({ image }) =>
    planesOf(image),
  )
  const plans = variants.map(variant => ({ variant, pictures: all.filter((_, i) => i % variant.every === 0) }))
  const total = plans.reduce((sum, { pictures: list }) => sum + list.length, 0)
  let done = 0
  const rows: Row[] = []
  for (const { variant, pictures: list } of plans) {
    const figures: Figures[] = []
    for (const [i, plain] of list.entries()) {
      figures.push(await measurePicture(variant.runner, plain, await keysFor(side, side, context.seed + i)))
      context.progress(++done, total, variant.name)
    }
    rows.push({ variant, figures })
  }
  return rows
}

/** One figure of all pictures. */
export const of = ({ figures }: Row, name: Figure): number[] => figures.map(figure => figure[name])
const least = (values: readonly number[]): number => Math.min(...values)
/** The largest of some figures. */
export const most = (values: readonly number[]): number => Math.max(...values)

/** The section of figures: published beside those of every variant. */
export function table(context: StudyContext, rows: readonly Row[], paper: Variant): StudySection {
  const side = sideOf(context)
  const cost = networkCost(SHAPES[paper.profile], side ** 2)
  const line = (name: string, published: string, cell: (row: Row) => string): (string | number)[] => [
    name,
    published,
    ...rows.map(cell),
  ]
  const decibel = (name: Figure) => (row: Row) =>
    `${mean(of(row, name)).toFixed(1)} (least ${least(of(row, name)).toFixed(1)})`
  const chiSquares = rows.flatMap(row => of(row, 'chiSquare'))
  const [rejected, tested] = [chiSquares.filter(value => value > histogramCritical(0.01)).length, chiSquares.length]
  const result: StudyTable = {
    columns: ['', 'published', ...rows.map(({ variant }) => variant.name)],
    rows: [
      line('parameters', 'about 1M', ({ variant }) =>
        parameterCount(flowCryptParameters(SHAPES[variant.profile])).toLocaleString('en'),
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

/** The section on recovery against randomness, with a chart for entropy and one for correlation. */
export async function tradeOff(rows: readonly Row[], variants: readonly Variant[]): Promise<StudySection> {
  const points = variants.map(variant => {
    const row = rows.find(candidate => candidate.variant === variant)!
    return {
      name: variant.name,
      u8: mean(of(row, 'u8')),
      entropy: mean(of(row, 'entropy')),
      correlation: mean(of(row, 'correlation')),
    }
  })
  const draw = (y: 'entropy' | 'correlation', title: string) =>
    chart(
      points.map(point => ({ x: point.u8, y: point[y], caption: point.name })),
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

/** The section of pictures: plain, cipher, decrypted, and under wrong keys. */
export async function pictures(context: StudyContext, { runner, name }: Variant): Promise<StudySection> {
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
