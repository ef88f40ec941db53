import { decodePng, encodePng } from '@latent/core/png'
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/**
 * Ends commands at random moments, again and again, and looks at what is there: `npm run bench -- kills
 * --kills 200 --interrupts 100`. Nothing partial may be visible at any time, an interrupt leaves no
 * temporary file, and a run that is let through completes and removes what kills left. With `--log FILE` every end
 * is written down there, and a later call does only what is missing: the verdict is on all of them.
 */
const LAUNCHER = fileURLToPath(new URL('../packages/cli/bin/latent.js', import.meta.url))
const DATA = resolve(process.env['LATENT_DATA'] ?? '../shared/data')
const root = mkdtempSync(join(tmpdir(), 'latent-kills-'))
const at = (...path: string[]) => join(root, ...path)

let state = 1
const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const noise = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random() * 256)

async function latent(
  args: readonly string[],
  end?: { signal: NodeJS.Signals; after: number },
): Promise<number | string> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (part: Buffer) => void (err += part.toString()))
  const done = new Promise<number | string>(yes => child.on('close', (code, signal) => yes(code ?? signal!)))
  const cancel = new AbortController()
  if (end)
    void pause(end.after, undefined, { signal: cancel.signal }).then(
      () => child.kill(end.signal),
      () => undefined,
    )
  const code = await done
  cancel.abort()
  if (code === 'SIGABRT' || code === 134 || code === 3)
    faults.push(`${args.slice(0, 2).join(' ')} ended with ${code}: ${err.slice(-300)}`)
  return code
}

/** What went wrong since the last end was written down. */
const faults: string[] = []

/** One end of one command; `through`: it was let run to its own. */
interface End {
  readonly work: string
  readonly how: 'SIGKILL' | 'SIGINT' | 'through'
  readonly faults: readonly string[]
}
const ends: End[] = []
let log: string | undefined

function writeDown(work: string, how: End['how']): void {
  const end = { work, how, faults: faults.splice(0) }
  ends.push(end)
  if (log !== undefined) appendFileSync(log, `${JSON.stringify(end)}\n`)
}

const countOf = (work: string, how: End['how']): number =>
  ends.filter(end => end.work === work && end.how === how).length
const all = (folder: string): string[] =>
  existsSync(at(folder)) ? readdirSync(at(folder), { recursive: true, encoding: 'utf8' }) : []
const temporaries = (folder: string): string[] =>
  all(folder).filter(name => /(?:^|\/)\.latent-.*\.tmp$|\.tmp$/.test(name))

interface Work {
  readonly args: readonly string[]
  /** Where it writes. */
  readonly out: string
  /** Names of files that are visible and not whole. */
  readonly partial: () => string[]
  /** Goes on from what is there; otherwise it starts from nothing each time. */
  readonly again?: readonly string[]
  /** Removes what is there, so that there is work to interrupt. */
  readonly afresh: () => void
}

const PHOTOS = Array.from({ length: 8 }, (_, i) => `p${i}.jpg`)
const same = (a: string, b: string) => readFileSync(a).equals(readFileSync(b))
const clear = (folder: string) => () => rmSync(at(folder), { recursive: true, force: true })
const isPng = (path: string): boolean => {
  try {
    decodePng(new Uint8Array(readFileSync(path)))
    return true
  } catch {
    return false
  }
}
const brokenPngs = (folder: string) => () =>
  all(folder).filter(name => name.endsWith('.png') && !isPng(at(folder, name)))

function works(): Readonly<Record<string, Work>> {
  return {
    seal: {
      args: ['seal', 'in', '-o', 'sealed', '-i', 'me.key'],
      out: 'sealed',
      partial: brokenPngs('sealed'),
      afresh: clear('sealed'),
    },
    open: {
      args: ['open', 'whole', '-o', 'back', '-i', 'me.key'],
      out: 'back',
      partial: () => PHOTOS.filter(name => existsSync(at('back', name)) && !same(at('in', name), at('back', name))),
      afresh: clear('back'),
    },
    encrypt: {
      args: ['encrypt', 'picture.png', 'pixel/cipher.png', '--key-file', 'pixel.key'],
      out: 'pixel',
      partial: brokenPngs('pixel'),
      afresh: clear('pixel'),
    },
    dataset: {
      args: ['dataset', 'encrypt', 'class', 'coded', '--scheme', 'etc', '--key-file', 'pixel.key'],
      out: 'coded',
      partial: brokenPngs('coded'),
      afresh: clear('coded'),
    },
    lab: {
      args: [
        'lab',
        'evaluate',
        '-s',
        'aes-256-ctr',
        '-d',
        'procedural:2',
        '-o',
        'lab',
        '--robustness',
        '1',
        // Every kind of row all the same: what is ended is the writing, not the arithmetic.
        '--keys',
        '64',
        '--pictures',
        'none',
      ],
      out: 'lab',
      partial: () => [],
      afresh: clear('lab'),
    },
    ...(existsSync(join(DATA, 'bsds500'))
      ? {
          train: {
            args: ['train', 'denoiser', '--steps', '4', '--threads', '1', '--out', 'trained', '--data', DATA],
            again: ['--resume'],
            out: 'trained',
            partial: () => [],
            afresh: clear('trained'),
          },
        }
      : {}),
  }
}

async function prepare(): Promise<void> {
  for (const folder of ['in', 'class/a']) mkdirSync(at(folder), { recursive: true })
  for (const name of PHOTOS) writeFileSync(at('in', name), noise(900_000))
  const picture = (side: number) =>
    encodePng({ width: side, height: side, channels: 3, format: 'u8', data: noise(side * side * 3) }, 0)
  writeFileSync(at('picture.png'), picture(640))
  for (let i = 0; i < 100; i++) writeFileSync(at('class/a', `${i}.png`), picture(32))
  await latent(['keygen', '-o', 'me.key'])
  await latent(['keygen', '--cipher', '-o', 'pixel.key'])
  await latent(['seal', 'in', '-o', 'whole', '-i', 'me.key'])
}

async function endAtRandom(
  name: string,
  { args, again, out, partial, afresh }: Work,
  signal: 'SIGKILL' | 'SIGINT',
  times: number,
  duration: number,
): Promise<void> {
  while (countOf(name, signal) < times) {
    const started = existsSync(at(out, 'checkpoint.safetensors')) && again ? [...args, ...again] : args
    // What a kill left is for the next run that gets as far: not for one that is interrupted while it starts.
    const before = new Set(temporaries(out))
    const code = await latent(started, { signal, after: random() * duration })
    const visible = partial()
    if (visible.length > 0) faults.push(`partial after ${signal}: ${visible.join(', ')}`)
    const left = temporaries(out).filter(name => !before.has(name))
    if (signal === 'SIGINT' && left.length > 0) faults.push(`left after ${signal}: ${left.join(', ')}`)
    if (code === 0) afresh()
    writeDown(name, signal)
  }
}

async function lastRun(name: string, { args, again, out, partial }: Work): Promise<void> {
  if (name === 'encrypt') rmSync(at(out, 'cipher.png'), { force: true })
  const code = await latent(existsSync(at(out, 'checkpoint.safetensors')) && again ? [...args, ...again] : args)
  if (code !== 0) faults.push(`the last run ended with ${code}`)
  if (partial().length > 0) faults.push(`partial after the last run: ${partial().join(', ')}`)
  if (temporaries(out).length > 0) faults.push(`left after the last run: ${temporaries(out).join(', ')}`)
  writeDown(name, 'through')
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** @returns how many faults */
function report(name: string, duration?: number): number {
  const found = ends.filter(({ work }) => work === name).flatMap(end => end.faults)
  const counts = `${countOf(name, 'SIGKILL')} killed, ${countOf(name, 'SIGINT')} interrupted`
  const time = duration === undefined ? '' : `, one run takes ${(duration / 1100).toFixed(1)} s`
  process.stdout.write(`${name.padEnd(8)} ${counts}, ${plural(found.length, 'fault')}${time}\n`)
  for (const fault of found) process.stdout.write(`  FAULT: ${fault}\n`)
  return found.length
}

async function tryOut(name: string, work: Work, kills: number, interrupts: number): Promise<number> {
  if (countOf(name, 'SIGKILL') >= kills && countOf(name, 'SIGINT') >= interrupts && countOf(name, 'through') > 0)
    return report(name)
  const started = performance.now()
  await latent(work.args)
  const duration = (performance.now() - started) * 1.1
  work.afresh()
  await endAtRandom(name, work, 'SIGKILL', kills, duration)
  await endAtRandom(name, work, 'SIGINT', interrupts, duration)
  await lastRun(name, work)
  return report(name, duration)
}

export default async function kills(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      kills: { type: 'string', default: '12' },
      interrupts: { type: 'string', default: '6' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      log: { type: 'string' },
    },
  })
  log = values.log === undefined ? undefined : resolve(values.log)
  if (log !== undefined && existsSync(log))
    ends.push(
      ...readFileSync(log, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as End),
    )
  // Another part goes on with other moments.
  state = (Number(values.seed) + ends.length) >>> 0
  try {
    await prepare()
    const all = Object.entries(works())
    const only = values.only?.split(',')
    let found = 0
    for (const [i, [name, work]] of all.entries()) {
      if (only && !only.includes(name)) continue
      const share = (total: number) => Math.floor(total / all.length) + (i < total % all.length ? 1 : 0)
      found += await tryOut(name, work, share(Number(values.kills)), share(Number(values.interrupts)))
    }
    const total = (how: End['how']) => ends.filter(end => end.how === how).length
    process.stdout.write(
      `${total('SIGKILL')} killed, ${total('SIGINT')} interrupted: ` +
        (found === 0 ? 'nothing partial was visible, nothing was left\n' : `${plural(found, 'fault')}\n`),
    )
    process.exitCode = found === 0 ? 0 : 1
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
