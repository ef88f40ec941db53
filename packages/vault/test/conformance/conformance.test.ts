import { sha256Of, toHex } from '@latent/core'
import { openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPage, chromium, openPage } from '../../../../test/browser/page.ts'
import { inspectSealed, streamOf } from '../../src/index.ts'
import { referenceOpen } from '../reference/sealed.ts'
import { allVectors, FOLDER } from './generate.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type * as Page from './page.ts'
import { formatVector, parseVector, type Vector, vectorPlaintext } from './vector.ts'

const names = (await readdir(FOLDER)).sort()
const vectors = await Promise.all(
  names.map(async name => parseVector(name, new Uint8Array(await readFile(new URL(name, FOLDER))))),
)

const { flows, close } = openFlows(weights => openExactFlow({ weights, threads: 1 }))
afterAll(close)

const keysOf = ({ identity, passphrase }: Vector) => ({
  identities: identity === undefined ? [] : [identity],
  passphrases: passphrase === undefined ? [] : [passphrase],
})

async function* oddParts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const sizes = [1, 2, 3, 7, 64, 333, 0, 1021, 4099]
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const ways: [string, (bytes: Uint8Array) => AsyncIterable<Uint8Array>][] = [
  ['whole', bytes => streamOf(bytes)],
  ['in odd parts', oddParts],
  ['byte by byte', bytes => streamOf(bytes, 1)],
]

const cases = (list: readonly Vector[]) => list.map(vector => [vector.name, vector] as const)
const opening = cases(vectors.filter(({ expect }) => expect === 'success'))
const refused = cases(vectors.filter(({ expect }) => expect !== 'success'))

function expectOpened({ kind, released, metadata }: Outcome, vector: Vector): void {
  expect(kind).toBe('success')
  expect(toHex(sha256Of(released))).toBe(vector.sha256)
  expect(metadata).toBe(vector.metadata)
}

function expectRefused({ kind, released }: Outcome, vector: Vector): void {
  expect(kind).toBe(vector.expect)
  expect(released.length).toBeLessThanOrEqual(vector.released!)
  expect(released).toEqual(vectorPlaintext(vector.size!).subarray(0, released.length))
}

describe.each(ways)('%s', (_, streamed) => {
  test.each(opening)('%s', async (_name, vector) => {
    expectOpened(await outcomeOf(streamed(vector.sealed), keysOf(vector), flows), vector)
    expect((await inspectSealed(streamed(vector.sealed))).header.body).toBe(vector.body)
  })

  test.each(refused)('%s', async (_name, vector) => {
    expectRefused(await outcomeOf(streamed(vector.sealed), keysOf(vector), flows), vector)
  })
})

describe.skipIf(!chromium)('in Chromium, on WebCrypto and WASM', () => {
  let page: BrowserPage<typeof Page>
  beforeAll(async () => {
    page = await openPage<typeof Page>(new URL('page.ts', import.meta.url))
  })
  afterAll(() => page.close())

  test.each(opening)('%s', async (_, vector) => {
    expectOpened(await page.call.attempt(vector.sealed, keysOf(vector)), vector)
  })

  test.each(refused)('%s', async (_, vector) => {
    expectRefused(await page.call.attempt(vector.sealed, keysOf(vector)), vector)
  })
})

// An opener of the specification with none of the library's code for the format.
describe('the reference opener', () => {
  test.each(opening)('%s', async (_, vector) => {
    const { bytes, metadata } = await referenceOpen(vector.sealed, keysOf(vector))
    expect(metadata).toBe(vector.metadata)
    expect(toHex(sha256Of(bytes))).toBe(vector.sha256)
  })

  test.each(refused)('%s', async (_, vector) => {
    await expect(referenceOpen(vector.sealed, keysOf(vector))).rejects.toThrow(/./)
  })
})

test('the generator makes these very files', async () => {
  const made = await allVectors()
  const fingerprints = (list: readonly Vector[]) =>
    Object.fromEntries(list.map(vector => [vector.name, toHex(sha256Of(formatVector(vector)))]))
  expect(fingerprints(made)).toEqual(fingerprints(vectors))
})

test('the kit is whole: every kind of outcome, every body type, and small', () => {
  const kinds = [
    'success',
    'no-match',
    'not-sealed',
    'reencoded',
    'unsupported',
    'header',
    'chunk',
    'truncated',
    'hash',
    'limit',
  ]
  expect(new Set(vectors.map(({ expect }) => expect))).toEqual(new Set(kinds))
  expect(new Set(vectors.flatMap(vector => vector.body ?? []))).toEqual(
    new Set(['aes-256-gcm', 'exact-flow+aes-256-gcm']),
  )
  expect(vectors.reduce((sum, vector) => sum + vector.sealed.length, 0)).toBeLessThan(1_500_000)
})
