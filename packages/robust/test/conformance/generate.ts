import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { carriers, FOLDER, largeCarrier, pixelBytes, SETS, sha256, type Vector, VECTORS } from './vectors.ts'

const filesOf = (...sets: readonly string[]): Vector['files'] =>
  sets.flatMap(set =>
    SETS[set]!.geometries.map((geometry, n) => ({ ...geometry, sha256: sha256(pixelBytes(geometry, n)) })),
  )

const made = await carriers()
const image = (name: string) => sharp(made.get(name)).toColourspace('srgb')
const size = await image('one-1.png').metadata()
const q75 = await image('one-1.png').jpeg({ quality: 75 }).toBuffer()
const large = await largeCarrier()
const { width } = await sharp(large).metadata()
const smaller = (scale: number, kernel: 'lanczos3' | 'cubic') =>
  sharp(large)
    .resize(Math.round(scale * width), undefined, { kernel })
    .toColourspace('srgb')
const pictures: Record<string, Uint8Array> = {
  ...Object.fromEntries(made),
  'two-1.q75.jpg': await image('two-1.png').jpeg({ quality: 75 }).toBuffer(),
  'two-2.q75.webp': await image('two-2.png').webp({ quality: 75 }).toBuffer(),
  'two-3.moz75.jpg': await image('two-3.png').jpeg({ quality: 75, mozjpeg: true }).toBuffer(),
  'one.progressive.jpg': await image('one-1.png')
    .jpeg({ quality: 75, progressive: true, chromaSubsampling: '4:4:4' })
    .toBuffer(),
  'one.grey.jpg': await image('one-1.png').toColourspace('b-w').jpeg({ quality: 75 }).toBuffer(),
  'one.turned.jpg': await sharp(made.get('one-1.png')).rotate(90).jpeg({ quality: 85 }).toBuffer(),
  'one.cropped.jpg': await image('one-1.png')
    .extract({ left: 3, top: 5, width: size.width - 3, height: size.height - 5 })
    .jpeg({ quality: 90 })
    .toBuffer(),
  'one.twice.jpg': await sharp(await image('one-1.png').jpeg({ quality: 85 }).toBuffer())
    .jpeg({ quality: 75 })
    .toBuffer(),
  'one.q30.jpg': await image('one-1.png').jpeg({ quality: 30 }).toBuffer(),
  'one.half.jpg': q75.subarray(0, q75.length >> 1),
  'one.scaled.jpg': await image('one-1.png')
    .resize(Math.round(size.width * 0.7))
    .jpeg({ quality: 90 })
    .toBuffer(),
  'large.half.jpg': await smaller(0.5, 'cubic').jpeg({ quality: 75 }).toBuffer(),
  'large.seventy.webp': await smaller(0.7, 'lanczos3').webp({ quality: 75 }).toBuffer(),
  'large.quarter.jpg': await smaller(0.28, 'lanczos3').jpeg({ quality: 75 }).toBuffer(),
  'other.jpg': await sharp({ create: { width: 160, height: 160, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer(),
}

const vectors: Vector[] = [
  {
    name: 'as-made',
    comment: 'two files in two parts, and a spare one',
    pictures: ['two-1.png', 'two-2.png', 'two-3.png'],
    files: filesOf('two'),
    errors: [],
  },
  {
    name: 'served',
    comment: 'parts as JPEG and as WebP',
    pictures: ['two-2.q75.webp', 'two-1.q75.jpg'],
    files: filesOf('two'),
    errors: [],
  },
  {
    name: 'first-lost',
    comment: 'the spare part stands in for the first',
    pictures: ['two-3.moz75.jpg', 'two-2.q75.webp'],
    files: filesOf('two'),
    errors: [],
  },
  {
    name: 'copies',
    comment: 'one part twice, the other lost for good',
    pictures: ['two-3.moz75.jpg', 'two-3.png'],
    files: [],
    errors: ['E_TRUNCATED'],
  },
  {
    name: 'mixed',
    comment: 'parts of two sets',
    pictures: ['one-1.png', 'two-2.png', 'two-1.q75.jpg'],
    files: filesOf('one', 'two'),
    errors: [],
  },
  ...['progressive', 'grey', 'turned', 'cropped', 'twice'].map(way => ({
    name: way,
    comment: `one part, ${way}`,
    pictures: [`one.${way}.jpg`],
    files: filesOf('one'),
    errors: [],
  })),
  {
    name: 'too-coarse',
    comment: 'a quality far below what the mode is made for',
    pictures: ['one.q30.jpg'],
    files: [],
    errors: ['E_REENCODED'],
  },
  {
    name: 'half',
    comment: 'a JPEG that ends in the middle',
    pictures: ['one.half.jpg'],
    files: [],
    errors: ['E_REENCODED'],
  },
  {
    name: 'scaled',
    comment: 'a part that was made smaller',
    pictures: ['one.scaled.jpg'],
    files: [],
    errors: ['E_NOT_SEALED'],
  },
  ...['half.jpg', 'seventy.webp'].map(way => ({
    name: `resize-${way.split('.')[0]!}`,
    comment: `a part of mode 5, made smaller`,
    pictures: [`large.${way}`],
    files: filesOf('one'),
    errors: [],
    made: sha256(large),
  })),
  {
    name: 'resize-quarter',
    comment: 'a part of mode 5, made smaller than half its sides',
    pictures: ['large.quarter.jpg'],
    files: [],
    errors: ['E_NOT_SEALED'],
    made: sha256(large),
  },
  { name: 'other', comment: 'no carrier', pictures: ['other.jpg'], files: [], errors: ['E_NOT_SEALED'] },
  {
    name: 'directory',
    comment: 'a directory whose sizes do not add up',
    pictures: ['directory.png'],
    files: [],
    errors: ['E_HEADER'],
  },
]

rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER)
for (const [name, bytes] of Object.entries(pictures)) writeFileSync(new URL(name, FOLDER), bytes)
writeFileSync(VECTORS, `${JSON.stringify(vectors, undefined, 2)}\n`)
process.stdout.write(`${vectors.length} vectors, ${Object.keys(pictures).length} pictures\n`)
