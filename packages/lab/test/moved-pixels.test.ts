import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { recoverMovedPixels } from '../src/index.ts'
import { cheapestAssignment } from '../src/attacks/assignment.ts'

const random = (name: string) => KeyStream.create(sha256Of(new TextEncoder().encode(name)), 'latent/v1/lab/test')

/** All orders of a few things. */
const orders = (things: readonly number[]): number[][] =>
  things.length === 0
    ? [[]]
    : things.flatMap(one => orders(things.filter(other => other !== one)).map(rest => [one, ...rest]))

describe('the cheapest assignment', () => {
  test.each([1, 2, 3, 5, 6])('is the best of all orders of %d', async n => {
    const draws = await random(`costs ${n}`)
    for (let trial = 0; trial < 20; trial++) {
      const cost = Float32Array.from(await draws.uniforms(n * n), x => Math.round(100 * x) - 30)
      const sum = (order: ArrayLike<number>) =>
        Array.from(order).reduce((total, row, column) => total + cost[row * n + column]!, 0)
      const found = cheapestAssignment(cost, n)
      expect(Array.from(found).toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
      expect(sum(found)).toBe(Math.min(...orders(Array.from({ length: n }, (_, i) => i)).map(sum)))
    }
  })
})

const [WIDTH, HEIGHT] = [12, 10]
const PIXELS = WIDTH * HEIGHT

/** Smooth pictures, darker from left to right and above, so that no turn of them is like them. */
async function pictures(name: string, count: number): Promise<Image<'u8'>[]> {
  const draws = await random(name)
  const made: Image<'u8'>[] = []
  for (let k = 0; k < count; k++) {
    const w = await draws.uniforms(7)
    const data = Uint8Array.from({ length: PIXELS }, (_, p) => {
      const [x, y] = [(p % WIDTH) / WIDTH, Math.floor(p / WIDTH) / HEIGHT]
      const wave = (a: number, b: number, c: number) => Math.sin(7 * a * x + 6 * b * y + 6.3 * c)
      return 110 + (70 * x + 30 * y) * (w[6]! - 0.2) + 45 * wave(w[0]!, w[1]!, w[2]!) + 30 * wave(w[3]!, -w[4]!, w[5]!)
    })
    made.push(image({ width: WIDTH, height: HEIGHT, channels: 1, format: 'u8', data }))
  }
  return made
}
const moved = (picture: Image<'u8'>, order: Uint32Array): Image<'u8'> => ({
  ...picture,
  data: Uint8Array.from(order, from => picture.data[from]!),
})

describe('pixels that are moved alike in many pictures', () => {
  test('are put back from those pictures alone, all but a few by a place or two', async () => {
    const order = await (await random('order')).permutation(PIXELS)
    const ciphers = (await pictures('unknown', 200)).map(picture => moved(picture, order))
    const places = (await recoverMovedPixels(ciphers, await pictures('public', 200), await random('layout')))!
    expect(Array.from(places).toSorted((a, b) => a - b)).toEqual(Array.from({ length: PIXELS }, (_, p) => p))
    // `order[place]` is the plain pixel that stands at that place.
    const off = Array.from(places, (place, p) =>
      Math.hypot((order[place]! % WIDTH) - (p % WIDTH), Math.floor(order[place]! / WIDTH) - Math.floor(p / WIDTH)),
    )
    expect(off.filter(distance => distance === 0).length).toBeGreaterThan(0.5 * PIXELS)
    expect(off.filter(distance => distance > 2).length).toBeLessThan(0.05 * PIXELS)
  })

  test('another order for every picture tells nothing, and noise neither', async () => {
    const [kin, orders] = [await pictures('public', 100), await random('orders')]
    const ciphers: Image<'u8'>[] = []
    for (const picture of await pictures('unknown', 100)) ciphers.push(moved(picture, await orders.permutation(PIXELS)))
    expect(await recoverMovedPixels(ciphers, kin, await random('layout'))).toBeUndefined()
    const noise = await (await random('noise')).bytes(100 * PIXELS)
    const noisy = kin.map((picture, k) => ({ ...picture, data: noise.subarray(k * PIXELS, (k + 1) * PIXELS) }))
    expect(await recoverMovedPixels(noisy, kin, await random('layout'))).toBeUndefined()
  })

  test('flat pictures and pictures that are too large are no work; shapes must agree', async () => {
    const flat = (width: number, height: number) =>
      image({ width, height, channels: 1, format: 'u8', data: new Uint8Array(width * height).fill(9) })
    const layout = await random('layout')
    expect(await recoverMovedPixels([flat(8, 8)], [flat(8, 8)], layout)).toBeUndefined()
    expect(await recoverMovedPixels([flat(65, 64)], [flat(65, 64)], layout)).toBeUndefined()
    await expect(recoverMovedPixels([flat(8, 8)], [flat(8, 7)], layout)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(recoverMovedPixels([], [], layout)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})
