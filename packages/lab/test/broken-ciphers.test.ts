import { deriveKey, type Image, type ImageCipher } from '@latent/core'
import { drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import { openScheme } from '@latent/schemes'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  encodeEvidence,
  gatherEvidence,
  type ImageRow,
  type KeySearch,
  neededFor,
  resultsOf,
  searchKeys,
  type TestResult,
  TESTS,
} from '../src/index.ts'
import { FAULTS, TOO_SMALL, WHOLE } from './fixtures/broken-ciphers.ts'

/**
 * Positive controls of the tests of everything together: ciphers that are broken in one small way, on drawn pictures.
 * What is found in a hundred small ones is found in a hundred photographs, and sums do not care how bytes are cut into
 * pictures: ten larger ones are as many bytes, and faster.
 */
const PICTURES = 100
const SETS = { many: [PICTURES, 64, 48], few: [10, 192, 160] } as const
/** What is of the pictures, and not of their bytes. */
const OF_PICTURES = ['low-bit-half-percent', 'one-picture-in-50', 'same-beginning']

const draw = ([count, width, height]: readonly [number, number, number]): Promise<Image[]> =>
  Promise.all(
    Array.from({ length: count }, (_, i) =>
      drawPicture(
        PROCEDURAL_KINDS[i % PROCEDURAL_KINDS.length]!,
        width,
        height,
        Math.floor(i / PROCEDURAL_KINDS.length),
      ),
    ),
  )

let sets: Readonly<Record<keyof typeof SETS, readonly Image[]>>
beforeAll(async () => {
  sets = { many: await draw(SETS.many), few: await draw(SETS.few) }
})

/** What a run keeps for the sums, without the measures of single images. */
async function rowsOf(cipher: ImageCipher, pictures: readonly Image[]): Promise<ImageRow[]> {
  const rows: ImageRow[] = []
  for (const [at, plain] of pictures.entries()) {
    const secret = await deriveKey(new Uint8Array(32).fill(at), `latent/v1/test/${cipher.id}`, undefined, 64)
    const [key, first, second] = [secret.slice(0, 32), secret.slice(32, 48), secret.slice(48)]
    const black = { ...plain, data: new Uint8Array(plain.data.length) }
    const { evidence } = gatherEvidence(
      await cipher.encrypt(plain, key, { nonce: first }),
      plain,
      await cipher.encrypt(black, key, { nonce: second }),
    )
    rows.push({ image: `p${at}`, tests: {}, evidence: encodeEvidence(evidence) } as unknown as ImageRow)
  }
  return rows
}

const OVER_KEYS = ['equal-ciphers', 'key-bits-unused', 'key-bytes-printed']

async function resultsFor(
  scheme: typeof WHOLE,
  what: keyof typeof SETS | 'keys',
): Promise<{ readonly results: Record<string, TestResult>; readonly rows: readonly ImageRow[] }> {
  const { cipher } = await openScheme(scheme)
  const search: KeySearch | undefined = what === 'keys' ? await searchKeys(cipher, sets.few[0]!) : undefined
  const rows = what === 'keys' ? [] : await rowsOf(cipher, sets[what])
  return { results: resultsOf(TESTS, rows, search, {}), rows }
}

const failing = (results: Record<string, TestResult>): string[] =>
  Object.entries(results).flatMap(([id, { verdict }]) => (verdict === 'fails' ? [id] : []))

describe('shown by the tests of everything together', { timeout: 400_000 }, () => {
  test.each(FAULTS.map(([scheme, found]) => [scheme.title, scheme, found] as const))('%s', async (_, scheme, found) => {
    const { results } = await resultsFor(
      scheme,
      OVER_KEYS.includes(found[0]!) ? 'keys' : OF_PICTURES.includes(scheme.id) ? 'many' : 'few',
    )
    expect(failing(results).filter(id => found.includes(id))).toEqual(expect.arrayContaining([expect.any(String)]))
  })
})

test(
  'the same stream with nothing changed fails nothing, and the run says what it could see',
  { timeout: 400_000 },
  async () => {
    const { results, rows } = await resultsFor(WHOLE, 'many')
    expect(failing(results)).toEqual([])
    const { effect, unit } = results['bit-planes']!.visible!
    expect(unit).toMatch(/percentage points/)
    // (z of the level, of 32 cells and of 90 %) / 2 over the root of all bytes: near 0.35 points.
    expect(effect).toBeGreaterThan(0.3)
    expect(effect).toBeLessThan(0.4)
    expect(Object.values(results).every(({ visible }) => visible !== undefined && visible.effect > 0)).toBe(true)
    expect(neededFor(results, rows).needed!.map(({ bias, pictures: count }) => [bias, count <= PICTURES])).toEqual([
      [0.5, true],
      [0.1, false],
      [0.01, false],
    ])
  },
)

test(
  'a bias of 0.1 % is below what the run says that it sees, and it says how many pictures would show it',
  { timeout: 400_000 },
  async () => {
    const { results, rows } = await resultsFor(TOO_SMALL, 'many')
    const { needed } = neededFor(results, rows)
    const tenth = needed!.find(({ bias }) => bias === 0.1)!.pictures
    expect(tenth).toBe(Math.ceil(PICTURES * (results['bit-planes']!.visible!.effect / 0.1) ** 2))
    expect(tenth).toBeGreaterThan(900)
    expect(tenth).toBeLessThan(1600)
    expect(results['bit-planes']!.verdict).toBe('not contradicted')
  },
)
