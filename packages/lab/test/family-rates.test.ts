import { drawPicture } from '@latent/data'
import { describe, expect, test } from 'vitest'
import {
  FAMILY,
  familyRates,
  type ImageRow,
  measureImage,
  resultsOf,
  searchKeys,
  summarise,
  TESTS,
} from '../src/index.ts'
import { baselines } from './fixtures/ciphers.ts'

const pictures = await Promise.all((['landscape', 'street', 'dunes'] as const).map(kind => drawPicture(kind, 48, 32)))

describe('whole runs', { timeout: 400_000 }, () => {
  test('of AES are inside the stated rate, test by test and all together', async () => {
    const trials = 20
    const rates = await familyRates(baselines['aes-256-ctr']!(), pictures, trials)
    expect(rates.filter(({ asStated }) => !asStated)).toEqual([])
    // What needs larger or more pictures is not among them.
    const measured = rates.map(({ test: id }) => id.replace(/, in a run$/, ''))
    expect(measured.at(-1)).toBe(FAMILY)
    const small = ['local-entropy', 'cipher-ends']
    expect(new Set(measured.slice(0, -1))).toEqual(new Set(TESTS.map(({ id }) => id).filter(id => !small.includes(id))))
    expect(rates.every(rate => rate.trials === trials)).toBe(true)
  })

  test('of a picture as it is are not: the check is not vacuous', async () => {
    const rates = await familyRates(baselines['identity']!(), pictures, 4)
    expect(rates.find(({ test: id }) => id === FAMILY)).toMatchObject({ at99: 0, asStated: false })
  })
})

describe('a summary', () => {
  const rowsOf = async (id: string, seeds: number): Promise<ImageRow[]> => {
    const rows: ImageRow[] = []
    for (const [at, plain] of pictures.entries()) {
      for (let seed = 0; seed < seeds; seed++)
        rows.push(await measureImage(baselines[id]!(), plain, { imageId: `p${at}`, seed }))
    }
    return rows
  }

  test('counts pictures, not keys, and says what would have been seen', async () => {
    const rows = [...(await rowsOf('aes-256-ctr', 4)), ...(await rowsOf('random-bytes', 2))]
    const search = (await searchKeys(baselines['aes-256-ctr']!(), pictures[0]!, 64))!
    const card = ({ id, title, traits }: ReturnType<(typeof baselines)[string]>) => ({ id, title, traits })
    const summary = summarise(
      {
        version: 1,
        data: 'test',
        images: 3,
        seeds: 4,
        machine: 'test',
        schemes: ['aes-256-ctr', 'random-bytes'].map(id => card(baselines[id]!())),
      },
      [
        ...rows,
        { kind: 'keys', scheme: 'aes-256-ctr', search },
        { kind: 'keys', scheme: 'random-bytes', reason: 'of a test' },
      ],
    )
    const [aes, noise] = summary.results
    expect(aes).toMatchObject({ images: 3, measurements: 12 })
    expect(aes!.tests['entropy']).toMatchObject({ replicates: 12, value: { replicates: 12, clusters: 3 } })
    expect(aes!.tests['equal-ciphers']).toMatchObject({ replicates: 0, together: { value: 0, p: 1 } })
    for (const [id, { verdict, visible }] of Object.entries(aes!.tests)) {
      expect([id, verdict]).toEqual([id, 'not contradicted'])
      expect([id, (visible?.effect ?? 0) > 0, typeof visible?.unit]).toEqual([id, true, 'string'])
    }
    expect(noise).toMatchObject({ keysUnseen: 'of a test' })
    expect(noise!.tests).not.toHaveProperty('equal-ciphers')
    // Through JSON it stays what it is.
    expect(JSON.parse(JSON.stringify(summary.results[0]!.tests))).toEqual(summary.results[0]!.tests)
  })

  test('one picture is no more than itself: nothing is counted twice', async () => {
    const [row] = await rowsOf('chacha20', 1)
    const results = resultsOf(TESTS, [row!], undefined, {})
    expect(results['histogram']).not.toHaveProperty('together')
    expect(results['histogram']!.p).toBe(row!.tests['histogram']!.p)
  })
})
