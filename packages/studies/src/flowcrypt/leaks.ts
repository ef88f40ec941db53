import { drawPicture } from '@latent/data'
import { mean } from '@latent/lab'
import { attackMap } from '@latent/lab/attacks/trained'
import { contactSheet } from '../pictures.ts'
import type { StudyContext, StudySection, StudyTable } from '../study.ts'
import { decibels, decrypt, encrypt, type Figures, keysFor } from './measure.ts'
import { pictureOf, type Planes, planesOf } from './planes.ts'
import { fitTo, looksAt, pictureSeen, seenByFit, seenOf, type Seen, upright } from './looks.ts'
import type { Row } from './quality.ts'
import { type Variant, sideOf } from './variants.ts'

/**
 * What is seen of each network's ciphers without a key, and of noise. A way to squint is chosen for all pictures, as
 * whoever knows the weights would choose it.
 */
export const seenTable = (
  found: readonly { readonly name: string; readonly figures: readonly Pick<Figures, 'seen' | 'seenInNoise'>[] }[],
): StudyTable => {
  const most = (list: readonly Seen[]): string =>
    Math.max(...list[0]!.looks.map((_, look) => mean(list.map(({ looks }) => looks[look]!)))).toFixed(3)
  const fitted = (list: readonly Seen[]): string => seenByFit(list)?.toFixed(3) ?? 'too few pictures'
  const line = (what: string, cell: (list: readonly Seen[]) => string, which: 'seen' | 'seenInNoise') => [
    what,
    ...found.map(({ figures }) => cell(figures.map(figure => figure[which]))),
  ]
  return {
    columns: ['', ...found.map(({ name }) => name)],
    rows: [
      line('squinting: correlation of means over squares', most, 'seen'),
      line('the same of noise in its place', most, 'seenInNoise'),
      line('fitted to every second picture: correlation in the others', fitted, 'seen'),
      line('the same of noise in its place', fitted, 'seenInNoise'),
    ],
  }
}

/** The section on what squinting at a cipher image shows, with its pictures. */
export async function squintSection(
  context: StudyContext,
  rows: readonly Row[],
  { runner, name }: Variant,
): Promise<StudySection> {
  const side = sideOf(context)
  const plain = planesOf(await drawPicture('landscape', side, side))
  const { right } = await keysFor(side, side, context.seed)
  const cipher = planesOf(pictureOf(await encrypt(runner, plain, right)))
  const looks = looksAt(cipher, plain, right.order)
  const most = looks.reduce((one, other) => (Math.abs(other.correlation) > Math.abs(one.correlation) ? other : one))
  const fit = fitTo(rows.find(({ variant }) => variant.runner === runner)!.figures.map(({ seen }) => seen))
  const views = [upright(most), fit(seenOf(cipher, plain, right.order))]
  return {
    heading: 'Without any key: squint',
    text: [
      'All figures above can be met by a cipher image that shows the picture. Where training began at our start, a ' +
        'cipher value is a large keyed dither and a share of a pixel; averaging over 8 x 8 values takes most of the ' +
        'dither away and leaves the pixels. The means of each colour of each half of the 8-bit cipher image against ' +
        'the brightness of each half of the picture, as the mask has split it into rows and columns: correlation ' +
        'without its sign, mean over pictures, of the twelve ways to look the one that shows the most. Below it what ' +
        'a linear map makes of all that is local in a square (means of colours, of their squares, of products of two ' +
        'colours and of neighbours), fitted to every second picture and measured on the others.',
      'Entropy looks at values and not at places, and the correlation of direct neighbours is too small to ' +
        'see what hundreds of them share: a reason why these statistics are no proof of anything. Nor is the ' +
        'next one: what is asked for is met, and the picture moves to what is not. Asked for means that tell ' +
        'little of the picture, all colours of both halves together, a network learned to show it in one ' +
        'colour and its negative in another; asked colour by colour, in what two colours have in common ' +
        '(`docs/training.md`). So the learned network played against the fit itself, made anew of every batch. ' +
        'That is a statement about this look and about squinting, not about all looks; and whether the ' +
        'published weights do as well cannot be said: they are not to be had.',
    ],
    tables: [seenTable(rows.map(({ variant, figures }) => ({ name: variant.name, figures })))],
    figures: [
      {
        name: 'squint',
        caption:
          'A drawn picture; means over 8 x 8 squares of the colour and half of its cipher image that show the most; ' +
          `what a fit to other pictures sees in it. Contrast stretched; no key was used (${name} network)`,
        image: contactSheet([pictureOf(plain), ...views.map(view => pictureSeen(view, plain))], 3),
      },
    ],
  }
}

const ATTACKED = 64

/** The section on finding the map from a known picture by gradient descent. */
export async function attackSection(context: StudyContext, { weights, runner, name }: Variant): Promise<StudySection> {
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
        'one entry of K, so K is overdetermined by a single pair. With seven chosen pictures in place of ' +
        'the pair nothing need be given: `latent lab attack -a folded-map` searches the entries and finds ' +
        'K and mask.',
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
