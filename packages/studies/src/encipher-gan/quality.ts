import { mean } from '@latent/lab'
import { type Image, type ImageCipher, repeatably } from '@latent/core'
import {
  mixing,
  type Mixing,
  openNetworks,
  shippedPairs,
  START,
  startingPair,
  structuredPair,
} from '@latent/schemes/encipher-gan'
import { drawPicture } from '@latent/data'
import { chart, type ChartPoint } from '../charts.ts'
import { contactSheet } from '../pictures.ts'
import type { NamedImage, StudyContext, StudySection } from '../study.ts'
import {
  both,
  DIRECTIONS,
  fixed,
  KEY,
  measure,
  type Measures,
  over,
  PAPER,
  SIDE,
  summary,
  TARGET,
  waysOf,
} from './measure.ts'

/** The section of figures: published ones beside those of every cipher, on photographs and drawings. */
export async function figures(
  { progress }: StudyContext,
  ciphers: readonly ImageCipher[],
  photos: readonly NamedImage[],
  drawn: readonly NamedImage[],
): Promise<StudySection> {
  const rows: (string | number)[][] = []
  const met: string[] = []
  const sets = [
    ['BSDS500 val', photos],
    ['drawn by Latent', drawn],
  ] as const
  let done = 0
  for (const cipher of ciphers) {
    for (const [name, set] of sets) {
      const measured: Measures[] = []
      for (const { image } of set) {
        measured.push(await measure(image, ...both(cipher)))
        progress(++done, ciphers.length * (photos.length + drawn.length), 'quality and statistics')
      }
      const { psnr, ssim, maxError, entropy, correlation } = summary(measured)
      rows.push([
        `\`${cipher.id}\``,
        name,
        `${fixed(psnr, 2)} (${fixed(Math.min(...measured.map(row => row.psnr)), 1)})`,
        ssim.toFixed(4),
        maxError,
        `${entropy.toFixed(3)} (${Math.min(...measured.map(row => row.entropy)).toFixed(2)})`,
        correlation.map(value => value.toFixed(3)).join(', '),
      ])
      if (set === photos && cipher.id.startsWith('encipher')) {
        const reached = [
          psnr >= TARGET.psnr,
          ssim >= TARGET.ssim,
          entropy >= TARGET.entropy,
          Math.max(...correlation) <= TARGET.correlation,
        ]
        met.push(`\`${cipher.id}\` reaches ${reached.filter(Boolean).length} of the four`)
      }
    }
  }
  const p = PAPER.correlation
  return {
    heading: 'Published beside measured',
    text: [
      `Middles of ${SIDE}x${SIDE} pixels of the first ${photos.length} pictures of BSDS500 \`val\`, ` +
        `and ${drawn.length} pictures that Latent draws. PSNR and SSIM of the decrypted picture, ciphers ` +
        `in 8 bits; the largest error of any sample; Shannon entropy of the cipher's bytes; correlation ` +
        'of neighbours in the cipher, without sign, mean over channels and pictures. Means, and in ' +
        'brackets the worst picture.',
      `Our aim was ${TARGET.psnr} dB, SSIM ${TARGET.ssim}, entropy ${TARGET.entropy} and correlation ` +
        `${TARGET.correlation} in each direction, together, as means over photographs: ` +
        `${met.join('; ')}.`,
      'AES-256-CTR and the identity are controls: what an ideal cipher and none at all give by the ' +
        'same measures. Drawings, with their hard edges and flat fields, are recovered less well than ' +
        'photographs, and their ciphers show more.',
    ],
    tables: [
      {
        columns: ['cipher', 'pictures', 'PSNR, dB', 'SSIM', 'largest error', 'entropy', 'correlation H, V, D'],
        rows: [
          [
            'paper',
            'three pictures; PSNR and SSIM averages',
            PAPER.psnr,
            PAPER.ssim,
            'not known',
            PAPER.entropy.join(', '),
            DIRECTIONS.map(direction => mean(p[direction]).toFixed(3)).join(', '),
          ],
          ...rows,
        ],
      },
    ],
  }
}

/** Of the run that gave the shipped weights; their card says it too. */
const SHIPPED_SEED = 3

/** The section on recovery against randomness: structured starts before training, and what training made of them. */
export async function tradeOff(
  { quick, progress }: StudyContext,
  photos: readonly NamedImage[],
): Promise<StudySection> {
  const some = photos.filter((_, i) => i % Math.ceil(photos.length / 10) === 0)
  const nets = openNetworks('frozen', 'paper')
  const curves: { series: string; caption: string; mixing: Mixing }[] = [
    ...[0.4, 0.6, 0.75, 0.9, 1.1].map(deviation => ({
      series: `untrained, whitening ${START.whitening}`,
      caption: `${deviation}`,
      mixing: { ...START, deviation },
    })),
    ...[0, 0.3, 0.8].map(whitening => ({
      series: `untrained, deviation ${START.deviation}`,
      caption: `${whitening}`,
      mixing: { ...START, whitening },
    })),
  ].slice(0, quick ? 2 : undefined)
  const points: { series: string; caption: string; values: ReturnType<typeof summary> }[] = []
  const [start, trained, learned] = await Promise.all([
    startingPair('paper', SHIPPED_SEED),
    shippedPairs.structured(),
    shippedPairs.learned(),
  ])
  try {
    for (const [i, { series, caption, mixing: options }] of curves.entries()) {
      progress(i, curves.length + 3, 'trade-off')
      const pair = await structuredPair('paper', await mixing(KEY, options))
      points.push({ series, caption, values: await over(some, waysOf(nets, pair)) })
    }
    points.push({ series: 'start of the training', caption: 'start', values: await over(some, waysOf(nets, start)) })
    points.push({ series: 'structured, trained', caption: 'trained', values: await over(some, waysOf(nets, trained)) })
    points.push({
      series: 'learned from random weights',
      caption: 'learned',
      values: await over(some, waysOf(nets, learned)),
    })
  } finally {
    await nets.close()
  }
  const instance = openNetworks('instance', 'paper')
  try {
    points.push({
      series: 'published variant, trained',
      caption: 'published variant',
      values: await over(some, waysOf(instance, await shippedPairs.published())),
    })
  } finally {
    await instance.close()
  }
  const found = (caption: string) => points.find(point => point.caption === caption)!.values
  const change = (what: (values: ReturnType<typeof summary>) => number, digits: number) =>
    `from ${what(found('start')).toFixed(digits)} to ${what(found('trained')).toFixed(digits)}`
  const largest = ({ correlation }: { correlation: readonly number[] }) => Math.max(...correlation)
  const paper = {
    psnr: PAPER.psnr,
    entropy: mean(PAPER.entropy),
    correlation: DIRECTIONS.map(direction => mean(PAPER.correlation[direction])),
  }
  const plotted = (y: (values: { entropy: number; correlation: readonly number[] }) => number): ChartPoint[] => [
    ...points.map(({ series, caption, values }) => ({ x: values.psnr, y: y(values), series, caption })),
    { x: paper.psnr, y: y(paper), series: 'paper', caption: 'paper' },
    {
      x: TARGET.psnr,
      y: y({ entropy: TARGET.entropy, correlation: [TARGET.correlation] }),
      series: 'aim',
      caption: 'aim',
    },
  ]
  return {
    heading: 'The trade-off',
    text: [
      `What is recovered and how random the cipher looks pull against each other. ${some.length} ` +
        `pictures of BSDS500 \`val\`. The untrained points are structured starts alone: *deviation* is ` +
        'that of what enters the tanh (small: the cipher stays in the middle of its range and loses ' +
        'entropy; large: the tanh clips), *whitening* how far the bands are made equal (none: neighbours ' +
        'of the cipher stay correlated; full: the gains of weak bands are so high that strong ones ' +
        'suffer from 8 bits).',
      `Training from random weights reaches ${found('learned').psnr.toFixed(2)} dB, SSIM ` +
        `${found('learned').ssim.toFixed(4)}, entropy ${found('learned').entropy.toFixed(3)} and largest correlation ` +
        `${largest(found('learned')).toFixed(3)}. Training from a structured start moved what it was given as ` +
        `follows: PSNR ${change(({ psnr }) => psnr, 2)} dB, ` +
        `SSIM ${change(({ ssim }) => ssim, 4)}, entropy ${change(({ entropy }) => entropy, 3)} bits, ` +
        `largest correlation ${change(largest, 3)}.`,
    ],
    tables: [
      {
        columns: ['pair', 'setting', 'PSNR, dB', 'SSIM', 'entropy', 'correlation H, V, D'],
        rows: points.map(({ series, caption, values }) => [
          series,
          caption,
          values.psnr.toFixed(2),
          values.ssim.toFixed(4),
          values.entropy.toFixed(3),
          values.correlation.map(value => value.toFixed(3)).join(', '),
        ]),
      },
    ],
    figures: [
      {
        name: 'trade-off-entropy',
        caption: 'Entropy of the cipher against PSNR of the recovered picture: up and to the right is better',
        svg: await chart(
          plotted(({ entropy }) => entropy),
          {
            title: 'Entropy against PSNR',
            x: 'PSNR of the recovered picture, dB',
            y: 'entropy of the cipher, bits',
            mark: 'point',
            zero: false,
            height: 280,
          },
        ),
      },
      {
        name: 'trade-off-correlation',
        caption: 'Largest neighbour correlation of the cipher against PSNR: down and to the right is better',
        svg: await chart(plotted(largest), {
          title: 'Neighbour correlation against PSNR',
          x: 'PSNR of the recovered picture, dB',
          y: 'largest of H, V, D',
          mark: 'point',
          zero: false,
          height: 280,
        }),
      },
    ],
  }
}

/** The section of pictures: plain, encrypted and decrypted, a row a drawing. */
export async function pictures(ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const shown: Image<'u8'>[] = []
  for (const kind of drawn.slice(0, 3).map(({ id }) => id as 'street')) {
    const plain = await drawPicture(kind, 128, 96)
    shown.push(plain)
    for (const cipher of ciphers) {
      const hidden = await cipher.encrypt(plain, KEY, repeatably(cipher, Uint8Array.of(1)))
      shown.push(hidden as Image<'u8'>, (await cipher.decrypt(hidden, KEY)) as Image<'u8'>)
    }
  }
  return {
    heading: 'Pictures',
    text: [],
    figures: [
      {
        name: 'pictures',
        caption:
          'Each row: a drawn picture, then cipher and recovered picture of the published variant, of the learned, ' +
          'the ' +
          'structured and the keyed one',
        image: contactSheet(shown, 1 + 2 * ciphers.length),
      },
    ],
  }
}
