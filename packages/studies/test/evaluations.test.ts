import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findScheme } from '@latent/schemes'
import { expect, test } from 'vitest'
import { EVALUATIONS, SECTIONS } from '../src/evaluations/exhibits.ts'
import { evaluate, meanOf } from '../src/evaluations/measure.ts'
import { anchorOf } from '../src/evaluations/study.ts'
import { studies } from '../src/index.ts'
import { drawPicture } from '@latent/data'

const OWN = 'schemes/evaluations/README.md'
const exhibits = EVALUATIONS.flatMap(one => one.exhibits)

test('every place that an exhibit points to is a heading of a page', () => {
  const headings = (page: string) =>
    readFileSync(fileURLToPath(new URL(`../../../docs/${page}`, import.meta.url)), 'utf8')
      .split('\n')
      .flatMap(line => /^##? (.*)/.exec(line)?.[1] ?? [])
  for (const { at } of exhibits) {
    const known = at === undefined || at.page === OWN ? Object.values(SECTIONS) : headings(at.page)
    expect([at?.page, at === undefined || known.includes(at.heading as never) ? 'there' : at.heading]).toEqual([
      at?.page,
      'there',
    ])
  }
})

test('an exhibit is measured somewhere by a command, or the reason why not is given', () => {
  expect(exhibits.filter(({ at, command, note }) => (at ? !command : !note))).toEqual([])
  const asked = exhibits.flatMap(({ command }) => /^latent lab study (.+)$/.exec(command ?? '')?.[1] ?? [])
  expect(asked.filter(id => !(id in studies))).toEqual([])
  for (const { schemes } of EVALUATIONS) for (const id of schemes) expect(findScheme(id).reversible).toBe(true)
})

test.each([
  ['The key, and what stands without it', 'the-key-and-what-stands-without-it'],
  ['What the paper says, what is our choice', 'what-the-paper-says-what-is-our-choice'],
  ['MNIST: accuracy', 'mnist-accuracy'],
  ['Dense-ResNet, figure by figure', 'dense-resnet-figure-by-figure'],
])('%s is the anchor %s', (heading, anchor) => {
  expect(anchorOf(heading)).toBe(anchor)
})

test('measures a stream cipher: exact, flat, every bit of the key counts', async () => {
  const image = await drawPicture('landscape', 48, 48)
  const found = await evaluate('aes-256-ctr', [{ id: 'drawn', image }], 1)
  expect(found.rows.map(({ quality }) => quality.exact)).toEqual([true])
  expect(meanOf(found, 'key-npcr')).toBeGreaterThan(0.99)
  expect(meanOf(found, 'entropy')).toBeGreaterThan(7.9)
  expect(meanOf(found, 'no such test')).toBeUndefined()
  const total = (counts: Uint32Array) => counts.reduce((sum, count) => sum + count, 0)
  expect([total(found.counts.plain), total(found.counts.cipher)]).toEqual(Array(2).fill(48 * 48 * image.channels))
  expect(Math.max(...found.counts.cipher) * 2).toBeLessThan(Math.max(...found.counts.plain))
})
