import { type Image } from '@latent/core'
import {
  type DenseNetworks,
  diffuse,
  intermediateCipher,
  openIntermediate,
  passKeys,
} from '@latent/schemes/dense-resnet'
import { drawPicture } from '@latent/data'
import { mean } from '@latent/lab'
import { contactSheet } from '../pictures.ts'
import type { StudySection } from '../study.ts'
import { asPicture, outline } from './attacks.ts'
import { keyOf, type Looks, type Trips } from './measure.ts'
import { CHAIN, fixed, nameOf, NONE, PAPER, SBOX } from './ciphers.ts'

const looksCells = ({ entropy, lowestEntropy, correlation }: Looks) => [
  fixed(entropy, 3),
  fixed(lowestEntropy, 3),
  fixed(correlation.horizontal, 4),
  fixed(correlation.vertical, 4),
  fixed(correlation.diagonal, 4),
]

interface AllTrips {
  readonly learned: Trips
  readonly drawn: Trips
  readonly structured: Trips
  readonly start: Trips
  readonly published: Trips | undefined
}

/** The section of figures: published beside measured, on photographs and drawings, by what training began with. */
export function quality(source: string, { learned, drawn, structured, start, published }: AllTrips): StudySection {
  const row = (name: string, { psnr, ssim, pictures }: Trips) => [
    name,
    pictures,
    fixed(mean(psnr), 2),
    fixed(Math.min(...psnr), 2),
    fixed(mean(ssim), 4),
  ]
  return {
    heading: 'Published beside measured',
    text: [
      'Published: ' +
        `${PAPER.figures.map(({ value, condition }) => `${value} (${condition})`).join('; ')}. ` +
        `${PAPER.remarks.join(' ')} There is thus no published figure that a measured one could be ` +
        'compared with; relative gains over schemes that we do not have cannot be checked.',
      `Measured on \`${source}\`, cipher images as bytes (wire u8). The diffusion is undone exactly, ` +
        'so that quality after the whole cipher is quality after the networks with rounding between ' +
        'them, sample for sample; the tests hold the two equal.',
      'The registered networks were learned from random weights. Beside them stand those that began at a start ' +
        `written by hand, on the first ${start.pictures} pictures: it gave ${fixed(mean(start.psnr), 2)} dB, ` +
        `training brought it to ${fixed(mean(structured.psnr), 2)} dB, and the entropy of the networks' output from ` +
        `${fixed(start.intermediate.entropy, 3)} to ${fixed(structured.intermediate.entropy, 3)} bits; on the same ` +
        `pictures the learned ones reach ${fixed(mean(learned.psnr.slice(0, start.pictures)), 2)} dB.`,
      'Drawn pictures have hard edges in strong colours, which photographs from JPEG files hardly ' +
        'have: the networks are worse at them, and at noise. Lowest figures matter more than means.',
    ],
    tables: [
      {
        columns: ['whole cipher, bytes on the wire', 'pictures', 'PSNR, dB', 'lowest PSNR', 'SSIM'],
        rows: [
          row('learned from random weights (registered)', learned),
          row('the same, pictures drawn by Latent', drawn),
          row('trained from the structured start', structured),
          row('the structured start before training', start),
          ...(published ? [row('published variant, instance norm, short training', published)] : []),
        ],
      },
      {
        columns: [
          'cipher images',
          'entropy, bits',
          'lowest entropy',
          'correlation, horizontal',
          'vertical',
          'diagonal',
        ],
        rows: [
          ['networks alone, learned', ...looksCells(learned.intermediate)],
          [`and ${nameOf(SBOX)}`, ...looksCells(learned.final)],
          ['networks alone, from the structured start', ...looksCells(structured.intermediate)],
          ['networks alone, before training', ...looksCells(start.intermediate)],
          ...(published
            ? [
                ['networks alone (published variant)', ...looksCells(published.intermediate)],
                [`and ${nameOf(CHAIN)}`, ...looksCells(published.final)],
              ]
            : []),
        ],
      },
    ],
  }
}

const SCENE = { width: 192, height: 144 }
/** Three pictures that Latent draws, for all that takes no photographs. */
export const scenes = () =>
  Promise.all([
    drawPicture('street', SCENE.width, SCENE.height),
    drawPicture('landscape', SCENE.width, SCENE.height),
    drawPicture('shapes', SCENE.width, SCENE.height),
  ])

/** The section of pictures: plain, intermediate, final and decrypted. */
export async function gallery(networks: DenseNetworks): Promise<StudySection> {
  const key = await keyOf(1, 'gallery')
  const rows: Image<'u8'>[] = []
  const outlines: { alone: number; diffused: number }[] = []
  for (const plain of await scenes()) {
    const intermediate = (await intermediateCipher(networks, plain)) as Image<'u8'>
    const data = diffuse(SBOX.rule, intermediate.data, await passKeys(SBOX, intermediate.data.length, key, NONE))
    const final = asPicture(data, intermediate)
    outlines.push({ alone: outline(plain, intermediate), diffused: outline(plain, final) })
    rows.push(plain, intermediate, final, (await openIntermediate(networks, intermediate, plain)) as Image<'u8'>)
  }
  return {
    heading: 'To look at',
    text: [
      'The networks alone make a texture that repeats every four pixels, whatever the picture: it is no noise. Do ' +
        'outlines show in it? Between the contrast of 8x8 blocks of the plain picture and of the intermediate ' +
        'cipher the correlation is ' +
        `${outlines.map(({ alone }) => fixed(alone, 2)).join(', ')} for the three pictures at the top; ` +
        `after the diffusion it is ${outlines.map(({ diffused }) => fixed(diffused, 2)).join(', ')}.`,
    ],
    figures: [
      {
        name: 'gallery',
        caption: 'Plain, intermediate cipher (networks alone), final cipher, decrypted. Pictures drawn by Latent.',
        image: contactSheet(rows, 4),
      },
    ],
  }
}
