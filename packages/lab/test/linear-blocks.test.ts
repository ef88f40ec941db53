import { type Image, image, randomBytes } from '@latent/core'
import { drawPicture } from '@latent/data'
import { describe, expect, test } from 'vitest'
import { fitLinearBlocks, sampleErrors } from '../src/index.ts'

const SIDE = 96

/**
 * Each sample of a 4x4 block less a share of the block's mean, turned about the middle; `leak` adds the block to the
 * left.
 */
function toyCipher(plain: Image<'u8'>, leak = 0): Image<'u8'> {
  const data = plain.data.map((_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)]
    const at = (u: number, v: number, k: number) => plain.data[(v * SIDE + Math.max(0, u)) * 3 + k]! - 128
    const [left, top] = [x & ~3, y & ~3]
    const opposite = at(left + 3 - (x & 3), top + 3 - (y & 3), (c + 1) % 3)
    return 128 - 0.45 * opposite + 0.15 * at(left, top, 0) + leak * at(x - 4, y, c)
  })
  return image({ ...plain, data })
}

const pictures = async () =>
  Promise.all((['street', 'landscape', 'marble', 'weave', 'dunes'] as const).map(kind => drawPicture(kind, SIDE, SIDE)))

describe('the linear attack on blocks', () => {
  test('opens a linear cipher from known pairs; one that leaks between blocks by its neighbours alone', async () => {
    const [secret, ...known] = (await pictures()) as [Image<'u8'>, ...Image<'u8'>[]]
    const score = (leak: number, reach: 0 | 1) =>
      sampleErrors(
        secret,
        fitLinearBlocks(
          known.map(plain => ({ plain, cipher: toyCipher(plain, leak) })),
          { side: 4, reach },
        ).open(toyCipher(secret, leak)),
      ).psnr
    expect(score(0, 0)).toBeGreaterThan(40)
    const [alone, among] = [score(0.1, 0), score(0.1, 1)]
    expect(among).toBeGreaterThan(28)
    expect(among - alone).toBeGreaterThan(5)
    expect(fitLinearBlocks([{ plain: secret, cipher: secret }], { side: 4 }).blocks).toBe((SIDE / 4) ** 2)
  })

  test('does not open noise', async () => {
    const [secret, ...known] = (await pictures()) as [Image<'u8'>, ...Image<'u8'>[]]
    const random = (plain: Image<'u8'>) => image({ ...plain, data: randomBytes(plain.data.length) })
    const { open } = fitLinearBlocks(
      known.map(plain => ({ plain, cipher: random(plain) })),
      { side: 4 },
    )
    expect(sampleErrors(secret, open(random(secret))).psnr).toBeLessThan(18)
  })

  test('takes RGB pairs of one size', async () => {
    const [plain] = (await pictures()) as [Image<'u8'>]
    const cipher = image({ width: SIDE, height: 24, channels: 3, format: 'u8', data: new Uint8Array(SIDE * 24 * 3) })
    expect(() => fitLinearBlocks([{ plain, cipher }], { side: 4 })).toThrow(
      expect.objectContaining({ code: 'E_ARGUMENT' }),
    )
  })
})
