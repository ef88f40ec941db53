import { drawPicture } from '@latent/data'
import { afterAll, expect, test } from 'vitest'
import { attackPicture } from '../src/attack/attack-run.ts'
import { verdictOf } from '../src/attack/attack-state.ts'
import { DEMONSTRATIONS, SIDE } from '../src/attack/demonstrations.ts'
import { Explorer } from '../src/explore/study.ts'
import { withChannels } from '../src/lab/channels.ts'
import { catalogue } from '../src/lab/catalogue.ts'
import { shapeFor } from '../src/lab/shapes.ts'

const explorer = new Explorer()
const plain = await drawPicture('landscape', 32, 32)
afterAll(() => explorer.study('identity', plain))

test('an exact scheme loses nothing, a lossy one does, and the difference is shown brighter', async () => {
  const exact = await explorer.study('exact-flow', plain)
  expect(exact).toMatchObject({ largest: 0, touchable: true, faults: {} })
  expect(exact.decrypted!.data).toEqual(plain.data)
  expect(exact.wrong!.data).not.toEqual(plain.data)
  expect(exact.figures.cipher.entropy).toBeGreaterThan(7.8)
  expect(Math.abs(exact.figures.cipher.correlation!)).toBeLessThan(0.1)
  expect(exact.figures.plain.correlation!).toBeGreaterThan(0.9)
  expect(exact.figures.plain.histogram.reduce((sum, count) => sum + count, 0)).toBe(plain.data.length)
  // Through bytes: what a network computes is rounded, under every key.
  const lossy = await explorer.study('flowcrypt-2025-compact', plain)
  expect(lossy.largest).toBeGreaterThan(0)
  expect(Math.max(...lossy.difference!.data)).toBe(Math.min(255, 8 * lossy.largest!))
})

test('one changed pixel changes everything under the exact flow, and itself alone in counter mode', async () => {
  await explorer.study('exact-flow', plain)
  const { npcr, uaci } = await explorer.react(5, 7)
  expect(npcr).toBeGreaterThan(0.98)
  expect(uaci).toBeCloseTo(0.33, 1)
  await explorer.study('aes-256-ctr', plain)
  expect((await explorer.react(5, 7)).npcr).toBeCloseTo(3 / plain.data.length)
})

test('damage comes back as the cipher spreads it, and an authenticated cipher says so instead', async () => {
  const { cipher } = await explorer.study('aes-256-ctr', plain)
  const damaged = cipher.data.slice()
  damaged.fill(0, 0, 30)
  const back = await explorer.restore(damaged)
  expect(back.data.subarray(30)).toEqual(plain.data.subarray(30))
  expect(back.data.subarray(0, 30)).not.toEqual(plain.data.subarray(0, 30))
  const gcm = await explorer.study('aes-256-gcm', plain)
  expect(gcm.faults.wrong?.code).toBe('E_IMAGE')
  await expect(explorer.restore(gcm.cipher.data.map(value => value ^ 1))).rejects.toMatchObject({ code: 'E_IMAGE' })
})

test('every scheme of the registry is listed, and gets a shape that it takes', () => {
  const list = catalogue()
  expect(list.length).toBeGreaterThan(40)
  for (const { id } of list) {
    const { side, channels } = shapeFor(id, 128)
    expect(side).toBeGreaterThanOrEqual(28)
    expect([1, 3]).toContain(channels)
  }
  const rgba = Uint8ClampedArray.of(255, 0, 0, 255)
  expect(withChannels(rgba, 1, 1, 3).data).toEqual(Uint8Array.of(255, 0, 0))
  expect(withChannels(rgba, 1, 1, 1).data).toEqual(Uint8Array.of(76))
})

// Least squares for the network takes many seconds; the lab's own tests run it.
test.each(DEMONSTRATIONS.filter(({ attack }) => attack !== 'linear-shared-blocks'))(
  '$attack shows something of $victim, and nothing of the exact flow',
  async ({ attack, victim }) => {
    const picture = await drawPicture('dunes', SIDE, SIDE)
    const verdicts = await Promise.all(
      [victim, 'exact-flow'].map(async scheme => verdictOf(await attackPicture(attack, scheme, picture), attack)),
    )
    expect(['opened', 'leaks']).toContain(verdicts[0])
    expect(['nothing', 'gaveUp', 'notFor']).toContain(verdicts[1])
  },
)
