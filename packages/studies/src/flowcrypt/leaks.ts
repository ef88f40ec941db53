import { drawPicture } from '@latent/data'
import { mean } from '@latent/lab'
import { attackMap } from '@latent/lab/attacks/trained'
import { contactSheet } from '../pictures.ts'
import type { StudyContext, StudySection, StudyTable } from '../study.ts'
import { decibels, decrypt, encrypt, glance, keysFor, pictureOf, type Planes, planesOf } from './measure.ts'
import { type Row, of } from './quality.ts'
import { type Variant, sideOf } from './variants.ts'

/** What squinting shows of each network's ciphers, and of noise: means over pictures. */
export const glanceTable = (
  found: readonly { readonly name: string; readonly seen: readonly number[]; readonly atNoise: readonly number[] }[],
): StudyTable => ({
  columns: ['', ...found.map(({ name }) => name)],
  rows: [
    ['correlation of means over squares', ...found.map(({ seen }) => mean(seen).toFixed(3))],
    ['the same of noise in its place', ...found.map(({ atNoise }) => mean(atNoise).toFixed(3))],
  ],
})

/** The section on what squinting at a cipher image shows, with its pictures. */
export async function glanceSection(
  context: StudyContext,
  rows: readonly Row[],
  { runner, name }: Variant,
): Promise<StudySection> {
  const side = sideOf(context)
  const plain = planesOf(await drawPicture('landscape', side, side))
  const { right } = await keysFor(side, side, context.seed)
  const { seen } = glance(planesOf(pictureOf(await encrypt(runner, plain, right))), plain, right.order)
  return {
    heading: 'Without any key: squint',
    text: [
      'All figures above can be met by a cipher image that shows the picture. Where training began at our start, a ' +
        'cipher value is a large keyed dither and a share of a pixel; averaging over 8 x 8 values takes most of the ' +
        'dither away and leaves the pixels. The means of each half of the 8-bit cipher image against the means of ' +
        'each half of the picture, as the mask has split it into rows and columns: correlation without its sign, of ' +
        'the four ways to look the one that shows the most, mean over pictures.',
      'Entropy looks at values and not at places, and the correlation of direct neighbours is too small to see what ' +
        'hundreds of them share: a reason why these statistics are no proof of anything. The learned network was ' +
        'asked for means that tell little, on crops of 32 x 32, and tells less than what began at our start while it ' +
        'recovers more: so most of it was no price of recovery from 8 bits. It is not nothing: large dark and bright ' +
        'areas are to be seen in the picture at the top. Whether the published weights do better cannot be said: ' +
        'they are not to be had.',
    ],
    tables: [
      glanceTable(
        rows.map(row => ({ name: row.variant.name, seen: of(row, 'glance'), atNoise: of(row, 'glanceAtNoise') })),
      ),
    ],
    figures: [
      {
        name: 'squint',
        caption:
          'Left: a drawn picture. Right: means over 8 x 8 squares of the half of its cipher image that shows the ' +
          `most, contrast stretched; no key was used (${name} network)`,
        image: contactSheet([pictureOf(plain), seen], 2),
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
