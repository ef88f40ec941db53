import { encodePng } from '@latent/core/png'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere, LAUNCHER, startLatent } from './command.ts'

let root: string
let key: string

const start = (args: readonly string[], { node, env }: { node?: string; env?: NodeJS.ProcessEnv } = {}) =>
  startLatent(args, { cwd: root, ...(node && { node }), ...(env && { env }) })
/** What is not itself looked at here. */
const latent = (...args: string[]) => latentHere(args, { cwd: root })

/** Names below a folder. */
const names = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).toSorted()
    : []
/** Without journals and locks. */
const written = (folder: string): string[] => names(folder).filter(name => !name.startsWith('.latent'))
const temporaries = (folder: string): string[] => names(folder).filter(name => /\.latent-.*\.tmp$/.test(name))

/** Noise, so that nothing packs it. */
function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed
  for (let i = 0; i < size; i++) bytes[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24
  return bytes
}

/**
 * Enough that sealing or opening them takes half a second, on a fast machine too: what is sent meanwhile must find work
 * under way.
 */
const FILES = 16
const FILE_BYTES = 1_000_000
const PLAIN = Array.from({ length: FILES }, (_, i) => `photo-${i}.jpg`)

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'latent-ending-'))
  key = join(root, 'me.key')
  mkdirSync(join(root, 'in'))
  for (const [i, name] of PLAIN.entries()) writeFileSync(join(root, 'in', name), noise(FILE_BYTES, i))
  await latent('keygen', '-o', key)
  await latent('seal', 'in', '-o', 'sealed', '-i', key)
  writeFileSync(join(root, 'large.mov'), noise(30_000_000, 7))
  await latent('seal', 'large.mov', '-o', 'large', '-i', key, '--no-check')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const COMMANDS = {
  seal: (out: string) => ['seal', 'in', '-o', out, '-i', key],
  open: (out: string) => ['open', 'sealed', '-o', out, '-i', key],
  verify: () => ['verify', 'sealed', '-i', key],
}
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

describe('a signal', () => {
  const cases = [
    ['seal', 'SIGINT'],
    ['seal', 'SIGTERM'],
    ['open', 'SIGINT'],
    ['open', 'SIGHUP'],
    ['verify', 'SIGTERM'],
  ] as const
  test.each(cases)(
    '%s, %s: ends in order, counts everything, and the same command goes on',
    async (command, signal) => {
      const args = COMMANDS[command](`${command}-${signal}`)
      const run = start([...args, '--json', '--threads', '1'])
      await run.printed(/"source"/)
      run.kill(signal)
      const { code, out, err } = await run.done
      expect({ code, err }).toEqual({
        code: CODES[signal],
        err: expect.stringMatching(
          new RegExp(
            String.raw`interrupted with \d+ of ${FILES} files left \[E_INTERRUPTED\]\nhint: the same command goes on`,
          ),
        ),
      })
      const lines = out
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as { source?: string; status?: string; summary?: Record<string, number> })
      expect(lines.filter(({ source }) => source !== undefined)).toHaveLength(FILES)
      const { interrupted = 0, failed, ...counts } = lines.at(-1)!.summary!
      expect(failed).toBe(0)
      expect(interrupted).toBeGreaterThan(0)
      expect(interrupted + (counts['sealed'] ?? counts['opened'] ?? counts['intact'])!).toBe(FILES)
      expect(temporaries(`${command}-${signal}`)).toEqual([])
      const again = await latent(...args)
      expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/failed {3}0/) })
      expect(written(`${command}-${signal}`)).toHaveLength(command === 'verify' ? 0 : FILES)
    },
  )

  test('twice: ends at once, by the signal itself, and takes what it was writing along', async () => {
    const run = start(['open', 'large', '-o', 'twice', '-i', key, '--threads', '1'])
    while (temporaries('twice').length === 0) await pause(10)
    expect(statSync(join(root, 'twice', temporaries('twice')[0]!)).isFile()).toBe(true)
    run.kill('SIGINT')
    await pause(450)
    run.kill('SIGINT')
    const { code, signal } = await run.done
    // A slow machine may have been through with the first one.
    expect([code, signal]).toEqual(code === null ? [null, 'SIGINT'] : [130, null])
    expect(names('twice')).toEqual([])
  })

  test.runIf(process.platform !== 'win32').each(['SIGQUIT', 'SIGXCPU'] as const)(
    '%s ends it at once, and takes what it was writing along',
    async signal => {
      const run = start(['open', 'large', '-o', signal, '-i', key, '--threads', '1'])
      while (temporaries(signal).length === 0) await pause(10)
      run.kill(signal)
      expect(await run.done).toMatchObject({ code: null, signal, err: expect.stringContaining('interrupted') })
      expect(names(signal)).toEqual([])
    },
  )

  test('passed on by a wrapper as well: one request, not two', async () => {
    const run = start([...COMMANDS.seal('passed-on'), '--json', '--threads', '1'])
    await run.printed(/"source"/)
    run.kill('SIGINT')
    run.kill('SIGINT')
    await pause(60)
    run.kill('SIGINT')
    const { code, signal, out } = await run.done
    // While Node takes itself apart, after the report, no listener hears: the last one may then end it, which a shell
    // calls 130 too.
    expect([out, code ?? signal]).toEqual([expect.stringContaining('"summary"'), expect.toBeOneOf([130, 'SIGINT'])])
  })

  test('while the thread only computes and could not hear it: ends at once', async () => {
    const run = start(['lab', 'nulls', '--trials', '100000'])
    await pause(1500)
    run.kill('SIGTERM')
    expect(await run.done).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  test.each(['encrypt', 'decrypt'] as const)(
    'dataset %s: pictures under way are finished, the manifest goes on with them',
    async direction => {
      const pixel = join(root, `${direction}.key`)
      await latent('keygen', '--cipher', '-o', pixel)
      drawClass(`plain-${direction}/a`, PICTURES)
      const encrypt = [
        'dataset',
        'encrypt',
        `plain-${direction}`,
        `cipher-${direction}`,
        '--scheme',
        'aes-256-ctr',
        '--key-file',
        pixel,
        '--json',
        '--workers',
        '1',
      ]
      const decrypt = [
        'dataset',
        'decrypt',
        `cipher-${direction}`,
        `back-${direction}`,
        '--key-file',
        pixel,
        '--json',
        '--workers',
        '1',
      ]
      if (direction === 'decrypt') await latent(...encrypt)
      const [args, out] = direction === 'encrypt' ? [encrypt, `cipher-${direction}`] : [decrypt, `back-${direction}`]
      const run = start(args)
      while (names(out).filter(name => name.endsWith('.png')).length < 3) await pause(10)
      run.kill('SIGINT')
      const { code, err } = await run.done
      expect({ code, err }).toEqual({
        code: 130,
        err: expect.stringMatching(/interrupted with \d+ of 160 images done \[E_INTERRUPTED\]/),
      })
      expect(temporaries(out)).toEqual([])
      expect(await latent(...args)).toMatchObject({ code: 0 })
      expect(names(out).filter(name => name.endsWith('.png'))).toHaveLength(PICTURES)
    },
  )

  test('lab evaluate: what is measured stays, and the same command goes on', async () => {
    const args = [
      'lab',
      'evaluate',
      '-s',
      'aes-256-ctr',
      '-d',
      'procedural:2',
      '-o',
      'lab',
      '--robustness',
      '0',
      '--keys',
      '64',
      '--workers',
      '1',
      '--pictures',
      'none',
    ]
    const run = start(args)
    while (
      !existsSync(join(root, 'lab', 'rows.jsonl')) ||
      readFileSync(join(root, 'lab', 'rows.jsonl'), 'utf8').split('\n').length < 4
    )
      await pause(20)
    run.kill('SIGINT')
    const { code, err } = await run.done
    expect({ code, err }).toEqual({
      code: 130,
      err: expect.stringMatching(/interrupted with [1-9]\d* of \d+ measurements done/),
    })
    const before = readFileSync(join(root, 'lab', 'rows.jsonl'), 'utf8')
    expect((await latent(...args)).code).not.toBe(130)
    expect(readFileSync(join(root, 'lab', 'rows.jsonl'), 'utf8').startsWith(before)).toBe(true)
  })
})

/** More than a worker takes at once. */
const PICTURES = 160

function drawClass(folder: string, count: number): void {
  mkdirSync(join(root, folder), { recursive: true })
  for (let i = 0; i < count; i++)
    writeFileSync(
      join(root, folder, `${i}.png`),
      encodePng({ width: 48, height: 48, channels: 3, format: 'u8', data: noise(48 * 48 * 3, i) }, 0),
    )
}
describe('output that nobody takes', () => {
  test.each(['seal', 'open', 'verify'] as const)('%s --json | head: the work is done all the same', async command => {
    const run = start([...COMMANDS[command](`left-${command}`), '--json'])
    await run.printed(/"source"/)
    run.leave('stdout')
    expect(await run.done).toMatchObject({ code: 0, err: '' })
    expect(written(`left-${command}`)).toHaveLength(command === 'verify' ? 0 : FILES)
  })

  test('and the exit code is still that of the work', async () => {
    writeFileSync(
      join(root, 'sealed', 'broken.png'),
      readFileSync(join(root, 'sealed', `${PLAIN[0]}.png`)).subarray(0, 400_000),
    )
    const run = start([...COMMANDS.verify(), '--json'])
    await run.printed(/"source"/)
    run.leave('stdout')
    expect((await run.done).code).toBe(1)
    rmSync(join(root, 'sealed', 'broken.png'))
  })

  test('messages that nobody reads', async () => {
    const run = start([...COMMANDS.verify(), '--json', '--threads', '1'])
    await run.printed(/"source"/)
    run.leave('stderr')
    expect((await run.done).code).toBe(0)
  })

  test
    .skipIf(!existsSync('/dev/full'))
    .each([
      ['inspect', 'sealed/photo-0.jpg.png'],
      ['--help'],
      ['lab', 'list'],
      ['dataset', '--help'],
      ['seal', 'in/photo-0.jpg', '-o', 'behind', '-i', 'me.key'],
    ])('a full disk behind it: %s %s', (...args) => {
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, LAUNCHER, ...args],
      { cwd: root, encoding: 'utf8' },
    )
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'latent: error: cannot write to standard output: no space is left [E_IO]\n' +
        'hint: make room and run it again: what is done is kept\n',
    })
    expect(written('behind')).toHaveLength(args[0] === 'seal' ? 1 : 0)
  })
})

describe.skipIf(process.platform === 'win32')('where the process stands', () => {
  test.each([
    ['seal', 'in', '-o', 'out', '-i', 'me.key'],
    ['keygen', '-o', 'new.key'],
    ['vault', 'init', 'v', '-i', 'me.key'],
    ['lab', 'list'],
    ['doctor'],
  ])('a folder that is gone: %s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'mkdir gone; cd gone; rmdir ../gone; exec "$0" "$@"', process.execPath, LAUNCHER, ...args],
      { cwd: root, encoding: 'utf8' },
    )
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/cannot use the folder .* \[E_IO\]\nhint: .* change to a folder that is there\n$/)
  })

  test.each([
    ['lab evaluate -s aes-256-ctr -d procedural:1 -o', 'E_EXISTS'],
    ['lab attack -s identity -a look -o', 'E_EXISTS'],
    ['lab matrix -s identity -a look -o matrix --rows', 'E_EXISTS'],
    ['demo -o', 'E_IO'],
    ['data draw', 'E_IO'],
    ['open sealed -i me.key -o', 'E_IO'],
  ])('a file where a folder is to be: %s FILE', (command, code) => {
    writeFileSync(join(root, 'taken'), 'mine')
    const { status, stderr } = spawnSync(process.execPath, [LAUNCHER, ...command.split(' '), 'taken'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(new RegExp(`latent: error: .* \\[${code}\\]\nhint: `))
    expect(readFileSync(join(root, 'taken'), 'utf8')).toBe('mine')
  })

  test('no home, a zone that does not exist, another alphabet: nothing but what was asked for', () => {
    const env = { PATH: process.env['PATH'], TZ: 'No/Where', LANG: 'tr_TR.UTF-8', LC_ALL: 'ar_EG', TMPDIR: root }
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [LAUNCHER, ...args], { cwd: root, encoding: 'utf8', env })
    writeFileSync(join(root, 'IMG_İ.jpg'), 'a picture')
    const options = ['-i', 'me.key', '--cipher', 'aes-256-gcm']
    expect(run('seal', 'IMG_İ.jpg', '-o', 'bare', ...options)).toMatchObject({ status: 0, stderr: '' })
    expect(run('open', 'bare', '-o', 'bare-back', '-i', 'me.key')).toMatchObject({ status: 0, stderr: '' })
    expect(names('bare-back')).toEqual(['IMG_İ.jpg'])
    expect(readFileSync(join(root, 'bare-back/IMG_İ.jpg'), 'utf8')).toBe('a picture')
  })
})

describe.skipIf(process.platform === 'win32')('limits of the process', () => {
  const limited = (limit: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit ${limit}; exec "$0" "$@"`, process.execPath, LAUNCHER, ...args],
      { cwd: root, encoding: 'utf8' },
    )
    return { status, stdout, stderr }
  }

  test.each([
    ['seal', ['seal', 'in/photo-0.jpg', '-o', 'limit-seal', '-i', 'me.key', '--cipher', 'aes-256-gcm']],
    ['open', ['open', 'sealed/photo-0.jpg.png', '-o', 'limit-open', '-i', 'me.key']],
  ] as const)('of how large a file may be: %s names it, and leaves no part of it', (command, args) => {
    expect(limited('-f 1000', ...args)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/failed {3}1/) as string,
      stderr: expect.stringMatching(/larger than the file system or a limit of this process allows \[E_IO\]/) as string,
    })
    expect(written(`limit-${command}`)).toEqual([])
    expect(temporaries(`limit-${command}`)).toEqual([])
  })

  test('of how many files are open: done all the same', () => {
    mkdirSync(join(root, 'many'))
    for (let i = 0; i < 60; i++) writeFileSync(join(root, 'many', `${i}.txt`), `${i}`)
    expect(
      limited('-n 40', 'seal', 'many', '-o', 'few-files', '-i', 'me.key', '--cipher', 'aes-256-gcm'),
    ).toMatchObject({ status: 0, stderr: '' })
    expect(written('few-files')).toHaveLength(60)
    expect(limited('-n 40', 'open', 'few-files', '-o', 'few-back', '-i', 'me.key')).toMatchObject({ status: 0 })
    expect(written('few-back')).toHaveLength(60)
  })

  test.skipIf(!existsSync('/dev/full'))(
    'a full disk behind a picture: named, and the code is no defect of ours',
    () => {
      const picture = { width: 200, height: 200, channels: 3, format: 'u8', data: noise(120_000, 3) } as const
      writeFileSync(join(root, 'picture.png'), encodePng(picture))
      writeFileSync(join(root, 'pixel.key'), `${'0123456789abcdeffedcba9876543210'.repeat(2)}\n`, { mode: 0o600 })
      const { status, stderr } = spawnSync(
        'sh',
        [
          '-c',
          'exec "$0" "$@" > /dev/full',
          process.execPath,
          LAUNCHER,
          'encrypt',
          'picture.png',
          '-',
          '--key-file',
          'pixel.key',
        ],
        { cwd: root, encoding: 'utf8' },
      )
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringContaining('no space is left [E_IO]') as string,
      })
      expect(stderr).not.toContain('E_INTERNAL')
    },
  )
})

describe('what goes wrong while threads compute', () => {
  test.skipIf(process.platform === 'win32')(
    'a disk that takes no more: the report is printed, and nothing partial stays',
    () => {
      for (const command of ['seal', 'open'] as const) {
        const { status, stdout } = spawnSync(
          'sh',
          ['-c', 'ulimit -f 1000; exec "$0" "$@"', process.execPath, LAUNCHER, ...COMMANDS[command](`full-${command}`)],
          { cwd: root, encoding: 'utf8' },
        )
        expect({ status, stdout }).toEqual({
          status: 1,
          stdout: expect.stringMatching(new RegExp(`failed {3}${FILES}`)),
        })
        expect(written(`full-${command}`)).toEqual([])
        expect(temporaries(`full-${command}`)).toEqual([])
      }
    },
  )

  test('a defect: told, counted, and the exit code is 3', async () => {
    writeFileSync(
      join(root, 'defect.mjs'),
      // With the first line of its report: in the middle of the work.
      `import { isMainThread } from 'node:worker_threads'
const { write } = process.stdout
if (isMainThread)
  process.stdout.write = function (...args) {
    process.stdout.write = write
    setTimeout(() => { throw new Error('out of order') }, 0)
    return write.apply(this, args)
  }
`,
    )
    const run = start([...COMMANDS.seal('defect'), '--threads', '1', '--json'], {
      env: { NODE_OPTIONS: `--import ${join(root, 'defect.mjs')}` },
    })
    const { code, out, err } = await run.done
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining('a defect of latent itself: out of order [E_INTERNAL]'),
    })
    expect(out === '' || out.includes('"summary"')).toBe(true)
    expect(temporaries('defect')).toEqual([])
  })
})

/** A Node that is too old to run Latent, if the machine has one beside ours. */
const old = ['/usr/bin/node', '/usr/local/bin/node', process.env['LATENT_OLD_NODE'] ?? ''].find(
  path =>
    path !== '' &&
    existsSync(path) &&
    /^v(?:20|21)\./.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout),
)

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  test.each([process.execPath, ...(old === undefined ? [] : [old])])(
    'a signal at which Node opens a debugger to everyone on the machine does nothing: %s',
    async node => {
      const run = start([...COMMANDS.verify(), '--json', '--threads', '1'], { node })
      await run.printed(/"source"/)
      run.kill('SIGUSR1')
      expect(await run.done).toMatchObject({ code: 0, err: '' })
    },
  )

  test('no memory of the process goes into core dumps', async () => {
    const run = start([...COMMANDS.verify(), '--json', '--threads', '1'])
    await run.printed(/"source"/)
    expect(readFileSync(`/proc/${run.pid}/coredump_filter`, 'utf8').trim()).toMatch(/^0+$/)
    expect((await run.done).code).toBe(0)
  })

  test('compiled code lies beside the code, in a folder of its owner, not in the shared temporary one', async () => {
    const shared = mkdtempSync(join(root, 'tmp-'))
    const { code, out } = await start(['--version'], { env: { TMPDIR: shared, NODE_COMPILE_CACHE: undefined } }).done
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
    expect(readdirSync(shared)).toEqual([])
    const { mode, uid } = statSync(join(LAUNCHER, '../../node_modules/.cache/latent'))
    expect({ others: mode & 0o022, uid }).toEqual({ others: 0, uid: statSync(LAUNCHER).uid })
  })

  test('threads find compiled code in the same folder, unless the user has named another', async () => {
    const tell = "process.on('exit',()=>process._rawDebug(process.env.NODE_COMPILE_CACHE))"
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(tell)}`
    const told = async (NODE_COMPILE_CACHE: string | undefined) =>
      (await start(['--version'], { env: { NODE_OPTIONS, NODE_COMPILE_CACHE } }).done).err.trim()
    expect(await told(undefined)).toBe(join(LAUNCHER, '../../node_modules/.cache/latent'))
    expect(await told(root)).toBe(root)
  })
})

describe.skipIf(old === undefined || process.platform !== 'linux')('started by an older Node', () => {
  /** Processes that seal into a folder. */
  const working = (out: string) =>
    readdirSync('/proc').filter(
      pid =>
        /^\d+$/.test(pid) &&
        quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
          .split('\0')
          .includes(out),
    )
  const gone = async (out: string) => {
    for (let i = 0; i < 400 && working(out).length > 0; i++) await pause(50)
    return working(out)
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s reaches the work, and its exit code comes back',
    async signal => {
      const out = `old-${signal}`
      const run = start([...COMMANDS.seal(out), '--json', '--threads', '1'], { node: old! })
      await run.printed(/"source"/)
      expect(working(out)).toHaveLength(2)
      run.kill(signal)
      expect(await run.done).toMatchObject({ code: CODES[signal], out: expect.stringContaining('"summary"') })
      expect(await gone(out)).toEqual([])
      expect(temporaries(out)).toEqual([])
    },
  )

  test('a signal that comes while the work is being started leaves nobody behind', async () => {
    for (const [i, signal] of (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGTERM', 'SIGINT'] as const).entries()) {
      const out = `old-early-${i}`
      const wrapper = spawn(old!, [LAUNCHER, ...COMMANDS.seal(out)], { cwd: root, stdio: 'ignore' })
      const ended = once(wrapper, 'exit')
      while (working(out).length < 2 && wrapper.exitCode === null) await pause(1)
      wrapper.kill(signal)
      await ended
      expect(working(out)).toEqual([])
    }
  })

  test('a kill of the wrapper ends the work as well, in order', async () => {
    const run = start([...COMMANDS.seal('old-killed'), '--json', '--threads', '1'], { node: old! })
    await run.printed(/"source"/)
    run.kill('SIGKILL')
    expect((await run.done).signal).toBe('SIGKILL')
    expect(await gone('old-killed')).toEqual([])
    expect(temporaries('old-killed')).toEqual([])
    expect(written('old-killed').length).toBeLessThan(FILES)
  })

  test('exit codes come through', async () => {
    expect((await start(['--version'], { node: old! }).done).code).toBe(0)
    expect((await start(['seal'], { node: old! }).done).code).toBe(2)
    expect((await start(['open', 'nowhere', '-o', 'x', '-i', key], { node: old! }).done).code).toBe(1)
  })
})

function quietly(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
