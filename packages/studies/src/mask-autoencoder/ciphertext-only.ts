import { pearson, percent } from '../numbers.ts'
import { type Image, image } from '@latent/core'
import { BLOCK } from '@latent/schemes/mask-autoencoder'
import { drawDigit } from '@latent/data'
import { mean, sampleErrors } from '@latent/lab'
import { chart, type ChartPoint } from '../charts.ts'
import { contactSheet, enlarged } from '../pictures.ts'
import { meanPicture } from '../scoring.ts'
import type { StudyContext, StudySection } from '../study.ts'
import {
  blockInk,
  classified,
  distanceLeak,
  type Labelled,
  silhouettes,
  surrogate,
  throughSurrogate,
} from './attacks.ts'
import { type OpenVariant, picturesOf } from './variants.ts'

/** What cipher images of digits tell without any plain picture, key or weights. */
export async function leaks(context: StudyContext, variants: readonly OpenVariant[]): Promise<StudySection> {
  const plains = await picturesOf(context, 'mnist', 'test', context.quick ? 30 : 500)
  const drawn = await Promise.all(Array.from({ length: 10 }, (_, digit) => drawDigit(digit)))
  const rows: (string | number)[][] = []
  const clearest: number[] = []
  const shown: Image<'u8'>[] = drawn.map(digit => enlarged(digit, 3))
  for (const variant of variants.filter(({ set }) => set === 'mnist')) {
    context.progress(rows.length, 3, 'what cipher images tell')
    const ciphers: Image<'u8'>[] = []
    for (const plain of plains) ciphers.push(await variant.encrypt(plain))
    const attack = await silhouettes(variant.id, ciphers)
    const likeness = (await attack(ciphers)).map((cells, i) => pearson(cells, blockInk(plains[i]!)))
    if (variant.kind !== 'repaired') clearest.push(mean(likeness))
    const again = await variant.encrypt(plains[0]!)
    rows.push([
      variant.name,
      mean(likeness).toFixed(3),
      (await distanceLeak(plains, ciphers, context.quick ? 50 : 3000, context.seed)).toFixed(3),
      again.data.every((value, i) => value === ciphers[0]!.data[i]) ? 'yes' : 'no',
      percent(await classes(variant, context)),
    ])
    for (const digit of drawn) {
      const [cells] = await attack([await variant.encrypt(digit)])
      shown.push(cellPicture(cells!, digit.width / BLOCK))
    }
  }
  return {
    heading: 'Cipher images alone',
    text: [
      `Per place, the most frequent byte of ${plains.length} cipher images is what black becomes ` +
        'there. What differs from it is ink: *silhouette* is the correlation, over the 7x7 blocks of a ' +
        `picture, of that difference with the picture's ink (1: the shape is plain to see; 0: ` +
        'nothing). ' +
        `${
          Math.max(...clearest) > 0.3
            ? 'The silhouettes are there.'
            : 'We expected silhouettes of the published variants, and these networks do not show them: a link ' +
              'spreads every stroke over all latents, and the convolutions see seven pixels far, so that ' +
              'hardly a block of a digit is ever background, and their busiest bytes lie at the edge.'
        } ` +
        '*Distances* is the correlation of distances between two cipher images with distances between ' +
        'the two pictures. *Equal* says whether one picture encrypted twice gives one cipher image.',
      `*Class*: a linear classifier, trained on ${TRAINING(context)} cipher images of digits drawn ` +
        `by this project and their labels, names that many of ${TESTED(context)} others; guessing ` +
        'names 10 %. (Not done: a trained network as classifier, and labels of MNIST.)',
    ],
    tables: [{ columns: ['network', 'silhouette', 'distances', 'equal', 'class'], rows }],
    figures: [
      {
        name: 'silhouettes',
        caption:
          'Drawn digits, and their silhouettes from cipher images alone: mnist, link; mnist, conv; ' +
          'mnist, repaired, from the top.',
        image: contactSheet(shown, 10),
      },
    ],
  }
}

const TRAINING = ({ quick }: StudyContext): number => (quick ? 40 : 600)
const TESTED = ({ quick }: StudyContext): number => (quick ? 20 : 300)

async function classes(variant: OpenVariant, context: StudyContext): Promise<number> {
  const labelled = async (count: number, from: number): Promise<Labelled[]> => {
    const result: Labelled[] = []
    for (let i = 0; i < count; i++)
      result.push({ cipher: await variant.encrypt(await drawDigit(i % 10, from + Math.floor(i / 10))), label: i % 10 })
    return result
  }
  return classified(variant.id, await labelled(TRAINING(context), 100), await labelled(TESTED(context), 5000))
}

/** Cells as grey squares, the strongest white; a digit's size at the scale of the sheet. */
function cellPicture(cells: Float64Array, across: number): Image<'u8'> {
  const top = Math.max(...cells, 1)
  return enlarged(
    image({
      width: across,
      height: cells.length / across,
      channels: 1,
      format: 'u8',
      data: Uint8Array.from(cells, value => (255 * value) / top),
    }),
    3 * BLOCK,
  )
}

/** A decoder of the attacker's own, fitted to known pairs. */
export async function linearAttacks(context: StudyContext, variants: readonly OpenVariant[]): Promise<StudySection> {
  const sizes = context.quick ? [10, 40] : [10, 100, 1000, 10_000]
  const known = await picturesOf(context, 'mnist', 'train', Math.max(...sizes))
  const targets = await picturesOf(context, 'mnist', 'test', context.quick ? 5 : 200)
  const drawn = await Promise.all(Array.from({ length: 10 }, (_, digit) => drawDigit(digit)))
  const curve: ChartPoint[] = []
  const shown: Image<'u8'>[] = drawn.map(digit => enlarged(digit, 3))
  const average = meanPicture(known)
  const guess = mean(targets.map(plain => sampleErrors(plain, average).psnr))
  const mnist = variants.filter(({ set }) => set === 'mnist')
  for (const variant of mnist) {
    const [ciphers, attacked]: [Image<'u8'>[], Image<'u8'>[]] = [[], []]
    for (const plain of known) ciphers.push(await variant.encrypt(plain))
    for (const plain of targets) attacked.push(await variant.encrypt(plain))
    for (const [s, size] of sizes.entries()) {
      context.progress(s, sizes.length, `known pairs, ${variant.name}`)
      const predictor = surrogate(ciphers.slice(0, size), known.slice(0, size))
      curve.push({
        x: size,
        y: mean(targets.map((plain, i) => sampleErrors(plain, throughSurrogate(predictor, attacked[i]!, plain)).psnr)),
        series: variant.name,
      })
      if (size !== Math.max(...sizes)) continue
      for (const digit of drawn)
        shown.push(enlarged(throughSurrogate(predictor, await variant.encrypt(digit), digit), 3))
    }
  }
  return {
    heading: 'Known pairs replace the decoder',
    text: [
      'An attacker without the weights has pairs of digits and their cipher images, and fits one ' +
        `linear map by ridge regression. PSNR (dB) of ${targets.length} other digits that it opens, ` +
        `beside the number of pairs. Whoever knows nothing shows the mean digit, ${guess.toFixed(2)} ` +
        'dB; for the repaired variant nothing better can come of it, as every cipher image has a key ' +
        'stream of its own. (Not done: a surrogate network.)',
    ],
    tables: [
      {
        columns: ['pairs', ...mnist.map(({ name }) => name)],
        rows: sizes.map(size => [
          size,
          ...mnist.map(({ name }) => curve.find(({ x, series }) => x === size && series === name)!.y.toFixed(2)),
        ]),
      },
    ],
    figures: [
      {
        name: 'known-pairs',
        caption: 'Quality of a linear surrogate decoder against the number of known pairs.',
        svg: await chart(curve, {
          title: 'Surrogate decoder',
          x: 'known pairs',
          y: 'PSNR, dB',
          mark: 'line',
          logX: true,
        }),
      },
      {
        name: 'surrogate',
        caption:
          `Drawn digits, and what the map fitted to ${Math.max(...sizes)} pairs makes of their cipher ` +
          'images: mnist, link; mnist, conv; mnist, repaired, from the top.',
        image: contactSheet(shown, 10),
      },
    ],
  }
}
