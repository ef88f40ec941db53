import type { Image, ImageCipher } from '@latent/core'
import { mean, sampleErrors } from '@latent/lab'
import type { NamedImage, StudyContext, StudySection } from '../study.ts'
import { both, PAPER } from './measure.ts'

/**
 * [Note: Contrast] What instance norm after the first convolution cannot tell apart. That convolution has
 * no bias and sees the picture mirrored at its edges, so that of `g x + b` (one gain g > 0, an offset for each
 * colour) it makes g times what it makes of x, plus a constant for each of its channels. The norm takes the
 * constant away and divides by a deviation that is g times as large: what the rest of the network sees is
 * the same, up to the norm's epsilon. One cipher image then stands for both pictures, and whatever a
 * decryption makes of it lies no nearer to both than half way between them.
 */
export interface Change {
  readonly name: string
  readonly gain: number
  /** Added to every sample, in levels of 255; absent: what keeps each colour's mean where it was. */
  readonly offset?: number
}

/** The changes of brightness and contrast under which pictures are compared. */
export const CHANGES: readonly Change[] = [
  { name: 'half the contrast', gain: 1 / 2 },
  { name: 'a quarter of the contrast', gain: 1 / 4 },
  { name: 'an eighth of the contrast', gain: 1 / 8 },
  { name: 'half the contrast, 48 levels brighter', gain: 1 / 2, offset: 48 },
]

/** The picture under a change, rounded and clamped as pictures are. */
export function changed(source: Image<'u8'>, { gain, offset }: Change): Image<'u8'> {
  const { channels, data } = source
  const means = Array.from({ length: channels }, (_, c) =>
    mean(Array.from({ length: data.length / channels }, (_, i) => data[i * channels + c]!)),
  )
  return {
    ...source,
    data: data.map((value, i) =>
      Math.max(
        0,
        Math.min(
          255,
          Math.round(
            offset === undefined ? means[i % channels]! + gain * (value - means[i % channels]!) : gain * value + offset,
          ),
        ),
      ),
    ),
  }
}

/**
 * The PSNR in dB that no decryption of one cipher image can exceed for both of two pictures at once:
 * its errors e and e' obey sqrt(e) + sqrt(e') >= sqrt(d), so that the larger is at least d / 4. The same
 * holds for the mean of both errors.
 */
export const pairBound = (a: Image<'u8'>, b: Image<'u8'>): number => sampleErrors(a, b).psnr + 20 * Math.log10(2)

/**
 * How nearly equal the cipher images of a picture and its changed self are, and what that bounds.
 * @param cipher the published variant
 * @param photos 8-bit RGB
 */
export async function contrast(
  { progress }: StudyContext,
  cipher: ImageCipher,
  photos: readonly NamedImage[],
): Promise<StudySection> {
  const [encrypt, decrypt] = both(cipher)
  const rows: (string | number)[][] = []
  for (const [i, change] of CHANGES.entries()) {
    const bounds: number[] = []
    const equal: number[] = []
    const worse: number[] = []
    for (const { image } of photos) {
      progress(i * photos.length + bounds.length, CHANGES.length * photos.length, 'contrast')
      const other = changed(image, change)
      const [one, two] = [await encrypt(image), await encrypt(other)]
      bounds.push(pairBound(image, other))
      equal.push(sampleErrors(one, two).psnr)
      worse.push(Math.min(sampleErrors(image, await decrypt(one)).psnr, sampleErrors(other, await decrypt(two)).psnr))
    }
    rows.push([
      change.name,
      mean(bounds).toFixed(1),
      Math.max(...bounds).toFixed(1),
      mean(equal).toFixed(1),
      mean(worse).toFixed(1),
    ])
  }
  const reached = PAPER.psnr
  const tolerance = 255 * 10 ** (-reached / 20)
  return {
    heading: 'Why the published variant cannot recover pictures in general',
    text: [
      'The first convolution has no bias and mirrors the picture at its edges. Of *g x + b*, one ' +
        'gain *g* > 0 for all colours and an offset for each, it makes *g* times what it makes of *x*, ' +
        'plus a constant a channel. Instance norm subtracts that constant and divides by a deviation ' +
        'that is *g* times as large. So **two pictures that differ by brightness and contrast alone ' +
        'have one cipher image** (exactly so for brightness, and up to the norm’s epsilon of 0.00001 ' +
        'for contrast), whatever the weights are and however long they are trained. If *d* is the mean ' +
        'squared difference of the two, no decryption is nearer than *d*/4 to both: that is the ' +
        '*bound* below, which the larger of the two errors, and the mean of both, cannot pass.',
      `For the first ${photos.length} pictures of BSDS500 \`val\` and the same under four changes: the ` +
        'bound on the PSNR of the worse of the two (mean, and the picture for which it is highest), how ' +
        'nearly equal the two cipher images of the shipped published variant are, and what its decryption ' +
        'reaches for the worse of the two.',
      `The paper’s ${reached} dB is an error of ${tolerance.toFixed(1)} levels of 255. A decryption ` +
        'that has to guess a picture’s mean and contrast must guess both within that. It can be had, ' +
        'then, for pictures that all have about the same brightness and contrast, such as photographs ' +
        'of one kind taken with one device; or the norms were not those that the tables name, such as ' +
        'batch norm by running statistics; or the figure was taken after a correction of both. It ' +
        'cannot be had for pictures in general by the variant that the tables describe, which is why ours ' +
        'has thresholds in place of norms.',
    ],
    tables: [
      {
        columns: [
          'the other picture',
          'bound, dB (mean)',
          'bound, dB (highest)',
          'cipher images alike, dB',
          'reached, dB',
        ],
        rows,
      },
    ],
  }
}
