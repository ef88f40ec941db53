import type { Image, ImageCipher } from '@latent/core'
import type { openNetworks, Pair } from '@latent/schemes/encipher-gan'
import { drawPicture } from '@latent/data'
import { correlationTest, type Direction, quality, shannonEntropy } from '@latent/lab'
import type { NamedImage } from '../study.ts'

export const SIDE = 256
export const KEY = new Uint8Array(32).fill(1)
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
export const TARGET = { psnr: 40, ssim: 0.997, entropy: 7.9, correlation: 0.1 }

export const drawings = async (count: number): Promise<NamedImage[]> =>
  Promise.all(
    (['landscape', 'street', 'lettering', 'marble', 'shapes', 'dunes'] as const)
      .slice(0, count)
      .map(async kind => ({ id: kind, image: await drawPicture(kind, SIDE, SIDE) })),
  )

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
export const bytes = ({ data }: Image): Uint8Array => data as Uint8Array
export const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : 'exact'
export const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`

export interface Measures {
  readonly psnr: number
  readonly ssim: number
  readonly maxError: number
  readonly entropy: number
  /** By direction: the mean over channels of a picture, without its sign. */
  readonly correlation: readonly number[]
}

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

export async function over(
  set: readonly NamedImage[],
  [encrypt, decrypt]: ReturnType<typeof waysOf>,
): Promise<ReturnType<typeof summary>> {
  const rows: Measures[] = []
  for (const { image } of set) rows.push(await measure(image, encrypt, decrypt))
  return summary(rows)
}
