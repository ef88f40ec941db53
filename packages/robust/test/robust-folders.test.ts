import { spawnSync } from 'node:child_process'
import { LatentError } from '@latent/core'
import { machine } from '@latent/core/node'
import { createAlbum, Keyring } from '@latent/vault'
import { type FileResult, ROBUST_JOURNAL, sealFiles } from '@latent/vault/node'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openAll, sealRobust, verifyAll } from '../src/node/index.ts'
import { type Preset, PRESETS } from '../src/presets.ts'
import { drawn } from './services.ts'

// Robust carriers beside other files, and where they must not lie.
const root = mkdtempSync(join(tmpdir(), 'latent-robust-folders-'))
afterAll(() => rmSync(root, { recursive: true }))

const album = await createAlbum({ passphrase: 'for a test', workFactor: 2 })
const keyring = new Keyring().remember(album)
const flows = () => Promise.reject(new LatentError('E_UNSUPPORTED', 'not needed here'))
const preset: Preset = { ...PRESETS['robust']!, side: 512, spare: 0 }
let notices: string[]
const run = {
  album,
  keyring,
  lockName: 'test',
  flows,
  body: { type: 'aes-256-gcm' },
  threads: 1,
  watcher: { notice: (text: string) => void notices.push(text) },
} as const

async function all(results: AsyncIterable<FileResult>): Promise<FileResult[]> {
  const found: FileResult[] = []
  for await (const result of results) found.push(result)
  return found
}
const robust = (inputs: string[], output: string, force = false) =>
  all(sealRobust({ ...run, inputs: inputs.map(at), output: at(output), preset, force }))
const at = (path: string) => join(root, path)
const put = (path: string, bytes: Uint8Array | string) => {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), bytes)
}
const statuses = (results: FileResult[]) =>
  results.map(({ source, status }) => `${source.slice(root.length + 1)} ${status}`).toSorted()

/** A folder of PNGs of noise with its journal, and a robust carrier that was put beside them. */
beforeAll(async () => {
  put('in/trip/one.bin', drawn(500, 'one'))
  put('in/trip/two.bin', drawn(600, 'two'))
  put('alone/letter.txt', 'robust')
  await all(sealFiles({ ...run, inputs: [at('in')], output: at('both') }))
  await robust(['alone'], 'carriers')
  cpSync(at('carriers/letter.txt.1-of-1.png'), at('both/letter.txt.1-of-1.png'))
})
beforeEach(() => {
  notices = []
})

test('a carrier among sealed files: every file comes back into its folder', async () => {
  const results = await all(openAll({ ...run, inputs: [at('both')], output: at('back') }))
  expect(results.map(({ status }) => status)).toEqual(['done', 'done', 'done'])
  expect(readdirSync(at('back'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
    'letter.txt',
    'trip',
    'trip/one.bin',
    'trip/two.bin',
  ])
})

test('what the journal lists and is gone is missed, whatever lies beside it', async () => {
  cpSync(at('both'), at('lost'), { recursive: true })
  rmSync(at('lost/trip/two.bin.png'))
  expect(statuses(await all(verifyAll({ ...run, inputs: [at('lost')] })))).toEqual([
    'lost/letter.txt.1-of-1.png done',
    'lost/trip/one.bin.png done',
    'lost/trip/two.bin.png missing',
  ])
  rmSync(at('lost/trip'), { recursive: true })
  expect(statuses(await all(verifyAll({ ...run, inputs: [at('lost')] })))).toEqual([
    'lost/letter.txt.1-of-1.png done',
    'lost/trip/one.bin.png missing',
    'lost/trip/two.bin.png missing',
  ])
})

test('of carriers that came back without their journal, that nothing can be missed is told', async () => {
  expect(statuses(await all(verifyAll({ ...run, inputs: [at('carriers')] })))).toEqual([
    'carriers/letter.txt.1-of-1.png done',
  ])
  expect(notices).toEqual([])
  mkdirSync(at('downloads'))
  cpSync(at('carriers/letter.txt.1-of-1.png'), at('downloads/IMG_1.png'))
  expect(statuses(await all(verifyAll({ ...run, inputs: [at('downloads')] })))).toEqual(['downloads/IMG_1.png done'])
  expect(notices).toEqual([expect.stringMatching(/no journal .* cannot be known$/)])
})

test('an input that is not there is a failure beside carriers too', async () => {
  const results = await all(verifyAll({ ...run, inputs: [at('carriers'), at('nowhere')] }))
  expect(statuses(results)).toEqual(['carriers/letter.txt.1-of-1.png done', 'nowhere failed'])
})

test('the output in an input: a second run does not seal what the first has made', async () => {
  put('photos/a.txt', 'a')
  expect(statuses(await robust(['photos'], 'photos/cloud'))).toEqual(['photos/a.txt done'])
  expect(statuses(await robust(['photos'], 'photos/cloud', true))).toEqual(['photos/a.txt done'])
  expect(readdirSync(at('photos/cloud'))).toEqual([ROBUST_JOURNAL, 'a.txt.1-of-1.png'])
})

test.each([
  ['mine', 'mine'],
  ['mine/deep', 'mine'],
  ['mine', '.'],
])('the input %s in the output %s: refused, nothing written', async (input, output) => {
  put('mine/deep/b.txt', 'b')
  await expect(robust([input], output)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  expect(readdirSync(at('mine'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual(['deep', 'deep/b.txt'])
})

test.each<[string, Uint8Array | string]>([
  ['a photograph', readFileSync(new URL('../../../docs/pictures/plain/lake.png', import.meta.url))],
  ['no picture at all', 'a list'],
])('--force replaces no file of anyone else: %s', async (_, content) => {
  put('desk/note.txt', 'note')
  put('desk/note.txt.1-of-1.png', content)
  expect(await robust(['desk/note.txt'], 'desk', true)).toMatchObject([{ status: 'failed', code: 'E_EXISTS' }])
  expect(readFileSync(at('desk/note.txt.1-of-1.png')).equals(Buffer.from(content))).toBe(true)
})

test('what a killed run left among the temporary files goes with the next one, sealing and opening', async () => {
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = at('tmp')
  try {
    const ended = spawnSync(process.execPath, ['-e', '']).pid
    const left = `tmp/latent-robust-${machine()}-${ended}-0123456789abcdef`
    put('kept/note.txt', 'a note')
    for (const work of [
      () => robust(['kept'], 'kept-carriers'),
      () => all(openAll({ ...run, inputs: [at('kept-carriers')], output: at('kept-back') })),
    ]) {
      put(`${left}/sealed/one.png`, 'sealed')
      expect((await work()).map(({ status }) => status)).toEqual(['done'])
      expect(readdirSync(at('tmp'))).toEqual([])
    }
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
})
