import { KeyStream, sha256Of } from '@latent/core'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { histogramTest, shannonEntropy } from '../src/index.ts'
import { bitsOf, frequency, runs } from '../src/sp80022/index.ts'

/** The same numbers from programs of other hands; each skips where its program is not installed. */

const has = (program: string, ...args: string[]) => spawnSync(program, args).error === undefined

let scratch: string
let noise: Uint8Array
let biased: Uint8Array
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-peers-'))
  const stream = await KeyStream.create(sha256Of(Uint8Array.of(1)), 'latent/v1/test')
  noise = await stream.bytes(400_000)
  const other = await stream.bytes(400_000)
  // One bit in 128 forced to one.
  biased = noise.map((v, i) => ((other[i]! & 15) === 0 ? v | (1 << (other[i]! >> 5)) : v))
})
afterAll(() => rmSync(scratch, { recursive: true }))

const file = (name: string, bytes: Uint8Array) => {
  const path = join(scratch, name)
  writeFileSync(path, bytes)
  return path
}

describe.skipIf(!has('ent', '-u'))('ent', () => {
  test.each(['noise', 'biased'])('entropy and chi-square of %s', name => {
    const bytes = name === 'noise' ? noise : biased
    const [, , entropy, chi] = execFileSync('ent', ['-t', file('ent.bin', bytes)], { encoding: 'utf8' })
      .trim()
      .split('\n')[1]!
      .split(',')
    expect(shannonEntropy(bytes)).toBeCloseTo(Number(entropy), 5)
    expect(histogramTest(bytes)!.value).toBeCloseTo(Number(chi), 4)
  })
})

describe.skipIf(!has('rngtest', '--version'))('rngtest', () => {
  // It skips 32 bits, then reads blocks of 20,000.
  const fips = (bytes: Uint8Array) => {
    const { stderr } = spawnSync('rngtest', [], { input: bytes, encoding: 'utf8' })
    const count = (label: string) => Number(new RegExp(`${label}: (\\d+)`).exec(stderr)![1])
    return { good: count('successes'), bad: count('failures'), monobit: count('Monobit') }
  }

  test('counts the same blocks out of FIPS 140-2 bounds', () => {
    for (const bytes of [noise, biased]) {
      const blocks = Math.floor((bytes.length - 4) / 2500)
      let outside = 0
      for (let b = 0; b < blocks; b++) {
        const ones = bitsOf(bytes.subarray(4 + b * 2500, 4 + (b + 1) * 2500)).reduce((sum, bit) => sum + bit, 0)
        if (ones <= 9725 || ones >= 10275) outside++
      }
      const found = fips(bytes)
      expect(found.good + found.bad).toBe(blocks)
      expect(found.monobit).toBe(outside)
    }
  })
})

describe.skipIf(!has('dieharder', '-l'))('dieharder', () => {
  // Its words are little-endian and read from the top bit: turned round, they are our order of bits.
  const p = (id: number, bytes: Uint8Array) => {
    const turned = bytes.slice()
    for (let i = 0; i < turned.length; i += 4) turned.subarray(i, i + 4).reverse()
    const words = turned.length / 4
    const text = execFileSync(
      'dieharder',
      ['-g', '201', '-f', file('dieharder.bin', turned), '-d', String(id), '-t', String(words), '-p', '1'],
      { encoding: 'utf8' },
    )
    const line = text.split('\n').find(candidate => /sts_/.test(candidate))!
    // It reports one tail of a signed statistic, we both.
    const tail = Number(line.split('|')[4])
    return 2 * Math.min(tail, 1 - tail)
  }

  test('sts_monobit', () => {
    for (const bytes of [noise.subarray(0, 40_000), noise.subarray(40_000, 80_000), biased.subarray(0, 40_000)])
      expect(frequency(bitsOf(bytes))).toBeCloseTo(p(100, bytes), 6)
  })

  // It closes the sequence to a ring, which moves the count of runs by at most one.
  test('sts_runs', () => {
    for (const bytes of [noise.subarray(0, 40_000), noise.subarray(40_000, 80_000)])
      expect(runs(bitsOf(bytes))).toBeCloseTo(p(101, bytes), 2)
  })
})
