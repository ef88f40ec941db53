import { KeyStream, sha256Of } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { recoverFoldedMap } from '../src/attacks/folded-map.ts'

const SIZE = { width: 8, height: 16 }
const PLACES = SIZE.width * SIZE.height
const random = (name: string) => KeyStream.create(sha256Of(new TextEncoder().encode(name)), 'latent/v1/lab/test')

const fold = (s: number) => Math.abs(((s + 1) % 2) - 1)
/** As the network before training: three sums of entries, folded, and rounded to 8 bits. */
const answer = async (map: Float32Array): Promise<Float32Array> => {
  const at = (row: number, column: number) =>
    row < 0 || column < 0 || row >= SIZE.height || column >= SIZE.width ? 0 : map[row * SIZE.width + column]!
  return Float32Array.from({ length: 3 * PLACES }, (_, i) => {
    const [row, column] = [Math.floor((i % PLACES) / SIZE.width), i % SIZE.width]
    const sums = [
      2 * at(row, column) + at(row - 1, column - 1) + at(row + 1, column),
      2 * at(row, column + 1) + at(row - 1, column) + at(row + 1, column + 1),
      2 * at(row + 1, column) + at(row, column - 1) + at(row - 1, column + 1),
    ]
    return Math.round(255 * (0.03 + 0.94 * fold(sums[Math.floor(i / PLACES)]!))) / 255
  })
}

describe('a map from what its folds became', () => {
  test('every entry is found', async () => {
    const truth = Float32Array.from(await (await random('truth')).uniforms(PLACES))
    const found = await recoverFoldedMap(await answer(truth), answer, SIZE, await random('search'))
    const away = Array.from(truth, (value, i) => Math.abs(value - found![i]!))
    expect(away.filter(error => error > 0.02).length).toBeLessThan(0.03 * PLACES)
  })

  test('nothing is made of answers that do not fold, or to another question', async () => {
    const stream = await random('noise')
    const noise = async () => Float32Array.from(await stream.uniforms(3 * PLACES))
    expect(await recoverFoldedMap(await noise(), noise, SIZE, await random('search'))).toBeUndefined()
    expect(await recoverFoldedMap(await noise(), answer, SIZE, await random('search'))).toBeUndefined()
  })
})
