import { encodePng } from '@latent/core/png'
import { encode as encodeJpeg } from 'jpeg-js'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LAUNCHER } from '../../packages/cli/test/command.ts'
import { strace, traced } from './trace.ts'

const DATA = resolve(process.env['LATENT_DATA'] ?? '../shared/data')
/** What `docs/security.md` names beside the folders of the command line. */
const CACHE = fileURLToPath(new URL('../../packages/cli/node_modules/.cache', import.meta.url))
const STATE = '.local/state/latent/journal.key'
/** What was opened, and need not be read again. */
const CACHED = 'home/.cache'
/** Sealed files on their way into robust carriers, and out of them. */
const ROBUST = 'tmp/latent-robust-'
const FRIEND = 'age1rmchpu2m4xnceu6dkvy70jjlgxaf3lwgzd6a4yqk22dld0y3rqtsyncvxu'

describe.skipIf(!strace)('a session opens no socket and writes nowhere but where it was told to', () => {
  let root: string
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'latent-session-')))
    for (const folder of ['home', 'tmp', 'in/trip', 'class/a']) mkdirSync(join(root, folder), { recursive: true })
    const data = Uint8Array.from({ length: 40 * 32 * 3 }, (_, i) => (i * i) >> 3)
    for (const name of ['in/one.png', 'in/trip/two.png', 'class/a/three.png'])
      writeFileSync(join(root, name), encodePng({ width: 40, height: 32, channels: 3, format: 'u8', data }))
    writeFileSync(join(root, 'in/large.mov'), new Uint8Array(3_000_000))
    const photo = encodeJpeg({ width: 40, height: 32, data: new Uint8Array(4 * 40 * 32).fill(90) }, 90)
    writeFileSync(join(root, 'photo.jpg'), photo.data)
    writeFileSync(join(root, 'you.hex'), `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 })
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  /** In the order of a session: each builds on the ones before. What it names may be written, and what lies in it. */
  const SESSION: readonly (readonly [args: string, ...named: string[]])[] = [
    ['keygen -o me.key', 'me.key'],
    ['keygen --cipher -o pixel.key', 'pixel.key'],
    ['seal in -o sealed -i me.key', 'sealed'],
    ['seal in -o sealed -i me.key', 'sealed'],
    ['verify sealed -i me.key'],
    ['inspect sealed/one.png.png'],
    ['open sealed -o back -i me.key', 'back', CACHED],
    ['encrypt in/one.png cipher.png --key-file pixel.key', 'cipher.png'],
    ['decrypt cipher.png plain.png --key-file pixel.key', 'plain.png'],
    ['dataset encrypt class coded --scheme etc --key-file pixel.key', 'coded'],
    ['lab evaluate -s aes-256-ctr -d procedural:1 -o measured --robustness 1 --pictures procedural', 'measured'],
    ['doctor'],
  ]
  /** What came later: other carriers, hidden names, other recipients, vaults, the sheet. */
  const MORE: readonly (readonly [args: string, ...named: string[]])[] = [
    ['keygen -o you.key', 'you.key'],
    [`seal in -o hidden -i you.key -r ${FRIEND} --hide-names`, 'hidden'],
    ['list hidden -i you.key --only *.png'],
    ['seal in/one.png -o robust -i you.key --carrier robust', 'robust', ROBUST],
    ['open robust -o robust-back -i you.key', 'robust-back', ROBUST, CACHED],
    ['probe make -o probe.png --side 512', 'probe.png'],
    ['probe read probe.png --side 512'],
    ['encrypt photo.jpg photo.png --key-file you.hex', 'photo.png'],
    ['vault init vault -i you.key', 'vault'],
    ['vault add vault in -i you.key', 'vault'],
    [`vault share vault -i you.key -r ${FRIEND}`, 'vault'],
    ['vault list vault -i you.key'],
    ['vault check vault -i you.key'],
    ['vault get vault *.png -o got -i you.key', 'got'],
    ['recovery make -i you.key -o sheet.svg', 'sheet.svg'],
  ]
  const TRAIN = [`train denoiser --steps 2 --threads 1 --out trained --data ${DATA}`, 'trained'] as const

  async function expectClean(args: string, named: readonly string[]): Promise<void> {
    const home = join(root, 'home')
    const env = { HOME: home, TMPDIR: join(root, 'tmp'), XDG_CACHE_HOME: '', XDG_STATE_HOME: '', XDG_CONFIG_HOME: '' }
    const { code, stderr, sockets, written } = await traced([LAUNCHER, ...args.split(' ')], { cwd: root, env })
    // A flush or a temporary name is of the folder that holds what was named.
    const ours = [CACHE, ...named.map(name => join(root, name))]
    const isOurs = (path: string) =>
      ours.some(
        place => path === place || path.startsWith(`${place}/`) || (place.endsWith('-') && path.startsWith(place)),
      ) ||
      (named.length > 0 && path.startsWith(join(root, '.latent-')))
    const knowsMachine = /^[0-9a-f]{32}/.test(
      existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8') : '',
    )
    const state = (path: string) => !knowsMachine && join(home, STATE).startsWith(path.replace(/\/\.latent-[^/]*$/, ''))
    const elsewhere = written.filter(path => !isOurs(path) && !state(path) && path !== root)
    expect({ args, code, elsewhere, sockets, stderr }).toEqual({
      args,
      code: 0,
      elsewhere: [],
      sockets: [],
      stderr: expect.any(String),
    })
    expect(readdirSync(join(root, 'tmp'))).toEqual([])
    expect(readdirSync(home).filter(name => name !== '.cache' && (knowsMachine || name !== '.local'))).toEqual([])
    const kept = readdirSync(home).includes('.cache') ? readdirSync(join(home, '.cache'), { recursive: true }) : []
    expect(
      kept.filter(name => !/^latent(\/opened(\/[0-9a-f]{32}(\/\.latent-journal\.jsonl)?)?)?$/.test(String(name))),
    ).toEqual([])
  }

  test('keygen, seal, verify, inspect, open, encrypt, decrypt, dataset, lab, doctor', async () => {
    for (const [args, ...named] of SESSION) await expectClean(args, named)
  }, 300_000)
  test('seal to others and under hidden names, list, robust carriers, probe, JPEG, vault, recovery', async () => {
    for (const [args, ...named] of MORE) await expectClean(args, named)
  }, 300_000)
  test('a bucket without credentials: nobody is asked for some, where it is not one of Amazon', async () => {
    const env = { HOME: join(root, 'home'), AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }
    const { code, stderr, sockets } = await traced([LAUNCHER, 'vault', 'init', 's3://bucket/x', '-i', 'you.key'], {
      cwd: root,
      env,
    })
    expect({ code, stderr, sockets }).toEqual({
      code: 1,
      stderr: expect.stringContaining('[E_CREDENTIALS]'),
      sockets: [],
    })
  })
  test.skipIf(!existsSync(join(DATA, 'bsds500')))('train', async () => expectClean(TRAIN[0], TRAIN.slice(1)))
})
