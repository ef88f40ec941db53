import { LatentError } from '@latent/core'
import fc from 'fast-check'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Album,
  collect,
  type Geometry,
  inspectSealed,
  type Keyring,
  openSealed,
  pixelBytes,
  readCarrier,
  streamOf,
  writeCarrier,
} from '../src/index.ts'
import { type FileResult, openFiles } from '../src/node/index.ts'
import { BODIES, flows, noise, pixelOffsets, sealBytes, testAlbum } from './fixtures.ts'

// Whatever happens to a sealed file, what comes out is the file or a coded error, and nothing is left of an attempt.

let album: Album
let keyring: () => Keyring
let root: string
beforeAll(async () => {
  ;({ album, keyring } = await testAlbum())
  root = await mkdtemp(join(tmpdir(), 'latent-damage-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const CHUNK = 512
const CODES = /^E_(HEADER|CHUNK|NO_MATCH|REENCODED|UNSUPPORTED|TRUNCATED|NOT_SEALED|LIMIT|HASH)$/

interface Sealed {
  readonly plain: Uint8Array
  readonly png: Uint8Array
  readonly pixels: Uint8Array
  readonly geometry: Geometry
  readonly headerSize: number
}

async function sealed(label: string, size: number, body = BODIES['aes-256-gcm']!): Promise<Sealed> {
  const plain = await noise(size, label)
  const png = await sealBytes(plain, album, { body, chunk: CHUNK })
  const { geometry, headerSize } = await inspectSealed(streamOf(png))
  return { plain, png, pixels: await collect((await readCarrier(streamOf(png))).pixels), geometry, headerSize }
}

/**
 * The code that opening ends with; `undefined` if all of it came out. Fails if anything else came out, or another
 * error.
 */
async function outcome(png: Uint8Array, plain: Uint8Array): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  const error = await (async () => {
    const { bytes } = await openSealed(streamOf(png, 1000), keyring(), flows)
    for await (const part of bytes) parts.push(part)
  })().then(
    () => undefined,
    (caught: unknown) => caught,
  )
  // Parts may be looked at before the end: they are the file's, in order, or nothing.
  const released = Buffer.concat(parts)
  expect(released).toEqual(Buffer.from(plain.subarray(0, error === undefined ? plain.length : released.length)))
  expect(
    error === undefined || (error instanceof LatentError && CODES.test(error.code)) ? 'as it should be' : error,
  ).toBe('as it should be')
  return (error as LatentError | undefined)?.code
}

/** The PNG with other pixels, right in every other way: what somebody makes who knows the format and has no key. */
const remade = async (pixels: Uint8Array): Promise<Uint8Array> => {
  const height = [3, 2, 1].find(rows => pixels.length % (3 * rows) === 0)!
  return collect(writeCarrier({ width: pixels.length / 3 / height, height }, streamOf(pixels)))
}

describe.each(Object.entries(BODIES))('%s', (_, body) => {
  test(
    'every single flipped bit of the whole file: the file, where the picture around the pixels alone ' +
      'is hit, or an error',
    async () => {
      const file = await sealed('bits', 40, body)
      const inPixels = new Set(pixelOffsets(file.geometry.width, file.geometry.height))
      expect(inPixels.size).toBe(pixelBytes(file.geometry))
      // Both ciphers refuse by the same tag before anything is deciphered; the slow one gets every seventh bit.
      const step = body.type === 'aes-256-gcm' ? 1 : 7
      const survived: number[] = []
      for (let bit = 0; bit < file.png.length * 8; bit += step) {
        const bad = file.png.slice()
        bad[bit >> 3]! ^= 1 << (bit & 7)
        if ((await outcome(bad, file.plain)) === undefined) survived.push(bit >> 3)
      }
      expect(survived.filter(at => inPixels.has(at))).toEqual([])
      // Checksums of the picture protect nothing: those are 4 x 3 + 4 bytes, and a few more bits that decide nothing.
      expect(survived.length).toBeLessThan(200 / step)
    },
  )

  test('any damage at all, made at random', async () => {
    const file = await sealed('random', 2000, body)
    const at = fc.nat({ max: file.png.length - 1 })
    const damage = fc.oneof(
      fc.tuple(fc.constant('flip'), at, fc.integer({ min: 1, max: 255 })),
      fc.tuple(fc.constant('cut'), at, fc.constant(0)),
      fc.tuple(fc.constant('zero'), at, fc.integer({ min: 1, max: 700 })),
      fc.tuple(fc.constant('drop'), at, fc.integer({ min: 1, max: 700 })),
      fc.tuple(fc.constant('repeat'), at, fc.integer({ min: 1, max: 700 })),
      fc.tuple(fc.constant('move'), at, fc.integer({ min: 1, max: 700 })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async list => {
        let bytes = Buffer.from(file.png)
        for (const [kind, from, amount] of list) {
          const part = bytes.subarray(from, from + amount)
          if (kind === 'flip' && from < bytes.length) bytes[from]! ^= amount
          if (kind === 'cut') bytes = bytes.subarray(0, from)
          if (kind === 'zero')
            bytes = Buffer.concat([
              bytes.subarray(0, from),
              Buffer.alloc(part.length),
              bytes.subarray(from + part.length),
            ])
          if (kind === 'drop') bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + amount)])
          if (kind === 'repeat') bytes = Buffer.concat([bytes.subarray(0, from), part, bytes.subarray(from)])
          if (kind === 'move') bytes = Buffer.concat([part, bytes.subarray(0, from), bytes.subarray(from + amount)])
        }
        await outcome(bytes, file.plain)
      }),
      { numRuns: body.type === 'aes-256-gcm' ? 400 : 60 },
    )
  })

  test('chunks that are dropped, exchanged, repeated, moved or foreign, in a picture that is right', async () => {
    const [file, other] = [await sealed('a', 5 * CHUNK, body), await sealed('b', 5 * CHUNK, body)]
    const chunks = ({ pixels, headerSize }: Sealed) =>
      Array.from({ length: Math.ceil((pixels.length - headerSize) / (CHUNK + 16)) }, (_, i) =>
        pixels.subarray(headerSize + i * (CHUNK + 16), headerSize + (i + 1) * (CHUNK + 16)),
      )
    const [own, foreign] = [chunks(file), chunks(other)]
    const count = own.length
    expect(count).toBe(6)
    const pictures: [string, Uint8Array[]][] = []
    for (let i = 0; i < count; i++) {
      pictures.push(
        [`without ${i}`, own.toSpliced(i, 1)],
        [`${i} twice`, own.toSpliced(i, 0, own[i]!)],
        [`${i} of another file`, own.with(i, foreign[i]!)],
        [`cut behind ${i}`, own.slice(0, i)],
      )
      for (let j = i + 1; j < count; j++)
        pictures.push(
          [`${i} and ${j} exchanged`, own.with(i, own[j]!).with(j, own[i]!)],
          [`${i} in the place of ${j}`, own.with(j, own[i]!)],
        )
    }
    pictures.push(
      ['reversed', own.toReversed()],
      ['with a chunk behind the end', [...own, foreign[0]!]],
      ['body of another file', foreign],
    )
    for (const [name, list] of pictures) {
      const pixels = Buffer.concat([file.pixels.subarray(0, file.headerSize), ...list])
      // The picture has to hold a whole number of pixels: what is added stands for what an attacker would add.
      const code = await outcome(
        await remade(Buffer.concat([pixels, Buffer.alloc((3 - (pixels.length % 3)) % 3)])),
        file.plain,
      )
      expect([name, code === undefined]).toEqual([
        name,
        list.length === own.length && list.every((chunk, i) => Buffer.from(chunk).equals(own[i]!)),
      ])
    }
    expect(await outcome(await remade(file.pixels), file.plain)).toBeUndefined()
  })
})

test('header lines of another file of the same album do not fit', async () => {
  const [file, other] = [await sealed('a', 3000), await sealed('b', 3000)]
  expect(file.headerSize).toBe(other.headerSize)
  expect(
    await outcome(
      await remade(Buffer.concat([other.pixels.subarray(0, other.headerSize), file.pixels.subarray(file.headerSize)])),
      file.plain,
    ),
  ).toBe('E_CHUNK')
})

test('a folder of damaged files: every one a coded failure, and nothing written', async () => {
  const [input, output] = [join(root, 'in'), join(root, 'out')]
  const file = await sealed('folder', 3000)
  await rm(input, { recursive: true, force: true })
  await mkdir(input)
  const places = Array.from({ length: 60 }, (_, i) => 60 + Math.floor((i * (file.png.length - 80)) / 60))
  for (const at of places) {
    await writeFile(
      join(input, `flip ${at}.png`),
      file.png.map((byte, i) => (i === at ? byte ^ 0x10 : byte)),
    )
    await writeFile(join(input, `cut ${at}.png`), file.png.subarray(0, at))
  }
  const results: FileResult[] = []
  for await (const result of openFiles({ inputs: [input], output, keyring: keyring(), flows })) results.push(result)
  expect(results.length).toBe(2 * places.length)
  const failed = results.filter(({ status }) => status === 'failed')
  for (const { code } of failed) expect(code).toMatch(CODES)
  // A flipped checksum or filter byte of the picture may leave the file whole.
  expect(failed.length).toBeGreaterThanOrEqual(115)
  const left = await readdir(output).catch(() => [])
  expect(left.every(name => name === 'photo.jpg')).toBe(true)
})
