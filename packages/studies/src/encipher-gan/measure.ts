import type { Image, ImageCipher } from '@latent/core'
import type { openNetworks, Pair } from '@latent/schemes/encipher-gan'
import { drawPicture } from '@latent/data'
import { correlationTest, type Direction, mean, quality, shannonEntropy } from '@latent/lab'
import type { NamedImage } from '../study.ts'

/** Pixels a side of what is measured. */
export const SIDE = 256
/** The key of the study. Only the keyed cipher makes use of it. */
export const KEY = new Uint8Array(32).fill(1)
/** Those that the paper has figures of. */
export const DIRECTIONS = ['horizontal', 'vertical', 'diagonal'] as const satisfies readonly Direction[]

/** Printed in the paper, for the figures and the text; see published/figures.ts. */
export const PAPER = {
  psnr: 39.9703,
  ssim: 0.9972,
  entropy: [7.4, 7.36, 7.38],
  correlation: {
    horizontal: [0.4812, 0.509, 0.5203],
    vertical: [0.4584, 0.4538, 0.4147],
    diagonal: [0.2169, 0.2043, 0.1782],
  },
}
/** What we aimed at, all at once: dB, SSIM, bits a byte, correlation without sign. */
export const TARGET = { psnr: 40, ssim: 0.997, entropy: 7.9, correlation: 0.1 }

/** Pictures that Latent draws, {@link SIDE} pixels a side: up to six. */
export const drawings = async (count: number): Promise<NamedImage[]> =>
  Promise.all(
    (['landscape', 'street', 'lettering', 'marble', 'shapes', 'dunes'] as const)
      .slice(0, count)
      .map(async kind => ({ id: kind, image: await drawPicture(kind, SIDE, SIDE) })),
  )

/** Samples of an 8-bit image. */
export const bytes = ({ data }: Image): Uint8Array => data as Uint8Array
/** A figure with so many digits; an infinite one is an exact recovery. */
export const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : 'exact'
/** A share, 0 to 1, in percent. */
export const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`

/** Of one picture and its cipher: PSNR in dB, SSIM, levels, bits a byte. */
export interface Measures {
  readonly psnr: number
  readonly ssim: number
  readonly maxError: number
  readonly entropy: number
  /** By direction: the mean over channels of a picture, without its sign. */
  readonly correlation: readonly number[]
}

/** Encrypts and decrypts a picture and measures both. The cipher image must be of 8 bits. */
export async function measure(
  plain: Image,
  encrypt: (plain: Image) => Promise<Image>,
  decrypt: (cipher: Image) => Promise<Image>,
): Promise<Measures> {
  const cipher = await encrypt(plain)
  const { psnr, ssim, maxError } = quality(plain, await decrypt(cipher), 'one')
  const correlation = DIRECTIONS.map(direction =>
    mean(
      correlationTest(bytes(cipher), cipher.width, cipher.height, cipher.channels, direction)!.channels.map(Math.abs),
    ),
  )
  return { psnr, ssim: ssim!, maxError, entropy: shannonEntropy(bytes(cipher)), correlation }
}

/** Means over pictures, and the largest error of all. */
export const summary = (rows: readonly Measures[]) => ({
  psnr: mean(rows.map(row => row.psnr)),
  ssim: mean(rows.map(row => row.ssim)),
  maxError: Math.max(...rows.map(row => row.maxError)),
  entropy: mean(rows.map(row => row.entropy)),
  correlation: DIRECTIONS.map((_, i) => mean(rows.map(row => row.correlation[i]!))),
})

/** Both ways of a cipher under the study's key. */
export const both = (cipher: ImageCipher) =>
  [(plain: Image) => cipher.encrypt(plain, KEY), (hidden: Image) => cipher.decrypt(hidden, KEY)] as const

/** A pair as an encryption and a decryption of bare images. */
export const waysOf = (nets: ReturnType<typeof openNetworks>, pair: Pair) =>
  [
    (plain: Image) => nets.encrypt(pair.encryption, plain),
    (cipher: Image) =>
      nets.decrypt(pair.decryption, cipher, { width: cipher.width, height: cipher.height, channels: 3, format: 'u8' }),
  ] as const

/** Measures every picture of a set, and sums up. */
export async function over(
  set: readonly NamedImage[],
  [encrypt, decrypt]: ReturnType<typeof waysOf>,
): Promise<ReturnType<typeof summary>> {
  const rows: Measures[] = []
  for (const { image } of set) rows.push(await measure(image, encrypt, decrypt))
  return summary(rows)
}
