import { type Image, image } from '@latent/core'
import { defineScheme, findScheme } from '@latent/schemes'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atLength, LONG } from '../../../test/long.ts'
import {
  claimsFrom,
  type Claim,
  controlDeviations,
  CONTROL_IDS,
  defineTest,
  type LabTest,
  measureImage,
  nullRates,
  requireBands,
  summarise,
  TEST_IDS,
  TESTS,
  testsOf,
  UNIFORM,
  withTests,
} from '../src/index.ts'
import { evaluate, openOwn, resolveSchemes, resolveTests } from '../src/node.ts'
import { renderReport } from '../src/report/index.ts'
import { drawPicture } from '@latent/data'
import { runLatent } from '../../cli/test/command.ts'
import { baselines } from './fixtures/ciphers.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-own-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

function script(name: string, text: string): string {
  writeFileSync(join(scratch, name), text)
  return join(scratch, name)
}

/** What `defineScheme` would make, written out: such a script needs no package. */
const PLAIN = (id: string, load: string) =>
  `export default { id: ${JSON.stringify(id)}, title: 'One of mine', role: 'variant', accepts: { ` +
  `formats: ['u8'] }, wire: 'as plain', key: '32 bytes', nonce: { use: 'none' }, exact: true, ` +
  `reversible: true, checkable: false, secret: 'key', learnable: false, load: ${load} }\n`
const XOR =
  'async () => { const f = async (p, { key }) => ({ ...p, data: p.data.map((v, i) => v ^ key[i % ' +
  '32]) }); return { encrypt: f, decrypt: f } }'

const coded = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string })

const half = (changes: Partial<LabTest> = {}): LabTest => ({
  id: 'own-half',
  title: 'Always one half',
  group: 'cipher',
  failure: 'never',
  claim: { topic: 'Halves', say: 'Half of {images}.', never: 'all' },
  column: { heading: 'half', digits: 2 },
  measure: () => ({ value: 0.5, p: 0.5 }),
  ...changes,
})

describe('scripts that export no scheme are refused with a code', () => {
  const cases: readonly (readonly [name: string, text: string, message: RegExp])[] = [
    ['empty.mjs', '', /exports no scheme by default/],
    ['named.mjs', 'export const scheme = {}', /exports no scheme by default/],
    ['number.mjs', 'export default 7', /is no scheme: it is no object/],
    ['none.mjs', 'export default []', /exports no scheme by default/],
    [
      'list.mjs',
      PLAIN('one-of-mine', XOR).replace('export default {', 'export default [{').trimEnd() + ', null]',
      /is no scheme: it is no object/,
    ],
    ['unnamed.mjs', PLAIN('Not A Name', XOR), /its id/],
    ['half.mjs', 'export default { id: "half-a-scheme", title: "x", load() {} }', /its role/],
    ['nonce.mjs', PLAIN('odd-nonce', XOR).replace("{ use: 'none' }", "{ use: 'fresh' }"), /its nonce/],
    ['throws.mjs', 'throw new Error("not today\\nsecond line")', /cannot be loaded: not today$/],
    ['syntax.mjs', 'export default {', /cannot be loaded/],
    ['rejects.mjs', 'await Promise.reject(null); export default 1', /cannot be loaded: null/],
    ['imports.mjs', 'import "no-such-package-anywhere"', /cannot be loaded/],
    ['taken.mjs', PLAIN('chacha20', XOR), /there is a scheme chacha20 already/],
  ]

  test.each(cases)('%s', async (name, text, message) => {
    await expect(resolveSchemes([script(name, text)])).rejects.toEqual(coded('E_SCRIPT', message))
  })

  test('two scripts with one id, and a script that is not there', async () => {
    await expect(
      resolveSchemes([script('first.mjs', PLAIN('twin', XOR)), script('second.mjs', PLAIN('twin', XOR))]),
    ).rejects.toEqual(coded('E_SCRIPT', /there is a scheme twin already/))
    await expect(resolveSchemes([join(scratch, 'missing.ts')])).rejects.toEqual(coded('E_IO', /cannot read/))
    await expect(resolveSchemes(['chacha21'])).rejects.toEqual(coded('E_ARGUMENT', /there is no scheme/))
  })

  test('a list, a registered scheme as it is, and an id stand beside each other, once', async () => {
    const two = script(
      'two.mjs',
      `${PLAIN('two-a', XOR).replace('export default', 'const a =')}export default [a, { ...a, id: 'two-b' }]\n`,
    )
    const found = await resolveSchemes([two, 'chacha20', findScheme('aes-256-gcm'), 'chacha20'])
    expect(found.map(({ scheme }) => scheme.id)).toEqual(['two-a', 'two-b', 'chacha20', 'aes-256-gcm'])
    expect(found[1]!.name).toEqual({ scheme: 'two-b', script: two })
  })
})

describe('code that does not keep to its description', () => {
  const plain = image({ width: 4, height: 4, channels: 1, format: 'u8', data: new Uint8Array(16) })
  const KEY = new Uint8Array(32)
  const make = (load: () => Promise<unknown>, more: object = {}) =>
    defineScheme({ id: 'mine', title: 'mine', accepts: { formats: ['u8'] }, ...more, load: load as never })
  const same = async (source: Image) => source

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['nothing', async () => undefined, /gave no transform/],
    ['no encrypt', async () => ({ decrypt: same }), /gave no transform/],
    ['no decrypt', async () => ({ encrypt: same }), /has no decrypt/],
    ['a throw', () => Promise.reject(new TypeError('no weights here')), /load of mine threw: no weights here/],
  ])('load gives %s', async (_, load, message) => {
    await expect(openOwn(make(load))).rejects.toEqual(coded('E_SCRIPT', message))
  })

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['bytes alone', new Uint8Array(16)],
    ['another size', { ...plain, width: 2, height: 2, data: new Uint8Array(4) }],
    ['too few samples', { ...plain, data: new Uint8Array(15) }],
    ['another format', { ...plain, format: 'u16', data: new Uint16Array(16) }],
  ])('encrypt and decrypt give %s', async (_, result) => {
    const gives = async () => result
    const { cipher } = await openOwn(make(async () => ({ encrypt: gives, decrypt: gives })))
    await expect(cipher.encrypt(plain, KEY)).rejects.toEqual(coded('E_SCRIPT', /^encrypt of mine gave back no image/))
    await expect(cipher.decrypt(plain, KEY)).rejects.toEqual(coded('E_SCRIPT', /^decrypt of mine gave back no image/))
  })
})

describe("tests of one's own", () => {
  test.each<[string, Partial<Record<keyof LabTest, unknown>>, RegExp]>([
    ['no id', { id: '' }, /its id/],
    ['no title', { title: ' ' }, /no title/],
    ['no failure', { failure: undefined }, /no failure/],
    ['half a claim', { claim: { topic: 'x', say: 'y' } }, /its claim/],
    ['no measure', { measure: 4 }, /measure is no function/],
    ['a column without digits', { column: { heading: 'x' } }, /its column/],
    ['an unknown control', { controls: { fails: ['rot13'] } }, /rot13/],
  ])('are refused with %s', (_, changes, message) => {
    expect(() => defineTest({ ...half(), ...changes } as LabTest)).toThrow(coded('E_ARGUMENT', message))
  })

  test('an id of the lab, or twice the same, is refused', async () => {
    expect(() => withTests(TESTS, [half({ id: 'entropy' })])).toThrow(coded('E_ARGUMENT', /id of a test/))
    expect(() => withTests(TESTS, [half(), half()])).toThrow(coded('E_ARGUMENT', /id of a test/))
    await expect(resolveTests([script('test.mjs', 'export default { id: "x" }')])).rejects.toEqual(
      coded('E_SCRIPT', /is no test of the lab: it has no title/),
    )
  })

  test.each<[string, NonNullable<LabTest['measure']>]>([
    ['NaN', () => ({ value: NaN, p: 0.5 })],
    ['p above one', () => ({ value: 1, p: 1.5 })],
    ['no p', () => ({ value: 1 }) as never],
    ['null', () => null as never],
    [
      'a throw',
      () => {
        throw new Error('out of luck')
      },
    ],
  ])('%s is no result', async (_, measure) => {
    const plain = await drawPicture('street', 48, 32)
    await expect(
      measureImage(baselines['chacha20']!(), plain, {
        imageId: 'a',
        seed: 0,
        tests: withTests(TESTS, [half({ measure })]),
      }),
    ).rejects.toEqual(coded('E_SCRIPT', /own-half/))
  })

  test('stand behind those of the lab in rows, verdicts, claims, pages and null rates, and change none', async () => {
    const plain = await drawPicture('street', 64, 48)
    const cipher = baselines['chacha20']!()
    const own = half({
      measure: async ({ draw }) => ({ value: 0.25, p: ((await draw('own-half/p', 1))[0]! + 0.5) / 256 }),
    })
    const tests = withTests(TESTS, [own])
    const [with_, without] = [
      await measureImage(cipher, plain, { imageId: 'a', seed: 3, tests }),
      await measureImage(cipher, plain, { imageId: 'a', seed: 3 }),
    ]
    const { 'own-half': found, ...rest } = with_.tests
    expect([found!.value, rest]).toEqual([0.25, without.tests])
    const card = { id: cipher.id, title: cipher.title, traits: cipher.traits }
    const info = { version: 1 as const, data: 'test', images: 1, seeds: 1, machine: 'test', schemes: [card] }
    const summary = JSON.parse(
      JSON.stringify({ ...summarise(info, [with_], [own]), controlDeviations: [] }),
    ) as ReturnType<typeof summarise>
    expect(testsOf(summary).map(({ id }) => id)).toEqual([...TEST_IDS, 'own-half'])
    const claim = (topic: string): Claim =>
      claimsFrom(summary.results[0]!, testsOf(summary)).find(one => one.topic === topic)!
    expect(claim('Halves')).toMatchObject({ standing: 'not contradicted', say: 'Half of 1 image.', never: 'all' })
    const page = await renderReport(summary, [])
    for (const text of ['Always one half', 'half</th>', 'Half of 1 image.']) expect(page).toContain(text)
    const rates = await nullRates(cipher, plain, 60, { tests: [own] })
    expect(rates).toMatchObject([{ test: 'own-half', trials: 60, asStated: true }])
    const never = await nullRates(cipher, plain, 60, { tests: [half({ measure: () => ({ value: 0, p: 0.001 }) })] })
    expect(() => requireBands([...rates, ...never].map(rate => ({ ...rate, cipher: 'chacha20' })))).toThrow(
      coded('E_CONTROLS', /chacha20 is not passed by own-half/),
    )
  })

  test('a failing one contradicts the claim that it shares', async () => {
    const cipher = baselines['chacha20']!()
    const own = half({ claim: UNIFORM, failure: 'halves are missing', measure: () => ({ value: 0, p: 0 }) })
    const row = await measureImage(cipher, await drawPicture('street', 64, 48), {
      imageId: 'a',
      seed: 0,
      tests: withTests(TESTS, [own]),
    })
    const summary = summarise(
      {
        version: 1,
        data: 'test',
        images: 1,
        seeds: 1,
        machine: 'test',
        schemes: [{ id: cipher.id, title: cipher.title, traits: cipher.traits }],
      },
      [row],
      [own],
    )
    expect(
      claimsFrom(summary.results[0]!, testsOf(summary)).find(({ topic }) => topic === UNIFORM.topic),
    ).toMatchObject({ standing: 'contradicted', say: 'Halves are missing.' })
  })

  test('controls: negative ones must pass it, positive ones do as it says', () => {
    const verdict = (verdict: 'fails' | 'not contradicted') => ({
      verdict,
      replicates: 9,
      passed: 9,
      smallestP: 0.1,
      p: 0.3,
      adjusted: 1,
    })
    const tests = [half({ controls: { fails: ['identity'], passes: ['aes-256-cbc'] } })]
    const all = (found: 'fails' | 'not contradicted') =>
      controlDeviations(() => ({ 'own-half': verdict(found) }), tests)
    expect(all('fails')).toEqual([
      'random-bytes fails own-half',
      'aes-256-ctr fails own-half',
      'aes-256-cbc fails own-half',
    ])
    expect(all('not contradicted')).toEqual(['identity passes own-half'])
    expect(controlDeviations(() => ({}), tests)).toHaveLength(CONTROL_IDS.length)
  })
})

describe('a run', { timeout: 400_000 }, () => {
  const options = (out: string) => ({
    data: 'procedural:2',
    out: join(scratch, out),
    robustness: 0,
    workers: 1,
    keys: 64,
  })

  test.runIf(LONG)(`from the library, schemes and tests as they are: measured in this process${atLength}`, async () => {
    const mine = defineScheme({
      id: 'mine-inline',
      title: 'Mine',
      accepts: { formats: ['u8'] },
      load: async () => {
        const turned = async (plain: Image): Promise<Image> => ({
          ...plain,
          data: (plain.data as Uint8Array).map(value => 255 - value),
        })
        return { encrypt: turned, decrypt: turned }
      },
    })
    const { summary } = await evaluate({ ...options('inline'), schemes: [mine], tests: [half()] })
    const [result] = summary.results
    expect(result).toMatchObject({ id: 'mine-inline', images: 2, exactShare: 1, wrongKey: 'exact', failures: [] })
    expect(result!.tests['histogram']!.verdict).toBe('fails')
    expect(result!.tests['own-half']).toMatchObject({ verdict: 'not contradicted', replicates: 2 })
  })

  const command = (...args: string[]) => {
    const small = ['-d', 'procedural:2', '--robustness', '0', '--keys', '64', '--pictures', 'none', '--workers', '1']
    return runLatent(['lab', 'evaluate', ...small, ...args])
  }

  test.runIf(LONG)(
    `a script that lies anywhere finds the packages; another content is another run${atLength}`,
    async () => {
      const path = script(
        'anywhere.ts',
        `import { bytewise, defineScheme } from '@latent/schemes'\nconst xor = async (bytes: Uint8Array, ` +
          `{ key }: { key: Uint8Array }) => bytes.map((v, i) => v ^ key[i % 32]!)\nexport default ` +
          `defineScheme({ id: 'anywhere', title: 'Repeated key', load: async () => bytewise({ encrypt: ` +
          `xor, decrypt: xor }) })\n`,
      )
      const out = join(scratch, 'anywhere-run')
      const first = await command('-s', path, '-o', out)
      expect([first.code, first.out]).toEqual([
        0,
        expect.stringMatching(/^anywhere +exact +fails histogram.*mask-reuse/m),
      ])
      const rows = readFileSync(join(out, 'rows.jsonl'), 'utf8')
      expect(rows).toContain('"scheme":"anywhere"')
      writeFileSync(path, `${readFileSync(path, 'utf8')}// changed\n`)
      const again = await command('-s', path, '-o', out)
      expect([again.code, again.err]).toEqual([1, expect.stringContaining('[E_EXISTS]')])
      expect(readFileSync(join(out, 'rows.jsonl'), 'utf8')).toBe(rows)
    },
  )

  test('a test that gives no numbers ends the run with its name', async () => {
    const path = script(
      'broken-test.mjs',
      'export default { id: "broken", title: "x", group: "cipher", failure: "x", claim: { topic: "x", ' +
        'say: "x", never: "x" }, measure() { throw new Error("out of luck") } }',
    )
    const { code, err } = await command('-s', 'chacha20', '--test', path, '-o', join(scratch, 'broken-run'))
    expect([code, err]).toEqual([2, expect.stringMatching(/the test broken threw: out of luck \[E_SCRIPT\]/)])
  })
})
