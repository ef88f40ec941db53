import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere, runLatent } from '../packages/cli/test/command.ts'
import { readCarrier, writeCarrier } from '../packages/vault/src/carrier/index.ts'
import { collect, streamOf } from '../packages/vault/src/streams.ts'

const ROOT = new URL('..', import.meta.url).pathname
const example = (path: string) => join(ROOT, 'examples', path)
const PYTHON = spawnSync('python3', ['--version']).status === 0
const CRYPTOGRAPHY = spawnSync('python3', ['-c', 'import cryptography']).status === 0

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-examples-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

function run(command: string, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    child.stderr.on('data', (part: Buffer) => (err += part.toString()))
    child.on('error', reject).on('close', code => resolve({ code, out, err }))
  })
}

interface OwnRow {
  readonly kind: string
  readonly scheme: string
  readonly tests?: Readonly<Record<string, { readonly value: number }>>
  readonly quality?: { readonly exact: boolean }
}

const rowsOfOwn = (): OwnRow[] =>
  readFileSync(join(scratch, 'run/rows.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as OwnRow)
    .filter(row => row.kind === 'image' && row.scheme === 'running-sum')

describe('examples', { timeout: 300_000 }, () => {
  test("a cipher and a metric of one's own are measured, printed and put into the page", async () => {
    const out = join(scratch, 'run')
    const {
      code,
      out: printed,
      err,
    } = await runLatent([
      'lab',
      'evaluate',
      '-s',
      example('own-cipher/cipher.ts'),
      '--test',
      example('own-metric/metric.ts'),
      '-d',
      'procedural:3',
      '--robustness',
      '0',
      '--keys',
      '64',
      '-o',
      out,
    ])
    expect([code, err.replaceAll(/^\{.*\n/gm, '')]).toEqual([0, ''])
    expect(printed).toMatch(
      /^running-sum +exact +not contradicted; a bit off one half by [\d.]+ points would have shown, /m,
    )
    expect(printed).toMatch(
      /^lowest-bit: Share of ones in the lowest bit\n {2}running-sum +\d+\.\d{3} % +not contradicted/m,
    )
    const page = readFileSync(join(out, 'report.html'), 'utf8')
    for (const text of [
      'Running sum under a key stream',
      'Share of ones in the lowest bit',
      'ones in the<br>lowest bit',
      'Half of the lowest bits were ones in the ciphers of 3 images.',
    ])
      expect(page).toContain(text)
    const own = rowsOfOwn()
    expect(own).toHaveLength(3)
    for (const { tests, quality } of own)
      expect([quality!.exact, Math.abs(tests!['lowest-bit']!.value - 0.5) < 0.02]).toEqual([true, true])
  })

  test("an attack of one's own breaks that cipher where a nonce is used twice, and only there", async () => {
    const { code, out } = await runLatent([
      'lab',
      'attack',
      '-s',
      example('own-cipher/cipher.ts'),
      '-a',
      example('own-attack/attack.ts'),
      '--keys',
      '1',
      '-o',
      join(scratch, 'attack'),
    ])
    expect(code).toBe(0)
    expect(out).toMatch(/^running-sum +steps +nothing found +1 of 1 queries; SSIM/m)
    expect(out).toMatch(/^running-sum +steps +opened +1 of 1 queries, one nonce; SSIM 1\.000 .*exact$/m)
  })

  test.skipIf(!PYTHON)('Python reads the rows of that run', async () => {
    const python = await run('python3', example('read-rows/rows.py'), join(scratch, 'run'))
    expect(python.err).toBe('')
    const own = rowsOfOwn()
    const entropy = own.reduce((sum, { tests }) => sum + tests!['entropy']!.value, 0) / own.length
    expect(python.out).toMatch(new RegExp(`^running-sum +3 images +3 exact +entropy ${entropy.toFixed(5)} `, 'm'))
  })

  test.skipIf(!CRYPTOGRAPHY)('Python reads a vault: albums, removals, versions and new keys, bit for bit', async () => {
    const [key, vault, photos, out] = ['v.key', 'vault', 'photos', 'read'].map(name => join(scratch, name)) as [
      string,
      string,
      string,
      string,
    ]
    const latent = async (...args: string[]) => {
      const { code, err } = await latentHere(args)
      expect([args[1], code, code === 0 ? '' : err]).toEqual([args[1], 0, ''])
    }
    mkdirSync(join(photos, 'Zürich'), { recursive: true })
    const large = Buffer.alloc(1_700_000, 'many chunks of a photo ')
    writeFileSync(join(photos, 'Zürich/see.jpg'), large)
    writeFileSync(join(photos, 'gone.txt'), 'gone')
    writeFileSync(join(photos, 'changed.txt'), 'before')
    await latent('keygen', '-o', key)
    await latent('vault', 'init', vault, '-i', key)
    await latent('vault', 'add', vault, photos, '-i', key)
    await latent('vault', 'rekey', vault, '-i', key)
    await latent('vault', 'remove', vault, 'gone.txt', '-i', key, '--yes')
    writeFileSync(join(photos, 'changed.txt'), 'and after')
    rmSync(join(photos, 'gone.txt'))
    await latent('vault', 'add', vault, photos, '-i', key, '--album', 'photos')
    await latent('vault', 'add', vault, join(photos, 'Zürich'), '-i', key, '--album', 'family')
    const python = await run('python3', example('read-vault/vault.py'), vault, key, '-o', out)
    expect([python.code, python.err]).toEqual([0, ''])
    expect(python.out.split('\n').map(line => line.split('\t').slice(0, 3).join(' '))).toEqual([
      'family see.jpg 1700000',
      'photos Zürich/see.jpg 1700000',
      'photos changed.txt 9',
      '',
    ])
    expect(readFileSync(join(out, 'photos/Zürich/see.jpg')).equals(large)).toBe(true)
    expect(readFileSync(join(out, 'photos/changed.txt'), 'utf8')).toBe('and after')
    // Every one of them: which are of removed photos and earlier versions, and so never read, their names do not tell.
    const objects = readdirSync(join(vault, 'objects'), { recursive: true }).map(String)
    for (const name of objects.filter(name => name.endsWith('.png'))) {
      const path = join(vault, 'objects', name)
      const bytes = readFileSync(path)
      bytes[120]! ^= 1
      writeFileSync(path, bytes)
    }
    expect((await run('python3', example('read-vault/vault.py'), vault, key, '-o', `${out}2`)).code).not.toBe(0)
  })

  test.skipIf(!CRYPTOGRAPHY)(
    'Python writes a vault: all of it is whole, in the layout of writers, and known',
    async () => {
      const [key, vault, photos, out] = ['w.key', 'written', 'own', 'back'].map(name => join(scratch, name)) as [
        string,
        string,
        string,
        string,
      ]
      const latent = async (...args: string[]) => {
        const { code, out: said, err } = await latentHere(args)
        expect([args[1], code, code === 0 ? '' : err]).toEqual([args[1], 0, ''])
        return said
      }
      // Metadata and hash of 160 bytes: chunks end before, in and behind the hash, and with less than a chunk may have.
      const files: Readonly<Record<string, number>> = {
        'Zürich/see.jpg': 1_700_000,
        empty: 0,
        'a whole chunk': 786_432 - 160,
        'a byte more': 786_432 - 159,
        'a hash in two': 786_432 - 140,
      }
      for (const [name, size] of Object.entries(files)) {
        mkdirSync(dirname(join(photos, name)), { recursive: true })
        writeFileSync(join(photos, name), Buffer.alloc(size, name))
      }
      const python = () => run('python3', example('read-vault/vault.py'), vault, key, '--add', photos)
      await latent('keygen', '-o', key)
      await latent('vault', 'init', vault, '-i', key)
      const added = await python()
      expect([added.code, added.err, added.out.trim().split('\n')]).toEqual([
        0,
        '',
        expect.objectContaining({ length: 5 }),
      ])
      expect(await latent('vault', 'verify', vault, '-i', key)).toMatch(/^intact {3}5 /)
      expect(await latent('vault', 'add', vault, photos, '-i', key)).toMatch(/^added {3}0\nskipped  5 /)
      await latent('vault', 'get', vault, '-o', out, '-i', key)
      for (const name of Object.keys(files))
        expect([name, readFileSync(join(out, name)).equals(readFileSync(join(photos, name)))]).toEqual([name, true])
      const folders = ['objects', 'index'].map(name => join(vault, name))
      for (const folder of folders)
        for (const name of readdirSync(folder, { recursive: true }).map(String)) {
          if (!name.endsWith('.png')) continue
          const png = readFileSync(join(folder, name))
          const { geometry, pixels } = await readCarrier(streamOf(png))
          expect([name, Buffer.from(await collect(writeCarrier(geometry, pixels))).equals(png)]).toEqual([name, true])
        }
      // A second run finds all of it; a file that changed becomes a version.
      expect((await python()).out).toBe('')
      writeFileSync(join(photos, 'empty'), 'no more')
      expect((await python()).out).toBe('added\tempty\n')
      expect(await latent('vault', 'show', vault, 'empty', '-i', key)).toMatch(/^versions +2$/m)
      expect(readdirSync(join(vault, 'writers'))).toEqual([])
    },
  )

  test.skipIf(!CRYPTOGRAPHY)('Python reads the vault of the conformance kit, and the note of each object', async () => {
    const kit = join(import.meta.dirname, '../packages/vault/test/conformance')
    const keys = JSON.parse(readFileSync(join(kit, 'keys.json'), 'utf8')) as { identities: { first: string } }
    const [key, out] = [join(scratch, 'kit.key'), join(scratch, 'kit')]
    writeFileSync(key, `${keys.identities.first}\n`)
    const reading = (vault: string) => run('python3', example('read-vault/vault.py'), vault, key, '-o', out)
    const { code, out: listed, err } = await reading(join(kit, 'vault-1'))
    expect([code, err]).toEqual([0, ''])
    expect(listed.split('\n').map(line => line.split('\t').slice(0, 3).join(' '))).toEqual([
      'photos Zürich/see.jpg 900',
      'photos holiday/IMG_1.jpg 700',
      'photos holiday/IMG_1.jpg.xmp 80',
      '',
    ])
    // An object in the place of another one under its key is told by its note: everything else about it is intact.
    const mixed = join(scratch, 'mixed')
    cpSync(join(kit, 'vault-1'), mixed, { recursive: true })
    const objects = readdirSync(join(mixed, 'objects'), { recursive: true }).map(String)
    const pngs = objects.filter(name => name.endsWith('.png')).map(name => join(mixed, 'objects', name))
    const contents = pngs.map(path => readFileSync(path))
    const refusals: string[] = []
    for (const by of [1, 2, 3]) {
      for (const [i, path] of pngs.entries()) writeFileSync(path, contents[(i + by) % pngs.length]!)
      const ended = await reading(mixed)
      expect(ended.code).not.toBe(0)
      refusals.push(ended.err)
    }
    expect(refusals.filter(text => text.includes("the object is another photo's"))).toHaveLength(1)
  })

  test('sealing with the library gives a PNG that opens to the same bytes, and to nobody else', async () => {
    const [input, sealed, secret] = ['letter.txt', 'letter.png', 'passphrase'].map(name => join(scratch, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(input, "a letter that is nobody else's concern\n".repeat(40))
    writeFileSync(secret, 'correct horse battery staple\n')
    const { code, out, err } = await run(process.execPath, example('seal/seal.ts'), input, sealed, secret)
    expect([code, out, err]).toEqual([0, 'letter.txt: came back bit for bit\n', ''])
    expect(readFileSync(sealed).subarray(1, 4).toString()).toBe('PNG')
    expect(readFileSync(sealed).includes('nobody')).toBe(false)
    const opened = join(scratch, 'opened')
    expect((await latentHere(['open', sealed, '-o', opened, '--passphrase-file', secret])).code).toBe(0)
    expect(readFileSync(join(opened, 'letter.txt'))).toEqual(readFileSync(input))
  })

  test('the small training learns, and started again has nothing left to do', async () => {
    const folder = join(scratch, 'training')
    const first = await run(process.execPath, example('train/recipe.ts'), folder)
    expect([first.code, first.err]).toEqual([0, ''])
    const [, before, after] = /squared error: ([\d.]+) over the first steps, ([\d.]+) over the last/.exec(first.out)!
    expect(Number(after)).toBeLessThan(0.5 * Number(before))
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['checkpoint.safetensors', 'curve.svg', 'log.jsonl', 'weights.safetensors']),
    )
    const weights = readFileSync(join(folder, 'weights.safetensors'))
    expect((await run(process.execPath, example('train/recipe.ts'), folder)).out).toBe(first.out)
    expect(readFileSync(join(folder, 'weights.safetensors'))).toEqual(weights)
  })
})
