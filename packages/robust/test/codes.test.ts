import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { restoreParts, spareParts } from '../src/erasure.ts'
import { CODEWORD_BITS, codeOf, dataBits, LIFT, RATES } from '../src/ldpc/code.ts'
import { PlainDecoder } from '../src/ldpc/decode.ts'
import { addParity } from '../src/ldpc/encode.ts'
import { openDecoder, openEncoder } from '../src/ldpc/kernel.ts'
import { KERNEL_SOURCE_SHA256 } from '../src/ldpc/kernel-module.ts'
import { drawn } from './services.ts'

describe('the codes', () => {
  test.each(RATES)('of rate %s: every check holds, every bit is found again', rate => {
    const code = codeOf(rate)
    const codeword = new Uint8Array(CODEWORD_BITS)
    drawn(dataBits(rate), rate).forEach((byte, i) => (codeword[i] = byte & 1))
    addParity(code, codeword)
    const encoder = openEncoder(rate)
    encoder.codeword.set(codeword.subarray(0, dataBits(rate)))
    encoder.addParity()
    expect(Buffer.compare(encoder.codeword, codeword)).toBe(0)
    const sent = codeword.slice()
    const decoder = openDecoder(rate)
    sent.forEach((bit, i) => (decoder.likelihoods[i] = bit === 1 ? -40 : 40))
    expect(decoder.decode(1)).toEqual({ ok: true, rounds: 1 })
    // One of a hundred wrong, and two lost.
    const luck = drawn(CODEWORD_BITS, `${rate} errors`)
    sent.forEach((bit, i) => {
      const likelihood = luck[i]! < 2 ? -20 : luck[i]! < 8 ? 0 : 20
      decoder.likelihoods[i] = bit === 1 ? -likelihood : likelihood
    })
    expect(decoder.decode(60).ok).toBe(true)
    expect(sent.every((bit, i) => bit === (decoder.likelihoods[i]! < 0 ? 1 : 0))).toBe(true)
  })

  test.each(RATES)('of rate %s: the kernel does what plain JavaScript does, whether it succeeds or not', rate => {
    const [kernel, plain] = [openDecoder(rate), new PlainDecoder(codeOf(rate))]
    expect(kernel).not.toBeInstanceOf(PlainDecoder)
    for (const [noise, rounds] of [
      [90, 3],
      [250, 2],
    ] as const) {
      // A codeword of zeros through noise, with sizes up to what a sum may have.
      const luck = drawn(CODEWORD_BITS, `${rate} ${noise}`)
      for (const { likelihoods } of [kernel, plain])
        luck.forEach((byte, i) => (likelihoods[i] = i % 97 === 0 ? 4095 - 2 * byte : 127 - ((noise * byte) >> 8)))
      expect(kernel.decode(rounds)).toEqual(plain.decode(rounds))
      expect(kernel.likelihoods.every((value, i) => value === plain.likelihoods[i])).toBe(true)
    }
  })

  test.each(RATES)('of rate %s have no cycle of four', rate => {
    const met = new Set<string>()
    for (const column of codeOf(rate).columns)
      for (const a of column)
        for (const b of column) {
          if (a.row >= b.row) continue
          const key = `${a.row} ${b.row} ${(a.shift - b.shift + LIFT) % LIFT}`
          expect(met.has(key)).toBe(false)
          met.add(key)
        }
  })

  test('are those of the specification', () => {
    const hash = createHash('sha256')
    for (const rate of RATES)
      for (const column of codeOf(rate).columns)
        hash.update(`${column.map(({ row, shift }) => `${row}:${shift}`).join(' ')}\n`)
    expect(hash.digest('hex')).toBe('ae2a987b2b50775d02f69446f8d1b82302df655ab6ae50e0d992feef909b907e')
  })
})

test('the kernel is what its source was compiled to', async () => {
  const source = await readFile(new URL('../kernel/codeword.ts', import.meta.url))
  expect(createHash('sha256').update(source).digest('hex')).toBe(KERNEL_SOURCE_SHA256)
})

test('any parts that are enough give back all others', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 8 }), fc.nat(), (data, spare, seed) => {
      const parts = Array.from({ length: data }, (_, i) => drawn(50, `${seed} ${i}`))
      const all: (Uint8Array | undefined)[] = [...parts, ...spareParts(parts, spare)]
      const order = drawn(all.length, `order ${seed}`)
      const lost = all
        .map((_, i) => i)
        .toSorted((a, b) => order[a]! - order[b]!)
        .slice(0, spare)
      for (const i of lost) all[i] = undefined
      expect(restoreParts(all, data)).toEqual(parts)
      all[all.findIndex(Boolean)] = undefined
      expect(restoreParts(all, data)).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})
