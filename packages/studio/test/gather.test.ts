import { effect } from '@preact/signals-core'
import { sharpPixels } from '@latent/robust/node'
import { openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { type KeyChoice, newKey } from '../src/vault/keys.ts'
import { LocalEngine } from '../src/vault/local-engine.ts'
import type { Places } from '../src/vault/session.ts'
import { VaultSession } from '../src/vault/session.ts'
import { carriersOf } from './page/carriers.ts'

const { flows, close } = openFlows(weights => openExactFlow({ weights }))
afterAll(close)
const made = await newKey()
const key: KeyChoice = { kind: 'file', identities: [made.identity], recipients: '' }
const inMemory: Places = { sealed: { kind: 'memory' }, opened: { kind: 'memory' } }

const bytesOf = (n: number, size: number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * i + n * 31 + (i >> 5)) & 255)
// The first takes three pictures, the others share one.
const files = { 'large.jpg': bytesOf(1, 140_000), 'z1.jpg': bytesOf(2, 3000), 'z2.jpg': bytesOf(3, 4000) }
const served = await carriersOf(files, made.recipient, ['jpeg', 'webp'])
const names = Object.keys(served)
const [shared, ...large] = names as [string, string, string, string]
const parts = (...wanted: readonly string[]) =>
  wanted.map(name => ({ file: new File([served[name]!], name), path: `album/${name}` }))

let session: VaultSession
beforeEach(() => void (session = new VaultSession(new LocalEngine(flows, undefined, sharpPixels))))
const stages = () => session.entries.value.map(({ path, stage: { value } }) => `${path.split('/').at(-1)} ${value.is}`)
const opened = async () =>
  Object.fromEntries(
    await Promise.all(
      session.results.value.map(
        async ({ path, output }) => [path, new Uint8Array(await output.arrayBuffer())] as const,
      ),
    ),
  )
const failures = () =>
  session.entries.value.flatMap(({ stage: { value } }) => (value.is === 'failed' ? [value.fault] : []))

test('robust carriers in any order open as the files that they hold, among photos that are sealed', async () => {
  expect(names).toHaveLength(4)
  const photo = readFileSync(new URL('../../../docs/pictures/plain/lake.png', import.meta.url))
  const jpeg = new Uint8Array(await sharp(photo).jpeg().toBuffer())
  await session.add([...parts(...names.toReversed()), { file: new File([jpeg], 'lake.jpg'), path: 'lake.jpg' }])
  expect(session.entries.value.map(({ intent }) => intent.value)).toEqual(['open', 'open', 'open', 'open', 'seal'])
  await session.start(key, inMemory)
  expect(failures()).toEqual([])
  const { 'lake.jpg.png': sealed, ...rest } = await opened()
  expect(rest).toEqual(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`album/${name}`, bytes])))
  expect(sealed).toBeDefined()
  expect(session.totals.value).toMatchObject({ done: 4, failed: 0, share: 1 })
  session.clearDone()
  expect(session.entries.value).toEqual([])
})

test('a part that is missing is named, and when it comes later the file opens', async () => {
  await session.add(parts(large[0], large[2]))
  await session.start(key, inMemory)
  expect(stages().slice(0, 2)).toEqual([`${large[0]} gathered`, `${large[2]} gathered`])
  expect(failures()[0]!.message).toMatch(/^part 2 of 3 is missing; /)
  await session.add(parts(large[1]))
  await session.start(key, inMemory)
  expect(failures()).toEqual([])
  expect(await opened()).toEqual({ 'album/large.jpg': files['large.jpg'] })
  // The same parts are read once: a later run has its own.
  await session.add(parts(shared))
  await session.start(key, inMemory)
  expect(Object.keys(await opened()).toSorted()).toEqual(['album/large.jpg', 'album/z1.jpg', 'album/z2.jpg'])
})

test('what was never a carrier says so, and stopping leaves everything for later', async () => {
  const photo = new Uint8Array(
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#789' } })
      .jpeg()
      .toBuffer(),
  )
  await session.add([{ file: new File([photo], 'x.jpg'), path: 'x.jpg' }, ...parts(shared)])
  session.turn(session.entries.value[0]!)
  const stage = session.entries.value[1]!.stage
  const unwatch = effect(() => void (stage.value.is === 'working' && queueMicrotask(() => session.stop())))
  await session.start(key, inMemory)
  unwatch()
  expect(stages()).toEqual(['x.jpg stopped', `${shared} stopped`])
  await session.start(key, inMemory)
  expect(failures()).toMatchObject([{ code: 'E_REENCODED', hint: expect.any(String) }])
  expect(Object.keys(await opened()).toSorted()).toEqual(['album/z1.jpg', 'album/z2.jpg'])
})
