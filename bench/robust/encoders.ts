import jpegJs from 'jpeg-js'
import { spawnSync } from 'node:child_process'
import sharp from 'sharp'

/** Grey pixels that a service is given. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
}

export interface Encoder {
  /** Was it looked at when modes were chosen? */
  readonly tuned: boolean
  /** Nothing where the program is not installed. */
  encode(picture: Picture, quality: number): Promise<Uint8Array> | Uint8Array | undefined
}

const image = ({ width, height, pixels }: Picture) =>
  sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('srgb')

const rgb = ({ pixels }: Picture): Uint8Array => {
  const data = new Uint8Array(3 * pixels.length)
  pixels.forEach((value, i) => data.fill(value, 3 * i, 3 * i + 3))
  return data
}

const ppm = (picture: Picture): Uint8Array =>
  Buffer.concat([Buffer.from(`P6\n${picture.width} ${picture.height}\n255\n`), rgb(picture)])

function program(command: string, args: readonly string[], picture: Picture): Uint8Array | undefined {
  const { status, stdout, error } = spawnSync(command, args, { input: ppm(picture), maxBuffer: 2 ** 28 })
  if (error) return undefined
  if (status !== 0) throw new Error(`${command} ended with ${status}`)
  return stdout
}

/** What is written, by name; the quality is what each of them means by it. */
export const ENCODERS: Readonly<Record<string, Encoder>> = {
  'sharp JPEG 4:2:0': { tuned: true, encode: (picture, quality) => image(picture).jpeg({ quality }).toBuffer() },
  'sharp JPEG 4:4:4': {
    tuned: true,
    encode: (picture, quality) => image(picture).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer(),
  },
  'sharp JPEG grey': {
    tuned: true,
    encode: (picture, quality) => image(picture).toColourspace('b-w').jpeg({ quality }).toBuffer(),
  },
  'sharp JPEG progressive': {
    tuned: true,
    encode: (picture, quality) => image(picture).jpeg({ quality, progressive: true, optimiseCoding: true }).toBuffer(),
  },
  mozjpeg: { tuned: true, encode: (picture, quality) => image(picture).jpeg({ quality, mozjpeg: true }).toBuffer() },
  'sharp WebP': { tuned: true, encode: (picture, quality) => image(picture).webp({ quality }).toBuffer() },
  'sharp AVIF': { tuned: true, encode: (picture, quality) => image(picture).avif({ quality, effort: 2 }).toBuffer() },
  'JPEG q85, then': {
    tuned: true,
    encode: async (picture, quality) =>
      sharp(await image(picture).jpeg({ quality: 85 }).toBuffer())
        .jpeg({ quality })
        .toBuffer(),
  },
  'jpeg-js': {
    tuned: false,
    encode: ({ width, height, pixels }, quality) => {
      const data = new Uint8Array(4 * pixels.length).fill(255)
      pixels.forEach((value, i) => data.fill(value, 4 * i, 4 * i + 3))
      return jpegJs.encode({ width, height, data }, quality).data
    },
  },
  'cjpeg of Debian': {
    tuned: false,
    encode: (picture, quality) => program('cjpeg', ['-quality', String(quality)], picture),
  },
  'cwebp of Debian': {
    tuned: false,
    encode: (picture, quality) => program('cwebp', ['-quiet', '-q', String(quality), '-o', '-', '--', '-'], picture),
  },
  ImageMagick: {
    tuned: false,
    encode: (picture, quality) => program('convert', ['ppm:-', '-quality', String(quality), 'jpeg:-'], picture),
  },
}
