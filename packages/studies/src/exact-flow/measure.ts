import { type Image, type ImageCipher, KeyStream, sha256Of } from '@latent/core'
import { binomialUpper, correlationTest, differential, entropyTest, histogramTest } from '@latent/lab'

/** What one cipher did to one group of pictures. */
export interface Measured {
  readonly samples: number
  /** All pictures came back bit for bit. */
  readonly exact: boolean
  readonly tests: Readonly<Record<MeasuredTest, Tally>>
}

/**
 * A statistic over the samples: its mean, and how many of them lie in the band that 95 of 100 random strings lie in.
 */
export interface Tally {
  readonly mean: number
  readonly inside: number
}

/** Tests whose values the study compares, in the order of its tables. */
export const MEASURED_TESTS = [
  'chi-square',
  'entropy',
  'correlation',
  'pixel NPCR',
  'pixel UACI',
  'key NPCR',
  'key UACI',
] as const
/** One of {@link MEASURED_TESTS}. */
export type MeasuredTest = (typeof MEASURED_TESTS)[number]

const ALPHA = 0.05
/** A share of samples outside their bands that chance brings about less often than this is a finding. */
const RARE = 1e-3
const DIRECTIONS = ['horizontal', 'vertical', 'diagonal'] as const

interface Sample {
  readonly exact: boolean
  readonly values: Readonly<Record<MeasuredTest, { value: number; p: number }>>
}

/**
 * Encrypts `samples` times, pictures in turn, each time under another key. 8-bit RGB pictures of 1,280 bytes or more.
 */
export async function measureGroup(
  cipher: ImageCipher,
  pictures: readonly Image<'u8'>[],
  samples: number,
  seed: number,
  done: () => void,
): Promise<Measured> {
  const found: Sample[] = []
  for (let i = 0; i < samples; i++) {
    found.push(await sample(cipher, pictures[i % pictures.length]!, seed, i))
    done()
  }
  const tally = (test: MeasuredTest): Tally => ({
    mean: found.reduce((sum, { values }) => sum + values[test].value, 0) / samples,
    inside: found.filter(({ values }) => values[test].p >= ALPHA).length,
  })
  return {
    samples,
    exact: found.every(({ exact }) => exact),
    tests: Object.fromEntries(MEASURED_TESTS.map(test => [test, tally(test)])) as Record<MeasuredTest, Tally>,
  }
}

async function sample(cipher: ImageCipher, plain: Image<'u8'>, seed: number, index: number): Promise<Sample> {
  const stream = await KeyStream.create(
    sha256Of(new TextEncoder().encode(`exact-flow study ${seed}/${index}`)),
    'latent/v1/lab/exact-flow-study',
  )
  const key = await stream.bytes(32)
  const [place, bit] = [(await stream.integers(1, plain.data.length))[0]!, (await stream.integers(1, 256))[0]!]
  const changed = { ...plain, data: plain.data.with(place, (plain.data[place]! + 1) % 256) }
  const otherKey = key.with(bit >> 3, key[bit >> 3]! ^ (1 << (bit & 7)))
  const encrypted = (await cipher.encrypt(plain, key)) as Image<'u8'>
  const decrypted = await cipher.decrypt(encrypted, key)
  const bytes = encrypted.data
  const ofPixel = differential(bytes, ((await cipher.encrypt(changed, key)) as Image<'u8'>).data)
  const ofKey = differential(bytes, ((await cipher.encrypt(plain, otherKey)) as Image<'u8'>).data)
  return {
    exact: plain.data.every((value, i) => value === decrypted.data[i]),
    values: {
      'chi-square': histogramTest(bytes)!,
      entropy: entropyTest(bytes)!,
      correlation: correlation(bytes, plain),
      'pixel NPCR': ofPixel.npcr,
      'pixel UACI': ofPixel.uaci,
      'key NPCR': ofKey.npcr,
      'key UACI': ofKey.uaci,
    },
  }
}

/** Mean |r| over channels and three directions; p of the worst of the three, corrected for their number. */
function correlation(bytes: Uint8Array, { width, height, channels }: Image): { value: number; p: number } {
  const tests = DIRECTIONS.map(direction => correlationTest(bytes, width, height, channels, direction)!)
  const coefficients = tests.flatMap(test => test.channels.map(r => (Number.isNaN(r) ? 1 : Math.abs(r))))
  return {
    value: coefficients.reduce((sum, r) => sum + r, 0) / coefficients.length,
    p: Math.min(1, tests.length * Math.min(...tests.map(({ p }) => p))),
  }
}

/** Tests that more samples left than chance explains. */
export const findings = ({ samples, tests }: Measured): MeasuredTest[] =>
  MEASURED_TESTS.filter(test => binomialUpper(samples - tests[test].inside, samples, ALPHA) < RARE)
