import type { JpegOptions } from 'sharp'
import { describe, expect, test } from 'vitest'
import { demap } from '../src/channel/demap.ts'
import { slotsOf } from '../src/channel/geometry.ts'
import { corrected, LAYERS, networkOf, OUTPUT, shippedNetwork, UNITS } from '../src/channel/learned.ts'
import { measureLines } from '../src/channel/measure.ts'
import { carriedBy } from '../src/channel/modes.ts'
import { pilotIndex } from '../src/channel/pilots.ts'
import { SEEN, Sight } from '../src/channel/seen.ts'
import { Draws } from '../src/draws.ts'
import { LLR_SCALE } from '../src/ldpc/decode.ts'
import { openPicture, readPicture } from '../src/read.ts'
import { carrier, picture } from './services.ts'

async function served(id: number, options: JpegOptions) {
  const made = carrier(id, 1)
  const { received } = await openPicture(new Uint8Array(await picture(made).jpeg(options).toBuffer()), undefined)
  const lines = measureLines(received, made.mode)
  const hand = demap(received, made.blocks, made.mode, lines, slotsOf(made.blocks, made.mode))
  return { ...made, received, lines, hand }
}

/** A network of drawn numbers. */
function drawnNetwork() {
  const draws = new Draws(0x4e45_5457)
  const count = Object.values(LAYERS).reduce((sum, [inputs, outputs]) => sum + inputs * outputs + outputs, 0)
  const numbers = Float32Array.from({ length: count }, () => (draws.next() / 2 ** 32 - 0.5) * 0.6)
  return networkOf(new Uint8Array(numbers.buffer))
}

describe('likelihoods that are corrected', () => {
  // Below what the demapper made by hand decodes: these fail without.
  test.each<[number, JpegOptions]>([
    [1, { quality: 41, mozjpeg: true }],
    [3, { quality: 52 }],
    [3, { quality: 66, mozjpeg: true }],
  ])('decode a picture of mode %i from %j', async (id, options) => {
    const made = carrier(id, 2)
    const { frames } = await readPicture(new Uint8Array(await picture(made).jpeg(options).toBuffer()))
    expect(frames.map(frame => frame !== undefined)).toEqual([true, true])
  })

  test('are what the network says of all that is seen', async () => {
    const { received, blocks, mode, lines, hand } = await served(1, { quality: 45 })
    const network = drawnNetwork()
    const { places, bits } = carriedBy(mode)
    const sight = new Sight(received, blocks, mode, lines)
    const dense = (input: number[], { weight, bias }: (typeof network)['first']) =>
      Array.from(bias, (start, to) =>
        input.reduce((sum, value, from) => sum + value * weight[from * bias.length + to]!, start),
      )
    const bent = (values: number[]) => values.map(value => (value < 0 ? value * UNITS.slope : value))
    const expected = hand.slice()
    let slot = 0
    for (let block = 0; block < blocks.wide * blocks.high; block++) {
      const [x, y] = [block % blocks.wide, Math.floor(block / blocks.wide)]
      for (let i = 0; i < places.length; i++) {
        if (i === pilotIndex(x, y, places.length)) continue
        const own = new Float32Array(SEEN.own)
        sight.own(sight.at(x, y), i, hand, slot, own)
        const input = [
          ...sight.lines.subarray(SEEN.line * i, SEEN.line * (i + 1)),
          ...sight.blocks.subarray(SEEN.block * block, SEEN.block * (block + 1)),
          ...own,
        ]
        const out = dense(bent(dense(bent(dense(input, network.first)), network.second)), network.last)
        for (let bit = 0; bit < bits[i]!; bit++) {
          const told = hand[slot + bit]! * (1 + OUTPUT.times * out[bit]!) + LLR_SCALE * OUTPUT.plus * out[4 + bit]!
          expected[slot + bit] = Math.max(-127, Math.min(127, Math.round(told)))
        }
        slot += bits[i]!
      }
    }
    // Sums are added up in another order.
    const differences = corrected(received, blocks, mode, lines, hand, network).map((value, i) =>
      Math.abs(value - expected[i]!),
    )
    expect(Math.max(...differences)).toBeLessThanOrEqual(1)
    expect(differences.filter(difference => difference > 0).length).toBeLessThan(hand.length / 1000)
    expect(expected).not.toEqual(hand)
  })

  test('know nothing of blocks that are not there', async () => {
    const { received, blocks, mode, lines, hand } = await served(2, { quality: 75 })
    const half = { ...received, coefficients: received.coefficients.slice() }
    half.coefficients.fill(0, half.coefficients.length >> 1)
    const empty = demap(half, blocks, mode, lines, hand.length)
    const last = hand.length >> 4
    expect(empty.subarray(-last)).toEqual(new Int8Array(last))
    expect(corrected(half, blocks, mode, lines, empty).subarray(-last)).toEqual(new Int8Array(last))
    // One that is farther left and above than what came back begins.
    const cropped = { ...received, shift: { x: 1, y: 1 } }
    const known = demap(cropped, blocks, mode, lines, hand.length)
    expect(known[0]).toBe(0)
    expect(corrected(cropped, blocks, mode, lines, known)[0]).toBe(0)
  })

  test('come of a network of the size that is said', () => {
    const { first, second, last } = shippedNetwork()
    expect([first, second, last].map(({ weight, bias }) => [weight.length / bias.length, bias.length])).toEqual(
      Object.values(LAYERS).map(layer => [...layer]),
    )
    for (const { weight, bias } of [first, second, last])
      expect([...weight, ...bias].every(value => Number.isFinite(value) && Math.abs(value) < 100)).toBe(true)
  })
})
