import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPng } from '../src/png.ts'
import { arbitraryPicture, KINDS, mended } from './reference/png-pictures.ts'
import { chunk, type StoredPicture, writePng } from './reference/png-writer.ts'

const plain: StoredPicture = {
  width: 3,
  height: 2,
  depth: 8,
  colour: 2,
  interlaced: false,
  filters: [0],
  samples: Array.from({ length: 18 }, (_, i) => 10 * i),
}

const coded = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    expect(error).toMatchObject({
      name: 'LatentError',
      code: expect.stringMatching(/^E_(IMAGE|LIMIT)$/),
      hint: expect.any(String),
    })
  }
}

test('any bytes, and any change to a good file: a picture or a coded error with a hint, in little memory', () => {
  const before = process.memoryUsage().rss
  const kinds = fc
    .constantFrom(...KINDS)
    .chain(([colour, depth]) => fc.boolean().chain(interlaced => arbitraryPicture(colour, depth, interlaced)))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => coded(() => readPng(bytes))),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes =>
      coded(() =>
        readPng(
          Buffer.concat([
            Buffer.from(writePng(plain)).subarray(0, 33),
            chunk(['IDAT', bytes]),
            chunk(['IEND', Buffer.alloc(0)]),
          ]),
        ),
      ),
    ),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(
      kinds,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (picture, changes, mend) => {
        const file = Buffer.from(writePng(picture))
        for (const [at, value] of changes) file[8 + (at % (file.length - 8))] = value
        coded(() => readPng(mend ? mended(file) : file))
      },
    ),
    { numRuns: 1500 },
  )
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6)
})
